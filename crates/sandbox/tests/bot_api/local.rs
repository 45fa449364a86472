//! A self-hosted Bot API server that runs with `--local`.

use serde_json::json;
use tgferry_sandbox::Limits;

use crate::rig::{Rig, video};

#[tokio::test]
async fn files_go_by_their_paths() {
    let rig = Rig::with(Limits::local()).await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a film.mp4");
    let mut bytes = video();
    bytes.resize(51 * 1024 * 1024, 7);
    std::fs::write(&path, &bytes).expect("written");
    let address = url::Url::from_file_path(&path).expect("an address");
    let sent = rig.ok("sendVideo", json!({"chat_id": rig.ann.id(), "video": address, "duration": 5})).await;
    assert_eq!((&sent["video"]["file_name"], sent["video"]["file_size"].as_u64()), (&json!("a film.mp4"), Some(bytes.len() as u64)));
    let file = rig.ok("getFile", json!({"file_id": sent["video"]["file_id"]})).await;
    let kept = file["file_path"].as_str().expect("a path");
    assert!(std::path::Path::new(kept).is_absolute(), "{kept}");
    std::fs::remove_file(&path).expect("removed");
    assert_eq!(std::fs::read(kept).expect("reads").len(), bytes.len(), "what was sent stays");
    let url = format!("{}/file/bot{}/{kept}", rig.sandbox.bot_api_url(), rig.bot.token);
    assert_eq!(rig.http.get(url).send().await.expect("answered").status(), 404);
    let gone = rig.refused("sendVideo", json!({"chat_id": rig.ann.id(), "video": address})).await;
    assert_eq!(gone, (400, "Bad Request: can't find real file path".to_owned()));
    rig.nothing_refused();
}

#[tokio::test]
async fn other_servers_take_no_paths() {
    let rig = Rig::new().await;
    let refused = rig.refused("sendVideo", json!({"chat_id": rig.ann.id(), "video": "file:///etc/hostname"})).await;
    assert_eq!(refused.1, "Bad Request: wrong file identifier/HTTP URL specified");
}
