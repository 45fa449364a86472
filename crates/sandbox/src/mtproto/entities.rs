//! Marks in a text, between TL and the world's form (which is the Bot API's).
//!
//! In: entities of either side. Out: those of the other. Both count in UTF-16 units. It must not look at the text.

use grammers_tl_types as tl;

use crate::world::Entity;

macro_rules! plain_entities {
    ($($name:literal => $variant:ident($class:ident)),* $(,)?) => {
        fn plain_from_tl(entity: &tl::enums::MessageEntity) -> Option<Entity> {
            match entity {
                $(tl::enums::MessageEntity::$variant(mark) => Some(Entity::new($name, units(mark.offset), units(mark.length))),)*
                _ => None,
            }
        }

        fn plain_to_tl(kind: &str, offset: i32, length: i32) -> Option<tl::enums::MessageEntity> {
            match kind {
                $($name => Some(tl::enums::MessageEntity::$variant(tl::types::$class { offset, length })),)*
                _ => None,
            }
        }
    };
}

plain_entities! {
    "bold" => Bold(MessageEntityBold),
    "italic" => Italic(MessageEntityItalic),
    "underline" => Underline(MessageEntityUnderline),
    "strikethrough" => Strike(MessageEntityStrike),
    "spoiler" => Spoiler(MessageEntitySpoiler),
    "code" => Code(MessageEntityCode),
    "url" => Url(MessageEntityUrl),
    "email" => Email(MessageEntityEmail),
    "mention" => Mention(MessageEntityMention),
    "hashtag" => Hashtag(MessageEntityHashtag),
    "cashtag" => Cashtag(MessageEntityCashtag),
    "phone_number" => Phone(MessageEntityPhone),
    "bot_command" => BotCommand(MessageEntityBotCommand),
}

/// The marks a client sent; kinds that this world does not know are left out, as clients of an older layer do.
pub(crate) fn from_tl(entities: &[tl::enums::MessageEntity]) -> Vec<Entity> {
    entities.iter().filter_map(one_from_tl).collect()
}

/// Marks for a client.
pub(crate) fn to_tl(entities: &[Entity]) -> Option<Vec<tl::enums::MessageEntity>> {
    let marks: Vec<_> = entities.iter().filter_map(one_to_tl).collect();
    (!marks.is_empty()).then_some(marks)
}

fn one_from_tl(entity: &tl::enums::MessageEntity) -> Option<Entity> {
    match entity {
        tl::enums::MessageEntity::TextUrl(mark) => {
            Some(Entity { url: Some(mark.url.clone()), ..Entity::new("text_link", units(mark.offset), units(mark.length)) })
        }
        tl::enums::MessageEntity::Pre(mark) => Some(Entity {
            language: Some(mark.language.clone()).filter(|language| !language.is_empty()),
            ..Entity::new("pre", units(mark.offset), units(mark.length))
        }),
        tl::enums::MessageEntity::Blockquote(mark) => {
            let kind = if mark.collapsed { "expandable_blockquote" } else { "blockquote" };
            Some(Entity::new(kind, units(mark.offset), units(mark.length)))
        }
        other => plain_from_tl(other),
    }
}

fn one_to_tl(entity: &Entity) -> Option<tl::enums::MessageEntity> {
    let (offset, length) = (i32::try_from(entity.offset).ok()?, i32::try_from(entity.length).ok()?);
    match entity.kind.as_str() {
        "text_link" => Some(tl::enums::MessageEntity::TextUrl(tl::types::MessageEntityTextUrl {
            offset,
            length,
            url: entity.url.clone().unwrap_or_default(),
        })),
        "pre" => Some(tl::enums::MessageEntity::Pre(tl::types::MessageEntityPre {
            offset,
            length,
            language: entity.language.clone().unwrap_or_default(),
        })),
        kind @ ("blockquote" | "expandable_blockquote") => {
            let collapsed = kind != "blockquote";
            let quote = tl::types::MessageEntityBlockquote { collapsed, offset, length };
            Some(tl::enums::MessageEntity::Blockquote(quote))
        }
        kind => plain_to_tl(kind, offset, length),
    }
}

fn units(number: i32) -> usize {
    usize::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_survive_the_way_there_and_back() {
        let marks = [
            Entity::new("bold", 0, 4),
            Entity::new("expandable_blockquote", 0, 9),
            Entity { url: Some("https://example.org/".to_owned()), ..Entity::new("text_link", 5, 2) },
        ];
        let there = to_tl(&marks).expect("some marks");
        assert_eq!(from_tl(&there), marks);
        assert_eq!(to_tl(&[]), None);
    }
}
