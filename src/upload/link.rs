//! A connection for parts that is made when it is needed and made again when it breaks.
//!
//! In: an account. Out: calls on its home data centre. Must not: repeat a call; whoever sends it knows whether it may be repeated.

use std::sync::Arc;

use grammers_client::InvocationError;
use grammers_tl_types::{Deserializable, RemoteCall};
use tokio::sync::Mutex;

use super::connection::Connection;
use crate::telegram::account::UserAccount;
use crate::telegram::errors::{self, Verdict};

/// One upload's line to Telegram.
pub(super) struct Link {
    account: UserAccount,
    current: Mutex<Option<Arc<Connection>>>,
}

impl Link {
    pub(super) fn new(account: UserAccount) -> Self {
        Self { account, current: Mutex::new(None) }
    }

    /// Longest flood wait that is waited out, in seconds.
    pub(super) fn longest_wait_s(&self) -> u32 {
        self.account.longest_wait_s()
    }

    /// Sends one call; a connection that failed under it is not used again.
    pub(super) async fn invoke<R: RemoteCall>(&self, request: &R) -> Result<R::Return, InvocationError> {
        let connection = self.connection().await?;
        match connection.invoke(request.to_bytes()).await {
            Ok(answer) => Ok(R::Return::from_bytes(&answer)?),
            Err(error) => {
                // An answer of Telegram itself, be it an error, shows that the connection is good.
                if !matches!(error, InvocationError::Rpc(_)) {
                    self.forget(&connection).await;
                }
                if let Verdict::Fail(reason) = errors::judge(&error) {
                    self.account.report(&reason);
                }
                Err(error)
            }
        }
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
