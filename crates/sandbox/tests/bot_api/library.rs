//! teloxide, unchanged, against the Bot API face.

use std::time::Duration;

use teloxide::payloads::{
    CopyMessageSetters, EditMessageTextSetters, GetUpdatesSetters, SendMessageSetters, SendVideoSetters, SetMyCommandsSetters,
};
use teloxide::prelude::{Bot, Requester};
use teloxide::requests::Request;
use teloxide::types::{
    BotCommand, BotCommandScope, ChatAction, ChatId, ChatMemberStatus, FileId, InlineKeyboardButton, InlineKeyboardMarkup, InputFile,
    MessageId, ParseMode, UpdateKind,
};
use teloxide::{ApiError, RequestError};
use tgferry_sandbox::world::{AdminRights, NewMessage};
use tgferry_sandbox::{AccountSpec, ChatRef};

use crate::rig::{Rig, jpeg, video};

fn bot(rig: &Rig) -> (Bot, ChatId) {
    let url = rig.sandbox.bot_api_url().parse().expect("an address");
    (Bot::with_client(&rig.bot.token, rig.http.clone()).set_api_url(url), ChatId(rig.ann.id()))
}

#[tokio::test]
async fn a_talk_in_types() {
    let rig = Rig::new().await;
    let (bot, ann) = bot(&rig);
    assert_eq!(bot.get_me().send().await.expect("me").username(), "ferry_bot");
    let commands = [BotCommand::new("start", "Begin")];
    bot.set_my_commands(commands.clone()).scope(BotCommandScope::AllPrivateChats).send().await.expect("set");
    bot.delete_webhook().send().await.expect("deleted");
    assert!(bot.get_webhook_info().send().await.expect("info").url.is_none());

    let updates = bot.get_updates().timeout(1).send().await.expect("updates");
    let UpdateKind::Message(message) = &updates[0].kind else { panic!("{updates:?}") };
    assert_eq!((message.text(), message.chat.id, message.from.as_ref().map(|from| from.id.0 as i64)), (Some("/start"), ann, Some(ann.0)));

    let keyboard = InlineKeyboardMarkup::new([[InlineKeyboardButton::callback("Go", "go")]]);
    let sent = bot.send_message(ann, "<b>x</b>").parse_mode(ParseMode::Html).reply_markup(keyboard).send().await.expect("sent");
    assert_eq!(sent.text(), Some("x"));
    bot.send_chat_action(ann, ChatAction::UploadVideo).send().await.expect("shown");
    let same = bot
        .edit_message_text(ann, sent.id, "<b>x</b>")
        .parse_mode(ParseMode::Html)
        .reply_markup(sent.reply_markup().expect("buttons").clone());
    let error = same.send().await.expect_err("the same");
    assert!(matches!(error, RequestError::Api(ApiError::MessageNotModified)), "{error:?}");

    let person = rig.ann.clone();
    let press = tokio::spawn(async move { person.presses("Go").await });
    let query = loop {
        let updates = bot.get_updates().offset(updates[0].id.0 as i32 + 1).timeout(5).send().await.expect("updates");
        if let Some(UpdateKind::CallbackQuery(query)) = updates.into_iter().next().map(|update| update.kind) {
            break query;
        }
    };
    assert_eq!(query.data.as_deref(), Some("go"));
    bot.answer_callback_query(query.id).send().await.expect("answered");
    press.await.expect("runs").expect("answered");
    bot.delete_message(ann, sent.id).send().await.expect("deleted");
    assert!(bot.get_chat(ann).send().await.expect("a chat").is_private());
    rig.nothing_refused();
}

