//! Subtitles. In: clips with tracks of text, files of text. Out: assertions, by what the `ffmpeg` program reads. Must not: compare pictures of letters to the pixel.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tgferry::media::{Language, SubtitlesRequest, SubtitlesWork, text_track};
use tgferry::model::{Failure, ProgressSender, Reason};
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, H264, PICTURE, TONE, assert_decodes, make, packets, probe, stream};
use super::compare::{frames, likeness};

const ENGLISH: &str = "1\n00:00:00,500 --> 00:00:01,000\nHello <i>there</i>\n\n2\n00:00:01,200 --> 00:00:01,700\nTwo\nlines\n\n";
const GERMAN: &str = "1\n00:00:00,520 --> 00:00:01,040\nGrüße, мир\n\n";

/// A film with German text as ASS and English as SRT. With sound, all of it starts a little later in the container: AAC begins before zero.
fn film(bench: &Bench, name: &str, sound: &[&str]) -> PathBuf {
    let (english, german) = (bench.write("english.srt", ENGLISH.as_bytes()), bench.write("german.srt", GERMAN.as_bytes()));
    let texts = ["-i", german.to_str().expect("a path"), "-i", english.to_str().expect("a path")];
    let maps = ["-map", "0:v", "-map", "1:s", "-map", "2:s", "-c:s:0", "ass", "-c:s:1", "srt"];
    let tags = ["-metadata:s:s:0", "language=ger", "-metadata:s:s:1", "language=eng"];
    let input = bench.path(name);
    make(&input, &[PICTURE, &texts, sound, &maps, &tags, H264, AAC]);
    input
}

async fn work(bench: &Bench, input: &Path, file: Option<PathBuf>, language: Option<&str>, work: SubtitlesWork) -> Result<PathBuf, Failure> {
    let folder = bench.path("a folder: with, [signs]");
    std::fs::create_dir_all(&folder).expect("the job's folder");
    let language = language.and_then(Language::parse);
    let info = bench.media.probe(input, &CancellationToken::new()).await.expect("it reads");
    let track = text_track(&info, language.as_ref());
    let request = SubtitlesRequest { input: input.to_owned(), file, track, language, work, folder };
    let (progress, _watch) = ProgressSender::channel();
    bench.media.subtitles(request, &progress, &CancellationToken::new()).await
}

/// A track as the `ffmpeg` program writes it.
pub(super) fn srt(path: &Path, track: usize) -> String {
    let arguments =
        ["-loglevel", "error", "-nostdin", "-i", path.to_str().expect("a path"), "-map", &format!("0:s:{track}"), "-f", "srt", "-"];
    let output = Command::new("ffmpeg").args(arguments).output().expect("the ffmpeg program is installed for tests");
    String::from_utf8(output.stdout).expect("text").replace("\r\n", "\n")
}

fn tracks(probed: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let streams = probed["streams"].as_array().expect("streams").iter().filter(|stream| stream["codec_type"] == "subtitle");
    streams.map(|stream| (text(&stream["codec_name"]), text(&stream["tags"]["language"]))).collect()
}

#[tokio::test]
async fn a_track_is_taken_out_by_its_language() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", &[]);
    for (language, expected) in [(Some("en"), ENGLISH), (Some("de"), GERMAN), (None, GERMAN)] {
        let made = work(&bench, &input, None, language, SubtitlesWork::Extract).await.expect("a file");
        assert!(made.ends_with("subtitles.srt"));
        assert_eq!(std::fs::read_to_string(&made).expect("it reads"), expected, "{language:?}");
    }
    // From what this program itself made, where text is kept in another form.
    let made = work(&bench, &input, Some(bench.path("english.srt")), Some("fr"), SubtitlesWork::AddTrack).await.expect("a film");
    let again = bench.path("again.mp4");
    std::fs::rename(made, &again).expect("it is moved");
    let made = work(&bench, &again, None, Some("fr"), SubtitlesWork::Extract).await.expect("a file");
    assert_eq!(std::fs::read_to_string(&made).expect("it reads"), ENGLISH);
}

#[tokio::test]
async fn a_file_becomes_a_track_beside_those_that_are_there() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", &[]);
    let vtt = bench.write("french.vtt", "WEBVTT\n\n00:00.400 --> 00:00.900\nÇa va\n".as_bytes());
    let made = work(&bench, &input, Some(vtt), Some("fr"), SubtitlesWork::AddTrack).await.expect("a film");
    assert_decodes(&made);
    let probed = probe(&made);
    let expected = ["deu", "eng", "fra"].map(|language| ("mov_text".to_owned(), language.to_owned()));
    assert_eq!(tracks(&probed), expected);
    assert_eq!([srt(&made, 0), srt(&made, 1)], [GERMAN, ENGLISH]);
    assert_eq!(srt(&made, 2), "1\n00:00:00,400 --> 00:00:00,900\nÇa va\n\n");
    let hashes = |path: &Path| packets(path).into_iter().map(|packet| packet.hash).collect::<Vec<_>>();
    assert_eq!(hashes(&made), hashes(&input), "picture and sound are copied");
    assert_eq!(stream(&probed, "video").expect("a picture")["codec_name"], "h264");
}

#[tokio::test]
async fn what_is_burnt_in_is_seen_while_it_is_said() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", &[TONE, &["-map", "3:a"]].concat());
    let ass = bench.path("english.ass");
    make(&ass, &[&["-i", bench.path("english.srt").to_str().expect("a path")]]);
    // A track of the film, and a file.
    for (file, language) in [(None, Some("de")), (Some(ass), None)] {
        let made = work(&bench, &input, file.clone(), language, SubtitlesWork::BurnIn).await.expect("a film");
        assert_decodes(&made);
        assert!(tracks(&probe(&made)).is_empty());
        assert!(stream(&probe(&made), "audio").is_some());
        assert_eq!(frames(&made).len(), 50);
        let likeness = likeness(&made, &input, 0);
        let (said, unsaid) = (&likeness[15..24], likeness[..10].iter().chain(&likeness[44..]));
        let (best, worst) = (said.iter().copied().fold(0.0, f64::max), unsaid.copied().fold(99.0, f64::min));
        assert!(best + 1.0 < worst, "{language:?}: letters change the picture: {best} against {worst} dB");
        let left: Vec<_> =
            std::fs::read_dir(made.parent().expect("a folder")).expect("it reads").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(left, ["burnt-in.mp4"]);
    }
}

#[tokio::test]
async fn what_is_no_text_is_refused() {
    let bench = Bench::new();
    let input = film(&bench, "film.mkv", &[]);
    let playlist = bench.write("list.srt", b"#EXTM3U\n#EXTINF:2,\nfile:///etc/passwd\n");
    let empty = bench.write("empty.srt", b"");
    for (file, what) in [(&playlist, "a playlist"), (&empty, "nothing"), (&input, "a film")] {
        let failure = work(&bench, &input, Some(file.clone()), None, SubtitlesWork::AddTrack).await.expect_err(what);
        assert_eq!(failure.reason, Reason::Empty, "{what}: {failure}");
    }
    let failure = work(&bench, &input, Some(bench.path("nowhere.srt")), None, SubtitlesWork::AddTrack).await.expect_err("nothing is there");
    assert_eq!(failure.reason, Reason::Internal, "callers check what people name");
}
