//! Direct downloads: cuts, stalls, lies, limits, names, cancelling.
//!
//! In: a server's behaviour. Out: what is in the spool, and which requests were made for it. Must not: use yt-dlp.

use axum::http::header;
use tokio_util::sync::CancellationToken;

use super::site::{Fault, Page, Site};
use super::{bytes_of, config, content, fetch_with, whole_with};
use crate::config::FetchConfig;
use crate::fetch::{FetchRequest, Fetcher};
use crate::model::{Choice, ProgressSender, Reason, Step};

const SIZE: usize = 300_000;

/// A film with an ETag, whose `number`-th request meets `fault`.
fn film(faults: &[(usize, usize, Fault)]) -> Page {
    let mut page = Page { etags: vec!["\"v1\""], ..Page::of(&content(SIZE)) }.header(header::CONTENT_TYPE, "video/mp4");
    for (number, at, fault) in faults {
        page.faults.resize(page.faults.len().max(number + 1), None);
        page.faults[*number] = Some((*at, *fault));
    }
    page
}

#[tokio::test]
async fn a_file_comes_whole_with_name_card_and_progress() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let name = "attachment; filename*=UTF-8''..%2F..%2Fmy%01%E2%80%AE%20film.mp4";
    let page = site.page("/dl", film(&[]).header(header::CONTENT_DISPOSITION, name));
    let fetcher = Fetcher::new(config()).unwrap();
    let cancel = CancellationToken::new();
    let card = fetcher.inspect(&site.link("/dl"), &cancel).await.unwrap();
    assert_eq!((card.title.as_str(), card.source.as_str(), card.size_bytes), ("my film.mp4", "127.0.0.1", Some(SIZE as u64)));
    assert_eq!((card.duration_s, card.picture), (None, None));

    let (progress, seen) = ProgressSender::channel();
    let request = FetchRequest { link: site.link("/dl"), choice: Choice::Video, folder: folder.path().to_owned() };
    let fetched = fetcher.fetch(request, &progress, &cancel).await.unwrap();
    assert!(fetched.spools[0].length().ready_bytes() > 0);
    assert_eq!((fetched.file.file_name.as_str(), fetched.file.mime.as_deref()), ("my film.mp4", Some("video/mp4")));
    assert_eq!(bytes_of(&fetched).await.unwrap(), content(SIZE));
    let last = seen.borrow().clone();
    assert_eq!((last.step, last.done, last.total), (Step::Fetching, SIZE as u64, Some(SIZE as u64)));
    assert_eq!(page.requests().len(), 2, "the card's probe and the download");
    assert!(page.asked(header::ACCEPT_ENCODING).iter().all(|asked| asked.as_deref() == Some("identity")));
}

#[tokio::test]
async fn cuts_and_stalls_are_taken_up_where_they_broke() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let page = site.page("/a.mp4", film(&[(1, 100_000, Fault::Cut), (2, 50_000, Fault::Stall), (3, 0, Fault::Cut)]));
    assert_eq!(whole_with(config(), site.link("/a.mp4"), folder.path()).await.unwrap(), content(SIZE));
    let from = |offset: &str| Some(format!("bytes={offset}-"));
    assert_eq!(page.asked(header::RANGE), [from("0"), from("0"), from("100000"), from("150000"), from("150000")]);
    assert_eq!(page.asked(header::IF_RANGE)[2].as_deref(), Some("\"v1\""));
}

#[tokio::test]
async fn without_ranges_the_same_version_is_read_again_and_another_is_refused() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    site.page("/same.mp4", Page { ranges: false, ..film(&[(1, 100_000, Fault::Cut)]) });
    assert_eq!(whole_with(config(), site.link("/same.mp4"), folder.path()).await.unwrap(), content(SIZE));

    let page = Page { ranges: false, etags: vec![], ..film(&[(1, 100_000, Fault::Cut)]) };
    site.page("/unnamed.mp4", page);
    assert_eq!(whole_with(config(), site.link("/unnamed.mp4"), folder.path()).await.unwrap_err().reason, Reason::Network);

    site.page("/changed.mp4", Page { etags: vec!["\"v1\"", "\"v1\"", "\"v2\""], ..film(&[(1, 100_000, Fault::Cut)]) });
    assert_eq!(whole_with(config(), site.link("/changed.mp4"), folder.path()).await.unwrap_err().reason, Reason::Network);
    assert_eq!(
        whole_with(config(), site.link("/changed.mp4"), folder.path()).await.unwrap(),
        content(SIZE),
        "the next attempt begins anew"
    );
}

