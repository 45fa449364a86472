//! The MTProto face: TCP connections of real clients, from frames to calls on the world.
//!
//! In: connections. Out: answers and updates as a Telegram data centre gives them. Layers, outermost first: `transport`, `exchange` (auth keys; they can
//! also be minted by `Accounts::new_auth_key`), `crypto` (MTProto 2.0), `wire` + `session` + `checks` + `salts` (message layer), `dispatch` and `services`
//! (calls). It must not keep state of the world here.

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::faults::Faults;
use crate::network::Network;
use crate::wire_log::WireLog;
use crate::world::World;

mod buffers;
mod checks;
mod connection;
mod crypto;
mod dispatch;
mod entities;
pub(crate) mod exchange;
mod feed;
mod peers;
mod rpc_error;
mod salts;
mod service_messages;
mod services;
mod session;
#[cfg(test)]
mod tests;
mod tl_blank;
mod tl_message;
mod tl_update;
mod tl_view;
mod transport;
mod unacked;
mod wire;

/// The one data centre of this Telegram.
pub(crate) const DC_ID: i32 = 2;
/// The layer that grammers 0.11 speaks.
pub(crate) const LAYER: i32 = 230;

/// The RSA key that key exchanges are done with.
pub(crate) fn public_key() -> &'static exchange::server_key::RsaPublicKey {
    exchange::server_key::SERVER_KEY.public()
}

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) network: Network,
    pub(crate) wire: WireLog,
    pub(crate) sessions: session::Sessions,
}

impl Server {
    pub(crate) fn new(world: World, faults: Faults, network: Network, wire: WireLog) -> Self {
        Self { world, faults, network, wire, sessions: session::Sessions::default() }
    }
}

/// Serves connections until `cancel`; then closes them and returns.
pub(crate) async fn serve(listener: TcpListener, server: Server, cancel: CancellationToken) {
    let connections = TaskTracker::new();
    let mut accepted_connections = 0;
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                accepted_connections += 1;
                let cut = cancel.child_token();
                connections.spawn(connection::run(stream, accepted_connections, server.clone(), cut));
            }
            Err(error) => tracing::warn!(%error, "accepting a connection failed"),
        }
    }
    connections.close();
    connections.wait().await;
}
