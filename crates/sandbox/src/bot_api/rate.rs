//! How fast a bot may write: about one message a second in a chat with room for a burst, twenty a minute in a group, and thirty a second in all.
//!
//! In: the moment of each message or edit. Out: go on, or how long to wait. Who was too fast is refused until that time is over, as at Telegram
//! (<https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this>). It must not sleep.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::Limits;
use crate::world::ChatRef;

/// How long a message in a group counts.
const GROUP_WINDOW: Duration = Duration::from_secs(60);

/// The rates of all bots.
#[derive(Debug)]
pub(super) struct Rates {
    chat: Rate,
    bot: Rate,
    /// Messages and edits in one group within [`GROUP_WINDOW`].
    in_group: usize,
    penalty: Duration,
    state: Mutex<Buckets>,
}

#[derive(Debug, Default)]
struct Buckets {
    chats: HashMap<(i64, ChatRef), Bucket>,
    bots: HashMap<i64, Bucket>,
    /// When a bot wrote in a group, as far back as that counts.
    groups: HashMap<(i64, ChatRef), VecDeque<Instant>>,
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
            in_group: limits.group_messages_per_minute as usize,
            penalty: Duration::from_secs(u64::from(limits.flood_seconds)),
            state: Mutex::new(Buckets::default()),
        }
    }

    /// Counts a message or an edit of `bot` in `chat`, which may be a group; the error is the number of seconds to wait.
    pub(super) fn take(&self, bot: i64, chat: ChatRef, is_group: bool, now: Instant) -> Result<(), u32> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if is_group {
            let written = state.groups.entry((bot, chat)).or_default();
            written.retain(|at| now.saturating_duration_since(*at) < GROUP_WINDOW);
            if written.len() >= self.in_group {
                let free_at = written.front().map_or(now, |oldest| *oldest + GROUP_WINDOW);
                return Err(whole_seconds(free_at - now));
            }
        }
        let in_chat = state.chats.entry((bot, chat)).or_insert_with(|| Bucket::full(self.chat, now));
        in_chat.take(self.chat, self.penalty, now)?;
        let in_all = state.bots.entry(bot).or_insert_with(|| Bucket::full(self.bot, now));
        in_all.take(self.bot, self.penalty, now)?;
        if is_group {
            state.groups.entry((bot, chat)).or_default().push_back(now);
        }
        Ok(())
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
        Err(whole_seconds(left))
    }
}

fn whole_seconds(time: Duration) -> u32 {
    (time.as_secs_f64().ceil() as u32).max(1)
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
            assert_eq!(rates.take(1, CHAT, false, start), Ok(()));
        }
        assert_eq!(rates.take(1, CHAT, false, start), Err(3));
        // Who asks too early waits on.
        assert_eq!(rates.take(1, CHAT, false, start + Duration::from_millis(1500)), Err(2));
        // Three seconds later three more pass.
        let later = start + Duration::from_secs(3);
        for _ in 0..3 {
            assert_eq!(rates.take(1, CHAT, false, later), Ok(()));
        }
        assert_eq!(rates.take(1, CHAT, false, later), Err(3));
    }

    #[test]
    fn several_edits_a_second_do_not_go_on_for_long() {
        let rates = Rates::new(&Limits::default());
        let start = Instant::now();
        let refused = (0..120).filter(|step| rates.take(1, CHAT, false, start + Duration::from_millis(250 * step)).is_err()).count();
        assert!(refused > 50, "{refused}");
        let steady = Rates::new(&Limits::default());
        assert!((0..120).all(|second| steady.take(1, CHAT, false, start + Duration::from_secs(second)).is_ok()));
    }

    #[test]
    fn a_group_takes_twenty_a_minute_at_any_speed() {
        let rates = Rates::new(&Limits::default());
        let group = ChatRef::Channel(5);
        let start = Instant::now();
        let second = |second: u64| start + Duration::from_secs(second);
        // Slow enough for any other chat.
        let passed: Vec<u64> = (0..90).filter(|at| rates.take(1, group, true, second(*at)).is_ok()).collect();
        assert_eq!(passed, (0..20).chain(60..80).collect::<Vec<_>>());
        assert_eq!(rates.take(1, group, true, second(90)), Err(30));
        // Another bot, and another group, have their own minute; and what is no group has none.
        assert_eq!(rates.take(2, group, true, second(90)), Ok(()));
        assert_eq!(rates.take(1, ChatRef::Channel(6), true, second(90)), Ok(()));
        assert!((0..90).all(|at| rates.take(1, CHAT, false, second(at)).is_ok()));
    }

    #[test]
    fn all_chats_together_are_limited_too() {
        let rates = Rates::new(&Limits::default());
        let start = Instant::now();
        let passed = (0..40).filter(|user| rates.take(1, ChatRef::Private { bot: 1, user: *user }, false, start).is_ok()).count();
        assert_eq!(passed, 30);
        assert_eq!(rates.take(2, CHAT, false, start), Ok(()));
    }
}
