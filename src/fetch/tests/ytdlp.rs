//! Pages and streams through the real yt-dlp and the real ffmpeg.
//!
//! In: media made by the `ffmpeg` program, served on this machine. Out: what yt-dlp makes of it. Must not: run without yt-dlp and pass.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::header;
use tokio_util::sync::CancellationToken;

use super::site::{Fault, Page, Site};
use super::{bytes_of, config, fetch_with};
use crate::config::FetchConfig;
use crate::fetch::{FetchRequest, Fetched, Fetcher};
use crate::model::{Choice, Failure, Link, ProgressSender, Reason};

/// Names the yt-dlp to test with; otherwise the one that scripts/setup.sh installs is taken.
const PROGRAM_VARIABLE: &str = "TGFERRY_TEST_YT_DLP";

pub(super) fn settings() -> FetchConfig {
    let installed = || PathBuf::from(std::env::var_os("HOME").expect("HOME is set")).join(".cache/tgferry/venv/bin/yt-dlp");
    let yt_dlp = std::env::var_os(PROGRAM_VARIABLE).map_or_else(installed, PathBuf::from);
    assert!(yt_dlp.is_file(), "{} is missing: run scripts/setup.sh, or name a yt-dlp in {PROGRAM_VARIABLE}", yt_dlp.display());
    FetchConfig { yt_dlp, stall_timeout_s: 20, ..config() }
}

fn run(program: &str, folder: &Path, arguments: &str) -> String {
    let output =
        Command::new(program).args(arguments.split_whitespace()).current_dir(folder).output().expect("ffmpeg and ffprobe are installed");
    assert!(output.status.success(), "{program} {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A DASH manifest whose picture and sound are one file each.
pub(super) fn single_file_manifest(picture: &str, sound: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" mediaPresentationDuration=\"PT6.0S\" \
        profiles=\"urn:mpeg:dash:profile:isoff-on-demand:2011\"><Period>\
        <AdaptationSet contentType=\"video\"><Representation id=\"v\" mimeType=\"video/mp4\" codecs=\"avc1.42c00d\" bandwidth=\"700000\" width=\"320\" height=\"240\">\
        <BaseURL>{picture}</BaseURL><SegmentBase indexRange=\"0-100\"><Initialization range=\"0-50\"/></SegmentBase></Representation></AdaptationSet>\
        <AdaptationSet contentType=\"audio\"><Representation id=\"a\" mimeType=\"audio/mp4\" codecs=\"mp4a.40.2\" bandwidth=\"70000\" audioSamplingRate=\"44100\">\
        <BaseURL>{sound}</BaseURL><SegmentBase indexRange=\"0-100\"><Initialization range=\"0-50\"/></SegmentBase></Representation></AdaptationSet>\
        </Period></MPD>"
    )
}

/// A site with a clip of 6 s, as a file and as HLS streams: `joined.m3u8`, and `apart.m3u8` with picture and sound by themselves.
async fn film_site() -> Site {
    let (site, folder) = (Site::serve().await, tempfile::tempdir().unwrap());
    let folder = folder.path();
    run(
        "ffmpeg",
        folder,
        "-v error -f lavfi -i testsrc2=size=320x240:rate=25:duration=6 -f lavfi -i sine=duration=6 -c:v libx264 -preset ultrafast -g 25 -c:a aac clip.mp4",
    );
    for (streams, name) in [("", "joined"), ("-an", "video"), ("-vn", "sound")] {
        run("ffmpeg", folder, &format!("-v error -i clip.mp4 {streams} -c copy -hls_time 2 -hls_list_size 0 {name}.m3u8"));
    }
    run("ffmpeg", folder, "-v error -i clip.mp4 -c copy -f dash dash.mpd");
    for (streams, name) in [("-an", "picture.mp4"), ("-vn", "sound.m4a")] {
        run("ffmpeg", folder, &format!("-v error -i clip.mp4 {streams} -c copy {name}"));
    }
    site.file("/single.mpd", single_file_manifest("picture.mp4", "sound.m4a").as_bytes());
    let joined = std::fs::read_to_string(folder.join("joined.m3u8")).unwrap();
    let strange = joined.replacen("#EXTINF", "#EXT-X-KEY:METHOD=STRANGE\n#EXTINF", 1);
    site.file("/strange.m3u8", strange.as_bytes());
    let apart = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"en\",DEFAULT=YES,URI=\"sound.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=320x240,CODECS=\"avc1.64000d,mp4a.40.2\",AUDIO=\"a\"\nvideo.m3u8\n";
    site.page("/apart.m3u8", Page::of(apart.as_bytes()).header(header::CONTENT_TYPE, "application/vnd.apple.mpegurl"));
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        site.file(&format!("/{name}"), &std::fs::read(folder.join(&name)).unwrap());
    }
    site
}

