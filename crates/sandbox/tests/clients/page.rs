//! The page, in Chromium: a chat with everything in it, looked at and used by somebody at a screen.
//!
//! Set `TGFERRY_PAGE_SHOTS` to a folder to keep the pictures that are taken on the way.

use std::path::Path;

use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};
use tgferry_sandbox::TestUser;
use tokio::process::Command;

use super::rig::Rig;

const SCRIPT: &str = "page_client.py";
/// What stands in a topic.
const LAURA: &str = "Laura, then. Who brings the projector?";

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_looks_as_on_a_phone_and_is_used_by_mouse_and_keyboard() {
    let rig = Rig::new(None).await;
    let media = tempfile::tempdir().expect("a temporary folder");
    lively(&rig, media.path()).await;
    let done = rig.runs(SCRIPT, "chat").await;
    assert_eq!(done["errors"], json!([]), "what the browser complained of");
    assert_eq!(done["chats"], json!(["ferry_bot", "Film club", "Relay"]));
    assert_eq!((&done["album"], &done["free"]), (&json!(4), &json!([1, 1])));
    assert_eq!(done["marks"], json!(["a", "b", "blockquote", "code", "i", "pre", "s", "u"]));
    assert_eq!((&done["quoted"], &done["forwarded"]), (&json!("Which one?"), &json!("Relay")));
    assert!(done["played_s"].as_f64().expect("a time") > 0.2 && done["sought_s"].as_f64().expect("a time") >= 3.0, "{done}");
    assert_eq!(done["covered"], json!([true, false]), "a spoiler opens at the first click");
    assert_eq!(done["copied"], json!("SAVE10"));
    assert_eq!((&done["alert"], &done["alert_closed"]), (&json!("Chosen: the long one"), &json!(true)));
    assert_eq!(done["edited"], json!("It is done"), "seen without a reload");
    assert_eq!(done["same_player"], json!(true), "a player that is playing is left alone");
    assert_eq!(done["wrote"], json!(["answer by keyboard", "Which one?"]));
    assert_eq!((&done["club"], &done["club_author"]), (&json!("hello, club"), &json!("Bea")));
    let said: Vec<String> =
        rig.ann.messages().iter().filter(|message| !message.from_bot).map(|message| message.words().to_owned()).collect();
    assert_eq!(said.last().map(String::as_str), Some("/help"), "a command is sent by a click");
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wire_can_be_filtered_and_is_a_drawer_on_a_phone() {
    let rig = Rig::new(None).await;
    let media = tempfile::tempdir().expect("a temporary folder");
    lively(&rig, media.path()).await;
    // A call that is refused, to be found again.
    let refused = call(&rig, "sendMessage", json!({"chat_id": 12, "text": "hello"})).await;
    assert_eq!(refused["ok"], false);
    let done = rig.runs(SCRIPT, "wire").await;
    assert_eq!(done["errors"], json!([]), "what the browser complained of");
    assert_eq!(done["only_errors"], json!(["sendMessage: 400 Bad Request: chat not found"]));
    assert_eq!(done["only_albums"], json!(["sendMediaGroup"]));
    assert!(done["mtproto"].as_array().is_some_and(|lines| lines.contains(&json!("messages.sendMedia"))), "{done}");
    assert_eq!(done["live"], json!("getMe"), "a line comes while one looks");
    // At 360 px nothing sticks out, one thing is seen at a time, and Escape leads back.
    assert_eq!(done["phone_views"], json!(["list", "chat", "wire", "chat", "list"]));
    assert_eq!(done["too_wide"], json!([]));
    rig.nothing_refused();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_is_paid_a_keyboard_used_and_a_topic_written_in() {
    let rig = Rig::new(None).await;
    let asked = call(&rig, "sendMessage", json!({"chat_id": rig.ann.id(), "text": "How was the last one?"})).await;
    let number = asked["result"]["message_id"].as_i64().and_then(|id| i32::try_from(id).ok()).expect("a number");
    let liked = json!({"chat_id": rig.ann.id(), "message_id": number, "reaction": [{"type": "emoji", "emoji": "🔥"}]});
    assert!(rig.ann.reacts(number, Some("🔥")));
    assert_eq!(call(&rig, "setMessageReaction", liked).await["ok"], true);
    let done = rig.runs(SCRIPT, "extras").await;
    assert_eq!(done["errors"], json!([]), "what the browser complained of, and what sticks out");
    assert_eq!(done["refused"], json!("Sold out"), "the bot's own words");
    assert_eq!(done["paid"], json!("You paid 50 Stars to ferry_bot for “A month of ferrying”"));
    assert_eq!((&done["receipt"], &done["stars"]), (&json!(["A month of ferrying", "50 Stars"]), &json!(950)));
    assert_eq!((&done["reactions"], &done["via"]), (&json!(["🔥\n2"]), &json!("@ferry_bot")));
    assert_eq!(done["mine"], json!("true"), "one's own reaction is told apart");
    assert_eq!((&done["placeholder"], &done["put_away"]), (&json!("What shall I bring?"), &json!(true)));
    assert_eq!(done["toggle"], json!(false), "a keyboard that was taken away is gone");
    assert_eq!(done["forced"], json!("And its name?"));
    assert_eq!(
        (&done["general"], &done["noir"]),
        (&json!(["What do we watch tonight?"]), &json!(["Only shadows here", LAURA, "And rain"]))
    );
    assert_eq!(done["in_topic"], json!(["Only shadows here", LAURA, "…", "Dust", "And rain"]), "each stands in a topic");
    assert_eq!((&done["owner_writes"], &done["member_reads"]), (&json!(true), &json!("Only admins can write in this topic")));
    rig.nothing_refused();
}

/// A chat with everything that a page has to show, a channel, and a group.
async fn lively(rig: &Rig, media: &Path) {
    let (ann, chat) = (&rig.ann, rig.ann.id());
    let bea = rig.sandbox.user("bea", &rig.bot);
    rig.runs("telethon_client.py", "sends").await;
    for (name, what) in [
        ("one.jpg", scenery("248,176,96", "70,120,190", "36,62,84", 0.72, 0.36)),
        ("two.jpg", scenery("238,120,110", "64,48,110", "26,24,48", 0.3, 0.45)),
        ("three.jpg", scenery("236,240,220", "110,175,205", "58,104,72", 0.55, 0.25)),
        ("four.jpg", scenery("190,220,200", "60,130,130", "20,58,60", 0.2, 0.3)),
    ] {
        ffmpeg(media, &["-f", "lavfi", "-i", &what], &["-frames:v", "1", "-q:v", "3"], name).await;
    }
    let one = media.join("one.jpg");
    let pan = "zoompan=z='1+0.002*on':x='on':y='on/2':d=200:s=640x360:fps=25";
    let still = ["-i", one.to_str().expect("UTF-8"), "-f", "lavfi", "-i", "sine=frequency=330:duration=8"];
    let film =
        ["-vf", pan, "-shortest", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast", "-g", "25", "-movflags", "+faststart"];
    ffmpeg(media, &still, &film, "film.mp4").await;
    ffmpeg(
        media,
        &["-i", one.to_str().expect("UTF-8")],
        &["-vf", "scale=320:180:force_original_aspect_ratio=increase,crop=320:180"],
        "cover.jpg",
    )
    .await;
    ffmpeg(media, &["-f", "lavfi", "-i", "sine=frequency=220:duration=5"], &["-c:a", "libmp3lame"], "song.mp3").await;
    let round = ["-t", "3", "-vf", "crop=360:360,scale=240:240", "-c:v", "libx264", "-preset", "ultrafast", "-movflags", "+faststart"];
    ffmpeg(media, &["-i", media.join("film.mp4").to_str().expect("UTF-8")], &round, "round.mp4").await;
    // A round picture with nothing around it.
    let disc = "crop=480:480,scale=320:320,format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='255*lt(hypot(X-160\\,Y-160)\\,156)'";
    ffmpeg(media, &["-i", media.join("two.jpg").to_str().expect("UTF-8")], &["-vf", disc, "-c:v", "libwebp"], "dusk.webp").await;
    send(rig, media, "sendSticker", &[("emoji", "🌆")], &[("sticker", "dusk.webp")]).await;
    send(rig, media, "sendVideoNote", &[("duration", "3"), ("length", "240")], &[("video_note", "round.mp4")]).await;

    let text = "Send me a link and I bring the film.\n\nWorks: pages, files, albums. See https://example.org/help";
    let marks = json!([{"type": "bold", "offset": 0, "length": 14}, {"type": "italic", "offset": 45, "length": 5}]);
    call(rig, "sendMessage", json!({"chat_id": chat, "text": text, "entities": marks})).await;
    ann.sends("https://example.org/film.mp4").await;
    let keys = json!({"inline_keyboard": [
        [{"text": "Video 720p", "callback_data": "720"}, {"text": "Video 1080p", "callback_data": "1080"}],
        [{"text": "Only the sound", "callback_data": "sound"}],
        [{"text": "Open the page", "url": "https://example.org/"}, {"text": "Copy the code", "copy_text": {"text": "SAVE10"}}],
    ]});
    let asked = call(rig, "sendMessage", json!({"chat_id": chat, "text": "Which one?", "reply_markup": keys})).await;
    ann.replies(asked["result"]["message_id"].as_i64().and_then(|id| i32::try_from(id).ok()).expect("a number"), "The long one, please")
        .await;
    let film = [
        ("caption", "<b>A film about evenings</b>, 8 s"),
        ("parse_mode", "HTML"),
        ("duration", "8"),
        ("width", "640"),
        ("height", "360"),
        ("supports_streaming", "true"),
    ];
    send(rig, media, "sendVideo", &film, &[("video", "film.mp4"), ("thumbnail", "cover.jpg")]).await;
    let album = json!([
        {"type": "photo", "media": "attach://one", "caption": "Four pictures, one message"},
        {"type": "photo", "media": "attach://two"},
        {"type": "video", "media": "attach://clip", "duration": 8, "width": 640, "height": 360},
        {"type": "photo", "media": "attach://three"},
    ]);
    let album = album.to_string();
    send(
        rig,
        media,
        "sendMediaGroup",
        &[("media", &album)],
        &[("one", "one.jpg"), ("two", "two.jpg"), ("clip", "film.mp4"), ("three", "three.jpg")],
    )
    .await;
    send(rig, media, "sendPhoto", &[("caption", "Not yet"), ("has_spoiler", "true")], &[("photo", "four.jpg")]).await;
    send(rig, media, "sendAudio", &[("title", "Low note"), ("performer", "The sines"), ("duration", "5")], &[("audio", "song.mp3")]).await;
    send(rig, media, "sendDocument", &[], &[("document", "song.mp3")]).await;
    let formatted = "<u>Plan</u>\n<blockquote>Fetch, then look, then send</blockquote>Run <code>tgferry run</code>, <s>twice</s>:\n<pre><code class=\"language-toml\">[limits]\nfile_bytes = 2_000_000_000</code></pre>or ask for /help";
    call(rig, "sendMessage", json!({"chat_id": chat, "text": formatted, "parse_mode": "HTML"})).await;
    let (club, relay) = (channel(rig, "Film club", true), channel(rig, "Relay", false));
    rig.sandbox.world().change(|state| state.add_member(club, bea.id()) && state.add_member(relay, ann.id()));
    let post = rig.sandbox.world().change(|state| {
        let relay = tgferry_sandbox::ChatRef::Channel(relay);
        let film = tgferry_sandbox::world::NewMessage::text(rig.account, "Every film goes through here");
        state.post(relay, film).map(|message| message.id).expect("a post")
    });
    call(rig, "forwardMessage", json!({"chat_id": chat, "from_chat_id": -1_000_000_000_000 - relay, "message_id": post})).await;
    call(rig, "sendMessage", json!({"chat_id": chat, "text": "Working on it: 42 %"})).await;
    says(rig, &bea, club).await;
}

/// A channel or a group of ann's, with the bot as its administrator.
fn channel(rig: &Rig, title: &str, group: bool) -> i64 {
    rig.sandbox.world().change(|state| {
        let id = state.create_channel(rig.ann.id(), title, "", group);
        state.set_admin(id, rig.bot.id, Some(tgferry_sandbox::world::AdminRights::full()), rig.ann.id());
        id
    })
}

async fn says(rig: &Rig, person: &TestUser, group: i64) {
    rig.sandbox.world().change(|state| {
        let new = tgferry_sandbox::world::NewMessage::text(person.id(), "Has anybody seen the new one?");
        state.post(tgferry_sandbox::ChatRef::Channel(group), new).expect("a message");
    });
}

async fn call(rig: &Rig, method: &str, arguments: Value) -> Value {
    let url = format!("{}/bot{}/{method}", rig.sandbox.bot_api_url(), rig.bot.token);
    let response = http().post(url).json(&arguments).send().await.expect("an answer");
    response.json().await.expect("JSON")
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().build().expect("a client")
}

async fn send(rig: &Rig, media: &Path, method: &str, texts: &[(&str, &str)], files: &[(&str, &str)]) {
    let mut form = Form::new().text("chat_id", rig.ann.id().to_string());
    for (name, text) in texts {
        form = form.text((*name).to_owned(), (*text).to_owned());
    }
    for (name, file) in files {
        let bytes = std::fs::read(media.join(file)).expect("made above");
        form = form.part((*name).to_owned(), Part::bytes(bytes).file_name((*file).to_owned()));
    }
    let url = format!("{}/bot{}/{method}", rig.sandbox.bot_api_url(), rig.bot.token);
    let answer: Value = http().post(url).multipart(form).send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(answer["ok"], true, "{method}: {answer}");
}

/// A picture of hills before a sky with a sun: colours at the horizon, above and of the hills (red, green, blue), and where the sun stands.
fn scenery(low: &str, high: &str, hills: &str, sun_x: f32, sun_y: f32) -> String {
    let channels = low.split(',').zip(high.split(',')).zip(hills.split(','));
    let channel = |((low, high), hill): ((&str, &str), &str)| {
        let sky = format!("({high}+({low}-{high})*pow(Y/H/0.7\\,1.4))");
        let sun = format!("180*exp(-pow(hypot(X-W*{sun_x}\\,Y-H*{sun_y})/(H*0.09)\\,2))");
        let far = "gt(Y\\,H*(0.66+0.07*sin(X/W*7+1)+0.03*sin(X/W*19)))";
        let near = "gt(Y\\,H*(0.8+0.06*sin(X/W*5+4)+0.02*sin(X/W*23)))";
        format!("if({near}\\,{hill}*0.55\\,if({far}\\,{hill}\\,min(255\\,{sky}+{sun})))")
    };
    let colours: Vec<String> = channels.map(channel).collect();
    format!("color=size=640x480,format=rgb24,geq=r='{}':g='{}':b='{}'", colours[0], colours[1], colours[2])
}

async fn ffmpeg(folder: &Path, input: &[&str], output: &[&str], name: &str) {
    let made = Command::new("ffmpeg").args(["-v", "error", "-nostdin"]).args(input).args(output).arg(folder.join(name)).output().await;
    let made = made.expect("ffmpeg is installed by scripts/setup.sh");
    assert!(made.status.success(), "{name}: {}", String::from_utf8_lossy(&made.stderr));
}
