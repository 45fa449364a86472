//! One user session on disk: what grammers asks of a session, on our own SQLite, plus what we know of the account and its relay.
//!
//! In: a folder and a name. Out: [`FileSession`]: `<folder>/<name>.session` (0600, folder 0700), held for this process alone by a lock on
//! `<name>.lock`. Must not: connect, or be opened twice: two processes on one key end it for good (`AUTH_KEY_DUPLICATED`).

mod data_centres;
mod grammers;
mod sql;

use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use grammers_session::types::DcOption;
use serde::{Deserialize, Serialize};

use crate::config::TelegramConfig;
use crate::model::UserId;

pub use sql::SCHEMA_VERSION;

/// What can go wrong with a session file.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// Another process (or another value in this one) has it open.
    #[error("the session {name} is in use by another process")]
    InUse {
        /// Name of the session.
        name: String,
    },
    /// Letters, digits, `-` and `_`, 1 to 64 of them.
    #[error("{name:?} can't be the name of a session: use letters, digits, - and _")]
    BadName {
        /// What was given.
        name: String,
    },
    /// Written by a newer version of this program.
    #[error("the session file {path} has schema {found}, this program knows up to {SCHEMA_VERSION}")]
    Schema {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: u32,
    },
    /// The configured data centre can't be used.
    #[error("telegram.custom: {0}")]
    DataCentre(&'static str),
    /// The file or the folder can't be used.
    #[error("the session file {path}: {cause}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The file is damaged or the disk fails.
    #[error("the session file can't be read or written: {0}")]
    Sql(#[from] rusqlite::Error),
}

/// Who is logged in, as far as it is worth showing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SelfUser {
    /// Telegram's number.
    pub id: i64,
    /// First and last name.
    pub name: String,
    /// Without `@`.
    pub username: Option<String>,
    /// The number with its middle hidden, e.g. `+99••••••45`.
    pub phone_masked: Option<String>,
    /// Premium accounts may upload twice the size.
    pub premium: bool,
    /// It is a bot, logged in by its token.
    #[serde(default)]
    pub bot: bool,
}

impl SelfUser {
    /// The user in one line, for people.
    pub fn describe(&self) -> String {
        let username = self.username.as_ref().map(|name| format!(" @{name}")).unwrap_or_default();
        let phone = self.phone_masked.as_ref().map(|phone| format!(", {phone}")).unwrap_or_default();
        let premium = if self.premium { ", Premium" } else { "" };
        format!("{}{username}{phone}{premium}", self.name)
    }
}

/// The relay channel as this account addresses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRelay {
    /// Bare number of the channel (without `-100`).
    pub id: i64,
    /// Proof that this account has met the channel; good for this account alone.
    pub access_hash: i64,
    /// Its name when it was last seen.
    pub title: String,
}

/// An open session file.
#[derive(Debug)]
pub struct FileSession {
    name: String,
    path: PathBuf,
    connection: Mutex<rusqlite::Connection>,
    // grammers asks for these on every request, so they are answered from memory.
    cache: Mutex<Cache>,
    // Held for the life of the value; the system lets go of it when the process ends in any way.
    _lock: File,
}

#[derive(Debug)]
struct Cache {
    home_dc: i32,
    dc_options: HashMap<i32, DcOption>,
}

impl FileSession {
    /// Opens (or makes) the session `name` in `folder` for this process alone.
    pub fn open(folder: &Path, name: &str, config: &TelegramConfig) -> Result<Arc<Self>, SessionError> {
        check_name(name)?;
        Self::open_named(folder, name, config)
    }

    /// Opens (or makes) the session of a bot. Its name is none that a person can give, so it is in no list of user accounts.
    pub fn open_for_bot(folder: &Path, bot: UserId, config: &TelegramConfig) -> Result<Arc<Self>, SessionError> {
        let mut config = config.clone();
        config.custom.auth_key = config.custom.bot_auth_key.clone();
        Self::open_named(folder, &Self::name_for_bot(bot), &config)
    }

    /// Name of a bot's session.
    pub fn name_for_bot(bot: UserId) -> String {
        format!("bot.{bot}")
    }

