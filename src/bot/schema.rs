//! The handler tree: which update goes to which handler.
//!
//! In: updates with a [`Desk`] and a [`Me`](teloxide::types::Me). Out: what the handler says: an error means that nothing was stored and the
//! update must come again. Must not: do anything by itself.

use std::sync::Arc;

use teloxide::dispatching::{DpHandlerDescription, HandlerExt, UpdateFilterExt};
use teloxide::dptree::{self, Handler, deps};
use teloxide::types::{AllowedUpdate, Message, MessageEntityKind, MessageKind, Update};

use super::commands::Command;
use super::desk::Desk;
use super::handlers::{buttons, commands, links};
use crate::model::Failure;

/// The updates that the tree has handlers for; others are not even asked for.
pub(super) const WANTED: [AllowedUpdate; 2] = [AllowedUpdate::Message, AllowedUpdate::CallbackQuery];

/// The tree.
pub(super) type Schema = Handler<'static, Result<(), Failure>, DpHandlerDescription>;

/// Builds the tree. In a private chat everything is answered; in a group only what is addressed to us.
pub(super) fn schema() -> Schema {
    let private = dptree::filter(|message: Message| message.chat.is_private())
        .branch(dptree::entry().filter_command::<Command>().endpoint(commands::answer))
        .branch(dptree::endpoint(links::in_private));
    let group = dptree::filter(|message: Message| !message.chat.is_private())
        .branch(dptree::entry().filter_mention_command::<Command>().endpoint(commands::answer))
        .branch(dptree::filter(mentions_us).endpoint(links::in_group));
    dptree::entry()
        .branch(Update::filter_message().filter(is_from_a_person).branch(private).branch(group))
        .branch(Update::filter_callback_query().endpoint(buttons::pressed))
}

/// Sends one update through the tree. Updates without a handler are well handled by doing nothing.
pub(super) async fn dispatch(schema: &Schema, desk: &Desk, update: Update) -> Result<(), Failure> {
    let me = (*desk.me).clone();
    match schema.dispatch(deps![update, me, desk.clone()]).await {
        std::ops::ControlFlow::Break(outcome) => outcome,
        std::ops::ControlFlow::Continue(_) => Ok(()),
    }
}

/// A message that somebody wrote: not a bot's, and not Telegram's note that somebody joined.
fn is_from_a_person(message: Message) -> bool {
    matches!(message.kind, MessageKind::Common(_)) && message.from.as_ref().is_some_and(|user| !user.is_bot)
}

fn mentions_us(message: Message, desk: Desk) -> bool {
    let name = format!("@{}", desk.me.username());
    let entities = message.parse_entities().or_else(|| message.parse_caption_entities()).unwrap_or_default();
    entities.iter().any(|entity| match entity.kind() {
        MessageEntityKind::Mention => entity.text().eq_ignore_ascii_case(&name),
        MessageEntityKind::TextMention { user } => user.id == desk.me.id,
        _ => false,
    })
}

/// The tree for sharing between tasks.
pub(super) fn shared() -> Arc<Schema> {
    Arc::new(schema())
}