#[tokio::test]
async fn files_in_types() {
    let rig = Rig::new().await;
    let (bot, ann) = bot(&rig);
    let folder = tempfile::tempdir().expect("a folder");
    let (film, picture) = (folder.path().join("film.mp4"), folder.path().join("thumb.jpg"));
    std::fs::write(&film, video()).expect("writes");
    std::fs::write(&picture, jpeg(320, 180, 400)).expect("writes");
    let sent = bot
        .send_video(ann, InputFile::file(&film))
        .thumbnail(InputFile::file(&picture))
        .duration(12)
        .width(640)
        .height(360)
        .supports_streaming(true)
        .caption("Film")
        .send()
        .await
        .expect("sent");
    let shown = sent.video().expect("a video");
    assert_eq!((shown.duration.seconds(), shown.width, shown.file_name.as_deref()), (12, 640, Some("film.mp4")));
    assert_eq!(shown.thumbnail.as_ref().map(|thumb| thumb.width), Some(320));
    let media = rig.ann.messages().pop().and_then(|message| message.media).expect("media");
    assert!(media.supports_streaming && media.size == video().len() as u64);
    let again = bot.send_video(ann, InputFile::file_id(shown.file.id.clone())).send().await.expect("sent again");
    assert_eq!(again.video().map(|video| video.file.unique_id.clone()), Some(shown.file.unique_id.clone()));
    let error = bot.send_video(ann, InputFile::file_id(FileId("nonsense".to_owned()))).send().await.expect_err("refused");
    assert!(matches!(error, RequestError::Api(ApiError::WrongFileIdOrUrl)), "{error:?}");
    for kind in ["audio", "document", "photo", "animation", "voice"] {
        let film = || InputFile::file(&film);
        let sent = match kind {
            "audio" => bot.send_audio(ann, film().file_name("a.mp3")).send().await.expect(kind).audio().is_some(),
            "document" => bot.send_document(ann, film()).send().await.expect(kind).document().is_some(),
            "photo" => bot.send_photo(ann, InputFile::file(&picture)).send().await.expect(kind).photo().is_some(),
            "animation" => bot.send_animation(ann, film()).send().await.expect(kind).animation().is_some(),
            _ => bot.send_voice(ann, film().file_name("v.ogg")).send().await.expect(kind).voice().is_some(),
        };
        assert!(sent, "{kind}");
    }
    let file = bot.get_file(shown.file.id.clone()).send().await.expect("a file");
    assert_eq!(u64::from(file.size), video().len() as u64);
    rig.nothing_refused();
}

#[tokio::test]
async fn a_relay_in_types() {
    let rig = Rig::new().await;
    let (bot, ann) = bot(&rig);
    let owner = rig.sandbox.create_account(AccountSpec {
        phone: "+9996612345".to_owned(),
        first_name: "Carrier".to_owned(),
        ..AccountSpec::default()
    });
    let (chat, message) = rig.sandbox.world().change(|state| {
        let channel = state.create_channel(owner.id, "Relay", "", false);
        state.set_admin(channel, rig.bot.id, Some(AdminRights::full()), owner.id);
        let chat = ChatRef::Channel(channel);
        (chat, state.post(chat, NewMessage::text(owner.id, "content")).expect("posts").id)
    });
    let relay = ChatId(chat.bot_api_id());
    let updates = bot.get_updates().send().await.expect("updates");
    assert!(matches!(updates[1].kind, UpdateKind::MyChatMember(_)), "{:?}", updates[1]);
    assert!(matches!(updates[2].kind, UpdateKind::ChannelPost(_)), "{:?}", updates[2]);
    bot.copy_message(ann, relay, MessageId(message)).caption("x").send().await.expect("copied");
    let error = bot.copy_message(ann, relay, MessageId(99)).send().await.expect_err("not there");
    assert!(matches!(error, RequestError::Api(ApiError::MessageToCopyNotFound)), "{error:?}");
    bot.forward_message(ann, relay, MessageId(message)).send().await.expect("forwarded");
    assert!(bot.get_chat(relay).send().await.expect("a chat").is_channel());
    let me = bot.get_me().send().await.expect("me").id;
    assert_eq!(bot.get_chat_member(relay, me).send().await.expect("a member").status(), ChatMemberStatus::Administrator);
    assert_eq!(bot.get_chat_administrators(relay).send().await.expect("admins").len(), 2);
    rig.ann.sees("the copy", Duration::from_secs(5), |message| message.words() == "content" && !message.forwarded).await.expect("seen");
    rig.nothing_refused();
}
