//! Subtitles beside a content, through the real yt-dlp.
//!
//! In: pages and playlists served on this machine. Out: files of text. Must not: run without yt-dlp and pass.

use axum::http::header;
use tokio_util::sync::CancellationToken;

use super::site::{Page, Site};
use super::ytdlp::settings;
use crate::config::FetchConfig;
use crate::fetch::{Fetcher, TextRequest};
use crate::model::{Failure, Reason, SubtitleOffer};

const TEXT: &str = "WEBVTT\n\n00:00.200 --> 00:01.000\nHello\n";
const PAGE: &str = "<html><body><video src=\"clip.mp4\"><track kind=\"subtitles\" src=\"en.vtt\" srclang=\"en-GB\">\
    <track kind=\"subtitles\" src=\"huge.vtt\" srclang=\"de\"><track kind=\"subtitles\" src=\"page.vtt\" srclang=\"fr\"></video></body></html>";
const PLAYLIST: &str = "application/vnd.apple.mpegurl";

async fn site() -> Site {
    let site = Site::serve().await;
    site.html("/page", PAGE);
    site.file("/clip.mp4", b"\0\0\0\x18ftypisom no film at all");
    site.page("/en.vtt", Page::of(TEXT.as_bytes()).header(header::CONTENT_TYPE, "text/vtt"));
    site.page("/huge.vtt", Page::of(&vec![b'x'; 11 << 20]).header(header::CONTENT_TYPE, "text/vtt"));
    site.html("/page.vtt", "<html>Log in</html>");
    let master = "#EXTM3U\n#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"en\",URI=\"text.m3u8\"\n\
        #EXT-X-STREAM-INF:BANDWIDTH=800000,RESOLUTION=320x240,CODECS=\"avc1.64000d,mp4a.40.2\",SUBTITLES=\"s\"\nvideo.m3u8\n";
    site.page("/master.m3u8", Page::of(master.as_bytes()).header(header::CONTENT_TYPE, PLAYLIST));
    let text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nen.vtt\n#EXT-X-ENDLIST\n";
    site.page("/text.m3u8", Page::of(text.as_bytes()).header(header::CONTENT_TYPE, PLAYLIST));
    site.page("/video.m3u8", Page::of(text.replace("en.vtt", "clip.mp4").as_bytes()).header(header::CONTENT_TYPE, PLAYLIST));
    site
}

async fn fetch(fetcher: &Fetcher, site: &Site, path: &str, language: &str, folder: &tempfile::TempDir) -> Result<Option<String>, Failure> {
    let request = TextRequest { link: site.link(path), language: language.into(), also_automatic: true, folder: folder.path().to_owned() };
    let path = fetcher.subtitles(request, &CancellationToken::new()).await?;
    Ok(path.map(|path| std::fs::read_to_string(path).unwrap()))
}

#[tokio::test]
async fn a_page_offers_them_and_one_language_comes_as_a_file() {
    let (site, folder) = (site().await, tempfile::tempdir().unwrap());
    let fetcher = Fetcher::new(settings()).unwrap();
    let card = fetcher.inspect(&site.link("/page"), &CancellationToken::new()).await.unwrap();
    let expected = ["de", "en-GB", "fr"].map(|language| SubtitleOffer { language: language.into(), automatic: false });
    let mut found = card.subtitles;
    found.sort_by(|one, other| one.language.cmp(&other.language));
    assert_eq!(found, expected);
    assert_eq!(fetch(&fetcher, &site, "/page", "en", &folder).await.unwrap().as_deref(), Some(TEXT));
    assert_eq!(fetch(&fetcher, &site, "/page", "nl", &folder).await.unwrap(), None);
    // What was fetched before is there again, whatever the site says now.
    site.file("/en.vtt", b"");
    assert_eq!(fetch(&fetcher, &site, "/page", "en-GB", &folder).await.unwrap().as_deref(), Some(TEXT));
    let failure = fetch(&fetcher, &site, "/page", "de", &folder).await.unwrap_err();
    assert!(matches!(failure.reason, Reason::TooLarge { .. }), "{failure}");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["subtitles-en-GB.vtt"], "nothing of what failed stays");
}

#[tokio::test]
async fn a_playlist_and_settings_of_the_network_leave_them_to_yt_dlp() {
    let site = site().await;
    let folder = tempfile::tempdir().unwrap();
    let text = fetch(&Fetcher::new(settings()).unwrap(), &site, "/master.m3u8", "en", &folder).await.unwrap().unwrap();
    assert!(text.starts_with("WEBVTT") && text.contains("Hello"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let other = FetchConfig { yt_dlp_args: vec!["-4".into()], ..settings() };
    assert_eq!(fetch(&Fetcher::new(other).unwrap(), &site, "/page", "en", &folder).await.unwrap().as_deref(), Some(TEXT));
}
