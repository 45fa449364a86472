//! What only few messages have: an invoice to be paid, or something that happened in place of a text.
//!
//! In: nothing. Out: plain data that hangs on a message. It must not decide anything.

use super::stars::{Invoice, Payment};

/// What a message has beside text, file and buttons.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Extra {
    /// What happened, if this is a service message.
    pub service: Option<Service>,
    /// What can be paid.
    pub invoice: Option<Invoice>,
}

/// What a service message tells.
#[derive(Debug, Clone, PartialEq)]
pub enum Service {
    /// The person has paid the bot.
    Paid(Payment),
    /// The bot has given the Stars back.
    Refunded(Payment),
}

impl Service {
    /// The name of the field that a message of the Bot API has for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Paid(_) => "successful_payment",
            Self::Refunded(_) => "refunded_payment",
        }
    }
}

impl From<Service> for Extra {
    fn from(service: Service) -> Self {
        Self { service: Some(service), ..Self::default() }
    }
}
