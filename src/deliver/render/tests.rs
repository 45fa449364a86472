//! What cards and status messages look like, as snapshots.
//!
//! In: values. Out: compared texts. Must not: need a clock.

use super::*;
use crate::model::{ChatId, JobId, Link, Stage, UserId};

fn job(title: Option<&str>) -> Job {
    Job {
        id: JobId(7),
        user: UserId(1),
        chat: ChatId(1),
        request_message: None,
        status_message: None,
        link: Link::parse("https://www.example.org/watch?v=1&t=2").unwrap(),
        choice: None,
        language: "en".into(),
        stage: Stage::Inspect,
        title: title.map(str::to_owned),
        attempts: 0,
        subtitles: None,
    }
}

fn at(step: Step, done: u64, total: Option<u64>) -> Progress {
    Progress { step, done, total, pause_s: 0, piece: None }
}

#[test]
fn cards() {
    let texts = Texts::new("en");
    let full = SourceCard {
        title: "Tom & <Jerry>\u{202e}\nnext line".into(),
        author: Some(" Ann ".into()),
        duration_s: Some(205.4),
        source: "Example <Tube>".into(),
        picture: None,
        size_bytes: Some(43_200_000),
        ..SourceCard::default()
    };
    insta::assert_snapshot!(card(&texts, &job(None), &full, false), @r#"
    <b>Tom &amp; &lt;Jerry&gt; next line</b>
    Ann · <a href="https://www.example.org/watch?v=1&amp;t=2">Example &lt;Tube&gt;</a>
    ⏱ 3:25 · 💾 41.2 MB

    How would you like it?
    "#);
    let bare = SourceCard { source: "example.org".into(), ..SourceCard::default() };
    insta::assert_snapshot!(card(&texts, &job(None), &bare, false), @r#"
    <b>example.org</b>
    <a href="https://www.example.org/watch?v=1&amp;t=2">example.org</a>

    How would you like it?
    "#);
}

#[test]
fn a_card_fits_under_a_picture_whatever_the_source_says() {
    let huge = "🦀".repeat(5000);
    let card_text = card(
        &Texts::new("en"),
        &job(None),
        &SourceCard { title: huge.clone(), author: Some(huge.clone()), source: huge, ..SourceCard::default() },
        false,
    );
    assert!(card_text.encode_utf16().count() < 1024, "{}", card_text.encode_utf16().count());
}

#[test]
fn status_messages() {
    let texts = Texts::new("en");
    let mb = 1024 * 1024;
    let table = [
        (at(Step::Waiting, 0, None), None, "⏳ In the queue"),
        (at(Step::Fetching, 0, None), None, "⬇️ Downloading"),
        (at(Step::Fetching, 3 * mb, None), Some(1_572_864.0), "⬇️ Downloading\n3 MB · 1.5 MB/s"),
        (
            at(Step::Fetching, 34 * mb, Some(100 * mb)),
            Some(3_145_728.0),
            "⬇️ Downloading\n▰▰▰▱▱▱▱▱▱▱ 34 %\n34 MB of 100 MB · 3 MB/s · 25 s left",
        ),
        (at(Step::Transcoding, 500, Some(1000)), Some(4.0), "🎞 Converting, so that it plays everywhere\n▰▰▰▰▰▱▱▱▱▱ 50 %\n2 min left"),
        (at(Step::Uploading, 999, Some(1000)), None, "⬆️ Uploading to Telegram\n▰▰▰▰▰▰▰▰▰▱ 99 %\n999 B of 1 KB"),
        (at(Step::Uploading, 100, Some(100)), Some(50.0), "⬆️ Uploading to Telegram\n▰▰▰▰▰▰▰▰▰▰ 100 %\n100 B of 100 B · 50 B/s"),
        (at(Step::Uploading, 200, Some(100)), Some(0.0), "⬆️ Uploading to Telegram\n▰▰▰▰▰▰▰▰▰▰ 100 %\n100 B of 100 B"),
        (
            Progress { step: Step::Paused, done: mb, total: Some(2 * mb), pause_s: 42, piece: None },
            Some(100.0),
            "⏸ Telegram asks for a pause of 45 s. I go on by myself.\n▰▰▰▰▰▱▱▱▱▱ 50 %",
        ),
        (at(Step::Delivering, 0, None), None, "📨 Bringing it to you"),
    ];
    for (progress, speed, expected) in table {
        assert_eq!(status(&texts, "A <title>", &progress, speed), format!("<b>A &lt;title&gt;</b>\n{expected}"), "{progress:?}");
    }
}

#[test]
fn last_words() {
    insta::assert_snapshot!(failed(&job(Some("My <film>")), &Reason::NotFound), @"
    ⚠️ <b>My &lt;film&gt;</b>
    There is nothing at this link (error 404). Check it for missing letters, or copy it again from your browser.
    ");
    insta::assert_snapshot!(failed(&job(None), &Reason::Cancelled), @"
    <b>example.org</b>
    Stopped, as you wished. Send the link again whenever you want it after all.
    ");
}

#[test]
fn words_about_another_try() {
    insta::assert_snapshot!(later(&job(Some("A & B")), &Reason::Network, 29_500), @"
    <b>A &amp; B</b>
    🔁 The site does not answer. I try again by myself in 30 s.
    ");
    for reason in [Reason::DiskFull, Reason::Telegram, Reason::FloodWait { seconds: 90 }, Reason::Downloader, Reason::Internal] {
        assert!(later(&job(None), &reason, 90_000).contains("in 2 min"), "{reason:?}");
    }
}
