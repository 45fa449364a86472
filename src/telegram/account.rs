//! An account: one session of a person or of the bot itself, its connections through grammers, who it is, how large a file it may upload, and how it is.
//!
//! In: an open session file. Out: [`UserAccount`], cheap to clone. Must not: sleep for long on flood waits (the caller shows those), or
//! be used beside another value on the same session (the session's lock sees to it).

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use grammers_client::sender::{ConnectionParams, NoRetries, SenderPool, SenderPoolHandle};
use grammers_client::{Client, InvocationError};
use grammers_session::Session;
use grammers_session::types::{DcOption, PeerAuth, PeerInfo};
use grammers_session::updates::UpdatesLike;
use grammers_tl_types as tl;
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::errors::{self, Verdict};
use super::limits::PartLimits;
use super::session::{FileSession, SelfUser};
use crate::config::Config;
use crate::model::{Failure, Reason};

pub use crate::model::Health;

/// A call that has no answer by then counts as lost; big answers are not asked for here.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// Tries of a call whose connection broke, and the first delay between them; it doubles.
const CALL_ATTEMPTS: u32 = 4;
const CALL_DELAY: Duration = Duration::from_millis(300);

/// Flood waits up to this many seconds are waited out inside [`UserAccount::call`]; longer ones are the caller's to show.
const SHORT_WAIT_S: u32 = 20;

/// One user account.
#[derive(Clone)]
pub struct UserAccount(Arc<Inner>);

struct Inner {
    client: Client,
    handle: SenderPoolHandle,
    session: Arc<FileSession>,
    api_id: i32,
    configured_max_bytes: u64,
    longest_wait_s: u32,
    login_token: Arc<Notify>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    state: RwLock<State>,
}

struct State {
    me: Option<SelfUser>,
    limits: PartLimits,
    health: Health,
}

impl UserAccount {
    /// Makes the account ready; connections are made when the first call needs them. Must run inside a tokio runtime.
    pub fn connect(session: Arc<FileSession>, api_id: i32, config: &Config) -> Result<Self, Failure> {
        let me = session.self_user().map_err(Failure::internal)?;
        let pool = SenderPool::with_configuration(Arc::clone(&session), api_id, connection_params());
        let client = Client::new(pool.handle.clone());
        let login_token = Arc::new(Notify::new());
        let tasks = vec![tokio::spawn(pool.runner.run()), tokio::spawn(watch_updates(pool.updates, Arc::clone(&login_token)))];
        Ok(Self(Arc::new(Inner {
            client,
            handle: pool.handle.thin,
            session,
            api_id,
            configured_max_bytes: config.route.user_account_max_bytes,
            longest_wait_s: config.accounts.longest_wait_s,
            login_token,
            tasks: Mutex::new(tasks),
            state: RwLock::new(State { me, limits: PartLimits::default(), health: Health::Well }),
        })))
    }

    /// Name of its session.
    pub fn name(&self) -> &str {
        self.0.session.name()
    }

    /// Its session file.
    pub fn session(&self) -> &FileSession {
        &self.0.session
    }

    /// Application number that it connects with.
    pub fn api_id(&self) -> i32 {
        self.0.api_id
    }

