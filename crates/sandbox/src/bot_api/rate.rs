//! How fast a bot may write: about one message a second in a chat with room for a burst, and thirty a second in all.
//!
//! In: the moment of each message or edit. Out: go on, or how long to wait. Who was too fast is refused until that time is over, as at Telegram
//! (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>). It must not sleep.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Limits;
use crate::world::ChatRef;

/// The rates of all bots.
#[derive(Debug)]
pub(super) struct Rates {
    chat: Rate,
    bot: Rate,
    penalty: Duration,
    state: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    chats: HashMap<(i64, ChatRef), Bucket>,
    bots: HashMap<i64, Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Rate {
    per_second: f64,
    burst: f64,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
    blocked_until: Option<Instant>,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Self {
        let in_all = f64::from(limits.bot_messages_per_second);
        Self {
            chat: Rate { per_second: limits.chat_messages_per_second, burst: f64::from(limits.chat_burst) },
            bot: Rate { per_second: in_all, burst: in_all },
            penalty: Duration::from_secs(u64::from(limits.flood_seconds)),
            state: Mutex::new(Buckets::default()),
        }
    }

    /// Counts a message or an edit of `bot` in `chat`; the error is the number of seconds to wait.
    pub(super) fn take(&self, bot: i64, chat: ChatRef, now: Instant) -> Result<(), u32> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let in_chat = state.chats.entry((bot, chat)).or_insert_with(|| Bucket::full(self.chat, now));
        in_chat.take(self.chat, self.penalty, now)?;
        let in_all = state.bots.entry(bot).or_insert_with(|| Bucket::full(self.bot, now));
        in_all.take(self.bot, self.penalty, now)
    }
}

impl Bucket {
    fn full(rate: Rate, now: Instant) -> Self {
        Self { tokens: rate.burst, at: now, blocked_until: None }
    }

    fn take(&mut self, rate: Rate, penalty: Duration, now: Instant) -> Result<(), u32> {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.tokens = (self.tokens + passed * rate.per_second).min(rate.burst);
        self.at = now;
        if self.blocked_until.is_none_or(|until| until <= now) {
            if self.tokens >= 1.0 {
                self.tokens -= 1.0;
                self.blocked_until = None;
                return Ok(());
            }
            self.blocked_until = Some(now + penalty);
        }
        let left = self.blocked_until.map_or(Duration::ZERO, |until| until - now);
        Err((left.as_secs_f64().ceil() as u32).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: ChatRef = ChatRef::Private { bot: 1, user: 2 };

    #[test]
    fn a_burst_passes_and_then_one_a_second() {
        let rates = Rates::new(&Limits::default());
        let start = Instant::now();
        for _ in 0..20 {
            assert_eq!(rates.take(1, CHAT, start), Ok(()));
        }
        assert_eq!(rates.take(1, CHAT, start), Err(3));
        // Who asks too early waits on.
        assert_eq!(rates.take(1, CHAT, start + Duration::from_millis(1500)), Err(2));
        // Three seconds later three more pass.
        let later = start + Duration::from_secs(3);
        for _ in 0..3 {
            assert_eq!(rates.take(1, CHAT, later), Ok(()));
        }
        assert_eq!(rates.take(1, CHAT, later), Err(3));
    }

    #[test]
    fn several_edits_a_second_do_not_go_on_for_long() {
        let rates = Rates::new(&Limits::default());
        let start = Instant::now();
        let refused = (0..120).filter(|step| rates.take(1, CHAT, start + Duration::from_millis(250 * step)).is_err()).count();
        assert!(refused > 50, "{refused}");
        let steady = Rates::new(&Limits::default());
        assert!((0..120).all(|second| steady.take(1, CHAT, start + Duration::from_secs(second)).is_ok()));
    }

    #[test]
    fn all_chats_together_are_limited_too() {
        let rates = Rates::new(&Limits::default());
        let start = Instant::now();
        let passed = (0..40).filter(|user| rates.take(1, ChatRef::Private { bot: 1, user: *user }, start).is_ok()).count();
        assert_eq!(passed, 30);
        assert_eq!(rates.take(2, CHAT, start), Ok(()));
    }
}
