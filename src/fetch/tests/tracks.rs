//! Streams that grow: picture and sound side by side, playlists fragment by fragment, and what is left of them after a break.
//!
//! In: a site that holds bodies back; the real yt-dlp. Out: what the spools have by then, and what was asked for. Must not: wait for time.

use axum::http::header;
use tokio_util::sync::CancellationToken;

use super::site::{Fault, Page, Site};
use super::ytdlp::{fetch, settings, single_file_manifest};
use super::{all_of, bytes_of, content};
use crate::config::FetchConfig;
use crate::fetch::{FetchRequest, Fetcher};
use crate::model::{Choice, ProgressSender, Reason};

const PICTURE: usize = 700_000;
const SOUND: usize = 90_000;

/// Nothing here reads the content, so it may be any bytes.
fn half(length: usize, fault: Fault) -> Page {
    Page { etags: vec!["\"v1\""], faults: vec![Some((length / 2, fault))], ..Page::of(&content(length)) }
}

fn two_tracks(site: &Site, fault: Fault) -> (Page, Page) {
    site.file("/film.mpd", single_file_manifest("picture.mp4", "sound.m4a").as_bytes());
    (site.page("/picture.mp4", half(PICTURE, fault)), site.page("/sound.m4a", half(SOUND, fault)))
}

/// A playlist of three pieces, the second and third of which may have faults.
fn pieces(site: &Site, faults: [Option<(usize, Fault)>; 2]) -> Vec<Page> {
    let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n0.ts\n#EXTINF:2,\n1.ts\n#EXTINF:2,\n2.ts\n#EXT-X-ENDLIST\n";
    site.file("/film.m3u8", playlist.as_bytes());
    let fault = |number: usize| faults.get(number.wrapping_sub(1)).copied().flatten();
    (0..3).map(|number| site.page(&format!("/{number}.ts"), Page { faults: vec![fault(number)], ..Page::of(&piece(number)) })).collect()
}

fn piece(number: usize) -> Vec<u8> {
    vec![number as u8 + 1; 50_000 + number]
}

#[tokio::test]
async fn picture_and_sound_come_side_by_side() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let (picture, sound) = two_tracks(&site, Fault::Gate);
    let (progress, seen) = ProgressSender::channel();
    let request = FetchRequest { link: site.link("/film.mpd"), choice: Choice::Video, folder: folder.path().to_owned() };
    let fetcher = Fetcher::new(settings()).unwrap();
    let fetched = fetcher.fetch(request, &progress, &CancellationToken::new()).await.unwrap();
    let [first, second] = fetched.spools.as_slice() else { panic!("{} spools", fetched.spools.len()) };
    first.wait_for(0..(PICTURE / 2) as u64).await.unwrap();
    second.wait_for(0..(SOUND / 2) as u64).await.unwrap();
    assert!(!first.length().finished && !second.length().finished);
    assert_eq!((first.length().expected_bytes, second.length().expected_bytes), (Some(PICTURE as u64), Some(SOUND as u64)));
    assert_eq!(seen.borrow().total, Some((PICTURE + SOUND) as u64));
    sound.open();
    assert_eq!(all_of(second).await.unwrap(), content(SOUND));
    picture.open();
    assert_eq!(all_of(first).await.unwrap(), content(PICTURE));
    assert_eq!(seen.borrow().done, (PICTURE + SOUND) as u64);
    assert!(fetched.file.file_name.ends_with(".mp4"), "{}", fetched.file.file_name);
    assert!(picture.asked(header::USER_AGENT)[0].as_deref().is_some_and(|agent| agent.contains("Mozilla")), "yt-dlp's headers are sent");
}

#[tokio::test]
async fn a_limit_is_for_both_together_and_one_end_is_the_end_of_both() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let (picture, sound) = two_tracks(&site, Fault::Stall);
    let small = FetchConfig { max_bytes: PICTURE as u64 + 10, ..settings() };
    let failure = fetch(&Fetcher::new(small).unwrap(), site.link("/film.mpd"), Choice::Video, folder.path()).await.unwrap_err();
    let limit_bytes = PICTURE as u64 + 10;
    assert_eq!(failure.reason, Reason::TooLarge { size_bytes: Some((PICTURE + SOUND) as u64), limit_bytes });

    let (picture, sound) = (site.page("/picture.mp4", picture.anew()), site.page("/sound.m4a", sound.anew()));
    let fetcher = Fetcher::new(FetchConfig { stall_timeout_s: 600, ..settings() }).unwrap();
    let mut fetched = fetch(&fetcher, site.link("/film.mpd"), Choice::Video, folder.path()).await.unwrap();
    drop(fetched.spools.remove(0));
    assert_eq!(fetched.spools[0].finished().await.unwrap_err().reason, Reason::Cancelled);
    picture.given_up.notified().await;
    sound.given_up.notified().await;

    // The sound ends before its time: the picture fails with the reason of the sound.
    let once = Fetcher::new(FetchConfig { resume_attempts: 0, stall_timeout_s: 600, ..settings() }).unwrap();
    site.page("/picture.mp4", picture.anew());
    let short = Page { said_total: Some(SOUND as u64 + 1), sized: false, faults: vec![Some((SOUND / 2, Fault::Gate))], ..sound.anew() };
    let short = site.page("/sound.m4a", short);
    let fetched = fetch(&once, site.link("/film.mpd"), Choice::Video, tempfile::tempdir().unwrap().path()).await.unwrap();
    short.open();
    assert_eq!(fetched.spools[0].finished().await.unwrap_err().reason, Reason::Network);
}

