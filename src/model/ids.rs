//! Identifiers as types, so that a chat is never passed where a message is meant.
//!
//! In: integers from Telegram or the store. Out: newtypes. Must not: know what they point to.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

id! {
    /// A job in our store.
    JobId(i64)
}
id! {
    /// A chat as the Bot API numbers it: positive for people, `-100…` for channels and supergroups.
    ChatId(i64)
}
id! {
    /// A person at Telegram.
    UserId(i64)
}
id! {
    /// A message inside one chat.
    MessageId(i32)
}