    /// The bot whose session has this name, if it is one of a bot.
    pub fn bot_of_name(name: &str) -> Option<UserId> {
        let bot = name.strip_prefix("bot.")?.parse().map(UserId).ok()?;
        (Self::name_for_bot(bot) == name).then_some(bot)
    }

    fn open_named(folder: &Path, name: &str, config: &TelegramConfig) -> Result<Arc<Self>, SessionError> {
        make_folder(folder).map_err(|cause| SessionError::Io { path: folder.to_owned(), cause })?;
        let lock = take_lock(folder, name)?;
        let path = session_path(folder, name);
        private_file(&path).map_err(|cause| SessionError::Io { path: path.clone(), cause })?;
        let connection = sql::open(&path)?;
        let stored = sql::dc_options(&connection)?;
        let logged_in = sql::meta::<SelfUser>(&connection, "self_user")?.is_some();
        let (default_home, dc_options) = data_centres::resolve(config, stored, logged_in)?;
        // A custom data centre is the only one there is; elsewhere the stored home wins.
        let home_dc = sql::home_dc(&connection)?.filter(|dc_id| dc_options.contains_key(dc_id)).unwrap_or(default_home);
        let cache = Mutex::new(Cache { home_dc, dc_options });
        Ok(Arc::new(Self { name: name.to_owned(), path, connection: Mutex::new(connection), cache, _lock: lock }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Who is logged in, as last seen.
    pub fn self_user(&self) -> Result<Option<SelfUser>, SessionError> {
        sql::meta(&self.connection(), "self_user")
    }

    /// Stores who is logged in; `None` forgets it.
    pub fn set_self_user(&self, user: Option<&SelfUser>) -> Result<(), SessionError> {
        sql::set_meta(&self.connection(), "self_user", user)
    }

    /// The relay channel of this account.
    pub fn relay(&self) -> Result<Option<StoredRelay>, SessionError> {
        sql::meta(&self.connection(), "relay")
    }

    /// Stores the relay channel; `None` forgets it.
    pub fn set_relay(&self, relay: Option<&StoredRelay>) -> Result<(), SessionError> {
        sql::set_meta(&self.connection(), "relay", relay)
    }

    /// The data centre that the account lives in, with its address and key.
    pub fn home_dc_option(&self) -> Option<DcOption> {
        let cache = self.cache();
        cache.dc_options.get(&cache.home_dc).cloned()
    }

    /// Removes the file. The lock stays until the value is dropped, so nobody sees half of it.
    pub fn remove(&self) -> Result<(), SessionError> {
        std::fs::remove_file(&self.path).map_err(|cause| SessionError::Io { path: self.path.clone(), cause })
    }

    // A panic while one of these was held can't leave half a value: SQLite rolls back, the cache is replaced whole.
    fn connection(&self) -> MutexGuard<'_, rusqlite::Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names of the sessions in a folder, sorted; none if there is no such folder.
pub fn session_names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "session")
            && let Some(name) = path.file_stem().and_then(|stem| stem.to_str())
            && check_name(name).is_ok()
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Where the session `name` lies.
pub fn session_path(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.session"))
}

fn check_name(name: &str) -> Result<(), SessionError> {
    let good = (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if good { Ok(()) } else { Err(SessionError::BadName { name: name.to_owned() }) }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        // A folder from a checkout or a volume may be open to others; keys lie in it.
        let permissions = std::fs::metadata(folder)?.permissions();
        if permissions.mode() & 0o077 != 0 {
            std::fs::set_permissions(folder, PermissionsExt::from_mode(0o700))?;
        }
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

fn private_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(path)?;
    file.set_permissions(PermissionsExt::from_mode(0o600))?;
    Ok(file)
}

fn take_lock(folder: &Path, name: &str) -> Result<File, SessionError> {
    let path = folder.join(format!("{name}.lock"));
    let lock = private_file(&path).map_err(|cause| SessionError::Io { path: path.clone(), cause })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(SessionError::InUse { name: name.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(SessionError::Io { path, cause }),
    }
}

#[cfg(test)]
mod tests;
