//! The MTProto face driven by the real grammers client.
//!
//! In: nothing. Out: a stage with a served world and clients on it. It must not use anything that a user of the sandbox could not.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use grammers_client::{Client, SenderPool};
use grammers_mtsender::{ConnectionParams, InvocationError, NoRetries};
use grammers_session::types::{DcOption, PeerAuth, PeerId, PeerRef};
use grammers_session::{Session, storages::MemorySession, updates::UpdatesLike};
use grammers_tl_types as tl;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{DC_ID, Server, serve};
use crate::faults::Faults;
use crate::limits::Limits;
use crate::network::Network;
use crate::verdict::Verdict;
use crate::wire_log::WireLog;
use crate::world::World;
use crate::world::accounts::AccountSpec;

mod channels;
mod login;
mod network;
mod raw;
mod uploads;

const API_ID: i32 = 4242;
const PHONE: &str = "+9996612345";

/// A world that is served until this is dropped.
struct Stage {
    world: World,
    faults: Faults,
    network: Network,
    addr: SocketAddrV4,
    _data: tempfile::TempDir,
    _stop: DropGuard,
    // Fails the test that leaves a fault or a refusal behind.
    _verdict: Verdict,
}

/// A client with its own connection and what it was told unasked.
struct Device {
    client: Client,
    updates: mpsc::Receiver<UpdatesLike>,
    auth_key: [u8; 256],
}

impl Stage {
    async fn new() -> Self {
        let data = tempfile::tempdir().expect("a temporary directory");
        let world = World::new(data.path(), Limits::default());
        let (faults, network) = (Faults::default(), Network::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let addr = match listener.local_addr().expect("an address") {
            SocketAddr::V4(addr) => addr,
            SocketAddr::V6(addr) => panic!("{addr} is not what was bound"),
        };
        let cancel = CancellationToken::new();
        tokio::spawn(serve(
            listener,
            Server::new(world.clone(), faults.clone(), network.clone(), WireLog::default(), Arc::new([(DC_ID, addr)])),
            cancel.clone(),
        ));
        let verdict = Verdict::new(world.clone(), faults.clone(), true);
        Self { world, faults, network, addr, _data: data, _stop: cancel.drop_guard(), _verdict: verdict }
    }

    /// A person with a phone.
    fn account(&self, phone: &str, password: Option<&str>) -> i64 {
        let spec = AccountSpec {
            phone: phone.to_owned(),
            first_name: "Carrier".to_owned(),
            username: Some("carrier".to_owned()),
            premium: false,
            password: password.map(str::to_owned),
        };
        self.world.add_account(&spec).id
    }

    /// A client with a fresh key, not logged in.
    async fn device(&self) -> Device {
        self.device_with(self.world.new_auth_key(), API_ID).await
    }

    async fn device_with(&self, auth_key: [u8; 256], api_id: i32) -> Device {
        let session = Arc::new(MemorySession::default());
        let ipv6 = SocketAddrV6::new(self.addr.ip().to_ipv6_mapped(), self.addr.port(), 0, 0);
        let option = DcOption { id: super::DC_ID, ipv4: self.addr, ipv6, auth_key: Some(auth_key) };
        session.set_dc_option(&option).await.expect("in memory");
        session.set_home_dc_id(super::DC_ID).await.expect("in memory");
        let params = ConnectionParams { retry_policy: Box::new(NoRetries), ..ConnectionParams::default() };
        let SenderPool { runner, handle, updates } = SenderPool::with_configuration(session, api_id, params);
        tokio::spawn(runner.run());
        Device { client: Client::new(handle), updates, auth_key }
    }

    /// A client logged in as the account of [`PHONE`].
    async fn carrier(&self) -> Device {
        if self.world.accounts().user_by_phone(PHONE).is_none() {
            self.account(PHONE, None);
        }
        let device = self.device().await;
        let token = device.client.request_login_code(PHONE, "hash").await.expect("a code is sent");
        let code = self.world.login_code(PHONE).expect("the code that was sent");
        device.client.sign_in(&token, &code).await.expect("the right code");
        device
    }
}

impl Device {
    /// Makes a broadcast channel and gives it as a peer.
    async fn channel(&self, title: &str) -> PeerRef {
        let create = tl::functions::channels::CreateChannel {
            broadcast: true,
            megagroup: false,
            for_import: false,
            forum: false,
            title: title.to_owned(),
            about: String::new(),
            geo_point: None,
            address: None,
            ttl_period: None,
        };
        let updates = self.client.invoke(&create).await.expect("a channel");
        let tl::enums::Updates::Updates(updates) = updates else {
            panic!("not updates: {updates:?}");
        };
        let [tl::enums::Chat::Channel(channel)] = &updates.chats[..] else {
            panic!("not one channel: {:?}", updates.chats);
        };
        assert!(channel.creator && channel.broadcast);
        PeerRef {
            id: PeerId::channel_unchecked(channel.id),
            auth: PeerAuth::from_hash(channel.access_hash.expect("one's own channel has a hash")),
        }
    }

    /// The channel of a peer as a TL input.
    fn input(peer: PeerRef) -> tl::enums::InputChannel {
        peer.into()
    }
}

/// The code and the name of a refused call, as grammers gives them: the number in a name comes last (`FILE_PART_MISSING_0`).
fn refusal<T: std::fmt::Debug>(result: Result<T, InvocationError>) -> (i32, String) {
    match result {
        Err(InvocationError::Rpc(error)) => {
            let value = error.value.map(|value| format!("_{value}")).unwrap_or_default();
            (error.code, error.name + &value)
        }
        other => panic!("not refused by name: {other:?}"),
    }
}

/// The next thing the client was told unasked.
async fn told(device: &mut Device) -> UpdatesLike {
    let next = tokio::time::timeout(Duration::from_secs(10), device.updates.recv());
    next.await.expect("told in time").expect("the pool lives")
}
