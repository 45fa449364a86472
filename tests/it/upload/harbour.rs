//! A loopback Telegram with one bot and one account, and what the tests of the uploader need around it.
//!
//! In: how the account is. Out: a configuration that points there, a logged-in account with its relay, files of known content.
//! Must not: stand in for anything of the program.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tgferry::cli::login::{self, LoginArgs};
use tgferry::cli::prompt::Prompt;
use tgferry::config::{Config, Environment, Secret};
use tgferry::model::{
    ChatId, Choice, Failure, JobId, Link, MediaKind, NewJob, Prepared, Progress, ProgressSender, RelayMessage, UploadIds, UserId,
};
use tgferry::spool::Spool;
use tgferry::store::Store;
use tgferry::telegram::account::UserAccount;
use tgferry::telegram::bot::Bots;
use tgferry::telegram::login::LoginFlow;
use tgferry::telegram::pool::{self, Accounts};
use tgferry::telegram::relay;
use tgferry::telegram::session::FileSession;
use tgferry::upload::uploader::{FileUpload, Uploader};
use tgferry_sandbox::{AccountSpec, BotInfo, Limits, Sandbox, SandboxConfig};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub(super) const PHONE: &str = "+9996612345";
pub(super) const PASSWORD: &str = "correct horse";

pub(super) struct Harbour {
    pub(super) sandbox: Arc<Sandbox>,
    pub(super) bot: BotInfo,
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) folder: TempDir,
}

/// A logged-in account with its relay, outside any pool.
#[derive(Clone)]
pub(super) struct Carrier(pool::Carrier);

impl std::ops::Deref for Carrier {
    type Target = pool::Carrier;

    fn deref(&self) -> &pool::Carrier {
        &self.0
    }
}

impl Harbour {
    pub(super) async fn open() -> Self {
        Self::with(Limits::default(), None).await
    }

    pub(super) async fn with(limits: Limits, password: Option<&str>) -> Self {
        let any = "127.0.0.1:0".parse().unwrap();
        let sandbox =
            Sandbox::start(SandboxConfig { http: any, mtproto: any, limits, strict: true, ..SandboxConfig::default() }).await.unwrap();
        let bot = sandbox.create_bot("ferry_bot");
        let spec = AccountSpec {
            phone: PHONE.to_owned(),
            first_name: "Carrier".to_owned(),
            username: None,
            premium: false,
            password: password.map(str::to_owned),
        };
        sandbox.create_account(spec);
        let folder = tempfile::tempdir().unwrap();
        let mut config = tgferry::config::load(None, &[]).unwrap();
        config.telegram.bot_token = Secret::from(bot.token.clone());
        config.telegram.api_id = 1;
        config.telegram.api_hash = Secret::from("0123456789abcdef".to_owned());
        config.telegram.bot_api_url = sandbox.bot_api_url().parse().unwrap();
        config.telegram.environment = Environment::Custom;
        config.telegram.custom.dc_id = sandbox.dc_id();
        config.telegram.custom.address = sandbox.mtproto_addr().into();
        config.telegram.custom.auth_key = Secret::from(hex(&sandbox.new_auth_key()));
        config.storage.sessions_dir = folder.path().join("sessions");
        config.storage.database = folder.path().join("tgferry.db");
        let store = Store::open(&config.storage.database).await.unwrap();
        Self { sandbox: Arc::new(sandbox), bot, config, store, folder }
    }

    /// A job that something can be uploaded for.
    pub(super) async fn job(&self) -> JobId {
        let job = NewJob {
            user: UserId(1),
            chat: ChatId(1),
            request_message: None,
            link: Link::parse("https://example.org/clip.mp4").unwrap(),
            choice: Some(Choice::Video),
            subtitles: None,
            language: "en".to_owned(),
        };
        self.store.accept(vec![job]).await.unwrap()[0]
    }

    pub(super) fn uploader(&self) -> Uploader {
        Uploader::new(self.config.upload.clone(), self.store.clone())
    }

    /// Parts that were brought, stored or not.
    pub(super) fn parts_sent(&self) -> u64 {
        self.sandbox.counters().mtproto_calls("upload.saveBigFilePart")
    }

    /// What `tgferry login` does, answered by the person who has the phone.
    pub(super) async fn log_in(&self, args: LoginArgs) -> Result<(), tgferry::error::CliError> {
        let sandbox = Arc::clone(&self.sandbox);
        let prompt = Prompt::answering(move |question| match question {
            "Code" => sandbox.login_code(PHONE).expect("a code was sent"),
            question if question.starts_with("Password") => PASSWORD.to_owned(),
            question => panic!("unexpected question: {question}"),
        });
        login::run_with(&self.config, args, &prompt).await
    }

    pub(super) async fn carrier(&self) -> Carrier {
        self.log_in(by_phone()).await.unwrap();
        let account = self.connect();
        let relay = relay::stored(&account).unwrap().expect("the log-in made a relay");
        account.refresh().await.unwrap();
        Carrier(pool::Carrier::unbooked(account, relay))
    }

    /// Another account with a session of its own, with its relay.
    pub(super) async fn log_in_another(&self, name: &str, phone: &str, premium: bool) {
        let spec = AccountSpec { phone: phone.to_owned(), first_name: name.to_owned(), username: None, premium, password: None };
        self.sandbox.create_account(spec);
        let mut config = self.config.clone();
        config.telegram.custom.auth_key = self.new_key();
        let (sandbox, number) = (Arc::clone(&self.sandbox), phone.to_owned());
        let prompt = Prompt::answering(move |_| sandbox.login_code(&number).expect("a code was sent"));
        let args = LoginArgs { name: name.to_owned(), phone: Some(phone.to_owned()), ..LoginArgs::default() };
        login::run_with(&config, args, &prompt).await.unwrap();
    }

