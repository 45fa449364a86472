//! The tables of a session file: the only SQL outside the store, because a session is a file of its own that outlives the database.
//!
//! In: a path, plain values. Out: rows as plain values. Must not: cache, or know what grammers is about beyond its types.

use std::collections::HashMap;
use std::path::Path;

use grammers_session::types::{ChannelKind, ChannelState, DcOption, PeerAuth, PeerId, PeerInfo, PeerKind, UpdateState, UpdatesState};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::SessionError;

/// Schema that this program writes (`PRAGMA user_version`).
pub const SCHEMA_VERSION: u32 = 1;

const SCHEMA: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE dc_option (id INTEGER PRIMARY KEY, ipv4 TEXT NOT NULL, ipv6 TEXT NOT NULL, auth_key BLOB);
CREATE TABLE peer (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, hash INTEGER, bot INTEGER, is_self INTEGER, channel_kind INTEGER);
CREATE TABLE update_state (id INTEGER PRIMARY KEY CHECK (id = 0), pts INTEGER NOT NULL, qts INTEGER NOT NULL, date INTEGER NOT NULL,
                           seq INTEGER NOT NULL);
CREATE TABLE channel_state (id INTEGER PRIMARY KEY, pts INTEGER NOT NULL);
INSERT INTO update_state VALUES (0, 0, 0, 0, 0);
";

pub(super) fn open(path: &Path) -> Result<Connection, SessionError> {
    let connection = Connection::open(path)?;
    // One small file that can be copied; a key must survive a power cut, hence full synchronisation.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        SCHEMA_VERSION => {}
        0 => connection.execute_batch(&format!("BEGIN; {SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"))?,
        found => return Err(SessionError::Schema { path: path.to_owned(), found }),
    }
    Ok(connection)
}

pub(super) fn meta<T: DeserializeOwned>(connection: &Connection, key: &str) -> Result<Option<T>, SessionError> {
    let text: Option<String> = connection.query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| row.get(0)).optional()?;
    // What an older version wrote and this one can't read is asked of Telegram again.
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

pub(super) fn set_meta<T: Serialize>(connection: &Connection, key: &str, value: Option<&T>) -> Result<(), SessionError> {
    match value.and_then(|value| serde_json::to_string(value).ok()) {
        Some(text) => connection.execute("INSERT OR REPLACE INTO meta VALUES (?1, ?2)", params![key, text])?,
        None => connection.execute("DELETE FROM meta WHERE key = ?1", [key])?,
    };
    Ok(())
}

pub(super) fn home_dc(connection: &Connection) -> Result<Option<i32>, SessionError> {
    meta(connection, "home_dc")
}

pub(super) fn set_home_dc(connection: &Connection, dc_id: i32) -> Result<(), SessionError> {
    set_meta(connection, "home_dc", Some(&dc_id))
}