#[tokio::test]
async fn what_we_are_refused_yt_dlp_may_get() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let (picture, _) = two_tracks(&site, Fault::Gate);
    let picture = site.page("/picture.mp4", Page { statuses: vec![403], ..picture.anew() });
    picture.open();
    let fetched = fetch(&Fetcher::new(settings()).unwrap(), site.link("/film.mpd"), Choice::Video, folder.path()).await.unwrap();
    assert_eq!(all_of(&fetched.spools[0]).await.unwrap(), content(PICTURE));
    assert_eq!(fetched.spools[0].path().file_name().unwrap(), "track-0.media");
    assert_eq!(fetched.spools[1].path().file_name().unwrap(), "track-1.bin");
}

#[tokio::test]
async fn files_are_gone_on_with_under_another_address() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let (picture, sound) = two_tracks(&site, Fault::Stall);
    let fetcher = Fetcher::new(FetchConfig { stall_timeout_s: 600, ..settings() }).unwrap();
    let fetched = fetch(&fetcher, site.link("/film.mpd"), Choice::Video, folder.path()).await.unwrap();
    fetched.spools[0].wait_for(0..(PICTURE / 2) as u64).await.unwrap();
    fetched.spools[1].wait_for(0..(SOUND / 2) as u64).await.unwrap();
    drop(fetched);
    picture.given_up.notified().await;
    sound.given_up.notified().await;

    // The addresses that the fetcher still knows have run out; the site names others.
    site.page("/picture.mp4", Page { status: Some(403), ..Page::of(b"") });
    site.file("/film.mpd", single_file_manifest("later/picture.mp4", "later/sound.m4a").as_bytes());
    let later = site.page("/later/picture.mp4", Page { etags: vec!["\"v1\""], ..Page::of(&content(PICTURE)) });
    let other_version = vec![7; SOUND];
    site.page("/later/sound.m4a", Page { etags: vec!["\"v2\""], ..Page::of(&other_version) });
    let fetched = fetch(&fetcher, site.link("/film.mpd"), Choice::Video, folder.path()).await.unwrap();
    assert_eq!(all_of(&fetched.spools[0]).await.unwrap(), content(PICTURE));
    assert_eq!(all_of(&fetched.spools[1]).await.unwrap(), other_version);
    assert_eq!(later.asked(header::RANGE), [Some(format!("bytes={}-", PICTURE / 2 - 1))]);
    assert_eq!(later.sent_bytes(), (PICTURE / 2 + 1) as u64);
}

#[tokio::test]
async fn a_playlist_grows_fragment_by_fragment() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let pages = pieces(&site, [Some((1000, Fault::Gate)), None]);
    let fetched = fetch(&Fetcher::new(settings()).unwrap(), site.link("/film.m3u8"), Choice::Video, folder.path()).await.unwrap();
    let spool = &fetched.spools[0];
    assert_eq!(spool.read(0..50_000).await.unwrap(), piece(0));
    assert!(!spool.length().finished && spool.length().ready_bytes() == 50_000, "{:?}", spool.length());
    pages[1].open();
    assert_eq!(bytes_of(&fetched).await.unwrap(), [piece(0), piece(1), piece(2)].concat());
}

#[tokio::test]
async fn a_playlist_is_gone_on_with_after_a_break() {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let pages = pieces(&site, [None, Some((30_000, Fault::Stall))]);
    let (progress, mut seen) = ProgressSender::channel();
    let request = FetchRequest { link: site.link("/film.m3u8"), choice: Choice::Video, folder: folder.path().to_owned() };
    let fetcher = Fetcher::new(settings()).unwrap();
    let fetched = fetcher.fetch(request, &progress, &CancellationToken::new()).await.unwrap();
    seen.wait_for(|progress| progress.done > 100_001).await.unwrap();
    assert!(fetched.spools[0].length().ready_bytes() >= 100_001);
    drop((fetched, fetcher));
    pages[2].given_up.notified().await;
    // What a crash leaves between the fragment and the note of it: the fragment is there and nobody knows.
    let media = folder.path().join("track-0.media");
    let mut torn = std::fs::read(&media).unwrap();
    torn.extend_from_slice(&piece(2)[..20_000]);
    std::fs::write(&media, torn).unwrap();

    let again = fetch(&Fetcher::new(settings()).unwrap(), site.link("/film.m3u8"), Choice::Video, folder.path()).await.unwrap();
    assert_eq!(bytes_of(&again).await.unwrap(), [piece(0), piece(1), piece(2)].concat());
    let requests: Vec<usize> = pages.iter().map(|page| page.requests().len()).collect();
    assert_eq!(requests, [1, 1, 2], "only what was missing was asked for");

    // A stream that is whole is not fetched a third time.
    let third = fetch(&Fetcher::new(settings()).unwrap(), site.link("/film.m3u8"), Choice::Video, folder.path()).await.unwrap();
    assert_eq!(bytes_of(&third).await.unwrap().len(), 150_003);
    assert_eq!(pages[2].requests().len(), 2);
}
