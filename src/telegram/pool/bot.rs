//! The bot's own session over MTProto: logged in by its token, for files that no user account carries.
//!
//! In: the token, the relays that the user accounts know. Out: a [`Carrier`] that sends into a relay or straight into a chat.
//! Must not: log in again and again: Telegram limits that sharply, so a session is kept, and a limit is a rest.

use std::sync::PoisonError;

use super::check::entry_of;
use super::past::unseen;
use super::{Accounts, Carrier, Entry};
use crate::config::{Environment, Secret};
use crate::model::{AccountReport, Failure, Health, Lane, LaneHealth, Reason, UserId};
use crate::telegram::account::UserAccount;
use crate::telegram::limits::PartLimits;
use crate::telegram::login::sign_in_bot;
use crate::telegram::relay::{self, Recipient, RelayRef};
use crate::telegram::session::FileSession;

impl Accounts {
    /// The bot's session for an upload of this size, booked; nothing if it can't carry it now. It sends into a relay channel where the bot
    /// may post, if there is one; else straight to the person, and then the upload is the delivery.
    /// Errors: `ChatUnreachable` if the bot has no chat with the person; those of asking Telegram.
    pub async fn bot_carrier(&self, to: Recipient, size_bytes: u64) -> Result<Option<Carrier>, Failure> {
        let Some((account, relay)) = self.able_bot().filter(|(account, _)| account.max_bytes() >= size_bytes) else { return Ok(None) };
        let relay = match relay {
            Some(relay) => relay,
            None if to.is_person() => relay::person(&account, to).await?,
            None => return Ok(None),
        };
        Ok(Some(self.0.bookings.book(account, self.bot_id(), relay, size_bytes, &self.0.ledger)))
    }

    /// The bot's session for a look where an upload may have ended: in the relay, or in the person's chat. It is not booked.
    pub async fn bot_looks(&self, to: Recipient, in_relay: bool) -> Result<Option<Carrier>, Failure> {
        let Some((account, relay)) = self.able_bot() else { return Ok(None) };
        let relay = if in_relay { relay } else { Some(relay::person(&account, to).await?) };
        Ok(relay.map(|relay| Carrier::unbooked(account, relay)))
    }

    /// How the bot over MTProto is as a lane; nothing if it may not or can't be one with these settings.
    pub fn bot_lane_health(&self) -> Option<LaneHealth> {
        if !self.bot_may_be_a_lane() {
            return None;
        }
        let able = self.able_bot();
        let limit_bytes = able.as_ref().map_or_else(|| PartLimits::default().max_bytes(false, 0), |(account, _)| account.max_bytes());
        Some(LaneHealth { lane: Lane::BotMtproto, limit_bytes, well: able.is_some() })
    }

    /// Logs in if that is missing, and finds a relay.
    pub(super) async fn check_bot(&self, api_id: i32, api_hash: &Secret, all: bool) {
        let known = self.read_bot(|entry| entry.cloned());
        let well = known.as_ref().is_some_and(Entry::is_well);
        if !self.bot_may_be_a_lane() || (well && !all && known.as_ref().is_some_and(|entry| entry.relay.is_some())) {
            return;
        }
        if !well && self.0.ledger.resting(self.bot_id()).is_some() {
            return;
        }
        let entry = self.look_at_bot(known.and_then(|entry| entry.account), api_id, api_hash).await;
        let mut place = self.0.bot_entry.write().unwrap_or_else(PoisonError::into_inner);
        entry.set_health();
        *place = Some(entry);
    }

    /// The relay of the bot is gone: it sends directly until another is found.
    pub(super) fn forget_bot_relay(&self) {
        let mut entry = self.0.bot_entry.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entry.as_mut() {
            entry.relay = None;
        }
    }

