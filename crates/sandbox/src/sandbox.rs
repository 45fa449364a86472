//! Starting and stopping: one world, its two faces, the control API and the page.
//!
//! In: a [`SandboxConfig`]. Out: a running [`Sandbox`] and handles on what is in it. Everything stops when it is dropped. It must not judge calls.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::bot_api::Face;
use crate::cut::{Cut, CuttableListener};
use crate::faults::Faults;
use crate::limits::Limits;
use crate::mtproto::exchange::server_key::RsaPublicKey;
use crate::network::Network;
use crate::user::TestUser;
use crate::verdict::Verdict;
use crate::wire_log::WireLog;
use crate::world::accounts::AccountSpec;
use crate::world::{Counters, User, World};
use crate::{control, http_wire, mtproto};

/// How long [`Sandbox::stop`] waits for open connections.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// Where to listen and what to allow.
#[derive(Debug, Clone)]
pub struct SandboxConfig {
    /// Of the Bot API, the control API and the page; port 0 takes a free one.
    pub http: SocketAddr,
    /// Of MTProto, data centre 2; port 0 takes a free one.
    pub mtproto: SocketAddr,
    /// More data centres, by number; port 0 takes a free one.
    pub other_dcs: Vec<(i32, SocketAddr)>,
    /// The folder for files; a temporary one if not given.
    pub data: Option<PathBuf>,
    /// Telegram's limits.
    pub limits: Limits,
    /// A test fails that drops (or stops) the sandbox while there are [`Sandbox::leftovers`].
    pub strict: bool,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { http: free, mtproto: free, other_dcs: Vec::new(), data: None, limits: Limits::default(), strict: false }
    }
}

/// A bot that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BotInfo {
    /// Its user id.
    pub id: i64,
    /// For the Bot API.
    pub token: String,
    /// Without the `@`.
    pub username: String,
}

/// An account that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountInfo {
    /// Its user id.
    pub id: i64,
    /// Its number.
    pub phone: String,
}

/// A running loopback Telegram. It stops when it is dropped.
pub struct Sandbox {
    world: World,
    faults: Faults,
    network: Network,
    wire: WireLog,
    http: SocketAddr,
    dcs: Arc<[(i32, SocketAddrV4)]>,
    tasks: TaskTracker,
    cancel: DropGuard,
    verdict: Verdict,
    // Goes away with its files.
    _temporary: Option<TempDir>,
}

