//! Files that are made ready while they are still growing. In: clips that come in pieces, each held back until something has been seen. Out: assertions.
//! Must not: sleep, or depend on how fast anything is.

use std::path::Path;

use tgferry::media::must_start_over;
use tgferry::model::{Failure, MediaKind, Prepared, Reason};
use tgferry::spool::Spool;
use tokio_util::sync::CancellationToken;

use super::Bench;
use super::clips::{AAC, FASTSTART, H264, TONE, assert_plays_everywhere, make, packets, probe};
use super::growing::{HUM, NOISE, Source, done, first_bytes};
use super::process::users_of;

/// As sites serve picture and sound apart.
const DASH: &[&str] = &["-movflags", "+empty_moov+default_base_moof", "-frag_duration", "1000000"];

impl Bench {
    /// Makes it from files that are whole.
    async fn prepare_whole(&self, folder: &str, clips: &[&Path]) -> Result<Prepared, Failure> {
        let mut spools = Vec::new();
        for clip in clips {
            spools.push(Spool::whole(clip).await.expect("it is there"));
        }
        let request = self.live(folder, &spools.iter().collect::<Vec<_>>());
        self.prepare(request).await
    }
}

/// The same packets at the same times, in a file that measures the same.
fn assert_same(one: &Prepared, other: &Prepared) {
    assert_eq!(packets(&one.path), packets(&other.path));
    let measures = |prepared: &Prepared| (prepared.kind, prepared.duration_s, prepared.width, prepared.height, prepared.mime.clone());
    assert_eq!(measures(one), measures(other));
    assert_eq!(probe(&one.path)["format"]["duration"], probe(&other.path)["format"]["duration"]);
}

#[tokio::test]
async fn a_document_is_passed_on_at_once() {
    let bench = Bench::new();
    let mut zip = b"PK\x03\x04".to_vec();
    zip.resize(200_000, 7);
    let clip = bench.write("whole.zip", &zip);
    let mut source = Source::new(&bench.path("things.zip"), &clip).await.promised();
    source.give(10).await;
    let preparing =
        bench.begin(bench.live("job", &[&source.spool]), vec![source.spool.clone()], &CancellationToken::new()).await.expect("it begins");
    assert_eq!((preparing.spool.path(), preparing.sketch.kind), (source.spool.path(), MediaKind::Document));
    assert_eq!(preparing.sketch.size_bytes, 200_000);
    source.finish().await;
    assert_eq!(done(preparing).await.expect("a document").size_bytes, 200_000);
}

#[tokio::test]
async fn what_is_whole_and_no_media_is_not_looked_at_twice() {
    let bench = Bench::new();
    let noise: Vec<u8> = (0..300_000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let spool = Spool::whole(&bench.write("noise.bin", &noise)).await.expect("it is there");
    let preparing = bench.begin(bench.live("job", &[&spool]), vec![spool.clone()], &CancellationToken::new()).await.expect("it begins");
    // Nobody could look at it any more.
    std::fs::remove_file(spool.path()).expect("it was there");
    assert_eq!((preparing.sketch.kind, preparing.spool.path()), (MediaKind::Document, spool.path()));
    let prepared = done(preparing).await.expect("a document");
    assert_eq!((prepared.kind, prepared.size_bytes, prepared.path.as_path()), (MediaKind::Document, 300_000, spool.path()));
}

#[tokio::test]
async fn what_is_read_as_a_whole_only_is_no_document() {
    let bench = Bench::new();
    let clip = std::fs::read(bench.clip("late.mp4", &[])).expect("the clip reads");
    // More boxes than are looked at stand in front of media whose index comes behind it.
    let path = bench.write("crowded.mp4", &behind_empty_boxes(clip, 300));
    let spool = Spool::whole(&path).await.expect("it is there");
    let preparing = bench.begin(bench.live("job", &[&spool]), vec![spool], &CancellationToken::new()).await.expect("it begins");
    assert_plays_everywhere(&done(preparing).await.expect("a video"));
}

/// An MP4 behind so many empty boxes. Its index says where the media lies (`stco`: ISO/IEC 14496-12, 8.7.5), so it has to follow.
fn behind_empty_boxes(mut clip: Vec<u8>, boxes: u32) -> Vec<u8> {
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().expect("four bytes"));
    let tables: Vec<usize> = clip.windows(4).enumerate().filter(|(_, four)| four == b"stco").map(|(place, _)| place + 8).collect();
    assert_eq!(tables.len(), 2, "picture and sound");
    for count_at in tables {
        for index in 1..=number(&clip[count_at..][..4]) as usize {
            let entry = &mut clip[count_at + 4 * index..][..4];
            let moved = number(entry) + 8 * boxes;
            entry.copy_from_slice(&moved.to_be_bytes());
        }
    }
    [b"\0\0\0\x08free".repeat(boxes as usize), clip].concat()
}

