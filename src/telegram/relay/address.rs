//! Which existing channel somebody means by `--relay`.
//!
//! In: `@name`, `https://t.me/name`, `-100…`, `https://t.me/c/…`. Out: the channel with its access hash. Must not: join anything.

use grammers_tl_types as tl;

use super::channel::stored_relay;
use crate::model::{Failure, Reason};
use crate::telegram::account::UserAccount;
use crate::telegram::errors;
use crate::telegram::session::StoredRelay;

/// An existing channel, as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RelayAddress {
    /// A public channel by its name, without `@`.
    Username(String),
    /// A private one by its bare number.
    Id(i64),
}

impl RelayAddress {
    /// Reads what a person gives; `None` if it names no channel.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        if let Some(digits) = text.strip_prefix("-100") {
            return number(digits).map(Self::Id);
        }
        if let Some(name) = text.strip_prefix('@') {
            return username(name).map(Self::Username);
        }
        let path = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        let path = path.strip_prefix("t.me/").or_else(|| path.strip_prefix("telegram.me/"))?;
        match path.strip_prefix("c/") {
            // A link to a message goes on with its number.
            Some(rest) => number(rest.split('/').next()?).map(Self::Id),
            None => username(path.split('/').next()?).map(Self::Username),
        }
    }
}

pub(super) async fn find(account: &UserAccount, address: &RelayAddress) -> Result<StoredRelay, Failure> {
    let found = match address {
        RelayAddress::Username(name) => by_username(account, name).await?,
        RelayAddress::Id(id) => by_id(account, *id).await?,
    };
    found.ok_or_else(|| Failure::new(Reason::RelayGone, anyhow::anyhow!("the account is in no such channel")))
}

async fn by_username(account: &UserAccount, name: &str) -> Result<Option<StoredRelay>, Failure> {
    let request = tl::functions::contacts::ResolveUsername { username: name.to_owned(), referer: None };
    match account.call(&request).await {
        Ok(tl::enums::contacts::ResolvedPeer::Peer(resolved)) => Ok(resolved.chats.iter().find_map(stored_relay)),
        Err(error) if error.is("USERNAME_*") => Ok(None),
        Err(error) => Err(errors::failure(error)),
    }
}

/// A number alone opens nothing: the access hash comes with the account's own list of chats.
async fn by_id(account: &UserAccount, id: i64) -> Result<Option<StoredRelay>, Failure> {
    let mut dialogs = account.client().iter_dialogs();
    while let Some(dialog) = dialogs.next().await.map_err(errors::failure)? {
        if let grammers_client::peer::Peer::Channel(channel) = dialog.peer()
            && channel.raw.id == id
        {
            return Ok(stored_relay(&tl::enums::Chat::Channel(channel.raw.clone())));
        }
    }
    Ok(None)
}

fn number(digits: &str) -> Option<i64> {
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|number| plain && *number > 0)
}

fn username(name: &str) -> Option<String> {
    let good = (4..=32).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (good && !name.as_bytes()[0].is_ascii_digit()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_as_people_copy_them() {
        let name = |text: &str| Some(RelayAddress::Username(text.to_owned()));
        let table = [
            ("@ferry_relay", name("ferry_relay")),
            ("https://t.me/ferry_relay", name("ferry_relay")),
            ("t.me/ferry_relay/15", name("ferry_relay")),
            ("-1001234567890", Some(RelayAddress::Id(1_234_567_890))),
            ("https://t.me/c/1234567890/15", Some(RelayAddress::Id(1_234_567_890))),
            (" https://t.me/c/1234567890/ ", Some(RelayAddress::Id(1_234_567_890))),
            ("ferry_relay", None),
            ("-100", None),
            ("-100-5", None),
            ("@a b", None),
            ("https://t.me/+AbCdEf", None),
            ("https://example.org/ferry_relay", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(RelayAddress::parse(text), expected, "{text}");
        }
    }
}