/// Kinds of streams and whole seconds, as ffprobe sees them: `video,audio 6`.
fn probe(path: &Path) -> String {
    let ask =
        |entries: &str| run("ffprobe", path.parent().unwrap(), &format!("-v error -show_entries {entries} -of csv=p=0 {}", path.display()));
    let mut kinds: Vec<String> = ask("stream=codec_type").split_whitespace().map(|kind| kind.trim_matches(',').to_owned()).collect();
    kinds.sort_by_key(|kind| kind == "audio");
    kinds.dedup();
    format!("{} {:.0}", kinds.join(","), ask("format=duration").trim().parse::<f64>().unwrap())
}

pub(super) async fn fetch(fetcher: &Fetcher, link: Link, choice: Choice, folder: &Path) -> Result<Fetched, Failure> {
    let request = FetchRequest { link, choice, folder: folder.to_owned() };
    fetcher.fetch(request, &ProgressSender::channel().0, &CancellationToken::new()).await
}

#[tokio::test]
async fn a_page_is_read_once_for_card_and_download() {
    let (site, folder) = (film_site().await, tempfile::tempdir().unwrap());
    let html = "<html><head><title>My/../ page</title><meta property=\"og:image\" content=\"/pic.jpg\"></head><body><video src=\"clip.mp4\"></video></body></html>";
    let page = site.html("/page", html);
    site.page("/pic.jpg", Page::of(b"\xff\xd8picture").header(header::CONTENT_TYPE, "image/jpeg"));
    let fetcher = Fetcher::new(settings()).unwrap();
    let card = fetcher.inspect(&site.link("/page"), &CancellationToken::new()).await.unwrap();
    assert!(card.title.starts_with("My/../ page"), "{}", card.title);
    assert_eq!((card.source.as_str(), card.picture), ("127.0.0.1", Some(site.link("/pic.jpg").to_string())));
    let asked = page.requests().len();

    let (progress, seen) = ProgressSender::channel();
    let request = FetchRequest { link: site.link("/page"), choice: Choice::Video, folder: folder.path().to_owned() };
    let fetched = fetcher.fetch(request, &progress, &CancellationToken::new()).await.unwrap();
    assert_eq!(page.requests().len(), asked, "the metadata is not read twice");
    let bytes = bytes_of(&fetched).await.unwrap();
    assert_eq!(bytes.len() as u64, seen.borrow().done);
    assert_eq!(seen.borrow().fraction(), Some(1.0));
    assert_eq!(probe(fetched.spools[0].path()), "video,audio 6");
    let file = fetched.file;
    assert!(file.file_name.starts_with("My_.._ page") && file.file_name.ends_with(".mp4"), "{}", file.file_name);
    assert_eq!(file.mime.as_deref(), Some("video/mp4"));
    assert_eq!(std::fs::read(file.picture.unwrap()).unwrap(), b"\xff\xd8picture");
    assert!(fetched.spools[0].path().starts_with(folder.path().canonicalize().unwrap()));
}