pub(super) fn dc_options(connection: &Connection) -> Result<HashMap<i32, DcOption>, SessionError> {
    let mut statement = connection.prepare("SELECT id, ipv4, ipv6, auth_key FROM dc_option")?;
    let rows = statement.query_map([], |row| {
        let (id, ipv4, ipv6): (i32, String, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let auth_key: Option<Vec<u8>> = row.get(3)?;
        Ok((id, ipv4, ipv6, auth_key))
    })?;
    let mut options = HashMap::new();
    for row in rows {
        let (id, ipv4, ipv6, auth_key) = row?;
        // A row that can't be read is as good as none: the static address comes in its place.
        if let (Ok(ipv4), Ok(ipv6)) = (ipv4.parse(), ipv6.parse()) {
            options.insert(id, DcOption { id, ipv4, ipv6, auth_key: auth_key.and_then(|key| key.try_into().ok()) });
        }
    }
    Ok(options)
}

pub(super) fn set_dc_option(connection: &Connection, option: &DcOption) -> Result<(), SessionError> {
    let key = option.auth_key.as_ref().map(|key| key.as_slice());
    let (ipv4, ipv6) = (option.ipv4.to_string(), option.ipv6.to_string());
    connection.execute("INSERT OR REPLACE INTO dc_option VALUES (?1, ?2, ?3, ?4)", params![option.id, ipv4, ipv6, key])?;
    Ok(())
}

pub(super) fn peer(connection: &Connection, id: PeerId) -> Result<Option<PeerInfo>, SessionError> {
    // The account itself is found by its flag: its number need not be known to ask for it.
    let (clause, key) = match id.bare_id() {
        Some(_) => ("id = ?1", id.bot_api_dialog_id_unchecked()),
        None => ("is_self = ?1", 1),
    };
    let query = format!("SELECT id, kind, hash, bot, is_self, channel_kind FROM peer WHERE {clause} LIMIT 1");
    let found = connection
        .query_row(&query, [key], |row| {
            let auth = row.get::<_, Option<i64>>(2)?.map(PeerAuth::from_hash);
            let dialog_id: i64 = row.get(0)?;
            Ok(match row.get::<_, u8>(1)? {
                0 => PeerInfo::User { id: bare(dialog_id), auth, bot: row.get(3)?, is_self: row.get(4)? },
                1 => PeerInfo::Chat { id: bare(dialog_id) },
                _ => PeerInfo::Channel { id: bare(dialog_id), auth, kind: row.get::<_, Option<u8>>(5)?.and_then(channel_kind) },
            })
        })
        .optional()?;
    Ok(found)
}

pub(super) fn cache_peer(connection: &Connection, new: &PeerInfo) -> Result<(), SessionError> {
    let id = new.id();
    let mut merged = peer(connection, id)?.unwrap_or_else(|| new.clone());
    merged.extend_info(new);
    let hash = merged.auth().map(PeerAuth::hash);
    let kind = match id.kind() {
        PeerKind::User => 0,
        PeerKind::Chat => 1,
        PeerKind::Channel => 2,
    };
    let (bot, is_self, channel) = match &merged {
        PeerInfo::User { bot, is_self, .. } => (*bot, *is_self, None),
        PeerInfo::Chat { .. } => (None, None, None),
        PeerInfo::Channel { kind, .. } => (None, None, kind.map(|kind| kind as u8)),
    };
    let dialog_id = id.bot_api_dialog_id_unchecked();
    connection
        .execute("INSERT OR REPLACE INTO peer VALUES (?1, ?2, ?3, ?4, ?5, ?6)", params![dialog_id, kind, hash, bot, is_self, channel])?;
    Ok(())
}

pub(super) fn updates_state(connection: &Connection) -> Result<UpdatesState, SessionError> {
    let mut state = connection.query_row("SELECT pts, qts, date, seq FROM update_state", [], |row| {
        Ok(UpdatesState { pts: row.get(0)?, qts: row.get(1)?, date: row.get(2)?, seq: row.get(3)?, channels: Vec::new() })
    })?;
    let mut statement = connection.prepare("SELECT id, pts FROM channel_state ORDER BY id")?;
    let rows = statement.query_map([], |row| Ok(ChannelState { id: row.get(0)?, pts: row.get(1)? }))?;
    for row in rows {
        state.channels.push(row?);
    }
    Ok(state)
}

pub(super) fn set_update_state(connection: &mut Connection, update: UpdateState) -> Result<(), SessionError> {
    let transaction = connection.transaction()?;
    match update {
        UpdateState::All(state) => {
            let row = params![state.pts, state.qts, state.date, state.seq];
            transaction.execute("UPDATE update_state SET pts = ?1, qts = ?2, date = ?3, seq = ?4", row)?;
            transaction.execute("DELETE FROM channel_state", [])?;
            for channel in state.channels {
                transaction.execute("INSERT OR REPLACE INTO channel_state VALUES (?1, ?2)", params![channel.id, channel.pts])?;
            }
        }
        UpdateState::Primary { pts, date, seq } => {
            transaction.execute("UPDATE update_state SET pts = ?1, date = ?2, seq = ?3", params![pts, date, seq])?;
        }
        UpdateState::Secondary { qts } => {
            transaction.execute("UPDATE update_state SET qts = ?1", [qts])?;
        }
        UpdateState::Channel { id, pts } => {
            transaction.execute("INSERT OR REPLACE INTO channel_state VALUES (?1, ?2)", params![id, pts])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

fn bare(dialog_id: i64) -> i64 {
    PeerId::from_bot_api_dialog_id(dialog_id).map_or(dialog_id, |id| id.bare_id_unchecked())
}

fn channel_kind(number: u8) -> Option<ChannelKind> {
    [ChannelKind::Broadcast, ChannelKind::Megagroup, ChannelKind::Gigagroup, ChannelKind::Community]
        .into_iter()
        .find(|kind| *kind as u8 == number)
}
