//! The bot over MTProto: logged in by its token, into a relay or straight to the person, and nothing twice.
//!
//! In: a sandbox for each test. Out: assertions on what stands in the chats. Must not: reach anything outside this machine.

use teloxide::payloads::CopyMessageSetters;
use teloxide::requests::Requester;
use tgferry::cli::accounts;
use tgferry::model::{ChatId, Failure, Health, Lane, MessageId, Reason};
use tgferry::telegram::pool::Wish;
use tgferry::telegram::relay::{Recipient, find_message_by_marker};
use tgferry_sandbox::{ChatRef, Fault, MessageView, TestUser, When};

use super::harbour::{Harbour, by_phone, bytes, sha256_hex};
use super::pool::upload;

const MIB: usize = 1024 * 1024;
const CAPTION: &str = "<b>Crossing &amp; co</b>\n<a href=\"https://example.org/a\">example.org</a>";

async fn person(harbour: &Harbour, name: &str) -> (TestUser, Recipient) {
    let person = harbour.sandbox.user(name, &harbour.bot);
    let asked = person.sends("https://example.org/a").await;
    (person.clone(), Recipient { chat: ChatId(person.id()), reply_to: Some(MessageId(asked)), after: None })
}

fn files(person: &TestUser) -> Vec<MessageView> {
    person.messages().into_iter().filter(|message| message.media.is_some()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_megabytes_go_straight_to_the_person_and_from_there_to_another() {
    const SIZE: usize = 60 * MIB + 5;
    let harbour = Harbour::open().await.with_bot_session();
    let pool = harbour.pool().await;
    let lane = pool.bot_lane_health().unwrap();
    assert_eq!((lane.lane, lane.limit_bytes, lane.well), (Lane::BotMtproto, 2_097_152_000, true));
    assert!(!pool.lane_health(1).well && pool.choose(&Wish::of(1)).is_none(), "the bot is no user account");
    let (ann, to) = person(&harbour, "ann").await;

    let carrier = pool.bot_carrier(to, SIZE as u64).await.unwrap().unwrap();
    let sent = upload(&harbour, &pool, &carrier, SIZE, CAPTION).await.unwrap();

    let [file] = &files(&ann)[..] else { panic!("{:?}", ann.messages()) };
    assert_eq!((sent.channel, sent.message), (ChatId(ann.id()), MessageId(file.message_id)));
    assert_eq!((file.words(), file.reply_to), ("Crossing & co\nexample.org", to.reply_to.map(|reply| reply.0)));
    assert_eq!(file.media.as_ref().unwrap().sha256, sha256_hex(&bytes(SIZE)));

    let (ben, _) = person(&harbour, "ben").await;
    let copy = harbour.bots().calls.copy_message(
        teloxide::types::ChatId(ben.id()),
        teloxide::types::ChatId(sent.channel.0),
        teloxide::types::MessageId(sent.message.0),
    );
    copy.caption("for you").await.unwrap();
    let [copied] = &files(&ben)[..] else { panic!("{:?}", ben.messages()) };
    assert_eq!((copied.media.as_ref().unwrap().sha256.as_str(), copied.words()), (sha256_hex(&bytes(SIZE)).as_str(), "for you"));
    drop(carrier);
    let state = &pool.states()[0];
    assert!(state.bot && state.sent_bytes == SIZE as u64 && state.health == Health::Well, "{state:?}");
    pool.close().await;

    let again = harbour.pool().await;
    assert!(again.bot_lane_health().unwrap().well);
    again.close().await;
    assert_eq!(harbour.sandbox.counters().mtproto_calls("auth.importBotAuthorization"), 1, "the session is kept");
    drop((pool, again));
    let table = accounts::run(&harbour.config, false).await.unwrap();
    assert!(table.contains(&format!("bot.{}", harbour.bot.id)) && table.trim_end().ends_with("well"), "{table}");
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_megabytes_go_into_the_relay_of_an_account_that_is_unwell() {
    const SIZE: usize = 60 * MIB;
    let harbour = Harbour::open().await.with_bot_session();
    harbour.log_in(by_phone()).await.unwrap();
    harbour.revoke();
    let pool = harbour.pool().await;
    assert!(!pool.lane_health(1).well && pool.bot_lane_health().unwrap().well);
    let (ann, to) = person(&harbour, "ann").await;
    let carrier = pool.bot_carrier(to, SIZE as u64).await.unwrap().unwrap();
    assert!(carrier.relay.direct.is_none());
    harbour.sandbox.faults().on("messages.sendMedia", When::Nth(1)).gives(Fault::LoseAnswer);

    let sent = upload(&harbour, &pool, &carrier, SIZE, "tgferry:9").await.unwrap();

    let views = harbour.sandbox.world().views(ChatRef::Channel(carrier.relay.id));
    let [file] = &views[..] else { panic!("{views:?}") };
    assert_eq!((file.message_id, file.words()), (sent.message.0, "tgferry:9"), "found by its number, though the answer was lost");
    assert_eq!(file.media.as_ref().unwrap().sha256, sha256_hex(&bytes(SIZE)));
    assert!(files(&ann).is_empty());

    harbour.sandbox.world().delete_channel(carrier.relay.id);
    let failure = upload(&harbour, &pool, &carrier, MIB, "tgferry:10").await.unwrap_err();
    assert_eq!(failure.reason, Reason::RelayGone);
    let direct = pool.bot_carrier(to, 1).await.unwrap().unwrap();
    assert!(direct.relay.direct.is_some(), "without the relay it goes straight to the person");
    upload(&harbour, &pool, &direct, MIB, CAPTION).await.unwrap();
    assert_eq!(files(&ann).len(), 1);
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_leaves_one_file_in_the_chat() {
    let harbour = Harbour::open().await.with_bot_session();
    let pool = harbour.pool().await;
    let (ann, to) = person(&harbour, "ann").await;
    let first = pool.bot_carrier(to, 1).await.unwrap().unwrap();
    let earlier = upload(&harbour, &pool, &first, MIB, CAPTION).await.unwrap();
    // The same words for another question, with messages of somebody else between.
    let (_, again) = person(&harbour, "ann").await;
    person(&harbour, "ben").await;
    harbour.sandbox.faults().on("messages.sendMedia", When::Nth(1)).gives(Fault::LoseAnswer);
    let second = pool.bot_carrier(again, 1).await.unwrap().unwrap();
    let later = upload(&harbour, &pool, &second, MIB, CAPTION).await.unwrap();

    let ids: Vec<_> = files(&ann).iter().map(|file| MessageId(file.message_id)).collect();
    assert_eq!(ids, [earlier.message, later.message]);
    // After a crash the same is found by who looks for it.
    for (asked, expected) in [(to, earlier), (again, later)] {
        let looks = pool.bot_looks(asked, false).await.unwrap().unwrap();
        assert_eq!(find_message_by_marker(&looks.account, &looks.relay, CAPTION).await.unwrap(), Some(expected));
        assert_eq!(find_message_by_marker(&looks.account, &looks.relay, "other words").await.unwrap(), None);
    }
    assert_eq!(harbour.sandbox.faults().unconsumed(), Vec::<String>::new());
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_not_be_written_to_is_no_fault_of_the_lane() {
    let harbour = Harbour::open().await.with_bot_session();
    let pool = harbour.pool().await;
    let (ann, to) = person(&harbour, "ann").await;
    let carrier = pool.bot_carrier(to, 1).await.unwrap().unwrap();
    ann.blocks_bot();
    let failure = upload(&harbour, &pool, &carrier, MIB, CAPTION).await.unwrap_err();
    assert_eq!(failure.reason, Reason::ChatUnreachable);
    assert!(!pool.report(&carrier, &failure) && pool.bot_lane_health().unwrap().well);
    let stranger = harbour.sandbox.create_user("cleo");
    let failure = pool.bot_carrier(Recipient { chat: ChatId(stranger.id), reply_to: None, after: None }, 1).await.unwrap_err();
    assert_eq!(failure.reason, Reason::ChatUnreachable, "a bot can't name whom it has not met");
    let group = Recipient { chat: ChatId(-1_001_234), reply_to: None, after: None };
    assert!(pool.bot_carrier(group, 1).await.unwrap().is_none());
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_session_is_made_anew_and_a_limit_is_a_rest() {
    let harbour = Harbour::open().await.with_bot_session();
    let pool = harbour.pool().await;
    pool.close().await;
    drop(pool);
    harbour.sandbox.world().revoke_user(harbour.bot.id);
    let pool = harbour.pool().await;
    assert!(pool.bot_lane_health().unwrap().well);
    assert_eq!(harbour.sandbox.counters().mtproto_calls("auth.importBotAuthorization"), 2);
    let (_, to) = person(&harbour, "ann").await;
    let carrier = pool.bot_carrier(to, 1).await.unwrap().unwrap();
    assert!(pool.report(&carrier, &Failure::from(Reason::FloodWait { seconds: 5000 })));
    assert!(!pool.bot_lane_health().unwrap().well && pool.bot_carrier(to, 1).await.unwrap().is_none());
    drop(carrier);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_key_or_a_place_in_the_order_there_is_no_such_lane() {
    let harbour = Harbour::open().await;
    let pool = harbour.pool().await;
    assert!(pool.bot_lane_health().is_none() && pool.states().is_empty());
    pool.close().await;
    let mut harbour = harbour.with_bot_session();
    harbour.config.route.prefer = vec![Lane::BotApi, Lane::UserAccount];
    let pool = harbour.pool().await;
    assert!(pool.bot_lane_health().is_none());
    assert_eq!(harbour.sandbox.counters().mtproto_calls("auth.importBotAuthorization"), 0);
    pool.close().await;
}
