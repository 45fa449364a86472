//! A quick look at the content: a few samples, encoded at two qualities.
//!
//! In: places in a file. Out: what pictures cost there, and how long it takes. Must not: write anything.

use std::time::{Duration, Instant};

use ffmpeg::format::context::Input;
use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, encoder, ffi};
use ffmpeg_next as ffmpeg;

use super::encoder::Opening;
use super::error::{Blame, WorkError, WorkResult};
use super::feed::Origin;
use super::input;
use super::pictures::Pictures;
use crate::media::protocol::{Look, Looked, Sample};

/// Packets that are read for a sample, of all streams, before it is taken as it is.
const MAX_PACKETS: usize = 2000;
/// Frames behind a sample that an encoder may see: it looks ahead, and spends less on frames that it believes to be the last. They are not encoded.
const SEEN_AHEAD: u32 = 24;
/// Stretches of the whole that the source's own bytes are counted for, and how long they are at least, in seconds.
const STRETCHES: f64 = 400.0;
const SHORTEST_STRETCH_S: f64 = 1.0;

/// Takes the samples. Fails with "broken" if there is no picture at any of the places.
pub(super) fn look(task: &Look, origin: &Origin, threads: u32) -> WorkResult<Looked> {
    let mut input = input::reopen(origin.path())?;
    let index = input::choose(&input).video.ok_or_else(|| WorkError::broken("there is no video"))?;
    let mut samples: Vec<Sample> = Vec::new();
    let (mut size, mut frame_rate) = ((0, 0), 0.0);
    let (mut frames, mut time) = (0, Duration::ZERO);
    let mut last_error = None;
    for place_s in &task.places_s {
        match Taking::begin(&mut input, index, *place_s, task, threads).and_then(|taking| taking.take(&mut input, index, task.frames)) {
            Ok(taken) => {
                (size, frame_rate) = (taken.size, taken.frame_rate);
                (frames, time) = (frames + taken.frames, time + taken.time);
                // Where key frames are rare two places may have the same one before them.
                if samples.iter().all(|sample| (sample.at_s - taken.sample.at_s).abs() > 0.01) {
                    samples.push(taken.sample);
                }
            }
            Err(error) => last_error = Some(error),
        }
    }
    samples.sort_by(|one, other| one.at_s.total_cmp(&other.at_s));
    match (samples.is_empty(), last_error) {
        (false, _) => {
            let spent = input.stream(index).map(|stream| spent(&stream, input::duration_s(&input))).unwrap_or_default();
            let frame_s = time.as_secs_f64() / f64::from(frames.max(1));
            Ok(Looked { crfs: task.crfs, size, frame_rate, samples, spent, frame_s })
        }
        (true, Some(error)) => Err(error),
        (true, None) => Err(WorkError::broken("no picture in it can be decoded")),
    }
}

/// What the source spends on a frame in each of equal stretches of its length, by its index: key frames left out. Nothing if it has no index of all frames.
fn spent(stream: &Stream, duration_s: f64) -> Vec<f64> {
    let count = (duration_s / SHORTEST_STRETCH_S).clamp(1.0, STRETCHES) as usize;
    let mut sums = vec![(0.0, 0_u32); count];
    // SAFETY: the stream belongs to an open input; entries are read while it is borrowed.
    let entries = unsafe { ffi::avformat_index_get_entries_count(stream.as_ptr()) };
    let tick_s = f64::from(stream.time_base());
    let first = stream.start_time();
    for number in 0..entries {
        // SAFETY: as above, and the number is below the count; no entry is changed.
        let Some(entry) = (unsafe { ffi::avformat_index_get_entry(stream.as_ptr().cast_mut(), number).as_ref() }) else { continue };
        let part = entry.timestamp.saturating_sub(first) as f64 * tick_s / duration_s;
        let place = ((part * count as f64).max(0.0) as usize).min(count - 1);
        if entry.flags() & ffi::AVINDEX_KEYFRAME == 0 && entry.size() > 0 {
            sums[place] = (sums[place].0 + f64::from(entry.size()), sums[place].1 + 1);
        }
    }
    let seen = sums.iter().filter(|(_, frames)| *frames > 0).count();
    if seen * 4 < count * 3 {
        return Vec::new();
    }
    let mut last = sums.iter().find_map(|sum| average_of(*sum)).unwrap_or(1.0);
    let mut spent = Vec::with_capacity(count);
    for sum in sums {
        last = average_of(sum).unwrap_or(last);
        spent.push(last);
    }
    spent
}

/// A sample that is being taken.
struct Taking {
    pictures: Pictures,
    coders: [Coder; 2],
    begun: Instant,
}

struct Taken {
    sample: Sample,
    size: (u32, u32),
    frame_rate: f64,
    frames: u32,
    /// To decode and to encode once.
    time: Duration,
}

