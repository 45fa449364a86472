//! Scripted faults: what goes wrong, at which call.
//!
//! In: rules from a test or the control API; every call that a face receives. Out: the fault that this call gets. It must not act itself: the faces do.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::world::World;

mod event;
pub use event::Event;

/// Which call of a method a fault hits. Calls count from 1, from the moment the rule is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Only the k-th call.
    Nth(u64),
    /// Each k-th call.
    Every(u64),
    /// Each call.
    Always,
    /// So many of a thousand calls, by dice that fall the same way for the same seed.
    Chance {
        /// Of a thousand.
        permille: u16,
        /// Any number.
        seed: u64,
    },
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// `FLOOD_WAIT_n`; HTTP 429 with `retry_after` at the Bot API.
    FloodWait {
        /// How long to wait.
        seconds: u32,
    },
    /// `FLOOD_PREMIUM_WAIT_n` (MTProto; at the Bot API the same as `FloodWait`).
    FloodPremiumWait {
        /// How long to wait.
        seconds: u32,
    },
    /// An `rpc_error`; at the Bot API the same as `HttpStatus`.
    RpcError {
        /// As HTTP has them.
        code: i32,
        /// As Telegram writes them: `CHANNEL_INVALID`.
        message: String,
    },
    /// A refusal of the Bot API (over MTProto an `rpc_error`).
    HttpStatus {
        /// HTTP status and `error_code`.
        code: u16,
        /// `description`.
        description: String,
        /// `parameters.retry_after`.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The connection is cut and nothing takes effect.
    CutConnection,
    /// The call takes effect, then the connection is cut instead of an answer.
    LoseAnswer,
    /// The call waits first (as JSON: milliseconds).
    Delay(#[serde(with = "millis")] Duration),
    /// Something happens to the world first; the call goes on.
    Happens(Event),
}

/// The rules; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    inner: Arc<Mutex<BTreeMap<String, Vec<Rule>>>>,
}

#[derive(Debug)]
struct Rule {
    when: When,
    fault: Fault,
    calls: u64,
    used: bool,
}

/// A rule without its fault.
#[must_use = "say what it gives"]
pub struct FaultAt<'a> {
    faults: &'a Faults,
    method: String,
    when: When,
}

impl Faults {
    /// Begins a rule for a method (`sendVideo`, `upload.saveBigFilePart`).
    pub fn on(&self, method: &str, when: When) -> FaultAt<'_> {
        FaultAt { faults: self, method: method.to_owned(), when }
    }

    /// Counts a call, lets happen what is to happen before it, and says what goes wrong with the call itself. Both faces ask this once for each call;
    /// `key_id` is the auth key of an MTProto client.
    pub(crate) fn strike(&self, method: &str, world: &World, key_id: Option<i64>) -> Option<Fault> {
        match self.take(method)? {
            Fault::Happens(event) => {
                event.befall(world, key_id);
                None
            }
            fault => Some(fault),
        }
    }

    /// Counts a call and says what goes wrong with it.
    pub fn take(&self, method: &str) -> Option<Fault> {
        let mut rules = self.lock();
        let mut hit = None;
        for rule in rules.get_mut(method)? {
            rule.calls += 1;
            let matches = match rule.when {
                When::Nth(nth) => rule.calls == nth,
                When::Every(every) => every > 0 && rule.calls.is_multiple_of(every),
                When::Always => true,
                When::Chance { permille, seed } => dice(seed, rule.calls) % 1000 < u64::from(permille),
            };
            if matches && hit.is_none() {
                rule.used = true;
                hit = Some(rule.fault.clone());
            }
        }
        hit
    }

    /// Rules that never came to pass, as text; without those that are left to chance.
    pub fn unconsumed(&self) -> Vec<String> {
        let rules = self.lock();
        let unused = rules.iter().flat_map(|(method, rules)| {
            rules.iter().filter(|rule| !rule.used && !matches!(rule.when, When::Chance { .. })).map(move |rule| (method, rule))
        });
        unused.map(|(method, rule)| format!("{method} {:?}: {:?}", rule.when, rule.fault)).collect()
    }

    /// Takes all rules back.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<Rule>>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl FaultAt<'_> {
    /// Ends the rule.
    pub fn gives(self, fault: Fault) {
        let rule = Rule { when: self.when, fault, calls: 0, used: false };
        self.faults.lock().entry(self.method).or_default().push(rule);
    }
}

