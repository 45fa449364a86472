//! Composition root: the one place that builds clients and passes them on.
//!
//! In: the settings, the shutdown token. Out: a running daemon, or the parts for one command. Must not: hold logic of a step.

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::time::Duration;

use teloxide::Bot;
use tokio_util::sync::CancellationToken;

use crate::bot;
use crate::config::Config;
use crate::error::CliError;
use crate::fetch::Fetcher;
use crate::fetch::workspace::Workspace;
use crate::intake::Intake;
use crate::media::Media;
use crate::model::{Reason, Retry};
use crate::pipeline::{Observer, Pipeline, PipelineParts, StepPermits};
use crate::queue::{self, Queue};
use crate::store::{Store, now_ms};
use crate::telegram::bot::{BotIdentity, Bots};
use crate::telegram::pool::Accounts;
use crate::upload::uploader::Uploader;

/// Begins the name of a daemon in leases.
const OWNER: &str = "run-";
/// How often cards that nobody answered are looked for.
const CARD_SWEEP: Duration = Duration::from_secs(600);

/// The parts of a running program.
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// The truth about jobs.
    pub store: Store,
    /// Jobs to run.
    pub queue: Queue,
    /// What runs them.
    pub pipeline: Arc<Pipeline>,
    /// The user accounts.
    pub accounts: Accounts,
    bot: Bot,
    workspace: Workspace,
    uploader: Uploader,
}

impl App {
    /// Builds the parts. Talks to Telegram once, to learn who the bot is; tries again for as long as Telegram can't be reached.
    pub async fn build(config: Config, observer: Option<Observer>, shutdown: &CancellationToken) -> Result<Self, CliError> {
        let config = Arc::new(config);
        let store = Store::open(&config.storage.database).await.map_err(CliError::setup)?;
        let workspace = Workspace::new(config.storage.work_dir.clone(), config.fetch.keep_free_bytes);
        let bots = Bots::new(&config)?;
        let identity = who_is(&bots, shutdown).await?;
        let (bot, bot_id) = (bots.calls.clone(), identity.id);
        let accounts = Accounts::open(&config, identity, store.clone()).await;
        let program = std::env::current_exe().map_err(CliError::ours)?;
        let uploader = Uploader::new(config.upload.clone(), store.clone());
        let parts = PipelineParts {
            config: config.clone(),
            store: store.clone(),
            bot: bot.clone(),
            upload_bot: bots.uploads,
            bot_id,
            workspace: workspace.clone(),
            fetcher: Fetcher::new(config.fetch.clone()).map_err(CliError::ours)?,
            media: Media::new(config.media.clone(), program).sharing(config.queue.media_at_once),
            accounts: accounts.clone(),
            uploader: uploader.clone(),
            permits: StepPermits::new(&config.queue),
            observer,
        };
        let queue = Queue::new(store.clone());
        Ok(Self { pipeline: Arc::new(Pipeline::new(parts)), config, store, queue, accounts, bot, workspace, uploader })
    }
}

/// Runs the daemon until `shutdown`, then until running work has stopped.
pub async fn run(config: Config, shutdown: CancellationToken) -> Result<(), CliError> {
    let _lock = lock(&config)?;
    let app = App::build(config, None, &shutdown).await?;
    let freed = app.store.free_leases(OWNER).await.map_err(CliError::ours)?;
    let unfinished = app.store.unfinished_ids().await.map_err(CliError::ours)?;
    app.workspace.sweep(&unfinished).await.map_err(CliError::ours)?;
    tracing::info!(unfinished = unfinished.len(), interrupted = freed, "ready");

    let intake = Intake::new(app.store.clone(), app.queue.clone(), app.config.bot.max_jobs_per_user);
    let owner = format!("{OWNER}{:016x}", rand::random::<u64>());
    let stop_all = shutdown.clone();
    let listener = async {
        let outcome = bot::run(app.bot.clone(), intake, app.config.bot.clone(), shutdown.clone()).await;
        stop_all.cancel(); // without updates the rest has no purpose
        outcome
    };
    let (listened, (), (), ()) = tokio::join!(
        listener,
        queue::run(app.queue.clone(), app.pipeline.clone(), &app.config.queue, &owner, shutdown.clone()),
        app.accounts.clone().keep_well(shutdown.clone()),
        expire_cards(&app, &shutdown),
    );
    app.uploader.close();
    app.accounts.close().await;
    listened.map_err(CliError::ours)
}

/// True if a daemon runs with this database. Fails if that can't be told: a job handed to nobody would wait for ever.
pub fn daemon_runs(config: &Config) -> Result<bool, CliError> {
    Ok(try_lock(config)?.is_none())
}

/// One daemon a database: two would clear each other's leases.
fn lock(config: &Config) -> Result<File, CliError> {
    try_lock(config)?.ok_or_else(|| {
        CliError::user(
            format!("another tgferry already runs with the database {}", config.storage.database.display()),
            "stop it first, or give this one another storage.database",
        )
    })
}

/// The lock, or nothing if another process holds it.
fn try_lock(config: &Config) -> Result<Option<File>, CliError> {
    let path = config.storage.database.with_extension("lock");
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(CliError::setup)?;
    }
    let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(CliError::setup)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(CliError::user(format!("{} can't be locked: {error}", path.display()), "put storage.database on a local disk"))
        }
    }
}

/// Asks until Telegram answers; a token that it does not know ends the start.
async fn who_is(bots: &Bots, shutdown: &CancellationToken) -> Result<BotIdentity, CliError> {
    let mut pause = Duration::from_secs(1);
    loop {
        let failure = match bots.identity().await {
            Ok(identity) => {
                tracing::info!(bot = identity.username, "this is the bot");
                return Ok(identity);
            }
            Err(failure) if failure.reason == Reason::BotToken => {
                return Err(CliError::user(
                    "Telegram does not know this bot's token",
                    "check telegram.bot_token; @BotFather shows the token of your bot",
                ));
            }
            Err(failure) => failure,
        };
        if let Retry::Wait(asked) = failure.reason.retry() {
            pause = asked;
        }
        tracing::warn!(%failure, pause_s = pause.as_secs(), "Telegram can't be reached; trying again");
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shutdown.cancelled() => return Err(CliError::user("stopped before Telegram could be reached", "check the network")),
        }
        pause = (pause * 2).min(Duration::from_secs(60));
    }
}

async fn expire_cards(app: &App, shutdown: &CancellationToken) {
    loop {
        let before_ms = now_ms() - app.config.queue.card_hours as i64 * 3_600_000;
        match app.store.expire_cards(before_ms).await {
            Ok(expired) if !expired.is_empty() => {
                tracing::info!(cards = expired.len(), "cards that nobody answered have expired");
                for id in expired {
                    if let Err(error) = app.workspace.remove(id).await {
                        tracing::warn!(job = %id, %error, "temporary files could not be removed");
                    }
                }
            }
            Ok(_) => {}
            Err(failure) => tracing::warn!(%failure, "cards could not be swept"),
        }
        tokio::select! {
            () = tokio::time::sleep(CARD_SWEEP) => {}
            () = shutdown.cancelled() => return,
        }
    }
}
