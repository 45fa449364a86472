//! Folders of the jobs on disk, and the room that is left there.
//!
//! In: job numbers. Out: a private folder for each; everything in it goes with the job. Must not: touch anything in the work folder that
//! is not named like a job's.

use std::io;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use tokio::fs;

use crate::model::{Failure, JobId, Reason};

/// What the folder of a job is called before its number.
const PREFIX: &str = "job-";

/// How often a removal is tried when a writer that is just stopping still makes files.
const REMOVE_ATTEMPTS: u32 = 4;

/// The work folder.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    keep_free_bytes: u64,
}

impl Workspace {
    /// A workspace in `work_dir` that leaves `keep_free_bytes` of the disk free. Touches nothing yet.
    pub fn new(work_dir: impl Into<PathBuf>, keep_free_bytes: u64) -> Self {
        Self { root: work_dir.into(), keep_free_bytes }
    }

    /// Removes the folders of all jobs but `keep`: those that a crash left behind. To be called once, before work begins. Says how many went.
    pub async fn sweep(&self, keep: &[JobId]) -> io::Result<usize> {
        let mut entries = match fs::read_dir(&self.root).await {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(error),
        };
        let mut removed = 0;
        while let Some(entry) = entries.next_entry().await? {
            let job = entry.file_name().to_str().and_then(job_of_name);
            if job.is_some_and(|job| !keep.contains(&job)) && entry.file_type().await?.is_dir() {
                remove_folder(&entry.path()).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The folder of a job, made if it is not there; nobody but this user may look inside.
    pub async fn folder(&self, job: JobId) -> Result<PathBuf, Failure> {
        let folder = self.path(job);
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .await
            .map_err(|error| disk_failure(error, "make the job's folder"))?;
        Ok(folder)
    }

    /// Removes the folder of a job with all that is in it; it is well if there is none.
    pub async fn remove(&self, job: JobId) -> io::Result<()> {
        remove_folder(&self.path(job)).await
    }

    /// Fails with [`Reason::DiskFull`] unless `bytes` more fit and the reserve stays free.
    pub async fn check_free(&self, bytes: u64) -> Result<(), Failure> {
        fs::create_dir_all(&self.root).await.map_err(|error| disk_failure(error, "make the work folder"))?;
        check_room(&self.root, bytes, self.keep_free_bytes)
    }

    fn path(&self, job: JobId) -> PathBuf {
        self.root.join(format!("{PREFIX}{job}"))
    }
}

/// Fails with [`Reason::DiskFull`] unless `bytes` more and `keep_free_bytes` beside them fit on the disk that holds `folder`.
pub(crate) fn check_room(folder: &Path, bytes: u64, keep_free_bytes: u64) -> Result<(), Failure> {
    let disk = statvfs(folder)
        .map_err(|error| Failure::internal(anyhow::anyhow!("can't ask {} for its free space: {error}", folder.display())))?;
    // The fields have other widths on other systems.
    #[allow(clippy::useless_conversion)]
    let free_bytes = u64::from(disk.blocks_available()).saturating_mul(u64::from(disk.fragment_size()));
    if bytes.saturating_add(keep_free_bytes) <= free_bytes {
        return Ok(());
    }
    let cause = anyhow::anyhow!("{free_bytes} bytes are free, {bytes} are needed and {keep_free_bytes} are to stay free");
    Err(Failure::new(Reason::DiskFull, cause))
}

/// A failed operation on disk: a full disk, or something that should not happen.
pub(crate) fn disk_failure(error: io::Error, doing: &str) -> Failure {
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let reason = if full { Reason::DiskFull } else { Reason::Internal };
    Failure::new(reason, anyhow::Error::new(error).context(format!("can't {doing}")))
}

fn job_of_name(name: &str) -> Option<JobId> {
    name.strip_prefix(PREFIX)?.parse().ok().map(JobId)
}

async fn remove_folder(folder: &Path) -> io::Result<()> {
    let mut attempt = 1;
    loop {
        match fs::remove_dir_all(folder).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty && attempt < REMOVE_ATTEMPTS => attempt += 1,
            outcome => return outcome,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[tokio::test]
    async fn a_sweep_removes_what_crashed_jobs_left_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(root.path(), 0);
        for job in [1, 2, 3] {
            let folder = workspace.folder(JobId(job)).await.unwrap();
            fs::write(folder.join("part"), b"x").await.unwrap();
            assert_eq!(fs::metadata(&folder).await.unwrap().permissions().mode() & 0o777, 0o700);
        }
        fs::write(root.path().join("job-9"), b"a file").await.unwrap();
        fs::create_dir(root.path().join("job-notes")).await.unwrap();
        fs::create_dir(root.path().join("mine")).await.unwrap();
        assert_eq!(workspace.sweep(&[JobId(2)]).await.unwrap(), 2);
        let mut left: Vec<_> =
            std::fs::read_dir(root.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["job-2", "job-9", "job-notes", "mine"]);
        workspace.remove(JobId(2)).await.unwrap();
        workspace.remove(JobId(2)).await.unwrap();
        assert!(!root.path().join("job-2").exists());
    }

    #[tokio::test]
    async fn a_missing_work_folder_is_made_when_it_is_needed() {
        let root = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(root.path().join("data/work"), 0);
        assert_eq!(workspace.sweep(&[]).await.unwrap(), 0);
        workspace.check_free(1).await.unwrap();
        assert!(workspace.folder(JobId(7)).await.unwrap().is_dir());
    }

    #[tokio::test]
    async fn room_is_refused_when_the_reserve_would_go() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Workspace::new(root.path(), u64::MAX).check_free(0).await.unwrap_err().reason, Reason::DiskFull);
        assert_eq!(Workspace::new(root.path(), 0).check_free(u64::MAX).await.unwrap_err().reason, Reason::DiskFull);
    }
}
