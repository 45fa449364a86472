//! Tells the media process what is there of inputs that are still growing, each time that it asks.
//!
//! In: [`Reply::Want`]s, spools. Out: [`Feed`]s. Must not: send content, which the process reads from disk itself.

use std::time::Duration;

use super::protocol::{Feed, Reply};
use crate::model::Failure;
use crate::spool::{Spool, SpoolLength};

/// As much as FFmpeg reads at once: with less it would soon ask again.
const ENOUGH_BYTES: u64 = 256 << 10;
/// So long it is waited for that much before less will do.
const PATIENCE: Duration = Duration::from_millis(50);
/// What lies farther behind the bytes that come one after the other is asked for before its turn.
const FAR_BYTES: u64 = 256 << 10;
/// How much of it is asked for where the end is not known.
const WISH_BYTES: u64 = 4 << 20;

/// Waits until `offset_bytes` of an input can be read, or its end is known to be before. Fails as the input fails.
///
/// One answer of the protocol to one [`Reply::Want`].
pub(super) async fn answer(inputs: &[Spool], input: usize, offset_bytes: u64) -> Result<Feed, Failure> {
    let Some(spool) = inputs.get(input) else {
        return Err(Failure::internal(anyhow::anyhow!(
            "the media process asks for input {input}: {:?}",
            Reply::Want { input, offset_bytes }
        )));
    };
    let length = spool.length();
    if length.readable(byte(offset_bytes)).is_none() {
        if let Some(wish) = wish(&length, offset_bytes) {
            spool.wish(wish);
        }
        let enough = spool.wait_for(byte(offset_bytes).start..offset_bytes.saturating_add(ENOUGH_BYTES));
        match tokio::time::timeout(PATIENCE, enough).await {
            Ok(read) => read?,
            Err(_) => spool.wait_for(byte(offset_bytes)).await?,
        };
    }
    Ok(feed(input, &spool.length(), offset_bytes))
}

/// One byte; an empty range would be there already.
fn byte(offset_bytes: u64) -> std::ops::Range<u64> {
    let begin = offset_bytes.min(u64::MAX - 1);
    begin..begin + 1
}

/// What is asked for before its turn. Bytes beyond the promised end are none, and what comes next comes anyway.
fn wish(length: &SpoolLength, offset_bytes: u64) -> Option<std::ops::Range<u64>> {
    let is_far = offset_bytes > length.ready_bytes().saturating_add(FAR_BYTES);
    let end_bytes = length.expected_bytes.unwrap_or(offset_bytes.saturating_add(WISH_BYTES));
    (is_far && offset_bytes < end_bytes && offset_bytes != u64::MAX).then_some(offset_bytes..end_bytes)
}

/// The bytes from the start on and those around the offset: all ranges of a file that comes in a thousand pieces would be a long line.
fn feed(input: usize, length: &SpoolLength, offset_bytes: u64) -> Feed {
    let needed = |range: &std::ops::Range<u64>| range.start == 0 || range.contains(&offset_bytes);
    Feed { input, ready: length.ready_ranges().filter(needed).collect(), expected_bytes: length.expected_bytes, finished: length.finished }
}

#[cfg(test)]
mod tests {
    use crate::spool::SpoolWriter;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_want_is_answered_when_the_bytes_are_there() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (writer, spool) = SpoolWriter::watching(&folder.path().join("input"));
        let (mut wishes, side) = (writer.wishes(), writer.side());
        let inputs = [spool];
        writer.expect(Some(10_000_000));
        writer.advance_to(100);
        let near = answer(&inputs, 0, 50).await.expect("it is there");
        let first = std::iter::once(0..100).collect();
        assert_eq!(near, Feed { input: 0, ready: first, expected_bytes: Some(10_000_000), finished: false });
        assert!(!wishes.has_changed().expect("it lives"), "what is there is not wished for");

        let bring = async {
            let wish = wishes.wait_for(Option::is_some).await.expect("it lives").clone();
            assert_eq!(wish, Some(9_000_000..10_000_000));
            side.mark_ready(500..600);
            side.mark_ready(9_000_000..9_000_010);
        };
        let (far, ()) = tokio::join!(answer(&inputs, 0, 9_000_000), bring);
        assert_eq!(far.expect("it came").ready, [0..100, 9_000_000..9_000_010], "less than enough will do after a while");

        let (end, ()) = tokio::join!(answer(&inputs, 0, u64::MAX), async {
            writer.advance_to(9_000_010);
            writer.finish();
        });
        let all = std::iter::once(0..9_000_010).collect();
        let whole = Feed { input: 0, ready: all, expected_bytes: Some(9_000_010), finished: true };
        assert_eq!(end.expect("it ends"), whole);
        assert!(answer(&inputs, 1, 0).await.is_err(), "there is no such input");
    }

    #[test]
    fn only_what_is_far_is_wished_for() {
        let length = |expected_bytes| {
            let mut length = SpoolLength::default();
            length.expected_bytes = expected_bytes;
            length
        };
        let table = [
            (Some(10_000_000), 100, None),
            (Some(10_000_000), 5_000_000, Some(5_000_000..10_000_000)),
            (Some(10_000_000), 10_000_000, None),
            (None, 5_000_000, Some(5_000_000..5_000_000 + WISH_BYTES)),
            (None, u64::MAX, None),
        ];
        for (expected_bytes, offset_bytes, expected) in table {
            assert_eq!(wish(&length(expected_bytes), offset_bytes), expected, "{expected_bytes:?} {offset_bytes}");
        }
    }
}
