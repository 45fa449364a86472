//! The control API's calls about groups, links that start a bot, and the bot's settings.
//!
//! In: who does what. Out: where they are then. It must not judge rights.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::chat::Who;
use super::{Control, Failed};
use crate::world::chats::channel_of_bot_api_id;
use crate::world::{AdminRights, BotSettings};

#[derive(Deserialize)]
pub(super) struct NewGroup {
    #[serde(flatten)]
    who: Who,
    title: String,
    #[serde(default)]
    basic: bool,
}

#[derive(Deserialize)]
pub(super) struct Act {
    #[serde(flatten)]
    who: Who,
    act: What,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Join,
    Leave,
    AddBot,
    RemoveBot,
    PromoteBot,
    DemoteBot,
    Upgrade,
    MakeForum,
}

#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(flatten)]
    who: Who,
    link: String,
}

#[derive(Deserialize)]
pub(super) struct Settings {
    bot: Option<String>,
    #[serde(flatten)]
    settings: BotSettings,
}

pub(super) async fn create(State(control): State<Control>, Json(body): Json<NewGroup>) -> Result<Json<Value>, Failed> {
    let user = control.person(&body.who)?;
    let group = if body.basic { user.creates_group(&body.title) } else { user.creates_supergroup(&body.title) };
    Ok(Json(json!({"chat": group.chat_id().to_string()})))
}

pub(super) async fn act(State(control): State<Control>, Json(mut body): Json<Act>) -> Result<Json<Value>, Failed> {
    let user = match body.act {
        What::Join => {
            let group = body.who.chat.take().and_then(|chat| chat.parse().ok()).and_then(channel_of_bot_api_id);
            let group = group.filter(|id| control.world.read(|state| state.channels.contains_key(id)));
            let group = group.ok_or_else(|| Failed::missing("no such group".to_owned()))?;
            let user = control.person(&body.who)?.in_chat(group);
            user.joins(&user)
        }
        _ => control.person(&body.who)?,
    };
    let mut now = user.clone();
    match body.act {
        What::Join => {}
        What::Leave => user.leaves(),
        What::AddBot => user.adds_bot().map_err(Failed::bad)?,
        What::RemoveBot => user.removes_bot(),
        What::PromoteBot => user.promotes_bot(Some(AdminRights::full())),
        What::DemoteBot => user.promotes_bot(None),
        What::MakeForum if !user.makes_forum() => return Err(Failed::bad("only a supergroup can be a forum")),
        What::MakeForum => {}
        What::Upgrade => now = user.upgrades_group().map_err(Failed::bad)?,
    }
    Ok(Json(json!({"chat": now.chat_id().to_string()})))
}

pub(super) async fn open(State(control): State<Control>, Json(body): Json<Link>) -> Result<Json<Value>, Failed> {
    let message_id = control.person(&body.who)?.opens(&body.link).await.map_err(Failed::bad)?;
    Ok(Json(json!({"message_id": message_id})))
}

pub(super) async fn set_bot(State(control): State<Control>, Json(body): Json<Settings>) -> Result<Json<BotSettings>, Failed> {
    let bot = control.world.read(|state| Control::bot(state, body.bot.as_deref()))?;
    control.world.set_bot(bot, body.settings);
    Ok(Json(body.settings))
}
