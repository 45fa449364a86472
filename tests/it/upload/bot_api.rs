//! The bot's own upload, and sending again by `file_id`.
//!
//! In: a sandbox for each test. Out: assertions on what arrived in the chat. Must not: reach anything outside this machine.

use tgferry::model::{ChatId, MediaKind, Progress, ProgressSender, Reason, Step, Uploaded};
use tgferry::upload::bot_api;
use tgferry_sandbox::{Fault, When};
use tokio_util::sync::CancellationToken;

use super::harbour::{Harbour, bytes, sha256_hex, video};

#[tokio::test(flavor = "multi_thread")]
async fn a_video_arrives_with_all_that_players_need_and_again_by_its_id() {
    let harbour = Harbour::open().await;
    let ann = harbour.sandbox.create_user("ann");
    let person = harbour.sandbox.user("ann", &harbour.bot);
    person.sends("/start").await;
    let path = harbour.file("clip.mp4", 3_000_000).await;
    let bots = harbour.bots();
    let (progress, seen) = ProgressSender::channel();
    let (config, cancel) = (&harbour.config.upload, CancellationToken::new());
    let file = video(&path, 3_000_000);

    let sent = bot_api::send(&bots.uploads, ChatId(ann.id), None, &file, Some("<b>Crossing</b>"), config, &progress, &cancel);
    let Uploaded::InChat { file_id, message } = sent.await.unwrap() else { panic!("not in the chat") };
    let again = bot_api::send_by_file_id(&bots.calls, ChatId(ann.id), None, MediaKind::Video, &file_id, None).await.unwrap();

    let messages = person.messages();
    let videos: Vec<_> = messages.iter().filter_map(|message| Some((message.message_id, message.media.as_ref()?))).collect();
    let Uploaded::InChat { message: second, .. } = again else { panic!("not in the chat") };
    assert_eq!(videos.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [message.0, second.0]);
    for (_, media) in videos {
        assert_eq!((media.kind, media.sha256.as_str()), ("video", sha256_hex(&bytes(3_000_000)).as_str()));
        assert_eq!((media.duration, media.width, media.height, media.supports_streaming), (61, 1280, 720, true));
    }
    let total = Some(3_000_000);
    assert_eq!(*seen.borrow(), Progress { step: Step::Uploading, done: 3_000_000, total, pause_s: 0, piece: None });
    assert_eq!(harbour.sandbox.counters().bot_api_uploaded_bytes, 3_000_000);
    assert_eq!(harbour.sandbox.refusals(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_the_bot_api_are_understood() {
    let harbour = Harbour::open().await;
    let ann = harbour.sandbox.create_user("ann");
    let person = harbour.sandbox.user("ann", &harbour.bot);
    person.sends("/start").await;
    let path = harbour.file("clip.mp4", 100_000).await;
    let bots = harbour.bots();
    let (progress, _) = ProgressSender::channel();
    let (config, cancel) = (&harbour.config.upload, CancellationToken::new());
    let file = video(&path, 100_000);
    let send = || bot_api::send(&bots.uploads, ChatId(ann.id), None, &file, None, config, &progress, &cancel);

    harbour.sandbox.faults().on("sendVideo", When::Nth(1)).gives(Fault::FloodWait { seconds: 7 });
    assert_eq!(send().await.unwrap_err().reason, Reason::FloodWait { seconds: 7 });
    person.blocks_bot();
    assert_eq!(send().await.unwrap_err().reason, Reason::ChatUnreachable);
    cancel.cancel();
    assert_eq!(send().await.unwrap_err().reason, Reason::Cancelled);
}
