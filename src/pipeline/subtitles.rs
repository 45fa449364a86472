//! Subtitles on their way to a person: into the video, or aside of it.
//!
//! In: what a person wants, or the settings. Out: files for the media step; afterwards a file that answers the video, or a word that there is none. Must not: fail a job
//! for them, or send them twice.

use std::path::PathBuf;

use super::{Next, Pipeline, Run};
use crate::deliver::{aside, hand_over};
use crate::fetch::TextRequest;
use crate::media::{GivenSubtitles, Language, SRT_NAME, TextFile, text_track};
use crate::model::{Choice, Failure, Lane, MessageId, Prepared, Reason, SubtitleChoice, SubtitleWay, Uploaded};
use crate::spool::Spool;
use crate::store::Aside;

/// Subtitles that can be read.
struct Readable {
    /// Where they come from.
    text: TextFile,
    /// The same as SRT.
    srt: PathBuf,
}

impl Pipeline {
    /// What the media step is given. What is missing of a person's choice is noted.
    pub(super) async fn given_subtitles(&self, run: &Run<'_>, inputs: &[Spool]) -> Result<GivenSubtitles, Failure> {
        if run.choice()? == Choice::Audio {
            return Ok(GivenSubtitles::default());
        }
        let Some(choice) = &run.job.subtitles else { return self.unasked(run).await };
        let found = self.readable(run, &choice.language, true, inputs).await?;
        self.parts.store.set_aside(run.job.id, found.is_none().then_some(Aside::Missing)).await?;
        let text = found.map(|found| found.text);
        Ok(match choice.way {
            // A track that is in the video stays there.
            SubtitleWay::Track => GivenSubtitles { tracks: text.into_iter().filter(|text| text.track.is_none()).collect(), burn: None },
            SubtitleWay::BurntIn => GivenSubtitles { tracks: Vec::new(), burn: text },
            SubtitleWay::File => GivenSubtitles::default(),
        })
    }

    /// What the settings give every video, as far as its source has it.
    async fn unasked(&self, run: &Run<'_>) -> Result<GivenSubtitles, Failure> {
        let mut tracks: Vec<TextFile> = Vec::new();
        for language in &self.parts.config.fetch.subtitles {
            let found = self.readable(run, language, false, &[]).await?.map(|found| found.text);
            tracks.extend(found.filter(|text| tracks.iter().all(|known| known.path != text.path)));
        }
        Ok(GivenSubtitles { tracks, burn: None })
    }

    /// The subtitles in a language: those beside the content, else those in it. Nothing if there are none that can be read.
    async fn readable(&self, run: &Run<'_>, language: &str, asked: bool, inputs: &[Spool]) -> Result<Option<Readable>, Failure> {
        match self.look_for(run, language, asked, inputs).await {
            Ok(found) => Ok(found),
            Err(failure) if matches!(failure.reason, Reason::Cancelled | Reason::DiskFull) => Err(failure),
            Err(failure) => {
                tracing::warn!(job = %run.job.id, language, %failure, "it goes on without subtitles");
                Ok(None)
            }
        }
    }

    async fn look_for(&self, run: &Run<'_>, language: &str, asked: bool, inputs: &[Spool]) -> Result<Option<Readable>, Failure> {
        let folder = self.parts.workspace.folder(run.job.id).await?;
        let link = &run.job.link;
        let beside = match link.local_path() {
            Some(_) => None,
            None => {
                let language = language.to_owned();
                let request = TextRequest { link: link.clone(), language, also_automatic: asked, folder: folder.clone() };
                self.parts.fetcher.subtitles(request, run.cancel).await?
            }
        };
        let language = Language::parse(language);
        let text = match beside {
            Some(path) => TextFile { path, track: None, language },
            None => match self.inside(run, language, inputs).await? {
                Some(text) => text,
                None => return Ok(None),
            },
        };
        let srt = self.parts.media.text(&text, &folder, run.cancel).await?;
        Ok(Some(Readable { text, srt }))
    }

    /// A track of what was fetched, which has to be whole for it.
    async fn inside(&self, run: &Run<'_>, language: Option<Language>, inputs: &[Spool]) -> Result<Option<TextFile>, Failure> {
        let Some(language) = language else { return Ok(None) };
        for input in inputs {
            input.finished().await?;
            let info = self.parts.media.probe(input.path(), run.cancel).await?;
            if let Some(track) = text_track(&info, Some(&language)) {
                return Ok(Some(TextFile { path: input.path().to_owned(), track: Some(track), language: Some(language) }));
            }
        }
        Ok(None)
    }

