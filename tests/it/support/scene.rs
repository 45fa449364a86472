//! A scene: a loopback Telegram with a bot, people and an account, a site, and a home for the daemon.
//!
//! In: settings that differ from the defaults. Out: everything that a flow speaks about. Must not: relax what Telegram would refuse.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tgferry_sandbox::world::files::Lane;
use tgferry_sandbox::{AccountSpec, BotInfo, ChatRef, MediaView, MessageView, Sandbox, SandboxConfig, TestUser};

use super::daemon::{Daemon, Home};
use super::site::{Answer, Gate, Site};

/// How long a flow waits for one thing to be seen.
pub const WITHIN: Duration = Duration::from_secs(40);
/// The account's phone number and password.
pub const PHONE: &str = "+9996612345";
/// The second factor of the account.
pub const PASSWORD: &str = "harbour master";

/// All that a flow speaks about.
pub struct Scene {
    /// The loopback Telegram.
    pub telegram: Sandbox,
    /// The bot.
    pub bot: BotInfo,
    /// Where things are fetched from.
    pub site: Site,
    /// Where the daemon lives.
    pub home: Home,
}

impl Scene {
    /// A scene with the usual settings.
    pub async fn new() -> Self {
        Self::with("").await
    }

    /// A scene with more settings, as TOML tables. `NEW_KEY` in them becomes a fresh auth key.
    pub async fn with(settings: &str) -> Self {
        Self::at(SandboxConfig::default(), settings).await
    }

    /// A scene at a Telegram of its own settings.
    pub async fn at(telegram: SandboxConfig, settings: &str) -> Self {
        let telegram = Sandbox::start(SandboxConfig { strict: true, ..telegram }).await.unwrap();
        let bot = telegram.create_bot("ferry_bot");
        telegram.create_account(AccountSpec {
            phone: PHONE.into(),
            first_name: "Carrier".into(),
            username: None,
            premium: false,
            password: Some(PASSWORD.into()),
        });
        for name in ["ann", "ben"] {
            telegram.create_user(name);
        }
        let key = hex(&telegram.new_auth_key());
        let base = format!(
            r#"
            telegram = {{ bot_token = "{token}", api_id = 1, api_hash = "0123456789abcdef0123456789abcdef", bot_api_url = "{url}", environment = "custom", custom = {{ dc_id = {dc}, address = "{address}", auth_key = "{key}" }} }}
            storage = {{ database = "data/tgferry.db", work_dir = "work", sessions_dir = "sessions" }}
            "#,
            token = bot.token,
            url = telegram.bot_api_url(),
            dc = telegram.dc_id(),
            address = telegram.mtproto_addr(),
        );
        let usual = toml::from_str::<toml::Table>(&format!(
            r#"{base}
            [bot]
            status_interval_ms = 1000
            poll_timeout_s = 5
            [relay]
            check_interval_s = 1
            [fetch]
            allow_private_addresses = true
            keep_free_bytes = 0
            yt_dlp = "{}"
            resume_attempts = 2
            [media]
            niceness = 0
            [queue]
            retry_delay_ms = 100
            max_retry_delay_ms = 400
            attempts = 4
            [log]
            filter = "info"
            "#,
            yt_dlp()
        ))
        .unwrap();
        let settings = settings.replace("NEW_KEY", &hex(&telegram.new_auth_key()));
        let config = merge(usual, toml::from_str(&settings).unwrap());
        let home = Home::new(&toml::to_string(&config).unwrap());
        Self { telegram, bot, site: Site::start().await, home }
    }

    /// A scene whose account is logged in with its relay channel.
    pub async fn logged_in() -> Self {
        Self::logged_in_with("").await
    }

    /// The same with more settings.
    pub async fn logged_in_with(settings: &str) -> Self {
        let scene = Self::with(settings).await;
        scene.log_in().await;
        scene
    }