    /// grammers' client, for what has no call of our own.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    pub(super) fn pool_handle(&self) -> &SenderPoolHandle {
        &self.0.handle
    }

    pub(super) fn login_token(&self) -> &Notify {
        &self.0.login_token
    }

    /// Address and key of the data centre that it lives in, for connections of one's own on the same key.
    pub fn home(&self) -> Option<DcOption> {
        self.0.session.home_dc_option()
    }

    /// Who is logged in, as last seen.
    pub fn me(&self) -> Option<SelfUser> {
        self.read(|state| state.me.clone())
    }

    /// Largest file that it may upload, in bytes.
    pub fn max_bytes(&self) -> u64 {
        self.read(|state| {
            let premium = state.me.as_ref().is_some_and(|me| me.premium);
            state.limits.max_bytes(premium, self.0.configured_max_bytes)
        })
    }

    /// True for the session of a bot.
    pub fn is_bot(&self) -> bool {
        self.read(|state| state.me.as_ref().is_some_and(|me| me.bot))
    }

    /// Longest flood wait that an upload waits out, in seconds; after a longer one it fails, and the account rests.
    pub fn longest_wait_s(&self) -> u32 {
        self.0.longest_wait_s
    }

    /// How it is; whether it rests is the pool's knowledge.
    pub fn health(&self) -> Health {
        self.read(|state| state.health.clone())
    }

    /// True if nothing is known against it.
    pub fn is_well(&self) -> bool {
        self.health() == Health::Well
    }

    /// Takes note of what a failure says about the account itself; a lost session or relay makes it unwell at once. A bot can do without a
    /// relay.
    pub fn report(&self, reason: &Reason) {
        if *reason == Reason::SessionRevoked || (*reason == Reason::RelayGone && !self.is_bot()) {
            self.set_health(Health::Unwell(reason.clone()));
        }
    }

    pub(super) fn set_health(&self, health: Health) {
        let before = self.write(|state| std::mem::replace(&mut state.health, health.clone()));
        if before != health {
            match &health {
                Health::Well => tracing::info!(session = self.name(), "the user account is well"),
                Health::Resting { .. } => {}
                Health::Unwell(reason) => tracing::warn!(session = self.name(), %reason, "the user account is unwell"),
            }
        }
    }

    /// Asks Telegram who is logged in and stores it; `SessionRevoked` if nobody is.
    pub async fn refresh(&self) -> Result<SelfUser, Failure> {
        let request = tl::functions::users::GetUsers { id: vec![tl::enums::InputUser::UserSelf] };
        let users = self.call(&request).await.map_err(errors::failure)?;
        let Some(tl::enums::User::User(user)) = users.into_iter().next() else {
            return Err(Failure::new(Reason::SessionRevoked, anyhow::anyhow!("Telegram knows no user behind this session")));
        };
        let me = self_user(&user);
        self.0.session.set_self_user(Some(&me)).map_err(Failure::internal)?;
        let auth = user.access_hash.map(PeerAuth::from_hash);
        let peer = PeerInfo::User { id: user.id, auth, bot: Some(user.bot), is_self: Some(true) };
        self.0.session.cache_peer(peer).await.map_err(Failure::internal)?;
        self.write(|state| state.me = Some(me.clone()));
        Ok(me)
    }

    /// Asks for the live limits; the documented ones stay if Telegram does not say.
    pub async fn refresh_limits(&self) -> Result<(), Failure> {
        let answer = self.call(&tl::functions::help::GetAppConfig { hash: 0 }).await.map_err(errors::failure)?;
        if let tl::enums::help::AppConfig::Config(config) = answer {
            let limits = PartLimits::from_app_config(&config.config);
            self.write(|state| state.limits = limits);
        }
        Ok(())
    }

    /// Calls a method that may safely be repeated: broken connections are tried again, short flood waits waited out, each try ends in time.
    pub async fn call<R: tl::RemoteCall>(&self, request: &R) -> Result<R::Return, InvocationError> {
        let mut delay = CALL_DELAY;
        let mut attempt = 1;
        loop {
            let error = match self.call_once(request).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            match errors::judge(&error) {
                Verdict::Wait { seconds } if seconds <= SHORT_WAIT_S && attempt < CALL_ATTEMPTS => {
                    tokio::time::sleep(Duration::from_secs(seconds.into())).await;
                }
                Verdict::Again if attempt < CALL_ATTEMPTS => {
                    tokio::time::sleep(delay).await;
                    delay *= 2;
                }
                _ => return Err(error),
            }
            attempt += 1;
        }
    }

    /// Calls a method once, in the home data centre.
    pub async fn call_once<R: tl::RemoteCall>(&self, request: &R) -> Result<R::Return, InvocationError> {
        let answer = match tokio::time::timeout(CALL_TIMEOUT, self.0.client.invoke(request)).await {
            Ok(answer) => answer,
            Err(_) => {
                // grammers would go on with a connection that is dead without saying so.
                if let Some(home) = self.home() {
                    self.0.handle.disconnect_from_dc(home.id);
                }
                Err(InvocationError::Io(std::io::ErrorKind::TimedOut.into()))
            }
        };
        if let Err(error) = &answer
            && let Verdict::Fail(Reason::SessionRevoked) = errors::judge(error)
        {
            self.report(&Reason::SessionRevoked);
        }
        answer
    }

    /// Ends its connections and waits until they are closed. Other clones of the value can make no calls after that.
    pub async fn disconnect(&self) {
        self.0.handle.quit();
        let tasks = std::mem::take(&mut *self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            // A panic inside grammers' task is no reason to fail while closing; it is in the log already.
            let _ = task.await;
        }
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.0.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.0.state.write().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for UserAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("UserAccount").field("name", &self.name()).field("health", &self.health()).finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.handle.quit();
    }
}

fn connection_params() -> ConnectionParams {
    ConnectionParams {
        device_model: "tgferry".to_owned(),
        app_version: env!("CARGO_PKG_VERSION").to_owned(),
        // Waits are shown to people and can be cancelled, so they are ours.
        retry_policy: Box::new(NoRetries),
        ..ConnectionParams::default()
    }
}

/// Updates are of no use to an uploader, but they must be taken from the channel; one of them says that a QR code was scanned.
async fn watch_updates(mut updates: mpsc::Receiver<UpdatesLike>, login_token: Arc<Notify>) {
    let scanned = |update: &tl::enums::Update| matches!(update, tl::enums::Update::LoginToken);
    while let Some(update) = updates.recv().await {
        let told = match &update {
            UpdatesLike::Updates(tl::enums::Updates::UpdateShort(short)) => scanned(&short.update),
            UpdatesLike::Updates(tl::enums::Updates::Updates(many)) => many.updates.iter().any(scanned),
            UpdatesLike::Updates(tl::enums::Updates::Combined(many)) => many.updates.iter().any(scanned),
            _ => false,
        };
        if told {
            login_token.notify_one();
        }
    }
}

fn self_user(user: &tl::types::User) -> SelfUser {
    let names = [user.first_name.as_deref(), user.last_name.as_deref()];
    let name = names.into_iter().flatten().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(" ");
    SelfUser {
        id: user.id,
        name: if name.is_empty() { user.id.to_string() } else { name },
        username: user.username.clone(),
        phone_masked: user.phone.as_deref().map(mask_phone),
        premium: user.premium,
        bot: user.bot,
    }
}

/// Shows the first and last two digits: enough to tell two accounts apart, too little to call one.
fn mask_phone(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < 7 {
        return "•".repeat(digits.len());
    }
    let (first, last): (String, String) = (digits[..2].iter().collect(), digits[digits.len() - 2..].iter().collect());
    format!("+{first}{}{last}", "•".repeat(digits.len() - 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_shown_in_part() {
        assert_eq!(mask_phone("+9996612345"), "+99••••••45");
        assert_eq!(mask_phone("9996612345"), "+99••••••45");
        assert_eq!(mask_phone("12345"), "•••••");
        assert_eq!(mask_phone(""), "");
    }
}
