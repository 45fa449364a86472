//! The store of uploaded parts: which part of which file of which account lies on disk, and its assembly into one file.
//!
//! In: parts in any order over any connection of an account. Out: verdicts with Telegram's error names, and a path when all parts are there.
//! Part k of every upload lies at slot k of 512 KiB in one sparse file, so no part waits for another and memory stays flat. Parts are
//! written outside of its lock. It must not know messages, chats or TL.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::part_rules::{MAX_PART_BYTES, PartCall, PartError, Shape};

/// An upload belongs to one account; another account's file of the same number is another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct UploadKey {
    /// The user (person or bot) whose authorization brought the parts.
    pub(crate) account: i64,
    /// The number that the client drew for the file.
    pub(crate) file_id: i64,
}

/// All uploads of the world; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Uploads {
    dir: Arc<PathBuf>,
    part_lifetime: Duration,
    table: Arc<Mutex<HashMap<UploadKey, Upload>>>,
}

#[derive(Debug, Default)]
struct Upload {
    shape: Shape,
    /// The parts that are on disk, by number.
    stored: BTreeMap<i32, StoredPart>,
    /// Set once a message took the file: the parts are gone into it.
    taken: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy)]
struct StoredPart {
    len_bytes: u32,
    since: Instant,
}

/// Why an upload could not be assembled.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AssembleError {
    /// Telegram's name of what is wrong.
    #[error("{0}")]
    Refused(String),
    /// The disk did not do it.
    #[error("assembling an upload failed")]
    Disk(#[from] io::Error),
}

/// An assembled file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assembled {
    /// Where the whole file lies.
    pub(crate) path: PathBuf,
    /// Its length.
    pub(crate) size_bytes: u64,
}

/// What a client says of the file that it uploaded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    /// The number of parts.
    pub(crate) parts: i32,
    /// `inputFileBig` (true) or `inputFile`.
    pub(crate) big: bool,
    /// The account's limit.
    pub(crate) max_parts: i32,
}

impl Uploads {
    /// A store whose files live in `dir`, which is made when it is missing. A part that no message took is forgotten after its lifetime.
    pub(crate) fn new(dir: PathBuf, part_lifetime: Duration) -> Self {
        if let Err(error) = std::fs::create_dir_all(&dir) {
            // Every part will then be refused with the same cause.
            tracing::error!(%error, dir = %dir.display(), "the folder for parts cannot be made");
        }
        Self { dir: Arc::new(dir), part_lifetime, table: Arc::default() }
    }

    /// Checks a part by the rules and writes it; one that is there already is replaced. Blocks on the disk: call it on a blocking thread.
    pub(crate) fn store(&self, key: UploadKey, call: PartCall, bytes: &[u8], now: Instant) -> Result<(), StoreError> {
        {
            let mut table = self.lock();
            let upload = table.entry(key).or_default();
            if upload.taken.is_some() || upload.has_expired(now, self.part_lifetime) {
                *upload = Upload::default();
            }
            upload.shape = upload.shape.with(call)?;
        }
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(self.path_of(key))?;
        file.write_all_at(bytes, slot_of(call.index))?;
        let mut table = self.lock();
        let upload = table.entry(key).or_default();
        // A repeated part may have been overtaken by the message that took the file.
        if upload.taken.is_none() {
            upload.stored.insert(call.index, StoredPart { len_bytes: call.len_bytes, since: now });
        }
        Ok(())
    }

