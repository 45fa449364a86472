//! Encodes pictures, at one quality or so that they fit.
//!
//! In: packets of one stream. Out: encoded packets at a steady frame rate, upright, of even size. Must not: read or write files, or decide
//! how well.

use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational, codec, encoder, frame};
use ffmpeg_next as ffmpeg;

use super::encoder::{Opening, set_crf};
use super::error::{Blame, WorkResult};
use super::pictures::Pictures;
use crate::media::protocol::{Rate, VideoSettings};
use crate::media::steer::Helm;

/// Where packets go, with the time base that their timestamps count in.
pub(super) type PacketSink<'a> = dyn FnMut(&mut Packet, Rational) -> WorkResult<()> + 'a;

/// One stream of pictures on its way through decoder, filters and encoder.
pub(super) struct VideoTrack {
    pictures: Pictures,
    coder: Coder,
}

struct Coder {
    opening: Opening,
    encoder: encoder::video::Encoder,
    helm: Option<Helm>,
    /// Frames that went into this encoder.
    frames: u32,
}

impl VideoTrack {
    pub(super) fn new(stream: &Stream, settings: &VideoSettings, rate: &Rate, threads: u32) -> WorkResult<Self> {
        let pictures = Pictures::new(stream, settings, threads)?;
        let opening = Opening::new(&pictures, settings, threads);
        let (crf, helm) = match rate {
            Rate::Quality(crf) => (*crf, None),
            Rate::Size(course) => (course.crf, Some(Helm::new((**course).clone(), opening.key_every()))),
        };
        let encoder = opening.open(crf)?;
        Ok(Self { pictures, coder: Coder { opening, encoder, helm, frames: 0 } })
    }

    /// The encoder, for the muxer.
    pub(super) fn encoder(&self) -> &codec::Context {
        self.coder.encoder.as_ref()
    }

    /// Width and height of what comes out.
    pub(super) fn display(&self) -> (u32, u32) {
        self.pictures.wanted().size
    }

    /// What was learnt on the way, where the pictures have to fit.
    pub(super) fn helm(&mut self) -> Option<&mut Helm> {
        self.coder.helm.as_mut()
    }

    /// Takes a packet; gives encoded packets to `out`.
    pub(super) fn feed(&mut self, packet: &Packet, out: &mut PacketSink) -> WorkResult<()> {
        self.pictures.feed(packet, &mut |picture| self.coder.encode(picture, out))
    }

    /// Says that no more packets come.
    pub(super) fn finish(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        self.pictures.finish(&mut |picture| self.coder.encode(picture, out))?;
        self.coder.end(out)
    }
}

impl Coder {
    fn encode(&mut self, picture: &mut frame::Video, out: &mut PacketSink) -> WorkResult<()> {
        if let Some(crf) = self.helm.as_ref().map(Helm::crf) {
            if self.opening.is_steered_in_flight() {
                set_crf(&mut self.encoder, crf)?;
            } else if self.frames == self.opening.key_every() {
                // Here a key frame stands anyway: the next encoder begins with it.
                self.end(out)?;
                self.encoder = self.opening.open(crf)?;
                self.frames = 0;
            }
        }
        self.encoder.send_frame(picture).blame_us("encoding pictures")?;
        self.frames += 1;
        self.collect(out)
    }

    fn end(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        self.encoder.send_eof().blame_us("ending the video")?;
        self.collect(out)
    }

    fn collect(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        let time_base = self.encoder.time_base();
        let mut packet = Packet::empty();
        while self.encoder.receive_packet(&mut packet).is_ok() {
            if packet.duration() <= 0 {
                packet.set_duration(1);
            }
            if let Some(helm) = &mut self.helm {
                helm.hear(packet.size() as u64, packet.is_key());
            }
            out(&mut packet, time_base)?;
        }
        Ok(())
    }
}
