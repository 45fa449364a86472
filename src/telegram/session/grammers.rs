//! What grammers asks of a session.
//!
//! In: its calls, the cheap ones on every request. Out: answers from the cache, writes to the file. Must not: wait for the network.

use grammers_session::types::{DcOption, PeerId, PeerInfo, UpdateState, UpdatesState};
use grammers_session::{BoxFuture, Session};

use super::{FileSession, SessionError, sql};

impl Session for FileSession {
    type Error = SessionError;

    fn home_dc_id(&self) -> Result<i32, SessionError> {
        Ok(self.cache().home_dc)
    }

    fn set_home_dc_id(&self, dc_id: i32) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(async move {
            self.cache().home_dc = dc_id;
            sql::set_home_dc(&self.connection(), dc_id)
        })
    }

    fn dc_option(&self, dc_id: i32) -> Result<Option<DcOption>, SessionError> {
        Ok(self.cache().dc_options.get(&dc_id).cloned())
    }

    fn set_dc_option(&self, dc_option: &DcOption) -> BoxFuture<'_, Result<(), SessionError>> {
        let dc_option = dc_option.clone();
        Box::pin(async move {
            let known = self.cache().dc_options.insert(dc_option.id, dc_option.clone());
            // It is called at each connection with what is known already; the disk need not hear of it again.
            if known.as_ref() == Some(&dc_option) && dc_option.auth_key.is_none() {
                return Ok(());
            }
            sql::set_dc_option(&self.connection(), &dc_option)
        })
    }

    fn peer(&self, peer: PeerId) -> BoxFuture<'_, Result<Option<PeerInfo>, SessionError>> {
        Box::pin(async move { sql::peer(&self.connection(), peer) })
    }

    fn cache_peer(&self, peer: PeerInfo) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(async move { sql::cache_peer(&self.connection(), &peer) })
    }

    fn updates_state(&self) -> BoxFuture<'_, Result<UpdatesState, SessionError>> {
        Box::pin(async move { sql::updates_state(&self.connection()) })
    }

    fn set_update_state(&self, update: UpdateState) -> BoxFuture<'_, Result<(), SessionError>> {
        Box::pin(async move { sql::set_update_state(&mut self.connection(), update) })
    }
}
