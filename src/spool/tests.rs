//! Spools with their real files.
//!
//! In: nothing. Out: failed tests. Must not: wait for time.

use super::*;

#[tokio::test]
async fn a_reader_gets_a_range_as_soon_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, spool) = SpoolWriter::create(&folder.path().join("a")).await.unwrap();
    let reader = tokio::spawn({
        let spool = spool.clone();
        async move { spool.read(2..6).await.unwrap() }
    });
    writer.write(b"0123").await.unwrap();
    assert!(!reader.is_finished());
    writer.write(b"4567").await.unwrap();
    assert_eq!(reader.await.unwrap(), b"2345");
    writer.finish();
    assert_eq!(spool.finished().await.unwrap(), 8);
    assert_eq!(spool.read(6..20).await.unwrap(), b"67");
    assert_eq!(spool.length().expected_bytes, Some(8));
}

#[tokio::test]
async fn a_failed_or_dropped_writer_wakes_its_readers() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, spool) = SpoolWriter::create(&folder.path().join("a")).await.unwrap();
    writer.fail(Reason::Network);
    assert_eq!(spool.finished().await.unwrap_err().reason, Reason::Network);
    let (writer, spool) = SpoolWriter::create(&folder.path().join("b")).await.unwrap();
    drop(writer);
    assert_eq!(spool.read(0..1).await.unwrap_err().reason, Reason::Cancelled);
}

#[tokio::test]
async fn a_writer_learns_that_all_readers_have_gone() {
    let folder = tempfile::tempdir().unwrap();
    let (writer, spool) = SpoolWriter::create(&folder.path().join("a")).await.unwrap();
    let second = spool.clone();
    drop(spool);
    let mut abandoned = std::pin::pin!(writer.abandoned());
    assert!(futures::poll!(&mut abandoned).is_pending());
    drop(second);
    abandoned.await;
}

#[tokio::test]
async fn a_resumed_spool_keeps_the_good_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    tokio::fs::write(&path, b"good-bad").await.unwrap();
    let (mut writer, spool) = SpoolWriter::resume(&path, 4).await.unwrap();
    writer.write(b"-new").await.unwrap();
    writer.finish();
    assert_eq!(spool.read(0..100).await.unwrap(), b"good-new");
}

#[tokio::test]
async fn appending_goes_on_behind_what_came_from_the_side() {
    let folder = tempfile::tempdir().unwrap();
    let (mut writer, spool) = SpoolWriter::create(&folder.path().join("a")).await.unwrap();
    writer.write(b"01").await.unwrap();
    writer.side().write_at(2, b"23").await.unwrap();
    writer.skip_to(4).await.unwrap();
    writer.write(b"45").await.unwrap();
    writer.finish();
    assert_eq!(spool.read(0..100).await.unwrap(), b"012345");
}

#[tokio::test]
async fn a_whole_file_is_a_finished_spool() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    tokio::fs::write(&path, b"abc").await.unwrap();
    let spool = Spool::whole(&path).await.unwrap();
    assert_eq!(spool.finished().await.unwrap(), 3);
    assert_eq!(spool.read(1..3).await.unwrap(), b"bc");
}