#[tokio::test]
async fn an_earlier_attempt_is_continued_only_in_the_same_version() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let once = FetchConfig { resume_attempts: 0, ..config() };
    let page = site.page("/a.mp4", film(&[(1, 100_000, Fault::Cut)]));
    assert_eq!(whole_with(once.clone(), site.link("/a.mp4"), folder.path()).await.unwrap_err().reason, Reason::Network);
    assert_eq!(whole_with(once.clone(), site.link("/a.mp4"), folder.path()).await.unwrap(), content(SIZE));
    assert_eq!(page.asked(header::RANGE).last().unwrap().as_deref(), Some("bytes=99999-"));

    // The whole file is there now; the server has another.
    let newer = vec![7; 1000];
    site.page("/a.mp4", Page { etags: vec!["\"v2\""], ..Page::of(&newer) }.header(header::CONTENT_TYPE, "video/mp4"));
    assert_eq!(whole_with(once.clone(), site.link("/a.mp4"), folder.path()).await.unwrap(), newer);
    assert_eq!(
        whole_with(once, site.link("/a.mp4"), folder.path()).await.unwrap(),
        newer,
        "a whole file is checked with one byte and taken"
    );
}

#[tokio::test]
async fn wrong_and_absent_lengths_are_survived() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    site.page("/chunked.mp4", Page { sized: false, ranges: false, ..film(&[]) });
    site.page("/small.mp4", Page { said_total: Some(1000), ..film(&[]) });
    for path in ["/chunked.mp4", "/small.mp4"] {
        let fetched = fetch_with(config(), site.link(path), folder.path()).await.unwrap();
        assert_eq!(bytes_of(&fetched).await.unwrap(), content(SIZE), "{path}");
        assert_eq!(fetched.spools[0].length().expected_bytes, Some(SIZE as u64), "{path}");
    }
    // It says more than it ever sends: asked for the rest, it has none.
    let page = site.page("/large.mp4", Page { said_total: Some(SIZE as u64 + 10), ..film(&[]) });
    assert_eq!(whole_with(config(), site.link("/large.mp4"), folder.path()).await.unwrap_err().reason, Reason::Network);
    assert_eq!(page.asked(header::RANGE).last().unwrap().as_deref(), Some("bytes=300000-"));
}

#[tokio::test]
async fn too_large_is_seen_before_or_midway() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let small = FetchConfig { max_bytes: 100_000, ..config() };
    let page = site.page("/declared.mp4", film(&[]));
    let too_large = Reason::TooLarge { size_bytes: Some(SIZE as u64), limit_bytes: 100_000 };
    assert_eq!(fetch_with(small.clone(), site.link("/declared.mp4"), folder.path()).await.unwrap_err().reason, too_large);
    let fetcher = Fetcher::new(small.clone()).unwrap();
    assert_eq!(fetcher.inspect(&site.link("/declared.mp4"), &CancellationToken::new()).await.unwrap_err().reason, too_large);
    assert_eq!(page.requests().len(), 3);

    site.page("/chunked.mp4", Page { sized: false, ranges: false, ..film(&[]) });
    let failure = whole_with(small, site.link("/chunked.mp4"), folder.path()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::TooLarge { size_bytes: None, limit_bytes: 100_000 });
    let full = FetchConfig { keep_free_bytes: u64::MAX, ..config() };
    assert_eq!(fetch_with(full, site.link("/declared.mp4"), folder.path()).await.unwrap_err().reason, Reason::DiskFull);
}

