//! Wishes of readers: ranges that come before their turn, and what is left of them after a break.
//!
//! In: a server whose main body is held back. Out: what is ready, and which ranges were asked for. Must not: wait for time.

use std::time::Duration;

use axum::http::header;
use tokio_util::sync::CancellationToken;

use super::site::{Fault, Page, Site};
use super::{all_of, bytes_of, config, content, fetch_with};
use crate::config::FetchConfig;
use crate::fetch::Fetched;
use crate::fetch::client::{Guard, build};
use crate::fetch::http::{Limits, Requester, Wanted};
use crate::fetch::together::Together;
use crate::model::ProgressSender;

const MB: usize = 1 << 20;
const SIZE: usize = 12 * MB;

fn patient() -> FetchConfig {
    FetchConfig { stall_timeout_s: 600, resume_attempts: 1, ..config() }
}

/// A file whose download (request 1; request 0 is the probe) is held back after 1 MB; more faults by number of the request.
fn held(faults: &[(usize, Fault)]) -> Page {
    let mut page = Page { etags: vec!["\"v1\""], faults: vec![None, Some((MB, Fault::Gate))], ..Page::of(&content(SIZE)) }
        .header(header::CONTENT_TYPE, "video/mp4");
    page.faults.extend(faults.iter().copied().map(Some));
    page
}

async fn begun(site: &Site, folder: &std::path::Path) -> Fetched {
    let fetched = fetch_with(patient(), site.link("/a.mp4"), folder).await.unwrap();
    fetched.spools[0].wait_for(0..MB as u64).await.unwrap();
    fetched
}

fn asked(page: &Page) -> Vec<String> {
    page.asked(header::RANGE).into_iter().map(|range| range.unwrap_or_default()).collect()
}

#[tokio::test]
async fn the_tail_comes_while_the_main_body_is_held_back() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let page = site.page("/a.mp4", held(&[]));
    let fetched = begun(&site, folder.path()).await;
    let spool = &fetched.spools[0];
    let tail = (SIZE - 100_000) as u64..SIZE as u64;
    spool.wish(tail.clone());
    assert_eq!(spool.read(tail.clone()).await.unwrap(), content(SIZE)[SIZE - 100_000..]);
    let length = spool.length();
    assert!(!length.finished && length.ready_bytes() == MB as u64, "{length:?}");
    spool.wish(5 * MB as u64..5 * MB as u64 + 1); // near what is coming: left to it
    page.open();
    assert_eq!(bytes_of(&fetched).await.unwrap(), content(SIZE));
    assert_eq!(asked(&page), ["bytes=0-".to_owned(), "bytes=0-".to_owned(), format!("bytes={}-{}", tail.start, tail.end - 1)]);
    // The file is whole and has no holes any more: another attempt asks for one byte.
    let again = fetch_with(patient(), site.link("/a.mp4"), folder.path()).await.unwrap();
    assert_eq!(bytes_of(&again).await.unwrap(), content(SIZE));
    assert_eq!(asked(&page).last().unwrap(), &format!("bytes={}-", SIZE - 1));
}

#[tokio::test]
async fn the_download_goes_on_behind_a_range_in_the_middle() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    // The side request breaks after 1 MB of what was asked; it is no failure, and the download goes on behind what it brought.
    let page = site.page("/a.mp4", held(&[(MB, Fault::Cut)]));
    let fetched = begun(&site, folder.path()).await;
    let spool = &fetched.spools[0];
    let middle = 6 * MB as u64;
    spool.wish(middle..middle + 10);
    assert_eq!(spool.read(middle..middle + 10).await.unwrap(), content(SIZE)[6 * MB..6 * MB + 10]);
    page.open();
    assert_eq!(bytes_of(&fetched).await.unwrap(), content(SIZE));
    let last = asked(&page).pop().unwrap();
    let begin: u64 = last.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
    assert!(begin > middle && begin <= middle + MB as u64, "{last}");
    assert!(page.sent_bytes() < (SIZE + SIZE / 2) as u64 + page.body.len() as u64);
}

#[tokio::test]
async fn wishes_without_proof_of_the_version_are_let_be() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let table = [
        Page { etags: vec!["W/\"1\""], ..held(&[]) },
        Page { etags: vec!["\"v1\"", "\"v1\"", "\"v2\"", "\"v1\""], ..held(&[]) },
        Page { ranges: false, ..held(&[]) },
    ];
    for page in table {
        let page = site.page("/a.mp4", page);
        let fetched = begun(&site, folder.path()).await;
        let spool = &fetched.spools[0];
        spool.wish((SIZE - 10) as u64..SIZE as u64);
        page.open();
        assert_eq!(bytes_of(&fetched).await.unwrap(), content(SIZE));
    }
}

#[tokio::test]
async fn after_a_break_holes_are_not_taken_for_bytes() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let page = site.page("/a.mp4", held(&[]));
    let fetched = begun(&site, folder.path()).await;
    let tail = (SIZE - 10) as u64..SIZE as u64;
    fetched.spools[0].wish(tail.clone());
    fetched.spools[0].read(tail).await.unwrap();
    drop(fetched);
    assert_eq!(std::fs::metadata(folder.path().join("download.bin")).unwrap().len(), SIZE as u64);
    let again = fetch_with(patient(), site.link("/a.mp4"), folder.path()).await.unwrap();
    assert_eq!(bytes_of(&again).await.unwrap(), content(SIZE));
    assert_eq!(asked(&page).last().unwrap(), &format!("bytes={}-", MB - 1));
}

#[tokio::test]
async fn a_site_that_slows_large_requests_down_is_asked_piece_by_piece() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let page = site.page("/a.mp4", Page { etags: vec!["\"v1\""], ..Page::of(&content(3 * MB + 5)) });
    let whole = site.page("/no-ranges.mp4", Page { ranges: false, ..Page::of(&content(3 * MB + 5)) });
    let guard = Guard::new(&config());
    for (path, stem) in [("/a.mp4", "one"), ("/no-ranges.mp4", "two")] {
        let wanted = Wanted {
            requester: Requester::new(build(&config(), guard).unwrap(), guard, Duration::from_secs(5)),
            url: site.link(path).url().clone(),
            folder: folder.path().to_owned(),
            stem,
            content: path.into(),
            limits: Limits { keep_free_bytes: 0, resume_attempts: 0, chunk_bytes: Some(MB as u64), may_expire: false },
            together: Together::new(1, u64::MAX, &ProgressSender::channel().0, &CancellationToken::new()),
            track: 0,
        };
        let (_, spool) = wanted.begin().await.unwrap();
        assert_eq!(all_of(&spool).await.unwrap(), content(3 * MB + 5), "{path}");
    }
    assert_eq!(asked(&page), ["bytes=0-1048575", "bytes=1048576-2097151", "bytes=2097152-3145727", "bytes=3145728-4194303"]);
    assert!(whole.requests().len() <= 2);
}