    /// Makes one file of `parts` parts and moves it to `target` (same file system). Blocks on the disk, and other uploads with it unless
    /// the parts have the largest size (then it is a rename). An upload that was made into a file before gives that file again.
    pub(crate) fn assemble(&self, key: UploadKey, claim: Claim, target: &Path, now: Instant) -> Result<Assembled, AssembleError> {
        let refused = |name: &str| AssembleError::Refused(name.to_owned());
        if claim.parts < 1 || claim.parts > claim.max_parts {
            return Err(refused("FILE_PARTS_INVALID"));
        }
        let mut table = self.lock();
        let upload = table.get_mut(&key).ok_or_else(|| refused("FILE_PART_0_MISSING"))?;
        if !upload.shape.may_end_with(claim.parts, claim.big) {
            return Err(refused("FILE_PARTS_INVALID"));
        }
        if let Some(path) = upload.taken.clone() {
            let size_bytes = path.metadata()?.len();
            return Ok(Assembled { path, size_bytes });
        }
        upload.forget_old(now, self.part_lifetime);
        if let Some(missing) = (0..claim.parts).find(|part| !upload.stored.contains_key(part)) {
            return Err(AssembleError::Refused(format!("FILE_PART_{missing}_MISSING")));
        }
        let lens: Vec<u32> = upload.stored.values().map(|part| part.len_bytes).collect();
        let parts_path = self.path_of(key);
        let size_bytes = compact(&parts_path, &lens)?;
        std::fs::rename(&parts_path, target)?;
        upload.taken = Some(target.to_owned());
        upload.stored.clear();
        let path = target.to_owned();
        Ok(Assembled { path, size_bytes })
    }

    /// Forgets parts as Telegram does after some hours; no parts named means all of them. Returns how many there were.
    pub(crate) fn expire(&self, file_id: i64, parts: &[i32]) -> usize {
        let mut table = self.lock();
        let mut gone = 0;
        for (_, upload) in table.iter_mut().filter(|(key, _)| key.file_id == file_id) {
            let before = upload.stored.len();
            upload.stored.retain(|part, _| !parts.is_empty() && !parts.contains(part));
            gone += before - upload.stored.len();
        }
        gone
    }

    /// The numbers of the files of which parts are stored and that no message took yet.
    pub(crate) fn open_files(&self, now: Instant) -> Vec<i64> {
        let mut table = self.lock();
        table.values_mut().for_each(|upload| upload.forget_old(now, self.part_lifetime));
        let open = table.iter().filter(|(_, upload)| !upload.stored.is_empty());
        open.map(|(key, _)| key.file_id).collect()
    }