    /// The end of a job whose file is in the chat: what belongs beside it follows.
    pub(super) async fn delivered(&self, run: &Run<'_>, message: MessageId, lane: Option<Lane>) -> Result<Next, Failure> {
        if let Some(choice) = &run.job.subtitles {
            match self.aside(run, choice, message).await {
                Err(failure) if failure.reason == Reason::Cancelled || self.is_tried_again(run, &failure) => return Err(failure),
                Err(failure) => {
                    tracing::warn!(job = %run.job.id, %failure, "what belongs beside the file did not get there");
                    if let Err(failure) = self.say_missing(run, choice, message).await {
                        tracing::debug!(job = %run.job.id, %failure, "nor could the person be told");
                    }
                }
                Ok(()) => {}
            }
        }
        Ok(Next::Done(lane))
    }

    /// The file is there: that its subtitles can't be sent may not become the failure of the job.
    fn is_tried_again(&self, run: &Run<'_>, failure: &Failure) -> bool {
        let attempts = if run.stage() == run.job.stage { run.job.attempts } else { 0 };
        match failure.reason {
            Reason::FloodWait { .. } => true,
            Reason::Telegram => attempts + 1 < self.parts.config.queue.attempts,
            _ => false,
        }
    }

    async fn aside(&self, run: &Run<'_>, choice: &SubtitleChoice, message: MessageId) -> Result<(), Failure> {
        let state = self.parts.store.aside(run.job.id).await?;
        let uploaded = self.parts.store.work(run.job.id).await?.uploaded;
        let in_pieces = matches!(uploaded, Some(Uploaded::InAlbum { .. } | Uploaded::InPieces { .. }));
        match (choice.way, state) {
            (_, Some(Aside::Done)) => Ok(()),
            (_, Some(Aside::Missing)) => self.say_missing(run, choice, message).await,
            // Pieces have no tracks of text.
            (SubtitleWay::Track, _) if in_pieces => self.send_aside(run, choice, message, state == Some(Aside::Sending)).await,
            (SubtitleWay::File, _) => self.send_aside(run, choice, message, state == Some(Aside::Sending)).await,
            (SubtitleWay::Track | SubtitleWay::BurntIn, _) => Ok(()),
        }
    }

    /// The file of the subtitles, once.
    async fn send_aside(&self, run: &Run<'_>, choice: &SubtitleChoice, message: MessageId, in_doubt: bool) -> Result<(), Failure> {
        let (bot, store, id) = (&self.parts.bot, &self.parts.store, run.job.id);
        let caption = aside::caption(run.job, &choice.language);
        if in_doubt {
            let known = store.known_messages(run.job.chat).await?;
            if let Some(sent) = hand_over::find_in_doubt(bot, run.job.chat, message, &known, &caption).await? {
                return store.set_aside_sent(id, sent).await;
            }
        }
        let folder = self.parts.workspace.folder(id).await?;
        let srt = match kept(&folder) {
            Some(srt) => Some(srt),
            None => self.readable(run, &choice.language, true, &[]).await?.map(|found| found.srt),
        };
        let Some(srt) = srt else { return self.say_missing(run, choice, message).await };
        store.set_aside(id, Some(Aside::Sending)).await?;
        let prepared = store.work(id).await?.prepared;
        let name = file_name(prepared.as_ref(), &choice.language);
        let sent = aside::send_file(bot, run.job, message, &srt, &name, &caption).await?;
        store.set_aside_sent(id, sent).await
    }

    async fn say_missing(&self, run: &Run<'_>, choice: &SubtitleChoice, message: MessageId) -> Result<(), Failure> {
        self.parts.store.set_aside(run.job.id, Some(Aside::Done)).await?; // rather not said than said twice
        aside::say_missing(&self.parts.bot, run.job, message, &choice.language).await
    }
}

/// What an earlier step has read of them already.
fn kept(folder: &std::path::Path) -> Option<PathBuf> {
    Some(folder.join(SRT_NAME)).filter(|path| path.is_file())
}

fn file_name(video: Option<&Prepared>, language: &str) -> String {
    let name = video.map_or("subtitles", |video| video.file_name.as_str());
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    format!("{stem}.{language}.srt")
}