    /// Logs the account in as a person would, through `tgferry login`.
    pub async fn log_in(&self) {
        self.log_in_by(self.home.command(&["login", "--phone", PHONE]), PHONE, &[PASSWORD]).await;
    }

    /// Another account, logged in beside the first, with a relay channel of its own.
    pub async fn log_in_another(&self, name: &str, phone: &str) {
        self.telegram.create_account(AccountSpec {
            phone: phone.into(),
            first_name: name.into(),
            username: None,
            premium: false,
            password: None,
        });
        let mut command = self.home.command(&["login", "--name", name, "--phone", phone]);
        command.env("TGFERRY_TELEGRAM__CUSTOM__AUTH_KEY", hex(&self.telegram.new_auth_key()));
        self.log_in_by(command, phone, &[]).await;
    }

    /// Answers what a log-in asks: for the code, then for these.
    async fn log_in_by(&self, command: std::process::Command, phone: &str, answers: &[&str]) {
        use tokio::io::AsyncWriteExt;
        let mut command = tokio::process::Command::from(command);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let finished = tokio::spawn(child.wait_with_output());
        let code = until("a code was asked for", || self.telegram.login_code(phone)).await;
        for line in std::iter::once(code.as_str()).chain(answers.iter().copied()) {
            stdin.write_all(format!("{line}\n").as_bytes()).await.unwrap();
        }
        drop(stdin);
        let output = tokio::time::timeout(WITHIN, finished).await.expect("the login did not end").unwrap().unwrap();
        assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }

    /// Waits until the newest job is in this stage, as the daemon's database has it.
    pub async fn reaches_stage(&self, stage: &str) {
        let path = self.home.folder.path().join("data/tgferry.db");
        let look = || {
            let database = rusqlite::Connection::open(&path).ok()?;
            let now: String = database.query_row("SELECT stage FROM jobs ORDER BY id DESC LIMIT 1", [], |row| row.get(0)).ok()?;
            (now == stage).then_some(())
        };
        until(&format!("a job in the stage {stage}"), look).await;
    }

    /// Has a person choose the video behind a new link, and holds its download back half way, until the gate is opened.
    pub async fn holds_download(&self, person: &TestUser, path: &str, clip: PathBuf) -> Arc<Gate> {
        let gate = Gate::closed();
        person.sends(&self.site.serve(path, Answer::File(clip.clone()))).await;
        person.sees("a card", WITHIN, |message| has_button(message, "Video")).await.unwrap();
        self.site.serve(path, Answer::Gated(clip, gate.clone()));
        chooses(person, "Video").await;
        gate.reached(1).await;
        gate
    }

    /// Waits until a method was called so often, by either face.
    pub async fn called(&self, method: &str, times: u64) {
        let look = || {
            let counters = self.telegram.counters();
            (counters.mtproto_calls(method) + counters.bot_api_calls(method) >= times).then_some(())
        };
        until(&format!("{times} calls of {method}"), look).await;
    }

    /// The relay channels, deleted ones too, as the sandbox numbers them.
    fn relays(&self) -> Vec<i64> {
        self.telegram.world().read(|state| state.channels.keys().copied().collect())
    }

    /// Files that stand in relay channels.
    pub fn files_in_relays(&self) -> usize {
        let world = self.telegram.world();
        self.relays().into_iter().flat_map(|id| world.views(ChatRef::Channel(id))).filter(|message| message.media.is_some()).count()
    }

    /// Deletes what stands in the relay channels.
    pub fn empties_relays(&self) {
        for id in self.relays() {
            for message in self.telegram.world().views(ChatRef::Channel(id)) {
                self.telegram.world().delete_message(ChatRef::Channel(id), message.message_id);
            }
        }
    }

    /// Deletes the newest file in the relay channels.
    pub fn loses_one_of_the_relay(&self) {
        let world = self.telegram.world();
        let files = self
            .relays()
            .into_iter()
            .map(ChatRef::Channel)
            .flat_map(|relay| world.views(relay).into_iter().map(move |message| (relay, message)));
        let newest = files.filter(|(_, message)| message.media.is_some()).max_by_key(|(_, message)| message.message_id);
        let (relay, message) = newest.expect("a file in a relay");
        world.delete_message(relay, message.message_id);
    }

