//! Texts with their marks: what a bot sends becomes what is shown.
//!
//! In: a text with `parse_mode` or `entities`. Out: the shown text and its marks, links and commands found, or the refusal. It must not know of chats.

use super::Call;
use super::params::Params;
use super::reply::ApiError;
use super::{html, markdown};
use crate::world::Entity;

/// A text as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Formatted {
    pub(super) text: String,
    pub(super) entities: Vec<Entity>,
}

impl Call {
    /// The text of a message, which must not be empty.
    pub(super) fn message_text(&self, too_long: &str) -> Result<Formatted, ApiError> {
        let formatted = formatted(&self.params, "text", "entities")?.unwrap_or_default();
        if formatted.text.is_empty() {
            return Err(ApiError::bad_request("message text is empty"));
        }
        if units(&formatted.text) > self.world().limits().text_units {
            return Err(ApiError::bad_request(too_long));
        }
        Ok(formatted)
    }

    /// The caption, if one was given.
    pub(super) fn caption(&self, params: &Params) -> Result<Option<Formatted>, ApiError> {
        let caption = formatted(params, "caption", "caption_entities")?;
        if caption.as_ref().is_some_and(|caption| units(&caption.text) > self.world().limits().caption_units) {
            return Err(ApiError::bad_request("message caption is too long"));
        }
        Ok(caption)
    }
}

/// Reads the text called `name`.
pub(super) fn formatted(params: &Params, name: &str, marks: &str) -> Result<Option<Formatted>, ApiError> {
    let mode = params.text("parse_mode").unwrap_or_default().to_ascii_lowercase();
    let entities: Option<Vec<Entity>> = params.json(marks)?;
    let Some(text) = params.text(name) else {
        return Ok(None);
    };
    let parsed = match mode.as_str() {
        "" => Formatted { text: text.to_owned(), entities: entities.unwrap_or_default() },
        "html" => html::parse(text).map_err(cannot_parse)?,
        "markdownv2" => markdown::parse(text).map_err(cannot_parse)?,
        "markdown" => return Err(ApiError::bad_request("parse_mode Markdown (the old one) is not served by this loopback Telegram")),
        _ => return Err(ApiError::bad_request("unsupported parse_mode")),
    };
    Ok(Some(finish(parsed)))
}

fn cannot_parse(what: String) -> ApiError {
    ApiError::bad_request(format!("can't parse entities: {what}"))
}

/// Cuts white space at both ends, drops marks that are empty, finds links and commands.
fn finish(mut parsed: Formatted) -> Formatted {
    let leading = parsed.text.len() - parsed.text.trim_start().len();
    let leading_units = units(&parsed.text[..leading]);
    parsed.text = parsed.text.trim().to_owned();
    let length = units(&parsed.text);
    for entity in &mut parsed.entities {
        let end = (entity.offset + entity.length).saturating_sub(leading_units).min(length);
        entity.offset = entity.offset.saturating_sub(leading_units).min(length);
        entity.length = end - entity.offset;
    }
    parsed.entities.retain(|entity| entity.length > 0);
    let opaque: Vec<(usize, usize)> = parsed
        .entities
        .iter()
        .filter(|entity| matches!(entity.kind.as_str(), "code" | "pre" | "text_link"))
        .map(|entity| (entity.offset, entity.offset + entity.length))
        .collect();
    let found = crate::detect::entities(&parsed.text);
    let free = |entity: &Entity| opaque.iter().all(|(from, to)| entity.offset + entity.length <= *from || entity.offset >= *to);
    let given = parsed.entities.clone();
    parsed.entities.extend(found.into_iter().filter(|entity| free(entity) && !given.contains(entity)));
    parsed.entities.sort_by(|a, b| a.offset.cmp(&b.offset).then(b.length.cmp(&a.length)));
    parsed
}

/// A link as it is kept; `None` if it leads nowhere, and what should have been a link is plain text.
pub(super) fn checked_link(target: &str) -> Option<String> {
    let with_scheme = if target.contains("://") || target.starts_with("tg:") { target.to_owned() } else { format!("http://{target}") };
    url::Url::parse(&with_scheme)
        .ok()
        .filter(|url| url.host_str().is_some_and(|host| host.contains('.') || url.port().is_some() || url.scheme() == "tg"))
        .map(|url| url.to_string())
}

/// The length as Telegram counts it.
pub(super) fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_at_the_ends_goes_and_marks_move() {
        let parsed =
            finish(Formatted { text: "  bold x ".to_owned(), entities: vec![Entity::new("bold", 0, 6), Entity::new("italic", 8, 1)] });
        assert_eq!(parsed.text, "bold x");
        assert_eq!(parsed.entities, [Entity::new("bold", 0, 4)]);
    }

    #[test]
    fn links_are_found_outside_code() {
        let parsed = finish(Formatted { text: "http://a.example http://b.example".to_owned(), entities: vec![Entity::new("code", 0, 16)] });
        let kinds: Vec<&str> = parsed.entities.iter().map(|entity| entity.kind.as_str()).collect();
        assert_eq!(kinds, ["code", "url"]);
    }

    #[test]
    fn lengths_are_in_utf16_units() {
        assert_eq!(units("a😀"), 3);
    }
}
