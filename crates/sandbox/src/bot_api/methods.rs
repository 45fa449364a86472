//! Which methods are served, and by what.
//!
//! In: a name as the client writes it. Out: its true spelling, and the answer. It must not do the work.

use super::reply::{Answer, ApiError};
use super::{Call, albums, callbacks, chats, copy, download, edit, inline, me, media, payments, polling, send, webhook};

const METHODS: &[&str] = &[
    "answerCallbackQuery",
    "answerInlineQuery",
    "answerPreCheckoutQuery",
    "close",
    "copyMessage",
    "copyMessages",
    "createInvoiceLink",
    "deleteMessage",
    "deleteMessages",
    "deleteMyCommands",
    "deleteWebhook",
    "editMessageCaption",
    "editMessageMedia",
    "editMessageReplyMarkup",
    "editMessageText",
    "editUserStarSubscription",
    "forwardMessage",
    "getChat",
    "getChatAdministrators",
    "getChatMember",
    "getChatMemberCount",
    "getFile",
    "getMe",
    "getMyCommands",
    "getMyStarBalance",
    "getStarTransactions",
    "getUpdates",
    "getWebhookInfo",
    "leaveChat",
    "logOut",
    "refundStarPayment",
    "sendAnimation",
    "sendAudio",
    "sendChatAction",
    "sendDocument",
    "sendInvoice",
    "sendMediaGroup",
    "sendMessage",
    "sendPhoto",
    "sendVideo",
    "sendVoice",
    "setMyCommands",
    "setWebhook",
];

/// The true spelling; names are taken in any case.
pub(super) fn canonical(name: &str) -> Option<&'static str> {
    METHODS.iter().find(|method| method.eq_ignore_ascii_case(name)).copied()
}

/// Runs a method by its true spelling.
pub(super) async fn run(call: &Call, method: &'static str) -> Answer {
    match method {
        "answerCallbackQuery" => callbacks::answer(call),
        "answerInlineQuery" => inline::answer(call),
        "answerPreCheckoutQuery" => payments::answer_pre_checkout(call),
        "close" | "logOut" => me::end(),
        "copyMessage" => copy::copy_message(call),
        "copyMessages" => albums::copy_messages(call),
        "createInvoiceLink" => payments::create_link(call),
        "deleteMessage" => edit::delete_message(call),
        "deleteMessages" => edit::delete_messages(call),
        "deleteMyCommands" => me::delete_commands(call),
        "deleteWebhook" => webhook::delete(call),
        "editMessageCaption" => edit::caption(call),
        "editMessageMedia" => media::edit(call).await,
        "editMessageReplyMarkup" => edit::reply_markup(call),
        "editMessageText" => edit::text(call),
        "editUserStarSubscription" => payments::edit_subscription(call),
        "forwardMessage" => copy::forward_message(call),
        "getChat" => chats::get_chat(call),
        "getChatAdministrators" => chats::get_administrators(call),
        "getChatMember" => chats::get_member(call),
        "getChatMemberCount" => chats::get_member_count(call),
        "getFile" => download::get_file(call),
        "getMe" => me::get_me(call),
        "getMyCommands" => me::get_commands(call),
        "getMyStarBalance" => payments::balance(call),
        "getStarTransactions" => payments::transactions(call),
        "getUpdates" => polling::get_updates(call).await,
        "getWebhookInfo" => webhook::info(call),
        "leaveChat" => chats::leave(call),
        "refundStarPayment" => payments::refund(call),
        "sendAnimation" | "sendAudio" | "sendDocument" | "sendPhoto" | "sendVideo" | "sendVoice" => media::send(call, method).await,
        "sendChatAction" => callbacks::chat_action(call),
        "sendInvoice" => payments::send(call),
        "sendMediaGroup" => albums::send_media_group(call).await,
        "sendMessage" => send::message(call),
        "setMyCommands" => me::set_commands(call),
        "setWebhook" => webhook::set(call),
        // `canonical` knows more than this list.
        other => Err(ApiError::new(404, format!("Not Found: method {other} is not served"))),
    }
}