#[tokio::test]
async fn an_index_in_front_is_passed_on_before_the_end_has_come() {
    let bench = Bench::new();
    let clip = bench.clip("front.mp4", FASTSTART);
    let mut source = Source::new(&bench.path("front.mp4"), &clip).await;
    source.give(50).await;
    let preparing =
        bench.begin(bench.live("job", &[&source.spool]), vec![source.spool.clone()], &CancellationToken::new()).await.expect("it begins");
    assert_eq!(preparing.spool.path(), source.spool.path());
    assert_eq!((preparing.sketch.width, preparing.sketch.height, preparing.sketch.duration_s), (320, 180, 6));
    source.finish().await;
    let prepared = done(preparing).await.expect("it is whole");
    assert_eq!(prepared.path, bench.path("front.mp4"));
    assert_plays_everywhere(&prepared);
}

#[tokio::test]
async fn what_was_passed_on_and_ends_early_is_broken() {
    let bench = Bench::new();
    let clip = bench.clip("front.mp4", FASTSTART);
    let mut source = Source::new(&bench.path("front.mp4"), &clip).await;
    source.give(50).await;
    let preparing =
        bench.begin(bench.live("job", &[&source.spool]), vec![source.spool.clone()], &CancellationToken::new()).await.expect("it begins");
    source.writer.finish();
    assert_eq!(done(preparing).await.expect_err("half of it is missing").reason, Reason::BrokenMedia);
}

#[tokio::test]
async fn an_index_at_the_end_is_asked_for_and_the_rest_goes_on_live() {
    let bench = Bench::new();
    let lying = bench.clip("lying.mp4", &[]);
    let clip = bench.path("turned.mp4");
    make(&clip, &[&["-i", lying.to_str().expect("UTF-8"), "-c", "copy", "-metadata:s:v:0", "rotate=90"]]);
    let mut source = Source::new(&bench.path("late.mp4"), &clip).await.promised();
    source.give(45).await;
    let mut wishes = source.writer.wishes();
    let (side, bytes) = (source.writer.side(), source.bytes.clone());
    let bring = async {
        let wish = wishes.wait_for(Option::is_some).await.expect("it lives").clone().expect("a wish");
        assert_eq!(wish.end, bytes.len() as u64);
        side.write_at(wish.start, &bytes[wish.start as usize..]).await.expect("it is written");
    };
    let cancel = CancellationToken::new();
    let (begun, ()) = tokio::join!(bench.begin(bench.live("job", &[&source.spool]), vec![source.spool.clone()], &cancel), bring);
    let preparing = begun.expect("it begins");
    first_bytes(&preparing.spool).await;
    source.finish().await;
    let prepared = done(preparing).await.expect("it is made");
    assert_plays_everywhere(&prepared);
    assert_eq!((prepared.width, prepared.height), (180, 320));
    let whole = bench.prepare_whole("whole", &[&clip]).await.expect("it is made");
    assert_same(&prepared, &whole);
    let rotation = |path: &Path| probe(path)["streams"][0]["side_data_list"][0]["rotation"].as_i64();
    assert_eq!(rotation(&prepared.path), rotation(&clip));
}

#[tokio::test]
async fn an_index_at_the_end_is_waited_for_where_nobody_brings_it_earlier() {
    let bench = Bench::new();
    let clip = bench.clip("late.mp4", &[]);
    let mut source = Source::new(&bench.path("late.mp4"), &clip).await;
    source.give(45).await;
    let mut wishes = source.writer.wishes();
    let (spool, cancel) = (source.spool.clone(), CancellationToken::new());
    let bring = async {
        wishes.wait_for(Option::is_some).await.expect("it lives");
        source.finish().await;
    };
    let (begun, ()) = tokio::join!(bench.begin(bench.live("job", &[&spool]), vec![spool.clone()], &cancel), bring);
    let prepared = done(begun.expect("it begins")).await.expect("it is made");
    assert_plays_everywhere(&prepared);
    assert_same(&prepared, &bench.prepare_whole("whole", &[&clip]).await.expect("it is made"));
}

