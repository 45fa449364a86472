//! Messages with links, and messages without.
//!
//! In: a message of a person. Out: jobs accepted by the intake; a hint where there is nothing to accept. Must not: open a link.

use teloxide::types::{Message, MessageEntityKind, MessageEntityRef};

use crate::bot::desk::Desk;
use crate::i18n::Texts;
use crate::i18n::format::cut;
use crate::intake::parse::{Found, find};
use crate::intake::{Accepted, Request};
use crate::model::{ChatId, Failure, LinkError, MessageId, UserId};

/// Broken links named in one answer; people see the pattern by then.
const NAMED: usize = 3;

/// A message in a private chat: always answered.
pub(in crate::bot) async fn in_private(desk: Desk, message: Message) -> Result<(), Failure> {
    let Some(found) = read(&desk, &message) else {
        // Of an album each picture is a message of its own; one hint would be ten.
        if message.media_group_id().is_none() {
            hint(&desk, &message, "hint-not-text").await;
        }
        return Ok(());
    };
    if found.links.is_empty() && found.rejected.is_empty() {
        let is_command = message.text().is_some_and(|text| text.starts_with('/'));
        hint(&desk, &message, if is_command { "hint-unknown-command" } else { "hint-no-link" }).await;
        return Ok(());
    }
    accept(&desk, &message, found).await
}

/// A message in a group that mentions us: answered if there is something like a link in it.
pub(in crate::bot) async fn in_group(desk: Desk, message: Message) -> Result<(), Failure> {
    match read(&desk, &message) {
        Some(found) if !found.links.is_empty() || !found.rejected.is_empty() => accept(&desk, &message, found).await,
        _ => Ok(()),
    }
}

async fn accept(desk: &Desk, message: &Message, found: Found) -> Result<(), Failure> {
    let Some(person) = message.from.as_ref() else { return Ok(()) };
    let texts = desk.texts(person);
    let mut accepted = None;
    if !found.links.is_empty() {
        let request = Request {
            user: UserId(person.id.0 as i64),
            chat: ChatId(message.chat.id.0),
            message: MessageId(message.id.0),
            language: desk.language(Some(person)),
            links: found.links.clone(),
        };
        accepted = Some(desk.intake.accept(request).await?);
        if matches!(accepted, Some(Accepted::Jobs(_))) {
            desk.answers.typing(message.chat.id).await;
        }
    }
    if let Some(text) = remarks(&texts, &found, accepted.as_ref()) {
        desk.answers.reply(message, text).await;
    }
    Ok(())
}

/// The text of a message, or the words under its media, with the links in it. `None` if there are no words.
fn read(desk: &Desk, message: &Message) -> Option<Found> {
    let text = message.text().or_else(|| message.caption())?;
    let entities = message.parse_entities().or_else(|| message.parse_caption_entities()).unwrap_or_default();
    Some(find(text, &marked(&entities), desk.config.max_links_per_message))
}

fn marked(entities: &[MessageEntityRef<'_>]) -> Vec<String> {
    entities
        .iter()
        .filter_map(|entity| match entity.kind() {
            MessageEntityKind::Url => Some(entity.text().to_owned()),
            MessageEntityKind::TextLink { url } => Some(url.to_string()),
            _ => None,
        })
        .collect()
}

async fn hint(desk: &Desk, message: &Message, key: &str) {
    if let Some(person) = message.from.as_ref() {
        desk.answers.reply(message, desk.texts(person).get(key)).await;
    }
}

/// What is to be said about a message; nothing if all its links were taken, as their cards come by themselves.
fn remarks(texts: &Texts, found: &Found, accepted: Option<&Accepted>) -> Option<String> {
    let mut remarks = Vec::new();
    match accepted {
        Some(Accepted::TooManyJobs { limit, unfinished }) => {
            remarks.push(texts.with("too-many-jobs", &[("limit", (*limit).into()), ("unfinished", (*unfinished).into())]));
        }
        Some(Accepted::Jobs(_)) if found.over_limit > 0 => {
            remarks.push(texts.with("links-over-limit", &[("taken", found.links.len().into()), ("ignored", found.over_limit.into())]));
        }
        _ => {}
    }
    remarks.extend(found.rejected.iter().take(NAMED).map(|(link, error)| {
        let link = cut(link, 100).into_owned();
        match error {
            LinkError::Malformed => texts.with("link-malformed", &[("link", link.into())]),
            LinkError::Scheme => texts.with("link-scheme", &[("link", link.into())]),
            LinkError::NoHost => texts.with("link-no-host", &[("link", link.into())]),
            LinkError::TooLong => texts.get("link-too-long"),
        }
    }));
    (!remarks.is_empty()).then(|| remarks.join("\n\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{JobId, Link};

    #[test]
    fn people_are_told_what_was_left_out_and_why() {
        let texts = Texts::new("en");
        let link = Link::parse("https://a.org/").unwrap();
        let jobs = Accepted::Jobs(vec![JobId(1)]);
        let good = Found { links: vec![link.clone()], ..Found::default() };
        assert_eq!(remarks(&texts, &good, Some(&jobs)), None);

        let many = Found { over_limit: 40, ..good.clone() };
        assert_eq!(remarks(&texts, &many, Some(&jobs)).unwrap(), "I took the first 1 links and left 40 out. Send them in another message.");
        let refused = remarks(&texts, &many, Some(&Accepted::TooManyJobs { limit: 20, unfinished: 20 })).unwrap();
        assert!(refused.contains("20 jobs at once") && !refused.contains("left 40"), "{refused}");

        let broken = Found { rejected: vec![("ftp://<x>".into(), LinkError::Scheme), ("https://".into(), LinkError::NoHost)], ..good };
        let text = remarks(&texts, &broken, Some(&jobs)).unwrap();
        assert!(text.contains("<code>ftp://&lt;x&gt;</code> can't be fetched") && text.contains("which site"), "{text}");
        let flood = Found { rejected: vec![("x".repeat(5000), LinkError::Malformed); 50], ..Found::default() };
        assert!(remarks(&texts, &flood, None).unwrap().len() < 1000);
    }
}