impl Sandbox {
    /// Listens and serves. Errors: an address is taken, a folder cannot be made, the MTProto address is not IPv4.
    pub async fn start(config: SandboxConfig) -> anyhow::Result<Self> {
        let (data, temporary) = match config.data {
            Some(data) => (data, None),
            None => {
                let folder = tempfile::Builder::new().prefix("sandbox-").tempdir().context("making a temporary folder")?;
                (folder.path().to_owned(), Some(folder))
            }
        };
        std::fs::create_dir_all(&data).with_context(|| format!("making the folder {}", data.display()))?;
        let world = World::new(&data, config.limits);
        let (faults, network, wire) = (Faults::default(), Network::default(), WireLog::default());
        let cancel = CancellationToken::new();
        let tasks = TaskTracker::new();

        let http = TcpListener::bind(config.http).await.with_context(|| format!("listening on {}", config.http))?;
        let http_address = http.local_addr()?;
        let face = Face::new(world.clone(), faults.clone(), cancel.clone(), tasks.clone());
        let app = control::router(world.clone(), faults.clone(), network.clone(), wire.clone(), cancel.clone());
        let app = app.merge(http_wire::noted(face.router(), world.clone(), wire.clone()));
        let service = app.into_make_service_with_connect_info::<Cut>();
        let serving = axum::serve(CuttableListener::new(http), service).with_graceful_shutdown(cancel.clone().cancelled_owned());
        tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "HTTP ended");
            }
        });

        let mut listeners = Vec::new();
        for (dc_id, address) in [(mtproto::DC_ID, config.mtproto)].into_iter().chain(config.other_dcs) {
            let listener = TcpListener::bind(address).await.with_context(|| format!("listening on {address}"))?;
            let SocketAddr::V4(bound) = listener.local_addr()? else {
                anyhow::bail!("the MTProto address must be IPv4: {address}");
            };
            listeners.push((dc_id, bound, listener));
        }
        let dcs: Arc<[_]> = listeners.iter().map(|(dc_id, address, _)| (*dc_id, *address)).collect();
        let server = mtproto::Server::new(world.clone(), faults.clone(), network.clone(), wire.clone(), dcs.clone());
        for (dc_id, _, listener) in listeners {
            tasks.spawn(mtproto::serve(listener, server.at(dc_id), cancel.clone()));
        }
        tasks.close();
        let verdict = Verdict::new(world.clone(), faults.clone(), config.strict);
        Ok(Self {
            world,
            faults,
            network,
            wire,
            http: http_address,
            dcs,
            tasks,
            cancel: cancel.drop_guard(),
            verdict,
            _temporary: temporary,
        })
    }

    /// Ends all tasks and waits for them.
    pub async fn stop(self) {
        let Self { tasks, cancel, .. } = self;
        cancel.disarm().cancel();
        if tokio::time::timeout(STOP_WITHIN, tasks.wait()).await.is_err() {
            tracing::warn!("a connection did not end in time");
        }
    }

    /// The address of the Bot API: what `Bot::set_api_url` of teloxide takes.
    pub fn bot_api_url(&self) -> String {
        format!("http://{}", self.http)
    }

    /// The address of the control API.
    pub fn control_url(&self) -> String {
        format!("http://{}/control", self.http)
    }

    /// The address of the main data centre.
    pub fn mtproto_addr(&self) -> SocketAddrV4 {
        // The first one is always made.
        self.dcs[0].1
    }

    /// All data centres with their addresses, the main one first.
    pub fn data_centres(&self) -> &[(i32, SocketAddrV4)] {
        &self.dcs
    }

    /// The number of the main data centre.
    pub fn dc_id(&self) -> i32 {
        mtproto::DC_ID
    }

    /// The data centre's RSA key, for clients that make their auth keys themselves and can be told whom to trust.
    pub fn rsa_public_key(&self) -> &RsaPublicKey {
        mtproto::public_key()
    }

    /// Mints a pre-shared auth key that nobody is logged in with.
    pub fn new_auth_key(&self) -> [u8; 256] {
        self.world.new_auth_key()
    }

    /// Makes a bot.
    pub fn create_bot(&self, username: &str) -> BotInfo {
        let bot = self.world.change(|state| state.add_bot(username));
        BotInfo { id: bot.id, token: bot.token, username: username.to_owned() }
    }

    /// Makes a person in the chat app.
    pub fn create_user(&self, username: &str) -> User {
        self.world.add_person_named(username)
    }

    /// Makes a person who can also log in by MTProto. With a password it takes some 100 ms of CPU.
    pub fn create_account(&self, spec: AccountSpec) -> AccountInfo {
        let user = self.world.add_account(&spec);
        AccountInfo { id: user.id, phone: spec.phone }
    }

    /// The code that Telegram "sent" last.
    pub fn login_code(&self, phone: &str) -> Option<String> {
        self.world.login_code(phone)
    }

    /// Be the person `username` in the chat with `bot`; the person is made if there is none.
    pub fn user(&self, username: &str, bot: &BotInfo) -> TestUser {
        let known = self.world.read(|state| state.users.named(username).cloned());
        let user = known.unwrap_or_else(|| self.create_user(username));
        TestUser::new(self.world.clone(), bot.id, user.id)
    }

    /// The world, to look at and to change.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The scripted faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The network in front of the MTProto face.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// What came over both faces, call by call.
    pub fn wire(&self) -> &WireLog {
        &self.wire
    }

    /// Calls and bytes so far.
    pub fn counters(&self) -> Counters {
        self.world.read(|state| state.counters.clone())
    }

    /// What a test must not end with: faults that never came to pass, and calls that were not understood, one line for each. A sandbox that was started
    /// strict fails the test by itself.
    pub fn leftovers(&self) -> Vec<String> {
        self.verdict.leftovers()
    }

    /// Methods that are not served and arguments that could not be read. A test that makes such a call on purpose takes them out by
    /// [`World::take_refusals`].
    pub fn refusals(&self) -> Vec<String> {
        self.world.read(|state| state.refusals.clone())
    }

    /// What real Telegram would have ignored without a word.
    pub fn warnings(&self) -> Vec<String> {
        self.world.read(|state| state.warnings.clone())
    }
}
