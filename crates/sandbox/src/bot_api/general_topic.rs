//! The general topic of a forum, which holds what stands in no other.
//!
//! In: `editGeneralForumTopic` and its like. Out: how it is from then on, or the refusal: telegram-bot-api's `Client.cpp`, TDLib's `ForumTopicManager.cpp`
//! (`toggle_forum_topic_is_closed`, `toggle_forum_topic_is_hidden`). It must not touch other topics (`topics` does).

use serde_json::Value;

use super::Call;
use super::access::rights_in;
use super::reply::{Answer, ApiError};
use super::topics::{forum, name, unpin_in};
use crate::world::Service;
use crate::world::topics::GeneralTopic;

/// `editGeneralForumTopic`.
pub(super) fn edit(call: &Call) -> Answer {
    let name = name(call);
    changes(call, "not enough rights to edit the topic", |topic| {
        Ok(topic.rename(&name.ok_or_else(|| ApiError::bad_request("name must be non-empty"))?))
    })
}

/// `closeGeneralForumTopic` and `reopenGeneralForumTopic`.
pub(super) fn set_closed(call: &Call, closed: bool) -> Answer {
    changes(call, NO_RIGHTS, |topic| Ok(topic.set_closed(closed)))
}

/// `hideGeneralForumTopic` and `unhideGeneralForumTopic`.
pub(super) fn set_hidden(call: &Call, hidden: bool) -> Answer {
    changes(call, NO_RIGHTS, |topic| Ok(topic.set_hidden(hidden)))
}

/// `unpinAllGeneralForumTopicMessages`.
pub(super) fn unpin_all(call: &Call) -> Answer {
    let channel = forum(call)?;
    unpin_in(call, channel, None)
}

const NO_RIGHTS: &str = "not enough rights to close or open the topic";

fn changes(call: &Call, no_rights: &str, change: impl FnOnce(&mut GeneralTopic) -> Result<Option<Service>, ApiError>) -> Answer {
    let channel = forum(call)?;
    call.world().change(|state| {
        if !rights_in(state, channel, call.bot).manage_topics {
            return Err(ApiError::bad_request(no_rights));
        }
        let mut topic = state.general_topic(channel);
        let service = change(&mut topic)?.ok_or_else(|| ApiError::bad_request("TOPIC_NOT_MODIFIED"))?;
        state.change_general_topic(channel, call.bot, topic, service);
        Ok(Value::Bool(true))
    })
}
