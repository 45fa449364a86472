//! A connection for parts that is made when it is needed and made again when it breaks.
//!
//! In: an account. Out: parts sent to its home data centre. Must not: repeat one; whoever sends it knows whether it may be repeated.

use std::sync::Arc;

use grammers_client::InvocationError;
use tokio::sync::Mutex;

use super::wire::{Connection, PartBuffers, PartCall};
use crate::telegram::account::UserAccount;
use crate::telegram::errors::{self, Verdict};

/// One upload's line to Telegram.
pub(super) struct Link {
    account: UserAccount,
    current: Mutex<Option<Arc<Connection>>>,
    buffers: PartBuffers,
}

impl Link {
    /// A line with room for so many parts in flight.
    pub(super) fn new(account: UserAccount, parts_in_flight: usize) -> Self {
        Self { account, current: Mutex::new(None), buffers: PartBuffers::new(parts_in_flight) }
    }

    /// Longest flood wait that is waited out, in seconds.
    pub(super) fn longest_wait_s(&self) -> u32 {
        self.account.longest_wait_s()
    }

    /// Sends one part; true if it is stored. A connection that failed under it is not used again.
    pub(super) async fn save_part(&self, part: PartCall, bytes: &[u8]) -> Result<bool, InvocationError> {
        let mut buffer = self.buffers.take().await;
        buffer.bytes_mut(bytes.len()).copy_from_slice(bytes);
        let connection = self.connection().await?;
        let answer = connection.save_part(part, buffer).await;
        if let Err(error) = &answer {
            // An answer of Telegram itself, be it an error, shows that the connection is good.
            if !matches!(error, InvocationError::Rpc(_)) {
                self.forget(&connection).await;
            }
            if let Verdict::Fail(reason) = errors::judge(error) {
                self.account.report(&reason);
            }
        }
        answer
    }

    /// Several parts that meet a broken connection at once open one new one.
    async fn connection(&self) -> Result<Arc<Connection>, InvocationError> {
        let mut current = self.current.lock().await;
        if let Some(connection) = &*current {
            return Ok(Arc::clone(connection));
        }
        let home = self.account.home().ok_or(InvocationError::InvalidDc)?;
        let auth_key = home.auth_key.ok_or(InvocationError::Dropped("the session has no key"))?;
        let connection = Arc::new(Connection::open(home.ipv4.into(), auth_key, self.account.api_id()).await?);
        *current = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn forget(&self, broken: &Arc<Connection>) {
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|connection| Arc::ptr_eq(connection, broken)) {
            *current = None;
        }
    }
}
