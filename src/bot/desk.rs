//! What every handler has at hand.
//!
//! In: the parts, once. Out: a bundle that is cheap to clone. Must not: hold state of a conversation.

use std::sync::Arc;

use teloxide::types::{Me, User};

use super::answers::Answers;
use crate::config::BotConfig;
use crate::i18n::{Texts, pick};
use crate::intake::Intake;

/// Everything a handler needs.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    /// Where wishes go.
    pub(super) intake: Intake,
    /// Where answers go.
    pub(super) answers: Answers,
    /// The settings of the conversation.
    pub(super) config: Arc<BotConfig>,
    /// Who we are.
    pub(super) me: Arc<Me>,
}

impl Desk {
    /// The language to speak with a person.
    pub(super) fn language(&self, user: Option<&User>) -> String {
        pick(user.and_then(|user| user.language_code.as_deref()), &self.config.default_language)
    }

    /// The texts for a person.
    pub(super) fn texts(&self, user: &User) -> Texts {
        Texts::new(&self.language(Some(user)))
    }
}
