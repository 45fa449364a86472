//! What a person lets a bot know at the press of a key: their number, or where they are (<https://core.telegram.org/bots/features#keyboards>).
//!
//! In: a person. Out: plain data that hangs on a message. It must not press keys.

use serde::Serialize;

use super::State;

/// What was shared.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Shared {
    /// Somebody's number.
    Contact {
        /// Without a plus.
        phone_number: String,
        /// The first name.
        first_name: String,
        /// Whose it is.
        user_id: i64,
    },
    /// A place.
    Location {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
    },
}

impl Shared {
    /// What it is, in a word.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Contact { .. } => "Contact",
            Self::Location { .. } => "Location",
        }
    }
}

impl State {
    /// A person's own contact. Everybody at Telegram has a number; who was made without one here has one in the range of Telegram's test numbers.
    pub fn contact_of(&self, person: i64) -> Option<Shared> {
        let user = self.users.get(person)?;
        let phone = user.phone.clone().unwrap_or_else(|| format!("99966{:05}", person.rem_euclid(100_000)));
        Some(Shared::Contact { phone_number: phone.replace('+', ""), first_name: user.first_name.clone(), user_id: person })
    }
}
