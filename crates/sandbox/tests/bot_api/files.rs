//! Uploads, `file_id`, thumbnails, downloads and their limits.

use reqwest::multipart::{Form, Part};
use serde_json::json;
use sha2::{Digest, Sha256};
use tgferry_sandbox::Limits;

use crate::rig::{Rig, jpeg, part, video};

fn form(rig: &Rig) -> Form {
    Form::new().text("chat_id", rig.ann.id().to_string())
}

#[tokio::test]
async fn a_video_arrives_with_what_its_sender_said() {
    let rig = Rig::new().await;
    let form = form(&rig)
        .text("video", "attach://one")
        .part("one", part(video(), "../a b.mp4"))
        .text("thumbnail", "attach://two")
        .part("two", part(jpeg(320, 180, 900), "t.jpg"))
        .text("duration", "65")
        .text("width", "1280")
        .text("height", "720")
        .text("supports_streaming", "true")
        .text("caption", "<i>A</i> film")
        .text("parse_mode", "HTML");
    let answer = rig.form("sendVideo", form).await;
    assert_eq!(answer["ok"], true, "{answer}");
    let sent = &answer["result"];
    assert_eq!(sent["video"]["file_name"], "a b.mp4");
    assert_eq!(sent["video"]["mime_type"], "video/mp4");
    assert_eq!(sent["video"]["thumbnail"]["width"], 320);
    assert_eq!(sent["caption"], "A film");
    assert_eq!(sent["caption_entities"][0]["type"], "italic");
    let media = rig.ann.messages().pop().and_then(|message| message.media).expect("media");
    assert_eq!((media.kind, media.duration, media.width, media.height, media.supports_streaming), ("video", 65, 1280, 720, true));
    let wanted: String = Sha256::digest(video()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(media.sha256, wanted);
    assert_eq!(rig.sandbox.counters().bot_api_uploaded_bytes, video().len() as u64 + 900);
    assert_eq!(rig.sandbox.warnings(), Vec::<String>::new());
    rig.nothing_refused();
}

#[tokio::test]
async fn without_attributes_a_video_is_a_square_of_no_length() {
    let rig = Rig::new().await;
    let answer = rig.form("sendVideo", form(&rig).part("video", part(video(), "a.mp4"))).await;
    assert_eq!(answer["result"]["video"]["width"], 0);
    let media = rig.ann.messages().pop().and_then(|message| message.media).expect("media");
    assert_eq!((media.duration, media.width, media.height, media.supports_streaming), (0, 0, 0, false));
    assert!(media.thumb.is_none());
}

#[tokio::test]
async fn what_is_no_mp4_is_a_document_and_says_so() {
    let rig = Rig::new().await;
    let answer = rig.form("sendVideo", form(&rig).part("video", part(video(), "a.mkv"))).await;
    assert_eq!(answer["result"]["document"]["file_name"], "a.mkv", "{answer}");
    assert!(rig.sandbox.warnings()[0].starts_with("video stored as document"), "{:?}", rig.sandbox.warnings());
}

#[tokio::test]
async fn bad_thumbnails_are_ignored_with_a_warning() {
    let rig = Rig::new().await;
    let cases = [
        (jpeg(321, 100, 100), "thumbnail ignored: it is 321x100"),
        (jpeg(320, 320, 200 * 1024 + 1), "thumbnail ignored: it has 204801 bytes"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x02\0\0\0".to_vec(), "thumbnail ignored: it is no JPEG"),
        (b"nothing like a picture at all".to_vec(), "thumbnail ignored: it is no picture"),
    ];
    for (number, (bytes, wanted)) in cases.into_iter().enumerate() {
        let answer = rig.form("sendAudio", form(&rig).part("audio", part(video(), "a.mp3")).part("thumbnail", part(bytes, "t.jpg"))).await;
        assert!(answer["result"]["audio"].is_object(), "{answer}");
        assert!(answer["result"]["audio"].get("thumbnail").is_none());
        assert_eq!(rig.sandbox.warnings()[number], wanted);
    }
}

#[tokio::test]
async fn what_is_too_large_is_refused_after_it_was_read() {
    let rig = Rig::with(Limits { bot_upload_bytes: 100_000, ..Limits::default() }).await;
    let answer = rig.form("sendDocument", form(&rig).part("document", part(vec![1; 5_000_000], "a.bin"))).await;
    assert_eq!((answer["status"].as_i64(), answer["description"].as_str()), (Some(413), Some("Request Entity Too Large")));
    let answer = rig.form("sendDocument", form(&rig).part("document", part(vec![1; 100_000], "a.bin"))).await;
    assert_eq!(answer["ok"], true, "{answer}");
}

#[tokio::test]
async fn bad_uploads_are_refused_in_telegrams_words() {
    let rig = Rig::new().await;
    let cases: [(&str, Form, &str); 6] = [
        ("sendVideo", form(&rig), "Bad Request: there is no video in the request"),
        ("sendVideo", form(&rig).part("video", part(Vec::new(), "a.mp4")), "Bad Request: file must be non-empty"),
        ("sendVideo", form(&rig).text("video", "attach://none"), "Bad Request: wrong file identifier/HTTP URL specified"),
        ("sendVideo", form(&rig).text("video", "BAACnonsense"), "Bad Request: wrong file identifier/HTTP URL specified"),
        ("sendPhoto", form(&rig).part("photo", part(video(), "a.jpg")), "Bad Request: IMAGE_PROCESS_FAILED"),
        (
            "sendVideo",
            form(&rig).part("video", part(video(), "a.mp4")).text("caption", "x".repeat(1025)),
            "Bad Request: message caption is too long",
        ),
    ];
    for (method, form, wanted) in cases {
        let answer = rig.form(method, form).await;
        assert_eq!((answer["status"].as_i64(), answer["description"].as_str()), (Some(400), Some(wanted)));
    }
}

#[tokio::test]
async fn a_file_id_sends_again_but_only_for_its_bot_and_kind() {
    let rig = Rig::new().await;
    let answer = rig.form("sendVideo", form(&rig).part("video", part(video(), "a.mp4")).text("duration", "9")).await;
    let id = answer["result"]["video"]["file_id"].as_str().expect("an id").to_owned();
    let again = rig.ok("sendVideo", json!({"chat_id": rig.ann.id(), "video": id, "caption": "again"})).await;
    assert_eq!(again["video"]["duration"], 9);
    assert_eq!(again["video"]["file_unique_id"], answer["result"]["video"]["file_unique_id"]);
    let wrong = rig.refused("sendAudio", json!({"chat_id": rig.ann.id(), "audio": id})).await;
    assert_eq!(wrong.1, "Bad Request: can't use file of type Video as Audio");
    let other = rig.sandbox.create_bot("other_bot");
    rig.sandbox.user("ann", &other).sends("/start").await;
    let url = format!("{}/bot{}/sendVideo", rig.sandbox.bot_api_url(), other.token);
    let answer: serde_json::Value = rig
        .http
        .post(url)
        .json(&json!({"chat_id": rig.ann.id(), "video": id}))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(answer["description"], "Bad Request: wrong file identifier/HTTP URL specified");
}

#[tokio::test]
async fn files_come_down_up_to_the_limit() {
    let rig = Rig::with(Limits { bot_download_bytes: 30_000, ..Limits::default() }).await;
    let small = rig.form("sendDocument", form(&rig).part("document", part(video(), "a.mp4"))).await;
    let file = rig.ok("getFile", json!({"file_id": small["result"]["document"]["file_id"]})).await;
    let path = file["file_path"].as_str().expect("a path");
    let url = format!("{}/file/bot{}/{path}", rig.sandbox.bot_api_url(), rig.bot.token);
    let bytes = rig.http.get(&url).send().await.expect("an answer").bytes().await.expect("bytes");
    assert_eq!(bytes.as_ref(), video());
    let some = rig.http.get(&url).header("Range", "bytes=4-7").send().await.expect("an answer");
    assert_eq!((some.status().as_u16(), some.bytes().await.expect("bytes").as_ref()), (206, b"ftyp".as_slice()));
    let large = rig.form("sendDocument", form(&rig).part("document", part(vec![7; 30_001], "b.bin"))).await;
    let refused = rig.refused("getFile", json!({"file_id": large["result"]["document"]["file_id"]})).await;
    assert_eq!(refused, (400, "Bad Request: file is too big".to_owned()));
}

#[tokio::test]
async fn a_picture_can_take_the_place_of_another() {
    let rig = Rig::new().await;
    let sent = rig.form("sendPhoto", form(&rig).part("photo", part(jpeg(640, 360, 500), "a.jpg")).text("caption", "card")).await;
    assert_eq!(sent["result"]["photo"][0]["width"], 640, "{sent}");
    let id = sent["result"]["message_id"].to_string();
    let media = json!({"type": "photo", "media": "attach://new", "caption": "next"}).to_string();
    let change = form(&rig).text("message_id", id.clone()).text("media", media).part("new", part(jpeg(320, 180, 500), "b.jpg"));
    let edited = rig.form("editMessageMedia", change).await;
    assert_eq!((&edited["result"]["photo"][0]["width"], &edited["result"]["caption"]), (&json!(320), &json!("next")), "{edited}");
    let caption = rig.ok("editMessageCaption", json!({"chat_id": rig.ann.id(), "message_id": id, "caption": "last"})).await;
    assert_eq!(caption["caption"], "last");
    rig.nothing_refused();
}

#[tokio::test]
async fn a_large_upload_does_not_grow_the_memory() {
    let rig = Rig::new().await;
    let before = resident_bytes();
    let pieces = futures::stream::iter((0..40).map(|_| Ok::<_, std::io::Error>(vec![3_u8; 1024 * 1024])));
    let file = Part::stream(reqwest::Body::wrap_stream(pieces)).file_name("a.mp4");
    let answer = rig.form("sendVideo", form(&rig).part("video", file)).await;
    assert_eq!(answer["result"]["video"]["file_size"], 40 * 1024 * 1024, "{answer}");
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 30 * 1024 * 1024, "grew by {grown} bytes");
}

/// Resident memory of this process (`VmRSS`).
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("a line");
    line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number") * 1024
}
