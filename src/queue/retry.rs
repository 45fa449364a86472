//! Whether and when a failed step is tried again: pure.
//!
//! In: the reason, the tries so far, the settings. Out: a [`Verdict`]. Must not: read a clock.

use crate::config::QueueConfig;
use crate::model::{Reason, Retry};

/// What happens to a job whose step failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again after this time.
    Later {
        /// Milliseconds to wait.
        delay_ms: i64,
        /// False if the other side asked for the pause: that uses no try up.
        counts: bool,
    },
    /// Tell the person and end the job.
    GiveUp,
}

/// Judges a failure after `attempts` earlier ones of the same stage.
pub fn verdict(reason: &Reason, attempts: u32, config: &QueueConfig) -> Verdict {
    match reason.retry() {
        Retry::GiveUp => Verdict::GiveUp,
        Retry::Wait(pause) => Verdict::Later { delay_ms: pause.as_millis() as i64 + 500, counts: false },
        Retry::TryAgain if attempts + 1 >= config.attempts => Verdict::GiveUp,
        Retry::TryAgain => {
            let doubled = config.retry_delay_ms.saturating_mul(1u64 << attempts.min(30));
            Verdict::Later { delay_ms: doubled.min(config.max_retry_delay_ms) as i64, counts: true }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_again_with_growing_delay() {
        let config = QueueConfig {
            workers: 1,
            fetch_at_once: 1,
            media_at_once: 1,
            upload_at_once: 1,
            attempts: 5,
            retry_delay_ms: 1000,
            max_retry_delay_ms: 3000,
            lease_s: 60,
            card_hours: 1,
        };
        let later = |delay_ms| Verdict::Later { delay_ms, counts: true };
        let table = [
            (Reason::Network, 0, later(1000)),
            (Reason::Network, 1, later(2000)),
            (Reason::Network, 3, later(3000)),
            (Reason::Network, 4, Verdict::GiveUp),
            (Reason::HttpStatus { status: 503 }, 0, later(1000)),
            (Reason::HttpStatus { status: 403 }, 0, Verdict::GiveUp),
            (Reason::Private, 0, Verdict::GiveUp),
            (Reason::Cancelled, 0, Verdict::GiveUp),
            (Reason::FloodWait { seconds: 43 }, 9, Verdict::Later { delay_ms: 43_500, counts: false }),
        ];
        for (reason, attempts, expected) in table {
            assert_eq!(verdict(&reason, attempts, &config), expected, "{reason} after {attempts}");
        }
    }
}
