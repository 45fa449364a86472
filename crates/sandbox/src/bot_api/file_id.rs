//! The names that a bot has for files.
//!
//! In: a bot and a file of the world. Out: a `file_id` that only this bot can use, and a `file_unique_id` that is the same for all. It must not look
//! into the world.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::world::FileKind;

/// The name of a file for one bot.
pub(super) fn encode(bot: i64, file: i64, kind: FileKind) -> String {
    format!("{}{bot:016x}{file:016x}{}", prefix(kind), check(bot, file, kind))
}

/// The file behind a name, if it is one of this bot's.
pub(super) fn decode(bot: i64, name: &str) -> Option<i64> {
    let (head, rest) = name.split_at_checked(4)?;
    let (owner, rest) = rest.split_at_checked(16)?;
    let (file, mark) = rest.split_at_checked(16)?;
    let kind = KINDS.into_iter().find(|kind| prefix(*kind) == head)?;
    let owner = i64::from_str_radix(owner, 16).ok()?;
    let file = i64::from_str_radix(file, 16).ok()?;
    (owner == bot && mark == check(bot, file, kind)).then_some(file)
}

/// The name that is the same for every bot and cannot be used to send.
pub(super) fn unique(file: i64) -> String {
    format!("AgAD{}", check(0, file, FileKind::Document))
}

const KINDS: [FileKind; 9] = [
    FileKind::Video,
    FileKind::Audio,
    FileKind::Document,
    FileKind::Photo,
    FileKind::Animation,
    FileKind::Voice,
    FileKind::VideoNote,
    FileKind::Sticker,
    FileKind::Thumbnail,
];

/// The beginnings that real ones have.
fn prefix(kind: FileKind) -> &'static str {
    match kind {
        FileKind::Video => "BAAC",
        FileKind::Audio => "CQAC",
        FileKind::Document => "BQAC",
        FileKind::Photo => "AgAC",
        FileKind::Animation => "CgAC",
        FileKind::Voice => "AwAC",
        FileKind::VideoNote => "DQAC",
        FileKind::Sticker => "CAAC",
        FileKind::Thumbnail => "AAMC",
    }
}

fn check(bot: i64, file: i64, kind: FileKind) -> String {
    let hash = Sha256::digest(format!("{bot}:{file}:{}", kind.name()));
    hash.iter().take(6).fold(String::new(), |mut hex, byte| {
        // Writing into a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_belongs_to_one_bot() {
        let name = encode(7, 42, FileKind::Video);
        assert_eq!(decode(7, &name), Some(42));
        assert_eq!(decode(8, &name), None);
        assert_eq!(decode(7, &name.replace("BAAC", "BQAC")), None);
        assert_eq!(decode(7, ""), None);
        assert_eq!(decode(7, "BAACé"), None);
        assert_ne!(unique(42), unique(43));
    }
}
