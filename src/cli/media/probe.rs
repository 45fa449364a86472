//! `tgferry media probe`: what a file is.
//!
//! In: files. Out: a few lines each, or JSON. Must not: change anything.

use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::{size, tell};
use crate::cli::say;
use crate::error::CliError;
use crate::media::Media;
use crate::model::{Hdr, MediaInfo};

/// Arguments of `tgferry media probe`.
#[derive(Clone, Debug, Args)]
pub struct ProbeArgs {
    /// The file
    file: PathBuf,
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

/// Probes it.
pub(super) async fn run(media: &Media, args: ProbeArgs) -> Result<(), CliError> {
    if !args.file.is_file() {
        return Err(CliError::user(format!("{} is no file", args.file.display()), "check the path"));
    }
    let info = media.probe(&args.file, &CancellationToken::new()).await.map_err(tell)?;
    if args.json {
        say(serde_json::to_string(&info).map_err(CliError::ours)?);
    } else {
        lines(&info).into_iter().for_each(say);
    }
    Ok(())
}

fn lines(info: &MediaInfo) -> Vec<String> {
    let mut lines = vec![format!("container  {}, {}, {:.2} s", info.format, size::show(info.size_bytes), info.duration_s)];
    if let Some(video) = &info.video {
        lines.push(format!(
            "picture    {}, {} x {}, {} frames a second, {}",
            video.codec,
            video.width,
            video.height,
            size::show_rate(video.frame_rate),
            video.pixel_format
        ));
    }
    if let Some(audio) = &info.audio {
        lines.push(format!("sound      {}, {} channels, {} Hz", audio.codec, audio.channels, audio.sample_rate));
    }
    let notes = notes(info);
    if !notes.is_empty() {
        lines.push(format!("notes      {}", notes.join(", ")));
    }
    for (name, text) in [("title", &info.title), ("artist", &info.artist)] {
        lines.extend(text.as_ref().map(|text| format!("{name:<10} {text}")));
    }
    lines.extend(info.tracks.iter().map(|track| {
        let named = [track.language.as_deref(), track.title.as_deref(), track.is_default.then_some("default")];
        let named: Vec<_> = named.into_iter().flatten().collect();
        format!("track      {} {} {}", track.kind, track.codec, named.join(", ")).trim_end().to_owned()
    }));
    lines.extend(info.chapters.iter().map(|chapter| {
        format!("chapter    {:.1}-{:.1} s {}", chapter.start_s, chapter.end_s, chapter.title.as_deref().unwrap_or_default())
            .trim_end()
            .to_owned()
    }));
    lines
}

fn notes(info: &MediaInfo) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(video) = &info.video {
        if video.rotation != 0 {
            notes.push(format!("turned by {} degrees", video.rotation));
        }
        match video.hdr {
            Some(Hdr::Pq) => notes.push("HDR (PQ)".to_owned()),
            Some(Hdr::Hlg) => notes.push("HDR (HLG)".to_owned()),
            None => {}
        }
        for (is_so, note) in [(video.interlaced, "interlaced"), (video.variable_rate, "frame rate varies")] {
            notes.extend(is_so.then(|| note.to_owned()));
        }
    }
    for (is_so, note) in [(info.index_in_front, "index in front"), (info.artwork, "with a cover")] {
        notes.extend(is_so.then(|| note.to_owned()));
    }
    notes
}
