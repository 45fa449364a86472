//! Uploads: small and big files, faults on the way, and the file as it arrives in the world.

use std::io::Cursor;

use grammers_client::media::{Attribute, Media};
use grammers_client::message::InputMessage;
use grammers_mtsender::InvocationError;
use grammers_session::types::PeerRef;
use grammers_tl_types as tl;
use sha2::{Digest, Sha256};

use super::{Device, Stage, refusal};
use crate::faults::{Fault, When};
use crate::world::{ChatRef, FileKind, Lane, Message, StoredFile};

const PART: usize = 512 * 1024;

/// Bytes that do not repeat, the same in each run.
pub(super) fn bytes(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..len).map(next).collect()
}

fn hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn last(stage: &Stage, channel: PeerRef) -> (Message, StoredFile) {
    let chat = ChatRef::Channel(channel.id.bare_id().expect("a channel"));
    stage.world.read(|state| {
        let message = state.messages_of(chat).and_then(|all| all.values().next_back()).expect("a message");
        let file = message.media.and_then(|id| state.files.get(id)).expect("a file");
        (message.clone(), file.clone())
    })
}

pub(super) fn save(file_id: i64, file_part: i32, file_total_parts: i32, bytes: Vec<u8>) -> tl::functions::upload::SaveBigFilePart {
    tl::functions::upload::SaveBigFilePart { file_id, file_part, file_total_parts, bytes }
}

fn send(peer: PeerRef, file_id: i64, parts: i32, random_id: i64) -> tl::functions::messages::SendMedia {
    let media = tl::types::InputMediaUploadedDocument {
        nosound_video: false,
        force_file: false,
        spoiler: false,
        file: tl::enums::InputFile::Big(tl::types::InputFileBig { id: file_id, parts, name: "big.bin".to_owned() }),
        thumb: None,
        mime_type: "application/octet-stream".to_owned(),
        attributes: Vec::new(),
        stickers: None,
        video_cover: None,
        video_timestamp: None,
        ttl_seconds: None,
    };
    tl::functions::messages::SendMedia {
        silent: true,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer: peer.into(),
        reply_to: None,
        media: tl::enums::InputMedia::UploadedDocument(media),
        message: "a caption".to_owned(),
        random_id,
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
    }
}

/// Calls; once more as long as grammers hands the call to a connection that it has not noticed to be gone (nothing was sent then).
async fn invoke<R: tl::RemoteCall>(device: &Device, call: &R) -> Result<R::Return, InvocationError> {
    loop {
        match device.client.invoke(call).await {
            Err(InvocationError::Dropped(_)) => tokio::task::yield_now().await,
            other => return other,
        }
    }
}

async fn upload_and_send(device: &Device, relay: PeerRef, content: &[u8]) -> grammers_client::message::Message {
    let mut stream = Cursor::new(content);
    let uploaded = device.client.upload_stream(&mut stream, content.len(), "clip.mp4".to_owned());
    let video =
        Attribute::Video { round_message: false, supports_streaming: true, duration: std::time::Duration::from_secs(61), w: 1280, h: 720 };
    let message = InputMessage::new().text("a caption").document(uploaded.await.expect("uploaded")).mime_type("video/mp4").attribute(video);
    device.client.send_message(relay, message).await.expect("sent")
}

