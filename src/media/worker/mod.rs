//! Inside the media process: reads one request, works, answers, ends.
//!
//! In: a JSON line on stdin, and more where an input is still growing. Out: JSON lines on stdout, FFmpeg's complaints on stderr. Must not: run in the daemon, outlive its parent, or open
//! anything but the files that the request names.

mod artwork;
mod attempts;
mod audio;
mod bitmaps;
mod changes;
mod cover;
mod cut;
mod cut_pictures;
mod cut_sound;
mod cuts;
mod draw;
mod edge;
mod encoder;
mod error;
mod feed;
mod filters;
mod flac_picture;
mod gif;
mod graph;
mod hardware;
mod input;
mod join;
mod join_pictures;
mod join_sound;
mod jpeg;
mod length;
mod limits;
mod look;
mod loudness;
mod make;
mod measure;
mod muxer;
mod nal;
mod overlaps;
mod overlay;
mod pictures;
mod probe;
mod produce;
mod reader;
mod room;
mod shown;
mod sounds;
mod spans;
mod split;
mod subtitle;
mod text_tracks;
mod texts;
mod thumbnail;
mod timestamps;
mod video;
pub mod zygote;

use std::io::{BufRead, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

use ffmpeg_next as ffmpeg;

pub(crate) use encoder::stretch;
pub(crate) use measure::target_size;

use super::protocol::{Feed, Reply, Request, Source, Task};
use crate::model::Reason;
use error::{Blame, WorkResult};
use feed::{Feeds, Origin};

/// Longest line of the parent, in bytes; ours are far below a page, even with thousands of ranges.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// Runs one task in this very process: to be called by `main` for the hidden subcommand `media-worker`, by which one can see what a media process does. The
/// daemon has them forked by [`zygote::run`]. The exit code is a failure only if no answer could be given.
pub fn run() -> ExitCode {
    ExitCode::from(answer_one())
}

/// Reads a request, works, answers. The exit code.
fn answer_one() -> u8 {
    let request = match read_request() {
        Ok(request) => request,
        Err(error) => {
            eprintln!("media-worker is started by tgferry itself and reads its task from there: {error}");
            return 2;
        }
    };
    let reply = work(request).unwrap_or_else(|error| Reply::Error { reason: error.reason, cause: error.cause });
    u8::from(!write(&reply))
}

fn work(request: Request) -> WorkResult<Reply> {
    ffmpeg::log::set_level(ffmpeg::log::Level::Error);
    let uses_hardware = hardware::open_devices(request.limits.hardware, &request.task);
    limits::apply(&request.limits, uses_hardware)?;
    let feeds = Arc::new(Feeds::default());
    listen(feeds.clone()).blame_us("listening to the parent")?;
    let origin = |source: Source| Origin::new(source, feeds.clone());
    ffmpeg::init().blame_us("starting FFmpeg")?;
    let mut last = 0;
    let mut report = |fraction: f64| {
        let per_mille = (fraction.clamp(0.0, 1.0) * 1000.0) as u16;
        // A second try begins at the start again.
        if per_mille != last {
            last = per_mille;
            write(&Reply::Progress { per_mille });
        }
    };
    match request.task {
        Task::Probe { input, head } => probe::probe(&origin(input), head).map(|probed| Reply::Probed(Box::new(probed))),
        Task::Split(task) => split::split(&task, &mut report).map(|pieces| Reply::Pieces { pieces }),
        Task::Cut(task) => cut::cut(&task, request.limits.threads, &mut report).map(Reply::Cut),
        Task::Join(task) => join::join(&task, request.limits.threads, &mut report).map(Reply::Joined),
        Task::Subtitle(task) => subtitle::subtitle(&task, request.limits.threads, &mut report).map(|()| Reply::Subtitled),
        Task::Draw(task) => draw::draw(&task).map(|size| Reply::Drawn { size }),
        Task::Look(task) => look::look(&task, &origin(task.input.clone()), request.limits.threads).map(Reply::Looked),
        Task::Make(task) => {
            let inputs: Vec<Origin> = task.inputs.iter().cloned().map(origin).collect();
            let made = make::make(&task, &inputs, request.limits.threads, &mut report)?;
            Ok(made.map_or(Reply::OutOfRoom, Reply::Made))
        }
    }
}

fn read_request() -> std::io::Result<Request> {
    let mut line = String::new();
    std::io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line)?;
    Ok(serde_json::from_str(&line)?)
}

/// Hears what the parent says of growing inputs, and when it is gone: it holds our stdin open as long as it waits. That end is also noticed where
/// `PR_SET_PDEATHSIG` is not, such as between two processes. A thread of its own, so that the parent never waits for us to listen.
fn listen(feeds: Arc<Feeds>) -> std::io::Result<()> {
    let listen = move || {
        let mut stdin = std::io::stdin().lock();
        let mut line = String::new();
        loop {
            line.clear();
            match (&mut stdin).take(MAX_LINE_BYTES).read_line(&mut line) {
                Ok(0) | Err(_) => break,
                Ok(_) => match serde_json::from_str::<Feed>(&line) {
                    Ok(feed) => feeds.hear(feed),
                    Err(error) => eprintln!("the parent said something strange: {error}"),
                },
            }
        }
        // SAFETY: _exit ends the process at once, without the destructors that other threads may be in the middle of.
        unsafe { libc::_exit(3) }
    };
    std::thread::Builder::new().name("parent".into()).stack_size(128 << 10).spawn(listen).map(drop)
}

/// False if the parent does not read any more.
fn write(reply: &Reply) -> bool {
    let mut line = serde_json::to_vec(reply).unwrap_or_else(|error| {
        let error = Reply::Error { reason: Reason::Internal, cause: error.to_string() };
        serde_json::to_vec(&error).unwrap_or_default()
    });
    line.push(b'\n');
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(&line).and_then(|()| stdout.flush()).is_ok()
}
