//! Round videos and stickers, and what is neither though it was sent as one.

use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::rig::{Rig, part, video, web_server};

fn form(rig: &Rig) -> Form {
    Form::new().text("chat_id", rig.ann.id().to_string())
}

/// The header of a WEBP of this size.
fn webp(width: u16, height: u16) -> Vec<u8> {
    let mut webp = b"RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\x01\x2a".to_vec();
    webp.extend(width.to_le_bytes());
    webp.extend(height.to_le_bytes());
    webp
}

/// The headers of an MP4 with one picture track of this size.
fn film(width: u16, height: u16) -> Vec<u8> {
    let atom = |name: &[u8; 4], content: &[u8]| [&(content.len() as u32 + 8).to_be_bytes(), name.as_slice(), content].concat();
    let mut header = vec![0; 76];
    for side in [width, height] {
        header.extend(side.to_be_bytes());
        header.extend([0, 0]);
    }
    [atom(b"ftyp", b"mp42"), atom(b"moov", &atom(b"trak", &atom(b"tkhd", &header)))].concat()
}

#[tokio::test]
async fn a_square_film_of_a_minute_is_round() {
    let rig = Rig::new().await;
    let square = form(&rig).part("video_note", part(film(240, 240), "a.mp4")).text("duration", "60").text("length", "240");
    let sent = rig.form("sendVideoNote", square).await["result"].clone();
    let note = &sent["video_note"];
    assert_eq!((&note["length"], &note["duration"], &note["file_name"]), (&json!(240), &json!(60), &Value::Null), "{sent}");
    let again = rig.ok("sendVideoNote", json!({"chat_id": rig.ann.id(), "video_note": note["file_id"]})).await;
    assert_eq!(again["video_note"]["file_unique_id"], note["file_unique_id"]);
    let unsaid = rig.form("sendVideoNote", form(&rig).part("video_note", part(video(), "a.mp4"))).await;
    assert_eq!(unsaid["result"]["video_note"]["length"], 384, "{unsaid}");
    assert_eq!(rig.sandbox.warnings(), Vec::<String>::new());

    let wide = rig.form("sendVideoNote", form(&rig).part("video_note", part(film(320, 180), "a.mp4"))).await;
    assert_eq!((&wide["result"]["video"]["width"], &wide["result"]["video_note"]), (&json!(320), &Value::Null), "{wide}");
    let long = rig.form("sendVideoNote", form(&rig).part("video_note", part(film(240, 240), "a.mp4")).text("duration", "61")).await;
    assert!(long["result"]["video"].is_object(), "{long}");
    let warnings = ["video_note stored as video: it is 320x180", "video_note stored as video: it takes 61 s"];
    assert_eq!(rig.sandbox.warnings(), warnings);

    let (_, address) = web_server().await;
    let cases = [
        (json!({}), "there is no video note in the request"),
        (json!({"video_note": format!("http://{address}/a.mp4")}), "wrong type of the web page content"),
        (json!({"video_note": wide["result"]["video"]["file_id"]}), "can't use file of type Video as VideoNote"),
    ];
    for (params, wanted) in cases {
        let mut params = params;
        params["chat_id"] = json!(rig.ann.id());
        assert_eq!(rig.refused("sendVideoNote", params).await, (400, format!("Bad Request: {wanted}")));
    }
    let large = form(&rig).part("video_note", part(film(700, 700), "a.mp4")).text("length", "641");
    assert_eq!(rig.form("sendVideoNote", large).await["description"], "Bad Request: wrong video note length");
    rig.nothing_refused();
}

#[tokio::test]
async fn stickers_are_of_three_kinds() {
    let rig = Rig::new().await;
    let kinds = [
        (webp(512, 400), "a.webp", (400, false, false)),
        (vec![0x1f, 0x8b, 8, 0, 0], "a.tgs", (512, true, false)),
        (vec![0x1a, 0x45, 0xdf, 0xa3], "a.webm", (512, false, true)),
    ];
    let mut last = Value::Null;
    for (bytes, name, wanted) in kinds {
        let sent = rig.form("sendSticker", form(&rig).part("sticker", part(bytes, name)).text("emoji", "🎬")).await["result"].clone();
        let sticker = &sent["sticker"];
        assert_eq!((&sticker["type"], &sticker["emoji"], &sticker["width"]), (&json!("regular"), &json!("🎬"), &json!(512)), "{sent}");
        let (height, animated, video) = wanted;
        assert_eq!((&sticker["height"], &sticker["is_animated"], &sticker["is_video"]), (&json!(height), &json!(animated), &json!(video)));
        last = sticker["file_id"].clone();
    }
    let again = rig.ok("sendSticker", json!({"chat_id": rig.ann.id(), "sticker": last})).await;
    assert_eq!((&again["sticker"]["emoji"], &again["sticker"]["is_video"]), (&json!("🎬"), &json!(true)));
    assert_eq!(rig.sandbox.warnings(), Vec::<String>::new());

    let large = rig.form("sendSticker", form(&rig).part("sticker", part(webp(513, 400), "a.webp"))).await;
    assert!(large["result"]["document"].is_object(), "{large}");
    let other = rig.form("sendSticker", form(&rig).part("sticker", part(video(), "a.mp4"))).await;
    assert!(other["result"]["document"].is_object(), "{other}");
    assert_eq!(
        rig.sandbox.warnings(),
        ["sticker stored as document: it is 513x400", "sticker stored as document: it is no WEBP, TGS or WEBM"]
    );
    let none = rig.refused("sendSticker", json!({"chat_id": rig.ann.id()})).await;
    assert_eq!(none, (400, "Bad Request: there is no sticker in the request".to_owned()));
    let album = json!({"chat_id": rig.ann.id(), "media": [{"type": "sticker", "media": last}, {"type": "sticker", "media": last}]});
    assert_eq!(rig.refused("sendMediaGroup", album).await.1, "Bad Request: can't parse InputMedia: type \"sticker\" is unsupported");
    rig.nothing_refused();
}
