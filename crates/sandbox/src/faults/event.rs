//! Misfortunes that a scripted fault can be: they befall the world right before a call, which then goes its way.
//!
//! In: an event and the key that calls. Out: the world as it is after that. It must not choose when.

use serde::{Deserialize, Serialize};

use crate::world::World;

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The session of the MTProto client that calls is ended from another device.
    SessionRevoked,
    /// A channel is deleted, by its internal id.
    ChannelDeleted {
        /// Without the `-100`.
        channel: i64,
    },
    /// A bot is removed from a channel.
    BotRemoved {
        /// Without the `-100`.
        channel: i64,
        /// The bot's id.
        bot: i64,
    },
    /// All parts that no message took are forgotten.
    PartsExpired,
    /// The clock of the data centres is off from now on (0: right again).
    ClockSkewed {
        /// How far ahead.
        seconds: i64,
    },
}

impl Event {
    /// Lets it happen.
    pub(crate) fn befall(&self, world: &World, key_id: Option<i64>) {
        match *self {
            Self::SessionRevoked => {
                if let Some(key_id) = key_id {
                    world.accounts().revoke_key_id(key_id);
                }
            }
            Self::ChannelDeleted { channel } => {
                world.delete_channel(channel);
            }
            Self::BotRemoved { channel, bot } => {
                world.remove_bot(channel, bot);
            }
            Self::PartsExpired => {
                world.expire_all_parts();
            }
            Self::ClockSkewed { seconds } => world.skew_clock(seconds),
        }
    }
}
