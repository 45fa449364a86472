//! The pictures of a cut: copied in the middle and encoded at the edges, or all encoded where that can't be.
//!
//! In: packets in the order of the file, the range. Out: packets from time zero. Must not: read files.

use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational};
use ffmpeg_next as ffmpeg;

use super::cut::Range;
use super::edge::{Edge, EdgeMaker};
use super::error::{WorkError, WorkResult};
use super::input::parameters;
use super::muxer::Muxer;
use super::nal::{Setup, with_lengths};
use super::spans::{Shown, Spans};
use super::video::{Effort, VideoTrack};
use crate::media::protocol::Cut;

/// What has to be told to decoders of a stream of H.264, if it is one and says it.
pub(super) fn setup_of(stream: &Stream) -> Option<Setup> {
    let parameters = parameters(stream);
    let length = usize::try_from(parameters.extradata_size).unwrap_or(0);
    if parameters.codec_id != ffmpeg::ffi::AVCodecID::AV_CODEC_ID_H264 || parameters.extradata.is_null() {
        return None;
    }
    // SAFETY: not null, so as long as it says, and alive as long as the stream.
    Setup::parse(unsafe { std::slice::from_raw_parts(parameters.extradata, length) })
}

/// The pictures on their way.
pub(super) struct Pictures {
    to: usize,
    time_base: Rational,
    /// When the first is shown, which becomes zero.
    first: i64,
    way: Way,
}

enum Way {
    Joined(Box<Joined>),
    Whole {
        track: Box<VideoTrack>,
        /// Packets that still come before the first that is decoded.
        skipped: usize,
        written: u64,
        because: String,
    },
}

struct Joined {
    spans: Spans,
    setup: Setup,
    /// When the pictures are decoded.
    dts: Vec<i64>,
    /// The number of the next packet.
    number: usize,
    head: Option<Edge>,
    tail: Option<Edge>,
    copied: u64,
}

impl Pictures {
    /// Adds a stream to the new file for them.
    pub(super) fn begin(
        task: &Cut,
        stream: &Stream,
        strange: Option<&'static str>,
        range: &Range,
        threads: u32,
        muxer: &mut Muxer,
    ) -> WorkResult<Self> {
        let time_base = stream.time_base();
        let because = match &range.planned {
            _ if !task.joins_pictures => "only H.264 that plays everywhere can be joined with what is encoded here",
            None => strange.unwrap_or("its pictures do not say when they are shown"),
            Some((spans, shown)) => match Joined::begin(task, stream, spans, shown, threads)? {
                Some((joined, setup)) => {
                    let to = muxer.add_copy(stream)?;
                    muxer.set_setup(to, &setup)?;
                    return Ok(Self { to, time_base, first: range.first_picture, way: Way::Joined(Box::new(joined)) });
                }
                None => "its parameters are none that can be joined",
            },
        };
        let mut track = VideoTrack::new(stream, &task.settings, Effort::Even(task.crf), threads)?;
        let to_us = if range.to_us == i64::MAX { i64::MAX } else { range.to_us - range.from_us };
        track.keep_us(0..to_us);
        let to = muxer.add_encoded(track.encoder()?)?;
        let skipped = range.planned.as_ref().map_or(0, |(spans, _)| spans.all_from);
        let way = Way::Whole { track: Box::new(track), skipped, written: 0, because: because.to_owned() };
        Ok(Self { to, time_base, first: range.first_picture, way })
    }

    /// Takes the next packet of the stream.
    pub(super) fn take(&mut self, packet: &mut Packet, muxer: &mut Muxer) -> WorkResult<()> {
        let (to, time_base, first) = (self.to, self.time_base, self.first);
        match &mut self.way {
            Way::Joined(joined) => joined.take(packet, &mut |packet| {
                move_by(packet, first);
                muxer.write(to, packet, time_base)
            }),
            Way::Whole { skipped, .. } if *skipped > 0 => {
                *skipped -= 1;
                Ok(())
            }
            Way::Whole { track, written, .. } => {
                move_by(packet, first);
                track.feed(packet, &mut |packet, time_base| {
                    *written += 1;
                    muxer.write(to, packet, time_base)
                })
            }
        }
    }