    /// Lets the bot go over MTProto, with a key of its own.
    pub(super) fn with_bot_session(mut self) -> Self {
        self.config.telegram.custom.bot_auth_key = self.new_key();
        self
    }

    pub(super) fn connect(&self) -> UserAccount {
        let session = FileSession::open(&self.config.storage.sessions_dir, "main", &self.config.telegram).unwrap();
        UserAccount::connect(session, self.config.telegram.api_id, &self.config).unwrap()
    }

    /// The pool of accounts, as the daemon has it.
    pub(super) async fn pool(&self) -> Accounts {
        Accounts::open(&self.config, self.bots().identity().await.unwrap(), self.store.clone()).await
    }

    pub(super) fn bots(&self) -> Bots {
        Bots::new(&self.config).unwrap()
    }

    /// Ends the account's sessions, as its owner can on another device.
    pub(super) fn revoke(&self) {
        assert!(self.sandbox.world().revoke_account(PHONE) > 0);
    }

    /// A key for a session to come.
    pub(super) fn new_key(&self) -> Secret {
        Secret::from(hex(&self.sandbox.new_auth_key()))
    }

    /// The account's phone scans a QR code: another session of the same account accepts the token.
    pub(super) async fn scan(&self, token: &str) {
        let mut config = self.config.clone();
        config.storage.sessions_dir = self.folder.path().join("phone");
        config.telegram.custom.auth_key = self.new_key();
        let phone = FileSession::open(&config.storage.sessions_dir, "phone", &config.telegram).unwrap();
        let phone = UserAccount::connect(phone, 1, &config).unwrap();
        let flow = LoginFlow::new(phone.clone(), config.telegram.api_hash.clone());
        let sent = flow.request_code(PHONE).await.unwrap();
        flow.sign_in(&sent, &self.sandbox.login_code(PHONE).unwrap()).await.unwrap();
        let accept = grammers_tl_types::functions::auth::AcceptLoginToken { token: from_base64_url(token) };
        phone.call(&accept).await.unwrap();
    }

    /// A file of bytes that no other place of it repeats.
    pub(super) async fn file(&self, name: &str, size_bytes: usize) -> PathBuf {
        let path = self.folder.path().join(name);
        tokio::fs::write(&path, bytes(size_bytes)).await.unwrap();
        path
    }
}

impl Carrier {
    /// Uploads a whole file with the numbers given, for a job of its own; says what became of it and the last progress.
    pub(super) async fn upload(
        &self,
        harbour: &Harbour,
        file: &Prepared,
        ids: UploadIds,
        marker: &str,
    ) -> (Result<RelayMessage, Failure>, watch::Receiver<Progress>) {
        let job = harbour.job().await;
        self.upload_for(job, harbour, file, ids, marker).await
    }

    /// The same for a job that may have uploaded before.
    pub(super) async fn upload_for(
        &self,
        job: JobId,
        harbour: &Harbour,
        file: &Prepared,
        ids: UploadIds,
        marker: &str,
    ) -> (Result<RelayMessage, Failure>, watch::Receiver<Progress>) {
        let spool = Spool::whole(&file.path).await.unwrap();
        let (progress, seen) = ProgressSender::channel();
        let cancel = CancellationToken::new();
        let uploader = harbour.uploader();
        let upload = FileUpload { job, carrier: self, spool: &spool, ids, progress: &progress, cancel: &cancel };
        let work = upload_to_relay(&uploader, &upload, file, marker);
        let outcome = tokio::time::timeout(Duration::from_secs(120), work).await.expect("the upload ends");
        (outcome, seen)
    }
}

/// Parts, then the message.
pub(super) async fn upload_to_relay(
    uploader: &Uploader,
    upload: &FileUpload<'_>,
    file: &Prepared,
    marker: &str,
) -> Result<RelayMessage, Failure> {
    let stored = uploader.store_parts(upload).await?;
    uploader.publish(upload, &stored, file, marker).await
}

pub(super) fn by_phone() -> LoginArgs {
    LoginArgs { phone: Some(PHONE.to_owned()), ..LoginArgs::default() }
}

pub(super) fn video(path: &Path, size_bytes: u64) -> Prepared {
    Prepared {
        kind: MediaKind::Video,
        path: path.to_owned(),
        size_bytes,
        file_name: "Crossing.mp4".to_owned(),
        mime: "video/mp4".to_owned(),
        duration_s: 61,
        width: 1280,
        height: 720,
        thumbnail: None,
        title: None,
        performer: None,
    }
}

pub(super) fn bytes(size_bytes: usize) -> Vec<u8> {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..size_bytes.div_ceil(8)).flat_map(|_| step()).take(size_bytes).collect()
}

pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex(&sha2::Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn from_base64_url(text: &str) -> Vec<u8> {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let sextets: Vec<u32> = text.chars().map(|sextet| alphabet.find(sextet).unwrap() as u32).collect();
    let decode = |group: &[u32]| {
        let bits = group.iter().fold(0, |bits, sextet| bits << 6 | sextet) << (6 * (4 - group.len()));
        bits.to_be_bytes()[1..group.len()].to_vec()
    };
    sextets.chunks(4).flat_map(decode).collect()
}
