//! Calls of the Bot API that are repeated when that may help.
//!
//! In: a call. Out: its answer, or the error after which repeating it is pointless. Must not: be used for calls whose effect must not
//! happen twice: an answer that was lost looks like a network error.

use std::future::Future;
use std::time::Duration;

use teloxide::{ApiError, RequestError};

/// How long to insist.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Calls at most.
    pub attempts: u32,
    /// The longest pause that is waited out if Telegram asks for one.
    pub longest_pause: Duration,
}

impl Patience {
    /// For answers that are worth little when they come late.
    pub const SHORT: Self = Self { attempts: 3, longest_pause: Duration::from_secs(60) };
    /// For what the person must get to see. Bounded all the same: a worker waits for it.
    pub const LONG: Self = Self { attempts: 8, longest_pause: Duration::from_secs(120) };
}

/// Calls until there is an answer, waiting as long as Telegram asks, and with growing delays when it can't be reached.
pub async fn patiently<T, F, A>(patience: Patience, mut call: F) -> Result<T, RequestError>
where
    F: FnMut() -> A,
    A: Future<Output = Result<T, RequestError>>,
{
    let mut attempt = 1;
    loop {
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let Some(pause) = pause_after(&error, attempt, patience) else { return Err(error) };
        tracing::debug!(%error, attempt, pause_ms = pause.as_millis(), "a call is repeated after a pause");
        tokio::time::sleep(pause).await;
        attempt += 1;
    }
}

/// How long to wait before the next call, if there should be one. `attempt` counts from 1.
pub fn pause_after(error: &RequestError, attempt: u32, patience: Patience) -> Option<Duration> {
    if attempt >= patience.attempts {
        return None;
    }
    match error {
        RequestError::RetryAfter(pause) => Some(pause.duration()).filter(|pause| *pause <= patience.longest_pause),
        RequestError::Network(_) | RequestError::InvalidJson { .. } => Some(backoff(attempt)),
        RequestError::Api(ApiError::Unknown(text)) if is_telegrams_trouble(text) => Some(backoff(attempt)),
        _ => None,
    }
}

/// 1, 2, 4, … up to 30 seconds.
pub fn backoff(attempt: u32) -> Duration {
    Duration::from_secs(1 << attempt.saturating_sub(1).min(5)).min(Duration::from_secs(30))
}

/// The descriptions that come with HTTP 500 to 504.
fn is_telegrams_trouble(text: &str) -> bool {
    ["Internal Server Error", "Bad Gateway", "Service Unavailable", "Gateway Timeout"].iter().any(|trouble| text.contains(trouble))
}

#[cfg(test)]
mod tests {
    use teloxide::types::Seconds;
    use tokio::time::Instant;

    use super::*;

    fn flood(seconds: u32) -> RequestError {
        RequestError::RetryAfter(Seconds::from_seconds(seconds))
    }

    fn gateway() -> RequestError {
        RequestError::Api(ApiError::Unknown("Bad Gateway".into()))
    }

    async fn run(patience: Patience, script: Vec<Result<u8, RequestError>>) -> (Result<u8, RequestError>, Duration, usize) {
        let started = Instant::now();
        let all = script.len();
        let mut script = script.into_iter();
        let answer = patiently(patience, || {
            let next = script.next().expect("no call after the end of the script");
            async move { next }
        })
        .await;
        (answer, started.elapsed(), all - script.len())
    }

    #[tokio::test(start_paused = true)]
    async fn the_pause_that_telegram_asks_for_is_waited_out() {
        let (answer, took, calls) = run(Patience::SHORT, vec![Err(flood(31)), Err(gateway()), Ok(7)]).await;
        assert_eq!((answer.unwrap(), took.as_secs(), calls), (7, 31 + 2, 3));
    }

    #[tokio::test(start_paused = true)]
    async fn patience_ends() {
        let (answer, took, calls) = run(Patience::SHORT, vec![Err(gateway()), Err(gateway()), Err(gateway())]).await;
        assert!(answer.is_err());
        assert_eq!((took.as_secs(), calls), (1 + 2, 3));
        let (answer, took, calls) = run(Patience::SHORT, vec![Err(flood(600))]).await;
        assert!(matches!(answer, Err(RequestError::RetryAfter(_))));
        assert_eq!((took.as_secs(), calls), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_will_not_pass_is_not_repeated() {
        let (answer, _, calls) = run(Patience::LONG, vec![Err(RequestError::Api(ApiError::BotBlocked))]).await;
        assert!(answer.is_err());
        assert_eq!(calls, 1);
    }

    #[test]
    fn delays_grow_and_stay_bounded() {
        let seconds: Vec<_> = [0, 1, 2, 3, 4, 5, 6, 40, u32::MAX].map(|attempt| backoff(attempt).as_secs()).into();
        assert_eq!(seconds, [1, 1, 2, 4, 8, 16, 30, 30, 30]);
    }
}