    /// Says that no more come. How many pictures were copied and encoded, and why all of them, if they were.
    pub(super) fn finish(self, muxer: &mut Muxer) -> WorkResult<(u64, u64, Option<String>)> {
        let (to, time_base, first) = (self.to, self.time_base, self.first);
        match self.way {
            Way::Joined(joined) => joined.finish(&mut |packet| {
                move_by(packet, first);
                muxer.write(to, packet, time_base)
            }),
            Way::Whole { mut track, mut written, because, .. } => {
                track.finish(&mut |packet, time_base| {
                    written += 1;
                    muxer.write(to, packet, time_base)
                })?;
                Ok((0, written, Some(because)))
            }
        }
    }
}

impl Joined {
    /// Also what decoders of all of it have to be told. Nothing if what is encoded can't be joined.
    fn begin(task: &Cut, stream: &Stream, spans: &Spans, shown: &[Shown], threads: u32) -> WorkResult<Option<(Self, Vec<u8>)>> {
        let Some(setup) = setup_of(stream) else { return Ok(None) };
        let Some(maker) = EdgeMaker::new(stream, &setup, &task.settings.preset, threads) else { return Ok(None) };
        let edge = |range: &std::ops::Range<usize>, shown: &std::ops::Range<i64>, lead| {
            (!range.is_empty()).then(|| maker.edge(stream, shown.clone(), lead)).transpose()
        };
        let head = edge(&spans.head, &spans.head_shown, spans.head_lead)?;
        let tail = edge(&spans.tail, &spans.tail_shown, spans.tail_lead)?;
        // Both edges are encoded alike, and described alike.
        let of_edges: Vec<Option<Setup>> = [&head, &tail].into_iter().flatten().map(Edge::setup).collect();
        if of_edges.windows(2).any(|pair| pair[0] != pair[1]) || of_edges.first().is_some_and(Option::is_none) {
            return Ok(None);
        }
        let joined = setup.joined(of_edges.into_iter().next().flatten().as_ref());
        let dts = shown.iter().map(|picture| picture.dts).collect();
        Ok(joined.map(|bytes| (Self { spans: spans.clone(), setup, dts, number: 0, head, tail, copied: 0 }, bytes)))
    }

    fn take(&mut self, packet: &mut Packet, out: &mut dyn FnMut(&mut Packet) -> WorkResult<()>) -> WorkResult<()> {
        let number = self.number;
        self.number += 1;
        if let Some(head) = self.head.as_mut().filter(|_| self.spans.head.contains(&number)) {
            head.feed(packet, out)?;
            if number + 1 == self.spans.head.end {
                head.finish(out)?;
            }
        }
        // The first of its pictures is decoded behind the last that is copied, so nothing of it comes out before. It reads the packet first: the file takes it.
        if let Some(tail) = self.tail.as_mut().filter(|_| self.spans.tail.contains(&number)) {
            tail.feed(packet, out)?;
        }
        if !self.spans.copied.contains(&number) {
            return Ok(());
        }
        packet.set_dts(self.dts.get(number).copied());
        let bytes = packet.data().unwrap_or_default();
        let bytes = with_lengths(self.setup.framing, bytes).ok_or_else(|| WorkError::broken("a damaged picture would be copied"))?;
        self.copied += 1;
        match bytes {
            std::borrow::Cow::Borrowed(_) => out(packet),
            std::borrow::Cow::Owned(bytes) => {
                let mut converted = Packet::copy(&bytes);
                converted.set_flags(packet.flags());
                converted.set_pts(packet.pts());
                converted.set_dts(packet.dts());
                converted.set_duration(packet.duration());
                out(&mut converted)
            }
        }
    }

    fn finish(mut self, out: &mut dyn FnMut(&mut Packet) -> WorkResult<()>) -> WorkResult<(u64, u64, Option<String>)> {
        if let Some(head) = self.head.as_mut().filter(|_| self.number < self.spans.head.end) {
            head.finish(out)?; // the file ended earlier than at the first look
        }
        if let Some(tail) = &mut self.tail {
            tail.finish(out)?;
        }
        let encoded = [&self.head, &self.tail].into_iter().flatten().map(Edge::written).sum();
        let because = (self.copied == 0).then(|| "there is no place in the range where copying could begin".to_owned());
        Ok((self.copied, encoded, because))
    }
}

fn move_by(packet: &mut Packet, first: i64) {
    packet.set_pts(packet.pts().map(|pts| pts.saturating_sub(first)));
    packet.set_dts(packet.dts().map(|dts| dts.saturating_sub(first)));
}