#[tokio::test]
async fn other_containers_are_rewritten_as_they_come() {
    let bench = Bench::new();
    for (name, options) in [
        ("clip.mkv", &[][..]),
        ("clip.ts", &["-f", "mpegts"]),
        ("clip.flv", &["-ar", "44100"]),
        ("pieces.mp4", DASH),
        ("clip.mov", FASTSTART),
    ] {
        let clip = bench.clip(name, options);
        let mut source = Source::new(&bench.path(name), &clip).await;
        source.give(60).await;
        let request = bench.live(&format!("job-{name}"), &[&source.spool]);
        let preparing = bench.begin(request, vec![source.spool.clone()], &CancellationToken::new()).await.expect(name);
        first_bytes(&preparing.spool).await;
        let spool = preparing.spool.clone();
        source.finish().await;
        let prepared = done(preparing).await.expect(name);
        assert_plays_everywhere(&prepared);
        assert_eq!(spool.finished().await.expect("it is whole"), prepared.size_bytes, "{name}");
        assert_same(&prepared, &bench.prepare_whole(&format!("whole-{name}"), &[&clip]).await.expect(name));
    }
}

#[tokio::test]
async fn picture_and_sound_are_merged_as_they_come() {
    let bench = Bench::new();
    for (name, options) in [("pieces", DASH), ("front", FASTSTART)] {
        let (picture, sound) = (bench.path(&format!("{name}-picture.mp4")), bench.path(&format!("{name}-sound.m4a")));
        make(&picture, &[NOISE, H264, options]);
        make(&sound, &[HUM, AAC, options]);
        let mut one = Source::new(&bench.path(&format!("{name}.f1.mp4")), &picture).await.promised();
        let mut other = Source::new(&bench.path(&format!("{name}.f2.m4a")), &sound).await.promised();
        one.give(60).await;
        other.give(60).await;
        let request = bench.live(&format!("job-{name}"), &[&one.spool, &other.spool]);
        let inputs = vec![one.spool.clone(), other.spool.clone()];
        let preparing = bench.begin(request, inputs, &CancellationToken::new()).await.expect("it begins");
        first_bytes(&preparing.spool).await;
        other.finish().await;
        one.finish().await;
        let prepared = done(preparing).await.expect("it is made");
        assert_plays_everywhere(&prepared);
        let (merged, from) = (packets(&prepared.path), [packets(&picture), packets(&sound)]);
        let contents = |packets: &[super::clips::PacketLine], stream: u32| {
            packets.iter().filter(|packet| packet.stream == stream).map(|packet| packet.hash.clone()).collect::<Vec<_>>()
        };
        assert_eq!(contents(&merged, 0), contents(&from[0], 0), "{name}: the picture is the same");
        assert_eq!(contents(&merged, 1), contents(&from[1], 0), "{name}: the sound is the same");
        assert_same(&prepared, &bench.prepare_whole(&format!("whole-{name}"), &[&picture, &sound]).await.expect("it is made"));
        let starts = |path: &Path, stream: usize| probe(path)["streams"][stream]["start_time"].as_str().map(str::to_owned);
        assert_eq!(starts(&prepared.path, 0), starts(&picture, 0), "{name}");
        assert_eq!(starts(&prepared.path, 1), starts(&sound, 0), "{name}");
    }
}

#[tokio::test]
async fn two_tracks_that_need_an_encoder_are_merged_once_they_are_whole() {
    let bench = Bench::new();
    let (picture, sound) = (bench.path("picture.webm"), bench.path("sound.webm"));
    make(&picture, &[super::clips::PICTURE, &["-c:v", "libvpx", "-deadline", "realtime"]]);
    make(&sound, &[TONE, &["-c:a", "libopus"]]);
    let spools = vec![Spool::whole(&picture).await.expect("it is there"), Spool::whole(&sound).await.expect("it is there")];
    let request = bench.live("job", &[&spools[0], &spools[1]]);
    let prepared = done(bench.begin(request, spools, &CancellationToken::new()).await.expect("it begins")).await.expect("it is made");
    assert_plays_everywhere(&prepared);
    assert!(super::clips::stream(&probe(&prepared.path), "audio").is_some());
}

#[tokio::test]
async fn a_second_run_writes_the_same_bytes() {
    let bench = Bench::new();
    let clip = bench.clip("clip.ts", &["-f", "mpegts"]);
    let mut source = Source::new(&bench.path("clip.ts"), &clip).await; // nobody knows its length
    source.give(60).await;
    let (spool, cancel) = (source.spool.clone(), CancellationToken::new());
    let stopped = bench.begin(bench.live("job", &[&spool]), vec![spool.clone()], &cancel).await.expect("it begins");
    first_bytes(&stopped.spool).await;
    let front = stopped.spool.length().ready_ranges().next().expect("some bytes");
    let before = std::fs::read(stopped.spool.path()).expect("it reads")[front.start as usize..front.end as usize].to_vec();
    drop(stopped);
    source.finish().await;
    let again = vec![Spool::whole(&bench.path("clip.ts")).await.expect("it is there")]; // now everybody does
    let prepared = done(bench.begin(bench.live("job", &[&spool]), again, &cancel).await.expect("it begins")).await.expect("it is made");
    assert_plays_everywhere(&prepared);
    let after = std::fs::read(&prepared.path).expect("it reads");
    assert!(before == after[front.start as usize..front.end as usize], "what went up before is still right");
}

