//! Files that grow as a test lets them. In: clips, how much of them is there. Out: spools, and what the media step begins with them. Must not: sleep.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures::FutureExt;
use tgferry::media::{PrepareRequest, Preparing};
use tgferry::model::{Choice, Failure, Prepared, ProgressSender};
use tgferry::spool::{Spool, SpoolWriter};
use tokio_util::sync::CancellationToken;

use super::clips::{AAC, H264, make};
use super::{Bench, PATIENCE};

/// A picture that compresses badly: some megabytes in a few seconds.
pub(super) const NOISE: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25:duration=6,noise=alls=40:allf=t"];
pub(super) const HUM: &[&str] = &["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6"];

/// A file that comes as the test lets it.
pub(super) struct Source {
    pub(super) bytes: Vec<u8>,
    given: usize,
    pub(super) writer: SpoolWriter,
    pub(super) spool: Spool,
}

impl Source {
    /// The file lies at `path` in the end, with the content of `clip`.
    pub(super) async fn new(path: &Path, clip: &Path) -> Self {
        let bytes = std::fs::read(clip).expect("the clip reads");
        let (writer, spool) = SpoolWriter::create(path).await.expect("a spool");
        Self { bytes, given: 0, writer, spool }
    }

    pub(super) fn promised(self) -> Self {
        self.writer.expect(Some(self.bytes.len() as u64));
        self
    }

    /// Gives bytes up to so many hundredths of the whole.
    pub(super) async fn give(&mut self, percent: usize) {
        let end = self.bytes.len() * percent / 100;
        self.writer.write(&self.bytes[self.given..end]).await.expect("it is written");
        self.given = end;
    }

    pub(super) async fn finish(mut self) {
        self.give(100).await;
        self.writer.finish();
    }
}

impl Bench {
    /// A clip with picture and sound that plays everywhere.
    pub(super) fn clip(&self, name: &str, options: &[&str]) -> PathBuf {
        let clip = self.path(&format!("clip-{name}"));
        make(&clip, &[NOISE, HUM, H264, AAC, options]);
        clip
    }

    pub(super) fn live(&self, folder: &str, inputs: &[&Spool]) -> PrepareRequest {
        let mut request = self.request(inputs[0].path(), Choice::Video);
        request.inputs = inputs.iter().map(|spool| spool.path().to_owned()).collect();
        request.folder = self.path(folder);
        std::fs::create_dir_all(&request.folder).expect("the job's folder");
        request
    }

    pub(super) async fn begin(
        &self,
        request: PrepareRequest,
        inputs: Vec<Spool>,
        cancel: &CancellationToken,
    ) -> Result<Preparing, Failure> {
        let (progress, _watch) = ProgressSender::channel();
        let turn = async { Ok(Arc::new(tokio::sync::Semaphore::new(1)).acquire_owned().await.expect("it is open")) }.boxed();
        let begun = self.media.begin(request, inputs, turn, &progress, cancel);
        tokio::time::timeout(PATIENCE, begun).await.expect("it does not hang")
    }
}

/// How it ends.
pub(super) async fn done(preparing: Preparing) -> Result<Prepared, Failure> {
    tokio::time::timeout(PATIENCE, preparing.done).await.expect("it does not hang")
}

/// Waits until some of the output can be read, which is not whole then, and not from its start on.
pub(super) async fn first_bytes(spool: &Spool) {
    let seen = spool.wait(|length| (length.ready_anywhere_bytes() > 0).then(|| length.clone()));
    let length = tokio::time::timeout(PATIENCE, seen).await.expect("it does not hang").expect("it goes on");
    assert!(!length.finished && length.ready_bytes() == 0, "{length:?}");
}