    /// Deletes the relay channels.
    pub fn deletes_relays(&self) {
        for id in self.relays() {
            self.telegram.world().delete_channel(id);
        }
    }

    /// A person in the chat with the bot; says `/start` first, as a person must.
    pub async fn person(&self, name: &str) -> TestUser {
        let person = self.telegram.user(name, &self.bot);
        person.sends("/start").await;
        person.sees("a welcome", WITHIN, |message| message.from_bot && message.text.is_some()).await.unwrap();
        person
    }

    /// Starts the daemon.
    pub fn daemon(&self) -> Daemon {
        self.home.start()
    }

    /// At the end of a flow: everything scripted happened, and nothing was refused.
    pub fn ends_well(&self) {
        assert_eq!(self.telegram.refusals(), Vec::<String>::new());
        assert!(self.telegram.faults().unconsumed().is_empty(), "{:?}", self.telegram.faults().unconsumed());
    }
}

/// Sees the card and presses a button on it.
pub async fn chooses(person: &TestUser, button: &str) {
    person.sees("a card", WITHIN, |message| has_button(message, button)).await.unwrap();
    person.presses(button).await.unwrap();
}

/// Sees a file arrive.
pub async fn gets(person: &TestUser, kind: &str) -> MessageView {
    person
        .sees(kind, WITHIN, |message| message.media.as_ref().is_some_and(|media| media.kind == kind) && message.buttons.is_empty())
        .await
        .unwrap()
}

/// Sees a text of the bot that holds this.
pub async fn reads(person: &TestUser, text: &str) -> MessageView {
    person
        .sees(text, WITHIN, |message| {
            message.from_bot && message.text.as_deref().or(message.caption.as_deref()).is_some_and(|shown| shown.contains(text))
        })
        .await
        .unwrap()
}

/// Sees a file arrive that came after this message.
pub async fn gets_after(person: &TestUser, message_id: i32, kind: &str) -> MessageView {
    let fits = |message: &MessageView| {
        message.message_id > message_id && message.buttons.is_empty() && message.media.as_ref().is_some_and(|media| media.kind == kind)
    };
    person.sees(kind, WITHIN, fits).await.unwrap()
}

/// Waits until all that can be seen is as wanted.
pub async fn sees_all(person: &TestUser, what: &str, wanted: impl Fn(&[MessageView]) -> bool) {
    until(what, || wanted(&person.messages()).then_some(())).await;
}

/// The way a file took.
pub fn lane(media: &MediaView) -> &'static str {
    match media.lane {
        Lane::BotApi => "bot_api",
        Lane::Mtproto => "mtproto",
    }
}

/// Looks again and again until there is an answer, for what can't be waited for in another way: another process's files.
pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let mut ticks = tokio::time::interval(Duration::from_millis(15));
    let waiting = async {
        loop {
            ticks.tick().await;
            if let Some(found) = look() {
                return found;
            }
        }
    };
    tokio::time::timeout(WITHIN, waiting).await.unwrap_or_else(|_| panic!("not within {WITHIN:?}: {what}"))
}

/// True if a message has such a button.
pub fn has_button(message: &MessageView, label: &str) -> bool {
    message.buttons.iter().flatten().any(|button| button.text.contains(label))
}

/// SHA-256 of a file in hexadecimal digits.
pub fn sha256(path: &std::path::Path) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(std::fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn yt_dlp() -> String {
    std::env::var("TGFERRY_TEST_YT_DLP").unwrap_or_else(|_| "yt-dlp".into())
}

fn merge(mut base: toml::Table, more: toml::Table) -> toml::Table {
    for (key, value) in more {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(old)), toml::Value::Table(new)) => *old = merge(std::mem::take(old), new),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
    base
}
