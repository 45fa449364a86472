//! Which account carries: the bot by itself where there is no user account, another one where Telegram limits the first.

use tgferry::model::{AccountReport, Health, Reason};
use tgferry_sandbox::{Fault, When};

use crate::support::clips;
use crate::support::scene::{Scene, WITHIN, chooses, gets, gets_after, lane, sha256};
use crate::support::site::Answer;

const BOT_SESSION: &str = "[telegram.custom]\nbot_auth_key = \"NEW_KEY\"\n";

#[tokio::test]
async fn without_a_user_account_the_bot_brings_a_big_file_by_itself_and_copies_it_for_the_next() {
    let scene = Scene::with(BOT_SESSION).await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("messages.sendMedia", When::Nth(1)).gives(Fault::LoseAnswer);
    let _daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let file = gets(&ann, "video").await;
    let media = file.media.unwrap();
    assert_eq!((lane(&media), media.sha256.as_str()), ("mtproto", sha256(&clips::big()).as_str()));
    assert!(file.caption.unwrap().contains("127.0.0.1"), "the person's caption, with where it came from");
    scene.home.is_clean().await;

    let parts = scene.telegram.counters().uploaded_parts;
    let ben = scene.person("ben").await;
    ben.sends(&link).await;
    chooses(&ben, "Video").await;
    assert_eq!(gets(&ben, "video").await.media.unwrap().sha256, media.sha256);
    let asked_again = ann.sends(&link).await;
    chooses(&ann, "Video").await;
    gets_after(&ann, asked_again, "video").await;
    let counters = scene.telegram.counters();
    assert_eq!((counters.uploaded_parts, counters.copies), (parts, 2));
    let videos = |person: &tgferry_sandbox::TestUser| {
        let is_video = |message: &tgferry_sandbox::MessageView| message.media.as_ref().is_some_and(|media| media.kind == "video");
        person.messages().iter().filter(|message| is_video(message) && message.buttons.is_empty()).count()
    };
    assert_eq!((videos(&ann), videos(&ben)), (2, 1), "nothing twice");
    scene.ends_well();
}

#[tokio::test]
async fn a_job_waits_for_the_only_account_while_it_rests() {
    let scene = Scene::logged_in_with("accounts = { limited_rest_s = 2 }").await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let limited = Fault::RpcError { code: 400, message: "PEER_FLOOD".into() };
    scene.telegram.faults().on("messages.sendMedia", When::Nth(1)).gives(limited);
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!((lane(&media), media.sha256), ("mtproto", sha256(&clips::big())), "neither refused nor compressed");
    assert_eq!(scene.files_in_relays(), 1);
    daemon.stop().await;
    scene.ends_well();
}

#[tokio::test]
async fn an_account_that_is_limited_hands_the_job_over() {
    let scene = Scene::logged_in_with(BOT_SESSION).await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    let limited = Fault::RpcError { code: 400, message: "PEER_FLOOD".into() };
    scene.telegram.faults().on("messages.sendMedia", When::Nth(1)).gives(limited);
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!((lane(&media), media.sha256), ("mtproto", sha256(&clips::big())));
    assert_eq!(scene.files_in_relays(), 1, "the bot took over, and used the relay");

    // The daemon stores how it sees its accounts soon after something changed, not in the same moment.
    let shown = async {
        loop {
            let output = scene.home.run(&["accounts", "--json"], "").await;
            let reports: Vec<AccountReport> = serde_json::from_slice(&output.stdout).unwrap();
            if matches!(reports[0].health, Health::Resting { .. }) && reports[0].uploads == 0 {
                return reports;
            }
        }
    };
    let reports = tokio::time::timeout(WITHIN, shown).await.expect("the rest is shown while the daemon runs");
    assert!(reports[1].bot && reports[1].is_well(), "{reports:?}");
    daemon.stop().await;
    let output = scene.home.run(&["accounts"], "").await;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("resting for"), "{said}");
    scene.ends_well();
}

/// Two accounts; the first that uploads is stopped at its fortieth part, and the file still comes, once.
async fn handed_over_midway(fault: Fault) -> Vec<AccountReport> {
    let scene = Scene::logged_in().await;
    scene.log_in_another("second", "+9996600002").await;
    let link = scene.site.serve("big.mp4", Answer::File(clips::big()));
    scene.telegram.faults().on("upload.saveBigFilePart", When::Nth(40)).gives(fault);
    let daemon = scene.daemon();
    let ann = scene.person("ann").await;
    ann.sends(&link).await;
    chooses(&ann, "Video").await;
    let media = gets(&ann, "video").await.media.unwrap();
    assert_eq!((lane(&media), media.sha256), ("mtproto", sha256(&clips::big())));
    scene.home.is_clean().await;
    daemon.stop().await;
    let output = scene.home.run(&["accounts", "--json"], "").await;
    let files = ann.messages().iter().filter(|message| message.media.is_some()).count();
    assert_eq!((scene.files_in_relays(), files), (1, 1), "{}", ann.transcript());
    scene.ends_well();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn rests(reports: &[AccountReport]) -> Vec<Reason> {
    let rest = |report: &AccountReport| match &report.health {
        Health::Resting { reason, .. } => Some(reason.clone()),
        _ => None,
    };
    reports.iter().filter_map(rest).collect()
}

#[tokio::test]
async fn an_account_that_is_limited_midway_hands_the_job_to_another_at_once() {
    assert_eq!(rests(&handed_over_midway(Fault::RpcError { code: 400, message: "PEER_FLOOD".into() }).await), [Reason::AccountLimited]);
}

#[tokio::test]
async fn a_job_does_not_wait_for_a_long_pause_of_one_account_where_another_is_free() {
    let reports = handed_over_midway(Fault::FloodWait { seconds: 1000 }).await;
    assert_eq!(rests(&reports), [Reason::FloodWait { seconds: 1000 }]);
}

#[tokio::test]
async fn the_bots_own_session_is_logged_out_by_the_name_that_it_is_shown_with() {
    let scene = Scene::with(BOT_SESSION).await;
    let daemon = scene.daemon();
    scene.person("ann").await;
    scene.called("auth.importBotAuthorization", 1).await;
    daemon.stop().await;
    let reports: Vec<AccountReport> = serde_json::from_slice(&scene.home.run(&["accounts", "--json"], "").await.stdout).unwrap();
    let name = reports.into_iter().find(|report| report.bot).unwrap().name;
    let output = scene.home.run(&["logout", "--name", &name], "").await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("Logged out") && said.contains("logs the bot in again"), "{said}");
    assert!(!scene.home.folder.path().join(format!("sessions/{name}.session")).exists());
    assert_eq!(scene.home.run(&["logout", "--name", &name], "").await.status.code(), Some(1), "there is none any more");
    scene.ends_well();
}
