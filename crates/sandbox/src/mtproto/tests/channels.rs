//! Channels: making one, promoting a bot, posting, reading, deleting.

use grammers_client::message::{InputMessage, Message};
use grammers_tl_types as tl;

use super::{Device, Stage, refusal};
use crate::world::UpdateKind;

fn rights() -> tl::enums::ChatAdminRights {
    tl::enums::ChatAdminRights::Rights(tl::types::ChatAdminRights {
        post_messages: true,
        delete_messages: true,
        ..crate::mtproto::tl_blank::admin_rights()
    })
}

async fn bot_input(device: &Device, username: &str) -> tl::enums::InputUser {
    let resolve = tl::functions::contacts::ResolveUsername { username: username.to_owned(), referer: None };
    let tl::enums::contacts::ResolvedPeer::Peer(found) = device.client.invoke(&resolve).await.expect("known");
    let [tl::enums::User::User(user)] = &found.users[..] else {
        panic!("not one user: {:?}", found.users);
    };
    assert!(user.bot);
    tl::enums::InputUser::User(tl::types::InputUser {
        user_id: user.id,
        access_hash: user.access_hash.expect("a resolved user has a hash"),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_becomes_an_administrator_and_sees_posts() {
    let stage = Stage::new().await;
    let bot = stage.world.change(|state| state.add_bot("ferry_bot"));
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    let (channel, user_id) = (Device::input(relay), bot_input(&device, "ferry_bot").await);

    let invite = tl::functions::channels::InviteToChannel { channel: channel.clone(), users: vec![user_id.clone()] };
    assert_eq!(refusal(device.client.invoke(&invite).await), (400, "USER_BOT".to_owned()));
    let promote =
        tl::functions::channels::EditAdmin { channel: channel.clone(), user_id: user_id.clone(), admin_rights: rights(), rank: None };
    device.client.invoke(&promote).await.expect("promoted");
    let tl::enums::InputUser::User(user) = user_id else {
        panic!("resolved above");
    };
    let ask = tl::functions::channels::GetParticipant {
        channel,
        participant: tl::enums::InputPeer::User(tl::types::InputPeerUser { user_id: user.user_id, access_hash: user.access_hash }),
    };
    let tl::enums::channels::ChannelParticipant::Participant(found) = device.client.invoke(&ask).await.expect("a participant");
    assert!(matches!(found.participant, tl::enums::ChannelParticipant::Admin(_)));

    let sent = device.client.send_message(relay, "hello *relay*").await.expect("posted");
    let queue = stage.world.read(|state| state.bots[&bot.id].queue.clone());
    let posts = queue.iter().filter_map(|update| match &update.kind {
        UpdateKind::ChannelPost(post) => Some((post.id, post.text.clone())),
        _ => None,
    });
    assert_eq!(posts.collect::<Vec<_>>(), [(sent.id(), "hello *relay*".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn posts_are_read_edited_searched_and_deleted() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    let client = &device.client;
    let mut ids = Vec::new();
    for text in ["one", "two", "three"] {
        ids.push(client.send_message(relay, text).await.expect("posted").id());
    }
    client.edit_message(relay, ids[1], InputMessage::new().text("TWO and a half")).await.expect("edited");
    let same = client.edit_message(relay, ids[1], InputMessage::new().text("TWO and a half")).await;
    assert_eq!(refusal(same), (400, "MESSAGE_NOT_MODIFIED".to_owned()));

    let mut history = client.iter_messages(relay);
    let mut texts = Vec::new();
    while let Some(message) = history.next().await.expect("history") {
        texts.push(message.text().to_owned());
    }
    assert_eq!(texts, ["three", "TWO and a half", "one"]);
    let mut found = client.search_messages(relay).query("two");
    let hit = found.next().await.expect("a search").expect("one hit");
    assert_eq!(hit.id(), ids[1]);
    assert!(found.next().await.expect("a search").is_none());

    assert_eq!(client.delete_messages(relay, &ids[..2]).await.expect("deleted"), 2);
    let left = client.get_messages_by_id(relay, &ids).await.expect("an answer");
    let gone = |message: &Message| matches!(message.raw, tl::enums::Message::Empty(_));
    let left: Vec<_> = left.iter().flatten().map(|message| (message.text(), gone(message))).collect();
    assert_eq!(left, [("", true), ("", true), ("three", false)]);

    let difference = tl::functions::updates::GetChannelDifference {
        force: true,
        channel: Device::input(relay),
        filter: tl::enums::ChannelMessagesFilter::Empty,
        pts: 1,
        limit: 100,
    };
    let missed = client.invoke(&difference).await.expect("a difference");
    let tl::enums::updates::ChannelDifference::Difference(missed) = missed else {
        panic!("nothing missed: {missed:?}");
    };
    assert_eq!((missed.new_messages.len(), missed.other_updates.len()), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_channel_is_among_the_dialogs_until_it_is_deleted() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    let mut dialogs = device.client.iter_dialogs();
    let dialog = dialogs.next().await.expect("dialogs").expect("the channel");
    assert_eq!(dialog.peer().name(), Some("Relay"));
    let full = tl::functions::channels::GetFullChannel { channel: Device::input(relay) };
    device.client.invoke(&full).await.expect("all about it");

    assert!(stage.world.delete_channel(relay.id.bare_id().expect("a channel")));
    let sent = device.client.send_message(relay, "late").await;
    assert_eq!(refusal(sent), (406, "CHANNEL_PRIVATE".to_owned()));
    assert_eq!(refusal(device.client.invoke(&full).await), (406, "CHANNEL_PRIVATE".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_no_right_cannot_post() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    let other = stage.account("+9996612346", None);
    let guest = stage.device().await;
    let token = guest.client.request_login_code("+9996612346", "hash").await.expect("a code");
    let code = stage.world.login_code("+9996612346").expect("the code");
    guest.client.sign_in(&token, &code).await.expect("the right code");

    let sent = guest.client.send_message(relay, "hello").await;
    assert_eq!(refusal(sent), (406, "CHANNEL_PRIVATE".to_owned()));
    let id = relay.id.bare_id().expect("a channel");
    stage.world.change(|state| state.add_member(id, other));
    let sent = guest.client.send_message(relay, "hello").await;
    assert_eq!(refusal(sent), (400, "CHAT_ADMIN_REQUIRED".to_owned()));
}
