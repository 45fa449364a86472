//! The world as JSON of the Bot API.
//!
//! In: messages, users, chats, updates. Out: objects as <https://core.telegram.org/bots/api#available-types> has them. It must not change anything.

use serde_json::{Map, Value, json};

use super::{json_extra, json_media};
use crate::world::chats::Standing;
use crate::world::{Button, ButtonAction, CallbackQuery, Channel, ChatRef, Forward, Message, Service, State, Update, UpdateKind};

/// `User`.
pub(super) fn user(state: &State, id: i64) -> Value {
    let Some(user) = state.users.get(id) else {
        return json!({"id": id, "is_bot": false, "first_name": "Deleted Account"});
    };
    let mut object = json!({"id": user.id, "is_bot": user.is_bot, "first_name": user.first_name});
    if let Some(username) = &user.username {
        object["username"] = json!(username);
    }
    if let Some(code) = &user.language_code {
        object["language_code"] = json!(code);
    }
    if user.premium {
        object["is_premium"] = json!(true);
    }
    object
}

/// `Chat`.
pub(super) fn chat(state: &State, chat: ChatRef) -> Value {
    let mut object = json!({"id": chat.bot_api_id()});
    match chat {
        ChatRef::Private { user, .. } => {
            object["type"] = json!("private");
            if let Some(user) = state.users.get(user) {
                object["first_name"] = json!(user.first_name);
                if let Some(username) = &user.username {
                    object["username"] = json!(username);
                }
            }
        }
        ChatRef::Channel(id) => {
            let channel = state.channels.get(&id);
            object["type"] = json!(channel.map_or("channel", Channel::kind_name));
            object["title"] = json!(channel.map_or("", |channel| channel.title.as_str()));
            if state.topics_of(chat).is_some() {
                object["is_forum"] = json!(true);
            }
            if let Some(username) = channel.and_then(|channel| channel.username.as_ref()) {
                object["username"] = json!(username);
            }
        }
    }
    object
}

/// `Message`, with the message that it answers.
pub(super) fn message(state: &State, bot: i64, message: &Message) -> Value {
    let mut object = bare_message(state, bot, message);
    // In a topic, what answers nothing else answers the message that began it (`get_implicit_reply_to_message_id` of telegram-bot-api's `Client.cpp`).
    let topic = || message.extra.thread.filter(|topic| *topic < message.id && state.topics_of(message.chat).is_some());
    let pins = matches!(message.extra.service, Some(Service::Pinned(_)));
    let answered = message.reply_to.or_else(|| topic().filter(|_| !pins));
    if let Some(answered) = answered.and_then(|id| state.message(message.chat, id)) {
        object.insert("reply_to_message".to_owned(), Value::Object(bare_message(state, bot, answered)));
    }
    if let Some(Service::Pinned(id)) = &message.extra.service {
        // What is gone is an `InaccessibleMessage`.
        let gone = || json!({"chat": chat(state, message.chat), "message_id": id, "date": 0});
        let pinned = state.message(message.chat, *id).map(|pinned| Value::Object(bare_message(state, bot, pinned)));
        object.insert("pinned_message".to_owned(), pinned.unwrap_or_else(gone));
    }
    Value::Object(object)
}

fn bare_message(state: &State, bot: i64, message: &Message) -> Map<String, Value> {
    let mut object = Map::new();
    let mut put = |name: &str, value: Value| object.insert(name.to_owned(), value);
    put("message_id", json!(message.id));
    put("date", json!(message.date));
    put("chat", chat(state, message.chat));
    match message.chat {
        ChatRef::Channel(id) if !state.channels.get(&id).is_some_and(|channel| channel.megagroup) => {
            put("sender_chat", chat(state, message.chat));
        }
        _ => {
            put("from", user(state, message.author));
        }
    }
    if let Some(date) = message.edit_date {
        put("edit_date", json!(date));
    }
    if let Some(group) = message.group {
        put("media_group_id", json!(group.to_string()));
    }
    if message.protected {
        put("has_protected_content", json!(true));
    }
    if let Some(forward) = &message.forward {
        put("forward_origin", forward_origin(state, forward));
    }
    if !message.buttons.is_empty() {
        put("reply_markup", keyboard(&message.buttons));
    }
    let file = message.media.and_then(|id| state.files.get(id));
    let (text, entities) = if file.is_some() { ("caption", "caption_entities") } else { ("text", "entities") };
    let extra = &message.extra;
    let has_text = file.is_none() && extra.service.is_none() && extra.invoice.is_none() && extra.shared.is_none();
    if has_text || !message.text.is_empty() {
        put(text, json!(message.text));
    }
    if !message.entities.is_empty() {
        put(entities, json!(message.entities));
    }
    if message.no_preview && file.is_none() {
        put("link_preview_options", json!({"is_disabled": true}));
    }
    if let Some(file) = file {
        if message.caption_above {
            put("show_caption_above_media", json!(true));
        }
        if message.spoiler {
            put("has_media_spoiler", json!(true));
        }
        object.extend(json_media::media(state, bot, file));
    }
    object.extend(json_extra::fields(state, &message.extra));
    object
}

