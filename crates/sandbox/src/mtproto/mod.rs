//! The MTProto face: TCP connections of real clients, from frames to calls on the world.
//!
//! In: connections. Out: answers and updates as a Telegram data centre gives them. Layers, outermost first: `transport`, `exchange` (auth keys; they can
//! also be minted by `Accounts::new_auth_key`), `crypto` (MTProto 2.0), `wire` + `session` + `checks` + `salts` (message layer), `dispatch` and `services`
//! (calls). It must not keep state of the world here.

use std::net::SocketAddrV4;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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
mod key_uses;
mod migrate;
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
mod tl_service;
mod tl_topic;
mod tl_update;
mod tl_view;
mod transport;
mod unacked;
mod wire;

/// The data centre that is always there.
pub(crate) const DC_ID: i32 = crate::world::accounts::MAIN_DC;
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
    pub(crate) key_uses: key_uses::KeyUses,
    /// Connections so far, of all data centres.
    connections: Arc<AtomicU64>,
    /// The data centre that this server is.
    pub(crate) dc_id: i32,
    /// All data centres, with their addresses.
    pub(crate) all: Arc<[(i32, SocketAddrV4)]>,
}

impl Server {
    pub(crate) fn new(world: World, faults: Faults, network: Network, wire: WireLog, all: Arc<[(i32, SocketAddrV4)]>) -> Self {
        let sessions = session::Sessions::new(world.accounts().clock().clone());
        Self {
            world,
            faults,
            network,
            wire,
            sessions,
            key_uses: key_uses::KeyUses::default(),
            connections: Arc::default(),
            dc_id: DC_ID,
            all,
        }
    }

    /// Another data centre of the same Telegram; it has sessions of its own.
    pub(crate) fn at(&self, dc_id: i32) -> Self {
        let sessions = session::Sessions::new(self.world.accounts().clock().clone());
        Self { dc_id, sessions, key_uses: key_uses::KeyUses::default(), ..self.clone() }
    }

    /// Where a data centre listens.
    pub(crate) fn address_of(&self, dc_id: i32) -> Option<SocketAddrV4> {
        self.all.iter().find(|(id, _)| *id == dc_id).map(|(_, address)| *address)
    }
}

/// Serves connections until `cancel`; then closes them and returns.
pub(crate) async fn serve(listener: TcpListener, server: Server, cancel: CancellationToken) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = cancel.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let number = server.connections.fetch_add(1, Ordering::Relaxed) + 1;
                let cut = cancel.child_token();
                connections.spawn(connection::run(stream, number, server.clone(), cut));
            }
            Err(error) => tracing::warn!(%error, "accepting a connection failed"),
        }
    }
    connections.close();
    connections.wait().await;
}
