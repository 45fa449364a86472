//! Messages that tell what happened, as TL objects (<https://core.telegram.org/type/MessageAction>).
//!
//! In: service messages of the world and who looks. Out: `messageService` with its action. It must not change anything.

use grammers_tl_types as tl;

use super::{tl_message, tl_view};
use crate::world::{Message, Payment, Service, State};

/// The currency of Stars (<https://core.telegram.org/api/stars>).
const STARS: &str = "XTR";

/// A service message as `viewer` sees it.
pub(super) fn message(state: &State, viewer: i64, message: &Message, service: &Service) -> tl::enums::Message {
    // What was pinned is what the message answers.
    let about = if let Service::Pinned(id) = service { Some(*id) } else { message.reply_to };
    tl::enums::Message::Service(tl::types::MessageService {
        out: message.author == viewer,
        mentioned: false,
        media_unread: false,
        reactions_are_possible: false,
        silent: message.silent,
        post: false,
        legacy: false,
        id: message.id,
        from_id: Some(tl_view::user_peer(message.author)),
        peer_id: tl_view::peer(message.chat, viewer),
        saved_peer_id: None,
        reply_to: tl_message::reply_header(about, tl_message::thread(state, message)),
        date: message.date,
        action: action(state, viewer, message, service),
        reactions: None,
        ttl_period: None,
    })
}

fn action(state: &State, viewer: i64, message: &Message, service: &Service) -> tl::enums::MessageAction {
    use tl::enums::MessageAction as Action;
    match service {
        Service::Paid(payment) if state.bots.contains_key(&viewer) => Action::PaymentSentMe(paid_to_me(payment)),
        Service::Paid(payment) => Action::PaymentSent(paid(payment)),
        Service::Refunded(payment) => {
            let bot = state.stars.charge(&payment.charge).map_or(message.author, |charge| charge.invoice.bot);
            Action::PaymentRefunded(tl::types::MessageActionPaymentRefunded {
                peer: tl_view::user_peer(bot),
                currency: STARS.to_owned(),
                total_amount: payment.amount,
                payload: (viewer == bot).then(|| payment.payload.clone().into_bytes()),
                charge: charge(payment),
            })
        }
        Service::Joined(id) => Action::ChatAddUser(tl::types::MessageActionChatAddUser { users: vec![*id] }),
        Service::Left(user_id) => Action::ChatDeleteUser(tl::types::MessageActionChatDeleteUser { user_id: *user_id }),
        Service::Pinned(_) => Action::PinMessage,
        Service::TopicCreated(topic) => Action::TopicCreate(tl::types::MessageActionTopicCreate {
            title_missing: false,
            title: topic.name.clone(),
            icon_color: topic.icon_color,
            icon_emoji_id: topic.icon_custom_emoji_id.as_ref().and_then(|id| id.parse().ok()),
        }),
        Service::TopicEdited { name, icon_custom_emoji_id } => {
            // 0 takes the icon away.
            let icon = icon_custom_emoji_id.as_ref().map(|id| id.parse().unwrap_or(0));
            Action::TopicEdit(tl::types::MessageActionTopicEdit { title: name.clone(), icon_emoji_id: icon, ..unchanged() })
        }
        Service::TopicClosed => Action::TopicEdit(tl::types::MessageActionTopicEdit { closed: Some(true), ..unchanged() }),
        Service::TopicReopened => Action::TopicEdit(tl::types::MessageActionTopicEdit { closed: Some(false), ..unchanged() }),
        Service::GeneralTopicHidden => Action::TopicEdit(tl::types::MessageActionTopicEdit { hidden: Some(true), ..unchanged() }),
        Service::GeneralTopicUnhidden => Action::TopicEdit(tl::types::MessageActionTopicEdit { hidden: Some(false), ..unchanged() }),
        Service::MigratedTo(channel_id) => Action::ChatMigrateTo(tl::types::MessageActionChatMigrateTo { channel_id: *channel_id }),
        Service::MigratedFrom(chat_id) => {
            let title = state.channels.get(chat_id).map(|group| group.title.clone()).unwrap_or_default();
            Action::ChannelMigrateFrom(tl::types::MessageActionChannelMigrateFrom { title, chat_id: *chat_id })
        }
    }
}

/// What who paid is told.
fn paid(payment: &Payment) -> tl::types::MessageActionPaymentSent {
    tl::types::MessageActionPaymentSent {
        recurring_init: payment.first && payment.paid_until.is_some(),
        recurring_used: !payment.first,
        currency: STARS.to_owned(),
        total_amount: payment.amount,
        invoice_slug: None,
        subscription_until_date: payment.paid_until,
    }
}

/// What the bot is told that was paid.
fn paid_to_me(payment: &Payment) -> tl::types::MessageActionPaymentSentMe {
    tl::types::MessageActionPaymentSentMe {
        recurring_init: payment.first && payment.paid_until.is_some(),
        recurring_used: !payment.first,
        currency: STARS.to_owned(),
        total_amount: payment.amount,
        payload: payment.payload.clone().into_bytes(),
        info: None,
        shipping_option_id: None,
        charge: charge(payment),
        subscription_until_date: payment.paid_until,
    }
}

fn charge(payment: &Payment) -> tl::enums::PaymentCharge {
    // Stars have no provider.
    tl::enums::PaymentCharge::Charge(tl::types::PaymentCharge { id: payment.charge.clone(), provider_charge_id: String::new() })
}

/// An edit of a topic that says nothing yet.
fn unchanged() -> tl::types::MessageActionTopicEdit {
    tl::types::MessageActionTopicEdit { title: None, icon_emoji_id: None, closed: None, hidden: None }
}
