//! The Bot API's errors in our own terms.
//!
//! In: a [`RequestError`] of teloxide. Out: a [`Failure`]. Must not: wait, retry or log.

use teloxide::{ApiError, RequestError};

use crate::model::{Failure, Reason};

/// A failed call as the failure of a step.
pub fn failure_from(error: RequestError) -> Failure {
    let reason = match &error {
        RequestError::RetryAfter(wait) => Reason::FloodWait { seconds: wait.seconds() },
        RequestError::MigrateToChatId(_) => Reason::ChatUnreachable,
        RequestError::Api(ApiError::MessageToCopyNotFound | ApiError::MessageIdInvalid) => Reason::RelayMessageGone,
        RequestError::Api(error) if chat_is_closed(error) => Reason::ChatUnreachable,
        _ => Reason::Telegram,
    };
    Failure::new(reason, error)
}

/// True if the chat takes nothing from us, now and later.
fn chat_is_closed(error: &ApiError) -> bool {
    match error {
        ApiError::BotBlocked
        | ApiError::UserDeactivated
        | ApiError::ChatNotFound
        | ApiError::UserNotFound
        | ApiError::GroupDeactivated
        | ApiError::BotKicked
        | ApiError::BotKickedFromSupergroup
        | ApiError::BotKickedFromChannel
        | ApiError::CantInitiateConversation
        | ApiError::CantTalkWithBots
        | ApiError::NotEnoughRightsToPostMessages => true,
        ApiError::Unknown(text) => text.starts_with("Forbidden: "),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use teloxide::types::Seconds;

    use super::*;

    #[test]
    fn errors_of_the_bot_api_are_told_apart() {
        let table = [
            (RequestError::RetryAfter(Seconds::from_seconds(31)), Reason::FloodWait { seconds: 31 }),
            (RequestError::Api(ApiError::BotBlocked), Reason::ChatUnreachable),
            (RequestError::Api(ApiError::ChatNotFound), Reason::ChatUnreachable),
            (RequestError::Api(ApiError::Unknown("Forbidden: bot is not a member of the group chat".into())), Reason::ChatUnreachable),
            (RequestError::Api(ApiError::MessageToCopyNotFound), Reason::RelayMessageGone),
            (RequestError::Api(ApiError::Unknown("Bad Request: something new".into())), Reason::Telegram),
        ];
        for (error, expected) in table {
            assert_eq!(failure_from(error.clone()).reason, expected, "{error}");
        }
    }
}