#[tokio::test]
async fn streams_become_files() {
    let site = film_site().await;
    let fetcher = Fetcher::new(settings()).unwrap();
    let table = [
        ("/joined.m3u8", Choice::Video, vec!["video,audio 6"]),
        ("/apart.m3u8", Choice::Video, vec!["video 6", "audio 6"]),
        ("/apart.m3u8", Choice::Audio, vec!["audio 6"]),
        ("/dash.mpd", Choice::Video, vec!["video 6", "audio 6"]),
        ("/single.mpd", Choice::Audio, vec!["audio 6"]),
        // yt-dlp leaves it to ffmpeg, which writes its file until it ends.
        ("/strange.m3u8", Choice::Video, vec!["video,audio 6"]),
    ];
    for (path, choice, expected) in table {
        let folder = tempfile::tempdir().unwrap();
        let fetched = fetch(&fetcher, site.link(path), choice, folder.path()).await.unwrap();
        for spool in &fetched.spools {
            spool.finished().await.unwrap();
        }
        let found: Vec<_> = fetched.spools.iter().map(|spool| probe(spool.path())).collect();
        assert_eq!(found, expected, "{path} {choice:?}");
        let extension = if choice == Choice::Audio && path == "/single.mpd" { "m4a" } else { "mp4" };
        assert!(fetched.file.file_name.ends_with(&format!(".{extension}")), "{path}: {}", fetched.file.file_name);
    }
}

#[tokio::test]
async fn pages_without_a_film_have_their_reasons() {
    let (site, folder) = (film_site().await, tempfile::tempdir().unwrap());
    site.html("/login", "<html><body><form action=/login><input type=password></form></body></html>");
    site.page(
        "/refusing.m3u8",
        Page { status: Some(200), ..Page::of(b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ngone.ts\n#EXT-X-ENDLIST\n") },
    );
    site.file("/live.m3u8", b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:2,\njoined0.ts\n");
    let table = [("/login", Reason::WebPage), ("/live.m3u8", Reason::Live), ("/refusing.m3u8", Reason::NotFound)];
    for (path, expected) in table {
        let failure = fetch_with(settings(), site.link(path), folder.path()).await.unwrap_err();
        assert_eq!(failure.reason, expected, "{path}: {failure}");
    }
    let missing = FetchConfig { yt_dlp: "/no/such/program".into(), ..settings() };
    assert_eq!(fetch_with(missing, site.link("/login"), folder.path()).await.unwrap_err().reason, Reason::Downloader);
    let small = FetchConfig { max_bytes: 100_000, ..settings() };
    let failure = match fetch_with(small, site.link("/joined.m3u8"), folder.path()).await {
        Ok(fetched) => bytes_of(&fetched).await.unwrap_err(), // it is seen while the stream grows
        Err(failure) => failure,
    };
    assert!(matches!(failure.reason, Reason::TooLarge { limit_bytes: 100_000, .. }), "{failure}");
}

#[tokio::test]
async fn cancelling_kills_the_program_at_once() {
    let (site, folder) = (film_site().await, tempfile::tempdir().unwrap());
    let playlist = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nstuck.ts\n#EXT-X-ENDLIST\n";
    site.file("/stuck.m3u8", playlist);
    let stuck = site.page("/stuck.ts", Page { faults: vec![Some((5000, Fault::Stall))], ..Page::of(&[7; 90_000]) });
    let (progress, mut seen) = ProgressSender::channel();
    let cancel = CancellationToken::new();
    let fetcher = Fetcher::new(settings()).unwrap();
    let request = FetchRequest { link: site.link("/stuck.m3u8"), choice: Choice::Video, folder: folder.path().to_owned() };
    let work = tokio::spawn({
        let cancel = cancel.clone();
        async move { fetcher.fetch(request, &progress, &cancel).await }
    });
    seen.wait_for(|progress| progress.done > 0).await.unwrap();
    assert!(running_in(folder.path()) > 0);
    let since = Instant::now();
    cancel.cancel();
    assert_eq!(work.await.unwrap().unwrap_err().reason, Reason::Cancelled);
    stuck.given_up.notified().await;
    while running_in(folder.path()) > 0 {
        tokio::task::yield_now().await;
    }
    assert!(since.elapsed() < Duration::from_secs(1), "{:?}", since.elapsed());
}

#[tokio::test]
async fn the_program_says_what_it_is() {
    let version = Fetcher::new(settings()).unwrap().yt_dlp_version().await.unwrap();
    assert!(version.version.starts_with("20"), "{version:?}");
}

/// Processes, zombies left out, that work in a folder.
fn running_in(folder: &Path) -> usize {
    let folder = folder.canonicalize().unwrap();
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    processes.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder)).count()
}
