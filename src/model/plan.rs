//! Which way a file goes up, and where it then is.
//!
//! In: decisions of the router, answers of the lanes. Out: plain values. Must not: choose.

use serde::{Deserialize, Serialize};

use super::{ChatId, MessageId, UserId};

/// A way up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Multipart upload by the bot.
    BotApi,
    /// Parts by a user account into the relay channel, then a copy by the bot.
    UserAccount,
    /// Parts by the bot itself over MTProto: into a relay channel where it may post, else straight into the chat.
    BotMtproto,
}

/// How a lane is, and what it can take now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneHealth {
    /// The lane.
    pub lane: Lane,
    /// Largest file in bytes.
    pub limit_bytes: u64,
    /// False if it can't be used now (not logged in, revoked, relay gone).
    pub well: bool,
}

/// What the router decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadPlan {
    /// Send it as it is by this lane.
    Send {
        /// The lane to take.
        lane: Lane,
        /// The lane that would have been taken were it well; said to the person and the log.
        instead_of: Option<Lane>,
    },
    /// Make it at most this big first, then by this lane.
    Compress {
        /// The lane to take afterwards.
        lane: Lane,
        /// Upper bound for the result, in bytes.
        target_bytes: u64,
        /// The lane that would have been taken were it well.
        instead_of: Option<Lane>,
    },
    /// Cut it into pieces that are at most this big, then send each by this lane.
    Split {
        /// The lane to take afterwards.
        lane: Lane,
        /// Upper bound for each piece, in bytes.
        piece_bytes: u64,
        /// The lane that would have been taken were it well.
        instead_of: Option<Lane>,
    },
    /// It can't be sent.
    Refuse {
        /// The largest that can be sent now, in bytes.
        limit_bytes: u64,
        /// True if a user account that is missing or unwell would help.
        account_missing: bool,
    },
}

/// A message that holds a file and can be copied by the bot: in the relay channel, or in the chat that the bot sent it to directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RelayMessage {
    /// The relay channel, or the chat, as the Bot API numbers it.
    pub channel: ChatId,
    /// The message in it.
    pub message: MessageId,
}

/// Numbers that make an upload by MTProto the same one when it is repeated; drawn once and stored before the first call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadIds {
    /// Number of the file at Telegram: parts that are there already are simply stored once more.
    pub file_id: i64,
    /// Number of the message: Telegram takes it once.
    pub random_id: i64,
}

/// Who carries an upload by MTProto: parts and messages belong to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CarriedBy {
    /// The lane.
    pub lane: Lane,
    /// The account, or the bot.
    pub account: UserId,
    /// True if it is sent straight into the requester's chat: then the upload is the delivery.
    pub direct: bool,
}

impl UploadIds {
    /// Draws new ones.
    pub fn draw() -> Self {
        Self { file_id: rand::random(), random_id: rand::random() }
    }
}

/// Where the file is after the upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Uploaded {
    /// Sent straight into the requester's chat; `file_id` serves later requests.
    InChat {
        /// The message in the chat.
        message: MessageId,
        /// The Bot API's id of the file, good for this bot alone.
        file_id: String,
    },
    /// Waiting in the relay channel.
    InRelay(RelayMessage),
    /// In pieces that wait in the relay channel as one album.
    InAlbum {
        /// In the order of the pieces.
        messages: Vec<RelayMessage>,
    },
    /// In pieces, each on its own.
    InPieces {
        /// In their order.
        pieces: Vec<Uploaded>,
    },
}

impl Uploaded {
    /// The message that it was sent straight into the requester's chat with.
    pub fn in_chat(&self) -> Option<MessageId> {
        match self {
            Self::InChat { message, .. } => Some(*message),
            Self::InRelay(_) | Self::InAlbum { .. } | Self::InPieces { .. } => None,
        }
    }

    /// A message of the relay that holds it, or a piece of it.
    pub fn relay(&self) -> Option<RelayMessage> {
        match self {
            Self::InRelay(message) => Some(*message),
            Self::InAlbum { messages } => messages.first().copied(),
            Self::InPieces { pieces } => pieces.iter().find_map(Self::relay),
            Self::InChat { .. } => None,
        }
    }

    /// True if a later request can be answered with it: how a file is called that was found after a lost answer nobody knows.
    pub fn can_be_sent_again(&self) -> bool {
        match self {
            Self::InChat { file_id, .. } => !file_id.is_empty(),
            Self::InRelay(_) | Self::InAlbum { .. } => true,
            Self::InPieces { pieces } => pieces.iter().all(Self::can_be_sent_again),
        }
    }
}

/// Which piece of a content it is that one message can't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Piece {
    /// From 1.
    pub number: u32,
    /// How many there are.
    pub of: u32,
}

/// The end of the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The message with the file in the requester's chat.
    pub message: MessageId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_drawn_anew() {
        assert_ne!(UploadIds::draw(), UploadIds::draw());
    }
}
