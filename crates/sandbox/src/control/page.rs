//! The page of the chat app: files that are part of the program, served as they are.
//!
//! In: a file's name. Out: its text. There is no build step: what stands in `src/page` is what a browser gets. It must not read from disk.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};

use super::Failed;

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        /// Scripts and styles by name.
        const ASSETS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../page/", $name)))),*];
    };
}

embedded![
    "api.js",
    "album.js",
    "base.css",
    "chat.css",
    "chats.js",
    "composer.js",
    "dom.js",
    "extras.css",
    "extras.js",
    "keyboard.js",
    "layout.css",
    "main.js",
    "marks.js",
    "media.js",
    "message.js",
    "messages.js",
    "overlays.js",
    "reactions.js",
    "reply_keys.js",
    "theme.js",
    "topics.js",
    "wire.css",
    "wire.js",
];

pub(super) async fn index() -> Html<&'static str> {
    Html(include_str!("../page/index.html"))
}

pub(super) async fn asset(Path(name): Path<String>) -> Result<Response, Failed> {
    let found = ASSETS.iter().find(|(asset, _)| *asset == name);
    let (_, text) = found.ok_or_else(|| Failed::missing(format!("no file {name}")))?;
    let kind = if name.ends_with(".css") { "text/css; charset=utf-8" } else { "text/javascript; charset=utf-8" };
    // A browser that kept an older version's would mix the two.
    Ok(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-cache")], *text).into_response())
}
