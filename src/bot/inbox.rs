//! Which updates are handled, which must come again, and what may be confirmed.
//!
//! In: batches as `getUpdates` gives them, and how each update ended. Out: work in the right order, and the offset of the next batch. Must not:
//! let the offset pass an update that is not handled: asking with it tells Telegram to forget all before.

use std::collections::{BTreeMap, BTreeSet};

use teloxide::types::Update;

/// An update that failed so often is given up; with the growing pauses between, that is after some five minutes.
const TRIES: u32 = 15;

/// The book of the updates on hand.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    /// The next offset, once something came.
    offset: Option<i32>,
    /// Handled, but not confirmed yet because one before them is not.
    handled: BTreeSet<u32>,
    /// How often those on hand have failed.
    failed: BTreeMap<u32, u32>,
}

/// What to do about an update that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It comes again.
    Again,
    /// It never will work.
    GiveUp,
}

impl Inbox {
    /// What to ask the next batch with.
    pub(super) fn offset(&self) -> Option<i32> {
        self.offset
    }

    /// Takes a batch in: what is left to do of it, one list a chat, each in order.
    pub(super) fn take(&mut self, batch: Vec<Update>) -> Vec<Vec<Update>> {
        self.offset = batch.first().map(|update| offset_of(update.id.0)).or(self.offset);
        let mut chats: Vec<(Option<i64>, Vec<Update>)> = Vec::new();
        for update in batch {
            if self.handled.contains(&update.id.0) {
                continue;
            }
            let chat = update.chat().map(|chat| chat.id.0).or_else(|| update.from().map(|user| user.id.0 as i64));
            match chats.iter_mut().find(|(known, _)| chat.is_some() && *known == chat) {
                Some((_, updates)) => updates.push(update),
                None => chats.push((chat, vec![update])),
            }
        }
        chats.into_iter().map(|(_, updates)| updates).collect()
    }

    /// An update is handled.
    pub(super) fn done(&mut self, id: u32) {
        self.failed.remove(&id);
        self.handled.insert(id);
    }

    /// An update could not be handled.
    pub(super) fn failed(&mut self, id: u32) -> Verdict {
        let tries = self.failed.entry(id).or_insert(0);
        *tries += 1;
        if *tries < TRIES {
            return Verdict::Again;
        }
        self.done(id);
        Verdict::GiveUp
    }

    /// After a batch with these numbers: moves the offset behind everything that is handled without a gap. True if all of it is.
    pub(super) fn settle(&mut self, batch: &[u32]) -> bool {
        let open = batch.iter().copied().find(|id| !self.handled.contains(id));
        match (open, batch.last()) {
            (Some(open), _) => self.offset = Some(offset_of(open)),
            (None, Some(last)) => self.offset = Some(offset_of(*last).saturating_add(1)),
            (None, None) => {}
        }
        // What lies before the offset never comes again.
        self.handled.retain(|id| open.is_some_and(|open| *id > open));
        open.is_none()
    }
}

fn offset_of(id: u32) -> i32 {
    i32::try_from(id).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(id: u32, chat: i64) -> Update {
        let update = serde_json::json!({
            "update_id": id,
            "message": {
                "message_id": id, "date": 0, "text": "hello",
                "chat": {"id": chat, "type": "private", "first_name": "Ann"},
                "from": {"id": chat, "is_bot": false, "first_name": "Ann"},
            }
        });
        // Read from text, as it comes over the wire: teloxide reads it another way from a value.
        serde_json::from_str(&update.to_string()).unwrap()
    }

    fn ids(work: &[Vec<Update>]) -> Vec<Vec<u32>> {
        work.iter().map(|updates| updates.iter().map(|update| update.id.0).collect()).collect()
    }

    #[test]
    fn chats_go_side_by_side_and_each_in_order() {
        let mut inbox = Inbox::default();
        assert_eq!(inbox.offset(), None);
        let work = inbox.take(vec![update(5, 1), update(6, 2), update(7, 1), update(8, 3)]);
        assert_eq!(ids(&work), [vec![5, 7], vec![6], vec![8]]);
        [5, 6, 7, 8].into_iter().for_each(|id| inbox.done(id));
        assert!(inbox.settle(&[5, 6, 7, 8]));
        assert_eq!(inbox.offset(), Some(9));
        assert!(inbox.take(vec![]).is_empty() && inbox.settle(&[]));
        assert_eq!(inbox.offset(), Some(9));
    }

    #[test]
    fn the_offset_never_passes_what_is_not_handled_and_nothing_is_handled_twice() {
        let mut inbox = Inbox::default();
        inbox.take(vec![update(5, 1), update(6, 2), update(7, 3)]);
        inbox.done(5);
        assert_eq!(inbox.failed(6), Verdict::Again);
        inbox.done(7);
        assert!(!inbox.settle(&[5, 6, 7]));
        assert_eq!(inbox.offset(), Some(6));
        let work = inbox.take(vec![update(6, 2), update(7, 3), update(8, 3)]);
        assert_eq!(ids(&work), [vec![6], vec![8]]);
        inbox.done(6);
        inbox.done(8);
        assert!(inbox.settle(&[6, 7, 8]));
        assert_eq!(inbox.offset(), Some(9));
        assert!(inbox.handled.is_empty() && inbox.failed.is_empty());
    }

    #[test]
    fn an_update_that_never_works_does_not_block_the_others_for_ever() {
        let mut inbox = Inbox::default();
        for _ in 1..TRIES {
            inbox.take(vec![update(5, 1)]);
            assert_eq!(inbox.failed(5), Verdict::Again);
            assert!(!inbox.settle(&[5]));
        }
        assert_eq!(inbox.failed(5), Verdict::GiveUp);
        assert!(inbox.settle(&[5]));
        assert_eq!(inbox.offset(), Some(6));
    }

    #[test]
    fn numbers_may_start_anew() {
        let mut inbox = Inbox::default();
        inbox.take(vec![update(900, 1)]);
        inbox.done(900);
        inbox.settle(&[900]);
        inbox.take(vec![update(17, 1)]);
        inbox.done(17);
        assert!(inbox.settle(&[17]));
        assert_eq!(inbox.offset(), Some(18));
    }
}
