//! What a bot's owner settles with @BotFather, not by calls of the bot (<https://core.telegram.org/bots/features#botfather>).
//!
//! In: settings. Out: the same, for those who decide by them. It must not decide anything.

use serde::{Deserialize, Serialize};

use super::{State, World};

/// Settings of a bot. The defaults are those of a new bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BotSettings {
    /// In groups it hears only what is meant for it (`/setprivacy`).
    pub privacy_mode: bool,
    /// It can be added to groups (`/setjoingroups`).
    pub can_join_groups: bool,
    /// It can be asked in any chat by its name (`/setinline`).
    pub inline_mode: bool,
    /// It is told which result was chosen (`/setinlinefeedback`).
    pub inline_feedback: bool,
}

impl Default for BotSettings {
    fn default() -> Self {
        Self { privacy_mode: true, can_join_groups: true, inline_mode: false, inline_feedback: false }
    }
}

impl State {
    /// The settings of a bot.
    pub fn settings_of(&self, bot: i64) -> BotSettings {
        self.bots.get(&bot).map(|bot| bot.settings).unwrap_or_default()
    }
}

impl World {
    /// Changes the settings of a bot, all of them. `false` if there is no such bot.
    pub fn set_bot(&self, bot: i64, settings: BotSettings) -> bool {
        self.change(|state| state.bots.get_mut(&bot).map(|bot| bot.settings = settings).is_some())
    }
}
