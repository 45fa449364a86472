//! What can be changed of a topic, and what is told of it.
//!
//! In: a topic and what is to be different. Out: the service message that tells of it, or nothing if it was so already. What hiding and opening the general
//! topic do to each other: <https://core.telegram.org/bots/api#hidegeneralforumtopic> and below. It must not touch the world.

use super::extras::Service;
use super::topics::{GeneralTopic, Topic};

impl Topic {
    /// Another name, another icon (`Some(None)` takes it away).
    pub fn relabel(&mut self, name: Option<String>, icon_custom_emoji_id: Option<Option<String>>) -> Option<Service> {
        let name = name.filter(|name| *name != self.name);
        let icon = icon_custom_emoji_id.filter(|icon| *icon != self.icon_custom_emoji_id);
        if name.is_none() && icon.is_none() {
            return None;
        }
        if let Some(name) = &name {
            self.name.clone_from(name);
        }
        if let Some(icon) = &icon {
            self.icon_custom_emoji_id.clone_from(icon);
        }
        Some(Service::TopicEdited { name, icon_custom_emoji_id: icon.map(Option::unwrap_or_default) })
    }

    /// Closed, or open.
    pub fn set_closed(&mut self, closed: bool) -> Option<Service> {
        closing(&mut self.closed, closed)
    }
}

impl GeneralTopic {
    /// Another name.
    pub fn rename(&mut self, name: &str) -> Option<Service> {
        let old = std::mem::replace(&mut self.name, name.to_owned());
        (old != name).then(|| Service::TopicEdited { name: Some(name.to_owned()), icon_custom_emoji_id: None })
    }

    /// Closed, or open. What is opened is shown, too.
    pub fn set_closed(&mut self, closed: bool) -> Option<Service> {
        self.hidden &= closed;
        closing(&mut self.closed, closed)
    }

    /// Hidden, or shown. What is hidden is closed, too.
    pub fn set_hidden(&mut self, hidden: bool) -> Option<Service> {
        self.closed |= hidden;
        let was_hidden = std::mem::replace(&mut self.hidden, hidden);
        (was_hidden != hidden).then_some(if hidden { Service::GeneralTopicHidden } else { Service::GeneralTopicUnhidden })
    }
}

fn closing(now: &mut bool, closed: bool) -> Option<Service> {
    let was_closed = std::mem::replace(now, closed);
    (was_closed != closed).then_some(if closed { Service::TopicClosed } else { Service::TopicReopened })
}
