//! `tgferry send`: the same line from the command line, with a bar for each step.
//!
//! In: a file or a link, and a chat. Out: the file in the chat. If the daemon runs, the job is handed to it and watched; if not, it runs
//! here. Must not: go another way than a job of the bot.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::app::{self, App};
use crate::config::Config;
use crate::error::CliError;
use crate::model::{ChatId, Choice, JobId, Link, NewJob, Progress, Reason, Stage, Step, SubtitleChoice, UserId};
use crate::queue;
use crate::store::Store;

/// How often a job is looked at that runs elsewhere or waits for its next try.
const LOOK: Duration = Duration::from_millis(500);

/// Arguments of `tgferry send`.
#[derive(Clone, Debug, Args)]
pub struct SendArgs {
    /// A file on this machine, or a link
    what: String,
    /// The chat: its number, as Telegram's Bot API has it
    #[arg(long, value_name = "CHAT", allow_hyphen_values = true)]
    to: i64,
    /// Only the sound, as M4A
    #[arg(long)]
    audio: bool,
    /// A video that no message can hold is cut into pieces rather than made smaller
    #[arg(long, conflicts_with = "audio")]
    split: bool,
    /// Subtitles in a language, such as `en` or `pt-BR:burn`: as a track of the video, burnt into its picture, or as a file beside it
    #[arg(long, value_name = "LANGUAGE[:track|burn|file]", conflicts_with = "audio", value_parser = subtitles)]
    subtitles: Option<SubtitleChoice>,
}

fn subtitles(text: &str) -> Result<SubtitleChoice, String> {
    SubtitleChoice::parse(text).ok_or_else(|| "it is a language, such as en, and behind a colon track, burn or file".into())
}

/// Sends it.
pub async fn run(config: Config, args: SendArgs) -> Result<(), CliError> {
    config.require_bot_token()?;
    let job = NewJob {
        user: UserId(args.to),
        chat: ChatId(args.to),
        request_message: None,
        link: link(&args.what)?,
        choice: Some(match (args.audio, args.split) {
            (true, _) => Choice::Audio,
            (false, true) => Choice::Pieces,
            (false, false) => Choice::Video,
        }),
        subtitles: args.subtitles,
        language: config.bot.default_language.clone(),
    };
    let bar = ProgressBar::new_spinner();
    bar.enable_steady_tick(Duration::from_millis(120));
    let id = if app::daemon_runs(&config)? {
        let store = Store::open(&config.storage.database).await.map_err(CliError::setup)?;
        let id = accept(&store, job).await?;
        watch_elsewhere(&store, id, &bar).await?;
        (store, id)
    } else {
        run_here(config, job, &bar).await?
    };
    let ended = id.0.job(id.1).await.map_err(CliError::ours)?;
    let failure = id.0.failure(id.1).await.map_err(CliError::ours)?;
    match ended.map(|job| job.stage) {
        Some(Stage::Done) => {
            bar.finish_with_message(format!("sent to {}", args.to));
            Ok(())
        }
        _ => {
            bar.finish_and_clear();
            Err(match failure {
                None => CliError::user("not sent: cancelled", "send it again when you want it"),
                Some(Reason::Internal) => CliError::ours("not sent: internal error (the log says more: --log info)"),
                Some(reason) => CliError::user(format!("not sent: {reason}"), "run again with --log info to see what happened"),
            })
        }
    }
}

fn link(what: &str) -> Result<Link, CliError> {
    let path = Path::new(what);
    if path.is_file() {
        let path = path.canonicalize().map_err(CliError::setup)?;
        return Link::local_file(&path).map_err(CliError::setup);
    }
    if !what.contains("://") && !what.contains('.') || path.is_dir() {
        return Err(CliError::user(format!("{what} is neither a file nor a link"), "give the path of a file or an http(s) address"));
    }
    Link::parse(what).map_err(|error| CliError::user(format!("{what}: {error}"), "give the path of a file or an http(s) address"))
}

async fn accept(store: &Store, job: NewJob) -> Result<JobId, CliError> {
    let accepted = store.accept(vec![job]).await.map_err(CliError::ours)?;
    accepted.first().copied().ok_or_else(|| CliError::ours(anyhow::anyhow!("the job was not accepted")))
}