/// The number that the dice show for a call: SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
fn dice(seed: u64, call: u64) -> u64 {
    let mut number = seed.wrapping_add(call.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

pub(crate) mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(when: When, calls: usize) -> Vec<bool> {
        let faults = Faults::default();
        faults.on("sendVideo", when).gives(Fault::CutConnection);
        (0..calls).map(|_| faults.take("sendVideo").is_some()).collect()
    }

    #[test]
    fn rules_hit_the_calls_they_name() {
        assert_eq!(hits(When::Nth(2), 4), [false, true, false, false]);
        assert_eq!(hits(When::Every(2), 4), [false, true, false, true]);
        assert_eq!(hits(When::Always, 3), [true, true, true]);
    }

    #[test]
    fn chance_falls_the_same_way_for_the_same_seed() {
        let chance = |permille, seed| hits(When::Chance { permille, seed }, 10_000);
        let count = |hits: &[bool]| hits.iter().filter(|hit| **hit).count();
        assert_eq!(chance(20, 7), chance(20, 7));
        assert_ne!(chance(20, 7), chance(20, 8));
        assert!((120..280).contains(&count(&chance(20, 7))), "{}", count(&chance(20, 7)));
        assert_eq!((count(&chance(0, 7)), count(&chance(1000, 7))), (0, 10_000));
    }

    #[test]
    fn each_rule_counts_for_itself() {
        let faults = Faults::default();
        faults.on("sendVideo", When::Every(2)).gives(Fault::LoseAnswer);
        faults.take("sendVideo");
        faults.on("sendVideo", When::Every(3)).gives(Fault::CutConnection);
        let taken: Vec<_> = (0..5).map(|_| faults.take("sendVideo")).collect();
        let (lost, cut) = (Some(Fault::LoseAnswer), Some(Fault::CutConnection));
        assert_eq!(taken, [lost.clone(), None, lost.clone(), None, lost], "of two rules for one call the first acts");
        assert_eq!(faults.unconsumed(), ["sendVideo Every(3): CutConnection"]);
        assert_eq!((0..3).map(|_| faults.take("sendVideo")).filter(|taken| *taken == cut).count(), 1);
    }

    #[test]
    fn other_methods_are_left_alone_and_unused_rules_are_named() {
        let faults = Faults::default();
        faults.on("sendVideo", When::Nth(1)).gives(Fault::LoseAnswer);
        assert_eq!(faults.take("sendAudio"), None);
        assert_eq!(faults.unconsumed(), ["sendVideo Nth(1): LoseAnswer"]);
        assert_eq!(faults.take("sendVideo"), Some(Fault::LoseAnswer));
        assert!(faults.unconsumed().is_empty());
    }

    #[test]
    fn rules_can_be_written_as_json() {
        let fault: Fault = serde_json::from_str(r#"{"delay": 5}"#).expect("reads");
        assert_eq!(fault, Fault::Delay(Duration::from_millis(5)));
        let when: When = serde_json::from_str(r#"{"nth": 3}"#).expect("reads");
        assert_eq!(when, When::Nth(3));
        let when: When = serde_json::from_str(r#"{"chance": {"permille": 20, "seed": 7}}"#).expect("reads");
        assert_eq!(when, When::Chance { permille: 20, seed: 7 });
        assert_eq!(serde_json::from_str::<When>(r#""always""#).expect("reads"), When::Always);
    }
}
