//! The chat of a person with the bot, as a place that the bot's own session sends to.
//!
//! In: the bot's session, who asked. Out: a [`RelayRef`] that is the person's chat. Must not: be used by a user account: it never writes
//! to strangers.

use grammers_session::Session;
use grammers_session::types::{PeerAuth, PeerId, PeerInfo};
use grammers_tl_types as tl;

use super::{Direct, RelayRef};
use crate::model::{ChatId, Failure, MessageId, Reason};
use crate::telegram::account::UserAccount;
use crate::telegram::errors;

/// Who asked for a file, and where in the chat the conversation about it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// The chat, as the Bot API numbers it.
    pub chat: ChatId,
    /// The message that is answered.
    pub reply_to: Option<MessageId>,
    /// A message that is older than the upload, the newer the better: a lost answer is looked for behind it.
    pub after: Option<MessageId>,
}

impl Recipient {
    /// True for the chat of one person; groups are not written to over MTProto.
    pub fn is_person(self) -> bool {
        self.chat.0 > 0
    }
}

/// The person's chat. A bot may name people that it knows without their access hash in `users.getUsers`, and learns it there:
/// <https://core.telegram.org/api/peers>.
pub async fn person(account: &UserAccount, to: Recipient) -> Result<RelayRef, Failure> {
    let id = to.chat.0;
    let found =
        |access_hash| RelayRef { channel: to.chat, id, access_hash, direct: Some(Direct { reply_to: to.reply_to, after: to.after }) };
    let known = account.session().peer(PeerId::user_unchecked(id)).await.map_err(Failure::internal)?;
    if let Some(auth) = known.and_then(|peer| peer.auth()) {
        return Ok(found(auth.hash()));
    }
    let request = tl::functions::users::GetUsers { id: vec![tl::types::InputUser { user_id: id, access_hash: 0 }.into()] };
    let users = account.call(&request).await.map_err(errors::failure)?;
    let access_hash = users.iter().find_map(|user| match user {
        tl::enums::User::User(user) if user.id == id => user.access_hash,
        _ => None,
    });
    let Some(access_hash) = access_hash else {
        return Err(Failure::new(Reason::ChatUnreachable, anyhow::anyhow!("the bot does not know this person over MTProto")));
    };
    let peer = PeerInfo::User { id, auth: Some(PeerAuth::from_hash(access_hash)), bot: Some(false), is_self: Some(false) };
    account.session().cache_peer(peer).await.map_err(Failure::internal)?;
    Ok(found(access_hash))
}