impl Taking {
    fn begin(input: &mut Input, index: usize, place_s: f64, task: &Look, threads: u32) -> WorkResult<Self> {
        let place_us = input::start_us(input).saturating_add((place_s * f64::from(ffi::AV_TIME_BASE)) as i64);
        // Where seeking fails (a damaged index) reading goes on from where it is.
        if let Err(error) = input.seek(place_us, ..place_us.saturating_add(1)) {
            eprintln!("seeking to {place_s:.1} s: {error}");
        }
        let stream = input.stream(index).ok_or_else(|| WorkError::broken("the video stream is gone"))?;
        let pictures = Pictures::new(&stream, &task.settings, threads)?;
        let opening = Opening::new(&pictures, &task.settings, threads);
        let [one, other] = task.crfs;
        Ok(Self {
            coders: [Coder::new(&opening, one, task.frames)?, Coder::new(&opening, other, task.frames)?],
            pictures,
            begun: Instant::now(),
        })
    }

    fn take(mut self, input: &mut Input, index: usize, frames: u32) -> WorkResult<Taken> {
        let mut count = 0;
        let mut at_frame = None;
        let coders = &mut self.coders;
        let mut encode = |picture: &mut ffmpeg::frame::Video| {
            if count < frames + SEEN_AHEAD {
                at_frame = at_frame.or(picture.pts());
                count += 1;
                for coder in coders.iter_mut().filter(|coder| coder.packets < frames) {
                    coder.encode(picture)?;
                }
            }
            Ok(coders.iter().all(|coder| coder.packets >= frames))
        };
        let mut is_done = false;
        for _ in 0..MAX_PACKETS {
            let mut packet = Packet::empty();
            match packet.read(input) {
                Ok(()) if packet.stream() == index => {
                    self.pictures.feed(&packet, &mut |picture| encode(picture).map(|done| is_done |= done))?
                }
                Ok(()) | Err(ffmpeg::Error::InvalidData) => {}
                Err(_) => break,
            }
            if is_done || self.pictures.frames() >= u64::from(frames + SEEN_AHEAD) {
                break;
            }
        }
        if self.pictures.frames() < u64::from(frames) {
            self.pictures.finish(&mut |picture| encode(picture).map(drop))?;
        }
        for coder in self.coders.iter_mut().filter(|coder| coder.packets < frames) {
            coder.end()?;
        }
        let [one, other] = &self.coders;
        let wanted = self.pictures.wanted();
        let frame_rate = f64::from(wanted.rate);
        let start_s = input::start_us(input) as f64 / f64::from(ffi::AV_TIME_BASE);
        let sample = Sample {
            at_s: (at_frame.unwrap_or(0) as f64 / frame_rate - start_s).max(0.0),
            key_bytes: [one.key_bytes(), other.key_bytes()],
            frame_bytes: [one.frame_bytes(), other.frame_bytes()],
        };
        Ok(Taken { sample, size: wanted.size, frame_rate, frames: count, time: self.begun.elapsed().saturating_sub(other.time) })
    }
}

/// One of the two encoders, and what came out of it.
struct Coder {
    encoder: encoder::video::Encoder,
    /// Packets that are counted: the first ones.
    most: u32,
    packets: u32,
    keys: (u64, u32),
    others: (u64, u32),
    time: Duration,
}

impl Coder {
    fn new(opening: &Opening, crf: f64, most: u32) -> WorkResult<Self> {
        Ok(Self { encoder: opening.open(crf)?, most, packets: 0, keys: (0, 0), others: (0, 0), time: Duration::ZERO })
    }

    fn encode(&mut self, picture: &ffmpeg::frame::Video) -> WorkResult<()> {
        let begun = Instant::now();
        self.encoder.send_frame(picture).blame_us("encoding a sample")?;
        self.collect();
        self.time += begun.elapsed();
        Ok(())
    }

    fn end(&mut self) -> WorkResult<()> {
        let begun = Instant::now();
        self.encoder.send_eof().blame_us("ending a sample")?;
        self.collect();
        self.time += begun.elapsed();
        Ok(())
    }

    fn collect(&mut self) {
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            self.packets += 1;
            if self.packets > self.most {
                continue;
            }
            let sum = if packet.is_key() { &mut self.keys } else { &mut self.others };
            *sum = (sum.0 + packet.size() as u64, sum.1 + 1);
        }
    }

    fn key_bytes(&self) -> f64 {
        average(self.keys).unwrap_or(1.0)
    }

    /// Of a picture that moves nowhere there may be a key frame alone.
    fn frame_bytes(&self) -> f64 {
        average(self.others).unwrap_or_else(|| self.key_bytes() / 10.0)
    }
}

fn average((bytes, count): (u64, u32)) -> Option<f64> {
    average_of((bytes as f64, count))
}

fn average_of((bytes, count): (f64, u32)) -> Option<f64> {
    (count > 0).then(|| (bytes / f64::from(count)).max(1.0))
}