/// `InlineKeyboardMarkup`.
fn keyboard(rows: &[Vec<Button>]) -> Value {
    let rows: Vec<Vec<Value>> = rows.iter().map(|row| row.iter().map(button).collect()).collect();
    json!({"inline_keyboard": rows})
}

fn button(button: &Button) -> Value {
    match &button.action {
        ButtonAction::Callback(data) => json!({"text": button.text, "callback_data": data}),
        ButtonAction::Url(url) => json!({"text": button.text, "url": url}),
        ButtonAction::SwitchInline { query, here } => {
            json!({"text": button.text, if *here { "switch_inline_query_current_chat" } else { "switch_inline_query" }: query})
        }
        ButtonAction::Pay => json!({"text": button.text, "pay": true}),
        ButtonAction::CopyText(text) => json!({"text": button.text, "copy_text": {"text": text}}),
    }
}

fn forward_origin(state: &State, forward: &Forward) -> Value {
    match forward.chat {
        ChatRef::Channel(_) => {
            json!({"type": "channel", "date": forward.date, "chat": chat(state, forward.chat), "message_id": forward.message_id})
        }
        ChatRef::Private { .. } => json!({"type": "user", "date": forward.date, "sender_user": user(state, forward.author)}),
    }
}

/// `ChatMember`.
pub(super) fn member(state: &State, who: i64, standing: Standing) -> Value {
    let user = user(state, who);
    match standing {
        Standing::Left => json!({"user": user, "status": "left"}),
        Standing::Member => json!({"user": user, "status": "member"}),
        Standing::Banned => json!({"user": user, "status": "kicked", "until_date": 0}),
        Standing::Creator => json!({"user": user, "status": "creator", "is_anonymous": false}),
        Standing::Admin(rights) => json!({
            "user": user,
            "status": "administrator",
            "can_be_edited": false,
            "is_anonymous": false,
            "can_manage_chat": true,
            "can_change_info": rights.change_info,
            "can_post_messages": rights.post_messages,
            "can_edit_messages": rights.edit_messages,
            "can_delete_messages": rights.delete_messages,
            "can_invite_users": rights.invite_users,
            "can_restrict_members": rights.ban_users,
            "can_pin_messages": rights.pin_messages,
            "can_promote_members": rights.add_admins,
            "can_manage_topics": rights.manage_topics,
            "can_manage_video_chats": rights.other,
            "can_post_stories": false,
            "can_edit_stories": false,
            "can_delete_stories": false,
        }),
    }
}

/// `Update`.
pub(super) fn update(state: &State, bot: i64, update: &Update) -> Value {
    let body = match &update.kind {
        UpdateKind::Message(new) | UpdateKind::EditedMessage(new) | UpdateKind::ChannelPost(new) | UpdateKind::EditedChannelPost(new) => {
            message(state, bot, new)
        }
        UpdateKind::CallbackQuery(id) => state.callbacks.get(id).map_or(Value::Null, |query| callback_query(state, bot, query)),
        UpdateKind::InlineQuery(id) => state.inline.queries.get(id).map_or(Value::Null, |query| json_extra::inline_query(state, query)),
        UpdateKind::ChosenInlineResult { query, result, inline_id } => {
            let query = state.inline.queries.get(query);
            query.map_or(Value::Null, |query| json_extra::chosen(state, query, result, inline_id.as_deref()))
        }
        UpdateKind::PreCheckoutQuery(id) => {
            state.stars.checkouts.get(id).map_or(Value::Null, |checkout| json_extra::pre_checkout(state, checkout))
        }
        UpdateKind::Reaction { chat: place, message, user: who, old, new, date } => {
            let types = |emoji: &Option<String>| emoji.iter().map(|emoji| json!({"type": "emoji", "emoji": emoji})).collect::<Vec<_>>();
            json!({
                "chat": chat(state, *place),
                "message_id": message,
                "user": user(state, *who),
                "date": date,
                "old_reaction": types(old),
                "new_reaction": types(new),
            })
        }
        UpdateKind::Standing { who, chat: place, by, old, new, date, .. } => json!({
            "chat": chat(state, *place),
            "from": user(state, *by),
            "date": date,
            "old_chat_member": member(state, *who, *old),
            "new_chat_member": member(state, *who, *new),
        }),
    };
    json!({"update_id": update.id, update.kind.name(): body})
}

fn callback_query(state: &State, bot: i64, query: &CallbackQuery) -> Value {
    let mut object = json!({
        "id": query.id,
        "from": user(state, query.user),
        "chat_instance": query.chat.bot_api_id().wrapping_mul(31).wrapping_add(query.bot).to_string(),
        "data": query.data,
    });
    let inline_id = query.message.as_ref().and_then(|shown| shown.extra.via.as_ref()).and_then(|via| via.inline_id.as_ref());
    match (inline_id, &query.message) {
        // Of such a message a bot knows nothing but this.
        (Some(inline_id), _) => object["inline_message_id"] = json!(inline_id),
        (None, Some(shown)) => object["message"] = message(state, bot, shown),
        // `InaccessibleMessage`.
        (None, None) => object["message"] = json!({"chat": chat(state, query.chat), "message_id": query.message_id, "date": 0}),
    }
    object
}
