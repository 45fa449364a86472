//! A picture of a video: a telling one, or the one at a time.
//!
//! In: [`DrawRequest`]. Out: a JPEG and its size. Must not: run FFmpeg in this process, or change the source.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use tokio_util::sync::CancellationToken;

use super::protocol::{Draw, Reply, Request, Task};
use super::{Media, absolute};
use crate::model::Failure;

/// What [`Media::draw`] works on.
#[derive(Clone, Debug)]
pub struct DrawRequest {
    /// The video.
    pub input: PathBuf,
    /// A folder of one's own, on the disk that takes the result.
    pub folder: PathBuf,
    /// The first frame that begins at this time or later, counted from the start; the last one if it is behind the end. A telling frame if it is not said.
    pub at: Option<Duration>,
    /// True keeps the size that the video is shown in; else it is within Telegram's bounds of a thumbnail, 320 pixels a side and 200 kB.
    pub full: bool,
}

impl Media {
    /// Makes a picture of a video, upright. Gives the path of the JPEG, in the folder of the request, with its width and height in pixels.
    ///
    /// # Errors
    /// [`crate::model::Reason::BrokenMedia`] if there is no frame that can be decoded; limits and a full disk as everywhere.
    pub async fn draw(&self, request: DrawRequest, cancel: &CancellationToken) -> Result<(PathBuf, (u32, u32)), Failure> {
        let (input, folder) = (absolute(&request.input)?, absolute(&request.folder)?);
        let output = folder.join("drawn.jpg");
        let at_us = request.at.map(|at| i64::try_from(at.as_micros()).unwrap_or(i64::MAX));
        let limits = self.limits(0, vec![input.clone()], Some(folder));
        let task = Task::Draw(Draw { input, output: output.clone(), at_us, full: request.full });
        match self.run_child(Request { limits, task }, &[], self.max_time(), |_| {}, cancel).await? {
            Reply::Drawn { size } => Ok((output, size)),
            other => Err(Failure::internal(anyhow!("a picture was answered with {other:?}"))),
        }
    }
}
