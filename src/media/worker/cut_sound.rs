//! The sound of a cut: its packets, or encoded anew where they do not play everywhere.
//!
//! In: packets in the order of the file, the range. Out: packets that are heard from time zero on; what a decoder needs before stands before zero, which players leave
//! out. Must not: read files.

use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational, Rescale, rescale};
use ffmpeg_next as ffmpeg;

use super::audio::AudioTrack;
use super::cut::Range;
use super::error::WorkResult;
use super::muxer::Muxer;
use crate::media::protocol::AudioWork;

/// The sound on its way.
pub(super) struct Sound {
    to: usize,
    time_base: Rational,
    /// Where the range begins, in the unit of the stream.
    from: i64,
    length_us: i64,
    way: Way,
    needed: bool,
}

enum Way {
    /// The packet before the first that is heard: a decoder of AAC makes sound of two that follow each other.
    Copy {
        before: Option<Packet>,
        begun: bool,
    },
    Encode(Box<AudioTrack>),
}

impl Sound {
    /// Adds a stream to the new file for it. Nothing if it is left out. If it is `needed`, none at all is an error.
    pub(super) fn begin(work: &AudioWork, stream: &Stream, range: &Range, needed: bool, muxer: &mut Muxer) -> WorkResult<Option<Self>> {
        let (to, way) = match work {
            AudioWork::Leave => return Ok(None),
            AudioWork::Copy => (muxer.add_copy(stream)?, Way::Copy { before: None, begun: false }),
            AudioWork::Encode(settings) => {
                let track = AudioTrack::new(stream, settings, None)?.starting_at_zero();
                (muxer.add_encoded(track.encoder())?, Way::Encode(Box::new(track)))
            }
        };
        let time_base = stream.time_base();
        let from = range.from_us.rescale(rescale::TIME_BASE, time_base);
        let length_us = if range.to_us == i64::MAX { i64::MAX } else { range.to_us - range.from_us };
        Ok(Some(Self { to, time_base, from, length_us, way, needed }))
    }

    /// Takes the next packet of the stream.
    pub(super) fn take(&mut self, packet: &mut Packet, muxer: &mut Muxer) -> WorkResult<()> {
        packet.set_pts(packet.pts().map(|pts| pts.saturating_sub(self.from)));
        packet.set_dts(packet.dts().map(|dts| dts.saturating_sub(self.from)));
        let (to, time_base, length_us) = (self.to, self.time_base, self.length_us);
        match &mut self.way {
            Way::Encode(track) => track.feed(packet, &mut |packet, time_base| write(muxer, to, packet, time_base, length_us)),
            Way::Copy { before, begun } => {
                if packet.size() == 0 {
                    return Ok(());
                }
                let is_heard = packet.pts().or(packet.dts()).is_none_or(|at| at.saturating_add(packet.duration()) > 0);
                if !*begun && !is_heard {
                    *before = Some(packet.clone());
                    return Ok(());
                }
                *begun = true;
                if let Some(mut before) = before.take() {
                    write(muxer, to, &mut before, time_base, length_us)?;
                }
                write(muxer, to, packet, time_base, length_us)
            }
        }
    }

    /// Says that no more come.
    pub(super) fn finish(&mut self, muxer: &mut Muxer) -> WorkResult<()> {
        let (to, length_us) = (self.to, self.length_us);
        match &mut self.way {
            Way::Encode(track) => track.finish(self.needed, &mut |packet, time_base| write(muxer, to, packet, time_base, length_us)),
            Way::Copy { .. } => Ok(()),
        }
    }
}

/// Leaves out what begins behind the end, and says of the last packet that it ends there.
fn write(muxer: &mut Muxer, to: usize, packet: &mut Packet, time_base: Rational, length_us: i64) -> WorkResult<()> {
    if length_us != i64::MAX {
        let left = length_us.rescale(rescale::TIME_BASE, time_base).saturating_sub(packet.pts().or(packet.dts()).unwrap_or(0));
        if left <= 0 {
            return Ok(());
        }
        packet.set_duration(packet.duration().min(left));
    }
    muxer.write(to, packet, time_base)
}