    fn path_of(&self, key: UploadKey) -> PathBuf {
        self.dir.join(format!("upload-{}-{:016x}", key.account, key.file_id))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UploadKey, Upload>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upload {
    fn forget_old(&mut self, now: Instant, lifetime: Duration) {
        self.stored.retain(|_, part| now.saturating_duration_since(part.since) < lifetime);
    }

    /// Whether there were parts, and all of them are too old.
    fn has_expired(&mut self, now: Instant, lifetime: Duration) -> bool {
        let had_parts = !self.stored.is_empty();
        self.forget_old(now, lifetime);
        had_parts && self.stored.is_empty()
    }
}

/// Why a part was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The part breaks a rule.
    #[error("{}", .0.name())]
    Rule(#[from] PartError),
    /// The disk did not do it.
    #[error("writing a part failed")]
    Disk(#[from] io::Error),
}

fn slot_of(index: i32) -> u64 {
    u64::from(index.unsigned_abs()) * u64::from(MAX_PART_BYTES)
}

/// Moves the slots together (they are already, for parts of the largest size) and cuts the file to its length.
fn compact(path: &Path, lens: &[u32]) -> io::Result<u64> {
    let file = OpenOptions::new().read(true).write(true).open(path)?;
    let mut end = 0_u64;
    for (index, len) in lens.iter().enumerate() {
        let slot = index as u64 * u64::from(MAX_PART_BYTES);
        if slot != end {
            move_down(&file, slot, end, *len as usize)?;
        }
        end += u64::from(*len);
    }
    file.set_len(end)?;
    Ok(end)
}

fn move_down(file: &File, from: u64, to: u64, len: usize) -> io::Result<()> {
    let mut buffer = vec![0_u8; len];
    file.read_exact_at(&mut buffer, from)?;
    file.write_all_at(&buffer, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIME: Duration = Duration::from_secs(3600);

    fn part(index: i32, total: Option<i32>, len_bytes: u32) -> PartCall {
        PartCall { index, total, len_bytes, big: total.is_some(), max_parts: 4000 }
    }

    fn claim(parts: i32) -> Claim {
        Claim { parts, big: true, max_parts: 4000 }
    }

    #[test]
    fn parts_of_any_size_in_any_order_make_the_file() {
        for size in [1024_u32, 64 * 1024, MAX_PART_BYTES] {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let uploads = Uploads::new(dir.path().to_owned(), LIFETIME);
            let key = UploadKey { account: 1, file_id: 9 };
            for (index, fill, len) in [(2, 3_u8, 700_u32), (0, 1, size), (1, 2, size)] {
                let call = part(index, Some(3), len);
                let stored = uploads.store(key, call, &vec![fill; len as usize], Instant::now());
                stored.expect("a good part");
            }
            let target = dir.path().join("whole");
            let done = uploads.assemble(key, claim(3), &target, Instant::now());
            let done = done.expect("all parts");
            assert_eq!(done.path, target);
            let mut expected = vec![1_u8; size as usize];
            expected.extend(vec![2_u8; size as usize]);
            expected.extend([3_u8; 700]);
            assert_eq!(std::fs::read(&target).expect("the file"), expected);
            assert_eq!(done.size_bytes, u64::from(size) * 2 + 700);
            let again = uploads.assemble(key, claim(3), &dir.path().join("other"), Instant::now());
            assert_eq!(again.expect("the same file"), done);
        }
    }

    #[test]
    fn a_missing_part_is_named_and_parts_belong_to_an_account() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let uploads = Uploads::new(dir.path().to_owned(), LIFETIME);
        let key = UploadKey { account: 1, file_id: 9 };
        for index in [0, 1, 2] {
            let stored = uploads.store(key, part(index, Some(3), 1024), &[7; 1024], Instant::now());
            stored.expect("a good part");
        }
        let other = UploadKey { account: 2, ..key };
        let name = |key, parts| {
            let refused = uploads.assemble(key, claim(parts), &dir.path().join("whole"), Instant::now());
            refused.expect_err("refused").to_string()
        };
        assert_eq!(name(other, 3), "FILE_PART_0_MISSING");
        assert_eq!(name(key, 2), "FILE_PARTS_INVALID");
        assert_eq!(name(key, 4001), "FILE_PARTS_INVALID");
        assert_eq!(uploads.expire(9, &[1]), 1);
        assert_eq!(name(key, 3), "FILE_PART_1_MISSING");
    }

    #[test]
    fn a_part_that_comes_again_replaces_the_earlier_one() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let uploads = Uploads::new(dir.path().to_owned(), LIFETIME);
        let (key, now, target) = (UploadKey { account: 1, file_id: 9 }, Instant::now(), dir.path().join("whole"));
        for (index, fill, len) in [(0, 1_u8, 1024), (1, 2, 700), (0, 3, 1024), (1, 4, 5)] {
            uploads.store(key, part(index, Some(2), len), &vec![fill; len as usize], now).expect("a good part");
        }
        uploads.assemble(key, claim(2), &target, now).expect("both parts");
        assert_eq!(std::fs::read(&target).expect("the file"), [&[3_u8; 1024][..], &[4; 5]].concat());
        uploads.store(key, part(0, Some(1), 3), &[5; 3], now).expect("the number may be used for another file");
        assert_eq!(std::fs::metadata(&target).expect("the file").len(), 1029);
    }

    #[test]
    fn parts_grow_old_each_for_itself() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let uploads = Uploads::new(dir.path().to_owned(), LIFETIME);
        let (key, start, target) = (UploadKey { account: 1, file_id: 9 }, Instant::now(), dir.path().join("whole"));
        let store = |index, total, len: u32, now| uploads.store(key, part(index, Some(total), len), &vec![7; len as usize], now);
        let whole = |now| uploads.assemble(key, claim(2), &target, now).map_err(|refused| refused.to_string());
        let second = Duration::from_secs(1);
        store(0, 2, 1024, start).expect("a good part");
        store(1, 2, 1024, start + second).expect("a good part");
        assert_eq!(uploads.open_files(start + LIFETIME), [9], "one part is left");
        assert_eq!(whole(start + LIFETIME), Err("FILE_PART_0_MISSING".to_owned()));
        store(0, 2, 1024, start + LIFETIME).expect("sent again");
        assert_eq!(whole(start + LIFETIME + second), Err("FILE_PART_1_MISSING".to_owned()));
        let (days, other_parts) = (start + LIFETIME * 100, 5);
        store(0, other_parts, 2048, days).expect("nothing is known of an upload whose parts are all too old");
        assert_eq!(uploads.open_files(days), [9]);
        assert!(uploads.open_files(days + LIFETIME).is_empty());
    }
}
