//! `getFile` and the download of files.
//!
//! In: a `file_id`, then a path. Out: bytes, up to the limit of 20 MB. It must not hold a file in memory.

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::reply::{Answer, ApiError};
use super::{Call, Face, file_id, json_media};
use crate::serve_file;

/// `getFile`.
pub(super) fn get_file(call: &Call) -> Answer {
    let invalid = || ApiError::bad_request("invalid file_id");
    let name = call.params.text("file_id").ok_or_else(invalid)?;
    let id = file_id::decode(call.bot, name).ok_or_else(invalid)?;
    let file = call.world().read(|state| state.files.get(id).cloned()).ok_or_else(invalid)?;
    if file.size > call.world().limits().bot_download_bytes {
        return Err(ApiError::bad_request("file is too big"));
    }
    let extension = file.name.as_deref().and_then(|name| name.rsplit_once('.')).map(|(_, extension)| format!(".{extension}"));
    let path = format!("{}s/{name}{}", file.kind.name(), extension.unwrap_or_default());
    let mut object = json_media::base(call.bot, &file);
    // A local server says where the file is on this machine.
    let path = if call.world().limits().local_files { file.path.display().to_string() } else { path };
    object.insert("file_path".to_owned(), json!(path));
    Ok(object.into())
}

/// `/file/bot<token>/<path>`.
pub(super) async fn serve(State(face): State<Face>, Path(rest): Path<String>, request: Request) -> Response {
    let not_found = || ApiError::new(404, "Not Found").into_response();
    // A local server has nothing to download: paths say it all.
    if face.world.limits().local_files {
        return not_found();
    }
    let Some((token, path)) = rest.strip_prefix("bot").and_then(|rest| rest.split_once('/')) else {
        return not_found();
    };
    let Some(bot) = face.world.read(|state| state.bot_by_token(token).map(|bot| bot.id)) else {
        return ApiError::new(401, "Unauthorized").into_response();
    };
    let name = path.rsplit('/').next().unwrap_or_default();
    let name = name.split_once('.').map_or(name, |(name, _)| name);
    let Some(file) = file_id::decode(bot, name).and_then(|id| face.world.read(|state| state.files.get(id).cloned())) else {
        return not_found();
    };
    serve_file::respond(&file.path, "application/octet-stream", request.headers()).await
}