#[tokio::test]
async fn a_header_that_lies_about_the_length_costs_time_and_no_file() {
    let bench = Bench::new();
    let clip = bench.path("long.mkv");
    let long: &[&str] = &["-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=120"];
    make(&clip, &[long, &["-f", "lavfi", "-i", "sine=sample_rate=48000:duration=120"], H264, AAC]);
    let mut bytes = std::fs::read(&clip).expect("it reads");
    // The element Duration, a double of 8 bytes (https://www.matroska.org/technical/elements.html).
    let element = bytes.windows(3).position(|window| window == b"\x44\x89\x88").expect("a length");
    bytes[element + 3..element + 11].copy_from_slice(&1.0_f64.to_be_bytes());
    let lying = bench.write("lying.mkv", &bytes);

    let input = Spool::whole(&lying).await.expect("it is there");
    let cancel = CancellationToken::new();
    let preparing = bench.begin(bench.live("job", &[&input]), vec![input.clone()], &cancel).await.expect("it begins");
    let spool = preparing.spool.clone();
    let failure = done(preparing).await.expect_err("there is no room");
    assert!(must_start_over(&failure), "{failure}");
    assert!(spool.finished().await.is_err(), "nobody takes it for whole");
    let prepared =
        done(bench.begin(bench.live("job", &[&input]), vec![input.clone()], &cancel).await.expect("it begins")).await.expect("it is made");
    assert_plays_everywhere(&prepared);
    assert_eq!(prepared.duration_s, 120);
    assert_same(&prepared, &bench.prepare_whole("whole", &[&clip]).await.expect("it is made"));
    assert_plays_everywhere(&bench.prepare_whole("another", &[&lying]).await.expect("where nobody waits for parts it is made at once"));
}

#[tokio::test]
async fn the_spare_room_is_small() {
    let bench = Bench::new();
    for (name, options) in [("late.mp4", &[][..]), ("clip.mkv", &[])] {
        let clip = bench.clip(name, options);
        let whole = bench.path(&format!("front-{name}.mp4"));
        make(&whole, &[&["-i", clip.to_str().expect("UTF-8"), "-c", "copy"], FASTSTART]);
        let prepared = bench.prepare_whole(&format!("job-{name}"), &[&clip]).await.expect("it is made");
        let smallest_bytes = std::fs::metadata(&whole).expect("it is there").len();
        assert!(prepared.size_bytes <= smallest_bytes + smallest_bytes / 100 + 6000, "{name}: {} of {smallest_bytes}", prepared.size_bytes);
    }
}

#[tokio::test]
async fn a_download_that_fails_midway_ends_the_work() {
    let bench = Bench::new();
    let clip = bench.clip("clip.mkv", &[]);
    let mut source = Source::new(&bench.path("clip.mkv"), &clip).await;
    source.give(60).await;
    let request = bench.live("job", &[&source.spool]);
    let preparing = bench.begin(request, vec![source.spool.clone()], &CancellationToken::new()).await.expect("it begins");
    first_bytes(&preparing.spool).await;
    source.writer.fail(Reason::Network);
    let spool = preparing.spool.clone();
    assert_eq!(done(preparing).await.expect_err("it failed").reason, Reason::Network);
    assert_eq!(spool.finished().await.expect_err("it failed").reason, Reason::Network);
    assert_eq!(users_of(&bench.path("clip.mkv")), 0, "no process is left");
}

#[tokio::test]
async fn a_cancel_midway_leaves_no_process() {
    let bench = Bench::new();
    let clip = bench.clip("clip.mkv", &[]);
    let mut source = Source::new(&bench.path("clip.mkv"), &clip).await;
    source.give(60).await;
    let cancel = CancellationToken::new();
    let preparing = bench.begin(bench.live("job", &[&source.spool]), vec![source.spool.clone()], &cancel).await.expect("it begins");
    first_bytes(&preparing.spool).await;
    assert_eq!(users_of(&bench.path("clip.mkv")), 1, "the process waits for more");
    cancel.cancel();
    assert_eq!(done(preparing).await.expect_err("it was cancelled").reason, Reason::Cancelled);
    assert_eq!(users_of(&bench.path("clip.mkv")), 0, "no process is left");
}
