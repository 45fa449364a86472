//! What a bot says of itself: name, descriptions, commands, the button beside the place where one writes.
//!
//! In: texts by language, commands by scope. Out: those that a certain person is shown. It must not check them (`bot_api::me` and its like do).

use std::collections::BTreeMap;

use serde_json::Value;

use super::State;
use super::chats::{ChatRef, Standing};

/// All of it.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    /// By scope (see [`scope_of_chat`]) and language; the language may be empty.
    pub commands: BTreeMap<(String, String), Value>,
    /// `name`, `description` or `short_description`, by language.
    pub texts: BTreeMap<(&'static str, String), String>,
    /// `MenuButton` by person; `None` for all others.
    pub menu_buttons: BTreeMap<Option<i64>, Value>,
}

/// A scope that names a chat (`chat`, `chat_administrators`), or one of its members.
pub fn scope_of_chat(kind: &str, chat: ChatRef, member: Option<i64>) -> String {
    match member {
        Some(member) => format!("{kind}:{}:{member}", chat.bot_api_id()),
        None => format!("{kind}:{}", chat.bot_api_id()),
    }
}

impl State {
    /// The commands that a person is shown in a chat: the narrowest scope that has any, in their language before those in none
    /// (<https://core.telegram.org/bots/api#determining-list-of-commands>).
    pub fn commands_for(&self, bot: i64, user: i64, chat: ChatRef) -> Option<&Value> {
        let language = self.users.get(user).and_then(|user| user.language_code.clone()).unwrap_or_default();
        let own = |kind: &str, member: Option<i64>| scope_of_chat(kind, chat, member);
        let mut scopes = match chat {
            ChatRef::Private { .. } => vec![own("chat", None), "all_private_chats".to_owned()],
            ChatRef::Channel(id) => {
                let standing = self.channels.get(&id).map_or(Standing::Left, |channel| channel.standing_of(user));
                let is_admin = matches!(standing, Standing::Creator | Standing::Admin(_));
                let mut scopes = vec![own("chat_member", Some(user))];
                scopes.extend(is_admin.then(|| own("chat_administrators", None)));
                scopes.push(own("chat", None));
                scopes.extend(is_admin.then(|| "all_chat_administrators".to_owned()));
                scopes.push("all_group_chats".to_owned());
                scopes
            }
        };
        scopes.push("default".to_owned());
        let commands = &self.bots.get(&bot)?.profile.commands;
        let in_scope =
            |scope: String| [language.clone(), String::new()].into_iter().find_map(|language| commands.get(&(scope.clone(), language)));
        scopes.into_iter().find_map(in_scope)
    }

    /// A text of a bot in a language, or in none if there is none in that one; empty if there is neither.
    pub fn profile_text(&self, bot: i64, what: &'static str, language: &str) -> String {
        let texts = self.bots.get(&bot).map(|bot| &bot.profile.texts);
        let find = |language: &str| texts.and_then(|texts| texts.get(&(what, language.to_owned())));
        find(language).or_else(|| find("")).cloned().unwrap_or_default()
    }
}