    async fn look_at_bot(&self, open: Option<UserAccount>, api_id: i32, api_hash: &Secret) -> Entry {
        let mut account = match open.map_or_else(|| self.connect_bot(api_id), Ok) {
            Ok(account) => account,
            Err(failure) => return self.bot_is_unwell(None, &failure),
        };
        let mut ready = self.make_bot_ready(&account, api_hash).await;
        if ready.as_ref().is_err_and(|failure| failure.reason == Reason::SessionRevoked) && account.me().is_some() {
            tracing::info!("the bot's session was ended; it logs in anew");
            // Its key is of no use any more; a new file draws a new one.
            if let Err(error) = account.session().remove() {
                return self.bot_is_unwell(Some(&account), &Failure::internal(error));
            }
            // Nobody may hold the old session while the new one is opened, so the entry goes first.
            *self.0.bot_entry.write().unwrap_or_else(PoisonError::into_inner) = None;
            account.disconnect().await;
            drop(account);
            account = match self.connect_bot(api_id) {
                Ok(account) => account,
                Err(failure) => return self.bot_is_unwell(None, &failure),
            };
            ready = self.make_bot_ready(&account, api_hash).await;
        }
        match ready {
            Ok(relay) => entry_of(&account, relay, None),
            Err(failure) => self.bot_is_unwell(Some(&account), &failure),
        }
    }

    /// Logs in if nobody is, and finds a relay.
    async fn make_bot_ready(&self, account: &UserAccount, api_hash: &Secret) -> Result<Option<RelayRef>, Failure> {
        if account.me().is_some() {
            account.refresh().await?;
        } else {
            let token = self.0.config.require_bot_token().map_err(Failure::internal)?;
            sign_in_bot(account, api_hash, token).await?;
            tracing::info!(session = account.name(), "the bot has logged in over MTProto");
        }
        self.find_bot_relay(account).await
    }

    fn bot_is_unwell(&self, account: Option<&UserAccount>, failure: &Failure) -> Entry {
        tracing::warn!(%failure, "the bot can't go over MTProto now");
        self.0.ledger.failed(self.bot_id(), &failure.reason);
        let seen = AccountReport {
            id: Some(self.bot_id()),
            bot: true,
            user: Some(format!("@{}", self.0.bot.username)),
            health: Health::Unwell(failure.reason.clone()),
            ..unseen(&FileSession::name_for_bot(self.bot_id()))
        };
        Entry { seen, account: account.cloned(), relay: None, relay_id: None }
    }

    fn connect_bot(&self, api_id: i32) -> Result<UserAccount, Failure> {
        let config = &self.0.config;
        let session =
            FileSession::open_for_bot(&config.storage.sessions_dir, self.bot_id(), &config.telegram).map_err(Failure::internal)?;
        UserAccount::connect(session, api_id, config)
    }

    /// A channel where the bot may post: the one that it used before, or one of a user account, be that well or not.
    async fn find_bot_relay(&self, account: &UserAccount) -> Result<Option<RelayRef>, Failure> {
        let own = account.session().relay().map_err(Failure::internal)?.map(|relay| relay.id);
        let of_users = self.read(|entries| entries.iter().filter_map(|entry| entry.relay_id).collect::<Vec<_>>());
        for id in own.into_iter().chain(of_users) {
            if let Some(relay) = relay::open_to_bot(account, id).await? {
                return Ok(Some(relay));
            }
        }
        Ok(None)
    }

    pub(super) fn able_bot(&self) -> Option<(UserAccount, Option<RelayRef>)> {
        let resting = self.0.ledger.resting(self.bot_id()).is_some();
        self.read_bot(|entry| {
            let entry = entry.filter(|entry| !resting && entry.is_well())?;
            Some((entry.account.clone()?, entry.relay))
        })
    }

    /// The settings name it, and there is a key for it where keys can't be exchanged.
    fn bot_may_be_a_lane(&self) -> bool {
        let telegram = &self.0.config.telegram;
        let has_key = telegram.environment != Environment::Custom || !telegram.custom.bot_auth_key.is_empty();
        self.0.config.has_application() && self.0.config.route.prefer.contains(&Lane::BotMtproto) && has_key
    }

    fn bot_id(&self) -> UserId {
        UserId(self.0.bot.id)
    }
}