#[tokio::test(flavor = "multi_thread")]
async fn small_and_big_files_arrive_whole() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    for len in [700, 3 * 1024 * 1024 + 5, 20_000_000] {
        let content = bytes(len);
        let sent = upload_and_send(&device, relay, &content).await;
        let (message, file) = last(&stage, relay);
        assert_eq!((message.id, message.text.as_str()), (sent.id(), "a caption"));
        assert_eq!((file.size, file.sha256()), (len as u64, hash(&content)));
        assert_eq!((file.kind, file.lane), (FileKind::Video, Lane::Mtproto));
        assert_eq!((file.duration, file.width, file.height), (61, 1280, 720));
        assert_eq!((file.name.as_deref(), file.supports_streaming), (Some("clip.mp4"), true));

        let Some(Media::Document(document)) = sent.media() else {
            panic!("no document: {:?}", sent.media());
        };
        let mut download = device.client.iter_download(&document);
        let mut back = Vec::new();
        while let Some(piece) = download.next().await.expect("a piece") {
            back.extend(piece);
        }
        assert_eq!(hash(&back), hash(&content));
    }
    let counters = stage.world.read(|state| state.counters.clone());
    assert_eq!(counters.mtproto_calls("upload.saveBigFilePart"), 39);
    assert_eq!(counters.mtproto_calls("upload.saveFilePart"), 2 + 6);
    assert_eq!(counters.uploaded_bytes, 700 + 3 * 1024 * 1024 + 5 + 20_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_in_any_order_over_two_connections_with_the_total_told_late() {
    let stage = Stage::new().await;
    let first = stage.carrier().await;
    let second = stage.device_with(first.auth_key, super::API_ID).await;
    let relay = first.channel("Relay").await;
    let content = bytes(2 * PART + 100);
    let part = |index: usize| content.chunks(PART).nth(index).expect("a part").to_vec();
    second.client.invoke(&save(7, 1, -1, part(1))).await.expect("stored");
    first.client.invoke(&save(7, 2, 3, part(2))).await.expect("stored");
    assert_eq!(refusal(first.client.invoke(&send(relay, 7, 3, 1)).await), (400, "FILE_PART_MISSING_0".to_owned()));
    first.client.invoke(&save(7, 0, 3, part(0))).await.expect("stored");
    assert_eq!(refusal(first.client.invoke(&send(relay, 7, 2, 1)).await), (400, "FILE_PARTS_INVALID".to_owned()));
    stage.world.expire_parts(7, &[1]);
    assert_eq!(refusal(first.client.invoke(&send(relay, 7, 3, 1)).await), (400, "FILE_PART_MISSING_1".to_owned()));
    second.client.invoke(&save(7, 1, 3, part(1))).await.expect("stored again");
    first.client.invoke(&send(relay, 7, 3, 1)).await.expect("sent");
    assert_eq!(last(&stage, relay).1.sha256(), hash(&content));
}

#[tokio::test(flavor = "multi_thread")]
async fn waits_are_told_as_numbers_and_hit_the_call_they_name() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let method = "upload.saveBigFilePart";
    stage.faults.on(method, When::Nth(2)).gives(Fault::FloodPremiumWait { seconds: 3 });
    stage.faults.on(method, When::Nth(3)).gives(Fault::FloodWait { seconds: 900 });
    let part = || save(9, 0, 30, bytes(PART));
    assert!(device.client.invoke(&part()).await.expect("stored"));
    assert_eq!(refusal(device.client.invoke(&part()).await), (420, "FLOOD_PREMIUM_WAIT_3".to_owned()));
    assert_eq!(refusal(device.client.invoke(&part()).await), (420, "FLOOD_WAIT_900".to_owned()));
    assert!(device.client.invoke(&part()).await.expect("stored"));
    assert_eq!(stage.faults.unconsumed(), Vec::<String>::new());
    let counters = stage.world.read(|state| state.counters.clone());
    assert_eq!((counters.mtproto_calls(method), counters.uploaded_parts), (4, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_part_that_was_told_to_wait_is_not_stored() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    stage.faults.on("upload.saveBigFilePart", When::Every(3)).gives(Fault::FloodPremiumWait { seconds: 3 });
    let content = bytes(7 * PART + 9);
    let mut waiting = Vec::new();
    for (index, part) in (0..).zip(content.chunks(PART)) {
        let stored = device.client.invoke(&save(3, index, 8, part.to_vec())).await;
        if stored.is_err() {
            assert_eq!(refusal(stored), (420, "FLOOD_PREMIUM_WAIT_3".to_owned()));
            waiting.push(index);
        }
    }
    assert_eq!(waiting, [2, 5]);
    stage.faults.clear();
    for index in waiting {
        let missing = (400, format!("FILE_PART_MISSING_{index}"));
        assert_eq!(refusal(device.client.invoke(&send(relay, 3, 8, 1)).await), missing);
        let part = content.chunks(PART).nth(index as usize).expect("a part");
        device.client.invoke(&save(3, index, 8, part.to_vec())).await.expect("stored");
    }
    device.client.invoke(&send(relay, 3, 8, 1)).await.expect("sent");
    assert_eq!(last(&stage, relay).1.sha256(), hash(&content));
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_of_another_account_are_not_there() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    let bot = stage.world.change(|state| state.add_bot("ferry_bot"));
    let other = stage.device().await;
    other.client.bot_sign_in(&bot.token, "hash").await.expect("the right token");
    other.client.invoke(&save(4, 0, 1, bytes(1000))).await.expect("stored");
    assert_eq!(refusal(device.client.invoke(&send(relay, 4, 1, 1)).await), (400, "FILE_PART_MISSING_0".to_owned()));
    device.client.invoke(&save(4, 0, 1, bytes(10))).await.expect("another file of the same number");
    device.client.invoke(&send(relay, 4, 1, 1)).await.expect("sent");
    assert_eq!(last(&stage, relay).1.sha256(), hash(&bytes(10)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_has_taken_effect_and_a_repeat_is_a_duplicate() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    device.client.invoke(&save(5, 0, 1, bytes(1000))).await.expect("stored");
    stage.faults.on("messages.sendMedia", When::Nth(1)).gives(Fault::CutConnection);
    stage.faults.on("messages.sendMedia", When::Nth(2)).gives(Fault::LoseAnswer);
    for _ in ["cut", "lost"] {
        let gone = invoke(&device, &send(relay, 5, 1, 77)).await;
        assert!(matches!(gone, Err(InvocationError::Io(_))), "{gone:?}");
    }
    let again = invoke(&device, &send(relay, 5, 1, 77)).await;
    assert_eq!(refusal(again), (400, "RANDOM_ID_DUPLICATE".to_owned()));
    let chat = ChatRef::Channel(relay.id.bare_id().expect("a channel"));
    assert_eq!(stage.world.read(|state| state.messages_of(chat).map(|all| all.len())), Some(1));
    assert_eq!(last(&stage, relay).1.sha256(), hash(&bytes(1000)));
}

#[tokio::test(flavor = "multi_thread")]
async fn captions_and_parts_have_limits() {
    let stage = Stage::new().await;
    let device = stage.carrier().await;
    let relay = device.channel("Relay").await;
    let long = tl::functions::messages::SendMedia { message: "ä".repeat(1025), ..send(relay, 5, 1, 1) };
    assert_eq!(refusal(device.client.invoke(&long).await), (400, "MEDIA_CAPTION_TOO_LONG".to_owned()));
    let refused = device.client.invoke(&save(5, 0, 4001, bytes(PART))).await;
    assert_eq!(refusal(refused), (400, "FILE_PARTS_INVALID".to_owned()));
    let refused = device.client.invoke(&save(5, 0, 3, bytes(1000))).await;
    assert_eq!(refusal(refused), (400, "FILE_PART_SIZE_INVALID".to_owned()));
    let nobody = stage.device().await;
    let refused = nobody.client.invoke(&save(5, 0, 1, bytes(1000))).await;
    assert_eq!(refusal(refused), (401, "AUTH_KEY_UNREGISTERED".to_owned()));
}
