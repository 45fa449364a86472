//! One file of a web server, from the first request on.
//!
//! In: an address, a place on disk, and the download that the file is a track of. Out: a spool with its first byte, which fills by itself.
//! Must not: know which source found the address.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use url::Url;

use super::answer::Answer;
use super::partial::{Partial, Place};
use super::request::{Opened, Requester};
use super::transfer::{Limits, Transfer};
use crate::fetch::decide::{self, Kind};
use crate::fetch::together::{Size, Together};
use crate::fetch::workspace::{check_room, disk_failure};
use crate::model::{Failure, Reason};
use crate::spool::{Spool, SpoolWriter};

/// A file to fetch.
pub(crate) struct Wanted {
    /// Asks for it, with the headers that it needs.
    pub(crate) requester: Requester,
    /// Where it is now.
    pub(crate) url: Url,
    /// Folder of the job.
    pub(crate) folder: PathBuf,
    /// How its files in the folder begin.
    pub(crate) stem: &'static str,
    /// What it is, the same in every attempt, though the address may differ.
    pub(crate) content: String,
    /// Limits.
    pub(crate) limits: Limits,
    /// The download that it is part of.
    pub(crate) together: Together,
    /// Its number there.
    pub(crate) track: usize,
}

impl Wanted {
    /// Comes back when the spool has its first byte; the rest comes by itself. Dropping every reader of the spool stops it.
    pub(crate) async fn begin(mut self) -> Result<(Answer, Spool), Failure> {
        let place = Place::new(&self.folder, self.stem);
        let (opened, start) = self.open(&place).await?;
        let answer = opened.answer.clone();
        refuse(&answer)?;
        let total_bytes = answer.total_bytes();
        self.together.report(self.track, start, total_bytes.map_or(Size::Unknown, Size::Exact))?;
        check_room(&self.folder, total_bytes.unwrap_or(0).saturating_sub(start), self.limits.keep_free_bytes)?;

        let made = if start > 0 { SpoolWriter::resume(place.body(), start).await } else { SpoolWriter::create(place.body()).await };
        let (writer, spool) = made.map_err(|error| disk_failure(error, "make the file of the download"))?;
        let record = place.begin(&self.content, &answer.validator).await?;
        writer.expect(total_bytes);
        let transfer = Transfer {
            requester: self.requester,
            url: self.url,
            folder: self.folder,
            limits: self.limits,
            writer,
            position_bytes: start,
            record: Arc::new(record),
            together: self.together.clone(),
            track: self.track,
            validator: answer.validator.clone(),
            total_bytes,
            claimed: watch::Sender::new(None),
        };
        self.together.spawn(transfer.run(opened));
        spool.started().await?;
        Ok((answer, spool))
    }

    /// The open body, and the offset where it begins: behind the bytes of an earlier attempt if the version is still the same.
    async fn open(&mut self, place: &Place) -> Result<(Opened, u64), Failure> {
        if let Some(Partial { ready_bytes, validator }) = place.find(&self.content).await {
            let start = ready_bytes - 1; // one byte again, so that a whole file is answered with 206 and its version too
            let opened = self.requester.open_at(&self.url, start, self.limits.chunk_bytes, &validator).await?.accepted();
            if let Ok(opened) = opened
                && opened.answer.status == 206
                && opened.answer.start() == start
                && opened.answer.validator.agrees_with(&validator)
            {
                return Ok((opened, start));
            }
        }
        let mut opened = self.requester.open_first(&self.url, self.limits.chunk_bytes).await?.accepted()?;
        if self.limits.chunk_bytes.is_some() && opened.answer.range.is_none_or(|range| range.total.is_none()) {
            self.limits.chunk_bytes = None; // without a size nobody could tell which piece is the last
            opened = self.requester.open(&self.url).await?.accepted()?;
        }
        match opened.answer.start() {
            0 => Ok((opened, 0)),
            start => Err(Failure::new(Reason::Network, anyhow::anyhow!("asked for the whole file, the server sent it from byte {start}"))),
        }
    }
}

/// Refuses what is no file, or none that can be used.
pub(super) fn refuse(answer: &Answer) -> Result<(), Failure> {
    if decide::kind(answer, &[]) == Kind::Page {
        return Err(Failure::from(Reason::WebPage));
    }
    if answer.packed {
        return Err(Failure::new(Reason::Unsupported, anyhow::anyhow!("the server packs the file although it was asked not to")));
    }
    match answer.total_bytes() {
        Some(0) => Err(Failure::from(Reason::Empty)),
        _ => Ok(()),
    }
}