async fn run_here(config: Config, job: NewJob, bar: &ProgressBar) -> Result<(Store, JobId), CliError> {
    let cancel = CancellationToken::new();
    let observer = {
        let bar = bar.clone();
        Arc::new(move |_: JobId, progress: watch::Receiver<Progress>| {
            tokio::spawn(show(bar.clone(), progress));
        })
    };
    let lease_s = config.queue.lease_s;
    let app = App::build(config, Some(observer), &cancel).await?;
    let id = accept(&app.store, job).await?;
    let owner = format!("send-{:016x}", rand::random::<u64>());
    let interrupted = tokio::spawn({
        let (cancel, queue) = (cancel.clone(), app.queue.clone());
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                let _ = queue.cancel(id).await; // the run below sees the token and cleans up
                cancel.cancel();
            }
        }
    });
    loop {
        // As a task: its parts then change hands within the runtime's threads, and don't wake this one for each.
        let run = tokio::spawn({
            let (queue, pipeline, owner, cancel) = (app.queue.clone(), app.pipeline.clone(), owner.clone(), cancel.child_token());
            async move { queue::lease_and_run(&queue, &pipeline, id, lease_s, &owner, cancel).await }
        });
        run.await.map_err(CliError::ours)?.map_err(CliError::ours)?;
        let over = app.store.job(id).await.map_err(CliError::ours)?.is_none_or(|job| job.stage.is_final());
        if over || cancel.is_cancelled() {
            break;
        }
        let pause = app.store.next_due_ms().await.map_err(CliError::ours)?.unwrap_or(0).max(LOOK.as_millis() as i64);
        bar.set_message("trying again soon");
        tokio::time::sleep(Duration::from_millis(pause as u64)).await;
    }
    interrupted.abort();
    app.accounts.close().await;
    Ok((app.store, id))
}

async fn watch_elsewhere(store: &Store, id: JobId, bar: &ProgressBar) -> Result<(), CliError> {
    bar.set_message("handed to the running daemon");
    loop {
        let Some(job) = store.job(id).await.map_err(CliError::ours)? else { return Ok(()) };
        if job.stage.is_final() {
            return Ok(());
        }
        if let Some(progress) = store.progress(id).await.map_err(CliError::ours)? {
            let share = progress.permille.map(|permille| format!(" {} %", permille / 10)).unwrap_or_default();
            bar.set_message(format!("{}{share}", progress.step));
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = tokio::signal::ctrl_c() => {
                store.want_cancel(id).await.map_err(CliError::ours)?;
                bar.set_message("cancelling");
            }
        }
    }
}

/// One bar, redrawn for the step that runs.
async fn show(bar: ProgressBar, mut progress: watch::Receiver<Progress>) {
    let spinner = ProgressStyle::with_template("{spinner} {msg}").unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bytes = ProgressStyle::with_template("{spinner} {msg:<12} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let share =
        ProgressStyle::with_template("{spinner} {msg:<12} [{bar:30}] {percent} % {eta}").unwrap_or_else(|_| ProgressStyle::default_bar());
    let mut shown: Option<Step> = None;
    while progress.changed().await.is_ok() {
        let now = progress.borrow_and_update().clone();
        if shown != Some(now.step) {
            if shown.is_some() {
                bar.reset();
            }
            shown = Some(now.step);
        }
        bar.set_message(if now.step == Step::Paused {
            format!("Telegram asks for a pause of {} s", now.pause_s)
        } else {
            name(now.step).to_owned()
        });
        match now.total {
            Some(total) => {
                bar.set_style(if matches!(now.step, Step::Fetching | Step::Uploading) { bytes.clone() } else { share.clone() });
                bar.set_length(total);
                bar.set_position(now.done);
            }
            None => bar.set_style(spinner.clone()),
        }
    }
}

fn name(step: Step) -> &'static str {
    match step {
        Step::Waiting => "waiting",
        Step::Inspecting => "looking",
        Step::Fetching => "fetching",
        Step::Remuxing => "preparing",
        Step::Transcoding => "transcoding",
        Step::Compressing => "compressing",
        Step::Splitting => "splitting",
        Step::Uploading => "uploading",
        Step::Delivering => "delivering",
        Step::Paused => "paused",
    }
}
