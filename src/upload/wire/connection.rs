//! An open connection to a data centre: what the rest of the uploader sees of it.
//!
//! In: an address, an authorization key, calls and parts. Out: answers. Must not: reconnect, or repeat what was answered with an error.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use grammers_client::InvocationError;
use grammers_tl_types::{self as tl, Deserializable, Serializable};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::buffer::{PartBuffer, PartCall};
use super::packets;
use super::traffic::{Answer, Call, Content, Traffic};

/// Time to a connection, and to the answer to the introduction.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

/// An open connection. Dropping it ends it at once; calls in flight then fail as dropped.
#[derive(Debug)]
pub struct Connection {
    calls: mpsc::UnboundedSender<Call>,
    task: AbortHandle,
}

impl Connection {
    /// Connects and introduces itself (`invokeWithLayer(initConnection(…))`); at most 15 s for each of the two.
    pub async fn open(address: SocketAddr, auth_key: [u8; 256], api_id: i32) -> Result<Self, InvocationError> {
        let timed_out = || InvocationError::Io(io::ErrorKind::TimedOut.into());
        let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect(address)).await.map_err(|_| timed_out())??;
        stream.set_nodelay(true)?;
        let (calls, queue) = mpsc::unbounded_channel();
        let task = tokio::spawn(Traffic::new(stream, auth_key).run(queue)).abort_handle();
        let connection = Self { calls, task };
        timeout(CONNECT_TIMEOUT, connection.invoke(introduction(api_id))).await.map_err(|_| timed_out())??;
        Ok(connection)
    }

    /// Sends one call and waits for its answer. Calls from several tasks go side by side.
    ///
    /// Errors: what the server answered (`Rpc`); or how the connection ended, and then whether the call was carried out is not known.
    pub async fn invoke(&self, body: Vec<u8>) -> Result<Vec<u8>, InvocationError> {
        if body.len() > packets::MAX_BYTES || !body.len().is_multiple_of(4) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput).into());
        }
        self.send(Content::Body(body)).await
    }

    /// Sends one part and waits until it is stored (true). The buffer goes back to its pool with the answer, or when this is cancelled and the
    /// connection has noticed. Errors: as [`Connection::invoke`]; the part may be sent again, also on another connection.
    pub async fn save_part(&self, part: PartCall, bytes: PartBuffer) -> Result<bool, InvocationError> {
        let answer = self.send(Content::Part(part, bytes)).await?;
        Ok(bool::from_bytes(&answer)?)
    }

    /// False once it has ended: no call will succeed any more.
    pub fn is_open(&self) -> bool {
        !self.calls.is_closed()
    }

    async fn send(&self, content: Content) -> Answer {
        let (answer, receiver) = oneshot::channel();
        let closed = || InvocationError::Dropped("the connection for parts is closed");
        self.calls.send(Call { content, answer }).map_err(|_| closed())?;
        receiver.await.unwrap_or_else(|_| Err(closed()))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn introduction(api_id: i32) -> Vec<u8> {
    tl::functions::InvokeWithLayer {
        layer: tl::LAYER,
        query: tl::functions::InitConnection {
            api_id,
            device_model: "tgferry".to_owned(),
            system_version: std::env::consts::OS.to_owned(),
            app_version: env!("CARGO_PKG_VERSION").to_owned(),
            system_lang_code: "en".to_owned(),
            lang_pack: String::new(),
            lang_code: "en".to_owned(),
            proxy: None,
            params: None,
            query: tl::functions::help::GetConfig {},
        },
    }
    .to_bytes()
}