#[tokio::test]
async fn answers_that_are_no_file_have_their_reasons() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let status = |status| Page { status: Some(status), ..Page::of(b"no") };
    site.page("/410", status(410));
    site.page("/401", status(401));
    site.page("/403", status(403));
    site.page("/503", status(503));
    site.page("/204", Page { status: Some(204), sized: false, ..Page::default() });
    site.page("/empty.mp4", Page::of(b""));
    site.page("/chunked-empty.mp4", Page { sized: false, ..Page::default() });
    site.page("/packed.mp4", film(&[]).header(header::CONTENT_ENCODING, "gzip"));
    site.redirect("/loop", "/loop");
    site.redirect("/away", "file:///etc/passwd");
    let table = [
        ("/404", Reason::NotFound),
        ("/410", Reason::NotFound),
        ("/401", Reason::HttpStatus { status: 401 }),
        ("/403", Reason::HttpStatus { status: 403 }),
        ("/503", Reason::HttpStatus { status: 503 }),
        ("/204", Reason::Empty),
        ("/empty.mp4", Reason::Empty),
        ("/chunked-empty.mp4", Reason::Empty),
        ("/packed.mp4", Reason::Unsupported),
        ("/loop", Reason::Unsupported),
        ("/away", Reason::Unsupported),
    ];
    for (path, expected) in table {
        assert_eq!(fetch_with(config(), site.link(path), folder.path()).await.unwrap_err().reason, expected, "{path}");
    }
    let closed = crate::model::Link::parse("http://127.0.0.1:1/a.mp4").unwrap();
    assert_eq!(fetch_with(config(), closed, folder.path()).await.unwrap_err().reason, Reason::Network);
}

#[tokio::test]
async fn redirects_are_followed_and_name_the_file() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    site.redirect("/short", "/hop");
    site.redirect("/hop", "/films/real%20name.mp4");
    site.page("/films/real%20name.mp4", film(&[]));
    let fetched = fetch_with(config(), site.link("/short"), folder.path()).await.unwrap();
    assert_eq!(fetched.file.file_name, "real name.mp4");
    assert_eq!(bytes_of(&fetched).await.unwrap(), content(SIZE));
}

#[tokio::test]
async fn private_addresses_are_not_even_asked() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let page = site.page("/a.mp4", film(&[]));
    let strict = FetchConfig { allow_private_addresses: false, ..config() };
    for host in ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"] {
        let link = crate::model::Link::parse(&format!("http://{host}:{}/a.mp4", site.address().port())).unwrap();
        assert_eq!(fetch_with(strict.clone(), link, folder.path()).await.unwrap_err().reason, Reason::PrivateAddress, "{host}");
    }
    assert_eq!(page.requests().len(), 0);
}

#[tokio::test]
async fn cancelling_or_dropping_all_readers_ends_the_connection() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let patient = FetchConfig { stall_timeout_s: 600, ..config() };
    let fetcher = Fetcher::new(patient).unwrap();
    let page = site.page("/a.mp4", film(&[(1, 1000, Fault::Stall), (2, 1000, Fault::Stall), (3, 0, Fault::Stall)]));
    let request = FetchRequest { link: site.link("/a.mp4"), choice: Choice::Video, folder: folder.path().to_owned() };
    let progress = ProgressSender::channel().0;

    let cancel = CancellationToken::new();
    let fetched = fetcher.fetch(request.clone(), &progress, &cancel).await.unwrap();
    assert_eq!(fetched.spools[0].read(0..1000).await.unwrap(), content(1000));
    cancel.cancel();
    assert_eq!(bytes_of(&fetched).await.unwrap_err().reason, Reason::Cancelled);
    page.given_up.notified().await;

    let fetched = fetcher.fetch(request.clone(), &progress, &CancellationToken::new()).await.unwrap();
    drop(fetched);
    page.given_up.notified().await;

    let cancelled = CancellationToken::new();
    cancelled.cancel();
    assert_eq!(fetcher.fetch(request, &progress, &cancelled).await.unwrap_err().reason, Reason::Cancelled);
}

#[tokio::test]
async fn pictures_are_bounded_and_nothing_else_is_taken_for_one() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let picture = |body: &[u8]| Page::of(body).header(header::CONTENT_TYPE, "image/jpeg");
    site.page("/a.jpg", picture(b"\xff\xd8picture"));
    site.page("/huge.jpg", picture(&vec![0; 10_000_001]));
    site.html("/page", "<p>");
    let fetcher = Fetcher::new(config()).unwrap();
    let to = folder.path().join("picture");
    let cancel = CancellationToken::new();
    fetcher.download_picture(site.link("/a.jpg").as_str(), &to, &cancel).await.unwrap();
    assert_eq!(std::fs::read(&to).unwrap(), b"\xff\xd8picture");
    for path in ["/huge.jpg", "/page", "/none"] {
        assert!(fetcher.download_picture(site.link(path).as_str(), &to, &cancel).await.is_err(), "{path}");
        assert!(!to.exists(), "{path}");
    }
}
