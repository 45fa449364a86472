//! A small memory of recent answers.
//!
//! In: values by link. Out: the same, for a few minutes. Must not: grow without bound, or hold what a restart would miss.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Link;

/// How long an answer counts as recent. Addresses that sites sign live for hours; a page's content may change in minutes.
const FRESH: Duration = Duration::from_secs(300);

/// Answers kept at once; metadata of one video may be as large as a megabyte.
const MAX_ENTRIES: usize = 12;

/// Recent answers by link.
#[derive(Debug)]
pub(crate) struct Recent<V>(Mutex<Vec<Entry<V>>>);

#[derive(Debug)]
struct Entry<V> {
    link: Link,
    since: Instant,
    value: V,
}

impl<V: Clone> Recent<V> {
    /// An empty memory.
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// The answer for a link if it is fresh.
    pub(crate) fn get(&self, link: &Link) -> Option<V> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.iter().find(|entry| entry.link == *link && entry.since.elapsed() < FRESH).map(|entry| entry.value.clone())
    }

    /// Drops the answer for a link: what was built on it failed, and the next attempt is to ask anew.
    pub(crate) fn forget(&self, link: &Link) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|entry| entry.link != *link);
    }

    /// Keeps an answer; the oldest go.
    pub(crate) fn put(&self, link: &Link, value: V) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.retain(|entry| entry.link != *link && entry.since.elapsed() < FRESH);
        if entries.len() >= MAX_ENTRIES {
            entries.remove(0);
        }
        entries.push(Entry { link: link.clone(), since: Instant::now(), value });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(number: usize) -> Link {
        Link::parse(&format!("https://example.org/{number}")).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_kept_for_minutes_and_the_oldest_go_first() {
        let recent = Recent::new();
        for number in 0..=MAX_ENTRIES {
            recent.put(&link(number), number);
        }
        assert_eq!(recent.get(&link(0)), None);
        assert_eq!(recent.get(&link(1)), Some(1));
        recent.put(&link(1), 100);
        assert_eq!(recent.get(&link(1)), Some(100));
        recent.forget(&link(2));
        assert_eq!((recent.get(&link(2)), recent.get(&link(3))), (None, Some(3)));
        tokio::time::advance(FRESH).await;
        assert_eq!(recent.get(&link(1)), None);
    }
}
