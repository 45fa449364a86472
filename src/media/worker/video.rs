//! Encodes pictures, at one quality or so that they fit.
//!
//! In: packets of one stream. Out: encoded packets at a steady frame rate, upright, of even size. Must not: read or write files, or decide
//! how well.

use std::ops::Range;

use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational, codec, encoder, frame};
use ffmpeg_next as ffmpeg;

use super::attempts::Surprise;
use super::bitmaps::Bitmaps;
use super::encoder::{Opening, set_crf};
use super::error::{Blame, WorkError, WorkResult};
use super::hardware::{self, Upload};
use super::overlay::Overlay;
use super::pictures::Pictures;
use crate::media::protocol::{Course, VideoSettings};
use crate::media::steer::Helm;
use crate::model::{Reason, VideoCodec};

/// Where packets go, with the time base that their timestamps count in.
pub(super) type PacketSink<'a> = dyn FnMut(&mut Packet, Rational) -> WorkResult<()> + 'a;

/// How well pictures are encoded.
#[derive(Clone, Copy)]
pub(super) enum Effort<'a> {
    /// One CRF all over.
    Even(f64),
    /// Steered to a size on the way.
    Steered(&'a Course),
}

/// One stream of pictures on its way through decoder, filters and encoder.
pub(super) struct VideoTrack {
    pictures: Pictures,
    /// Lays subtitles over them.
    overlay: Option<Overlay>,
    coder: Coder,
}

struct Coder {
    opening: Opening,
    /// There is none only while one makes room for the next.
    encoder: Option<encoder::video::Encoder>,
    /// Brings pictures to it, where it is in the graphics hardware.
    upload: Option<Upload>,
    is_hard: bool,
    helm: Option<Helm>,
    /// The quality that it was opened with.
    crf: f64,
    /// Frames that went into it, and after which the next one begins, where that is how it is steered.
    frames: u32,
    stretch: u32,
}

impl VideoTrack {
    pub(super) fn new(stream: &Stream, settings: &VideoSettings, effort: Effort, threads: u32) -> WorkResult<Self> {
        let mut pictures = Pictures::new(stream, settings, threads)?;
        let opening = Opening::new(&pictures, settings, threads);
        let (crf, stretch, helm) = match effort {
            Effort::Even(crf) => (crf, u32::MAX, None),
            Effort::Steered(course) => {
                let stretch = opening.stretch(course.frames);
                (course.crf, stretch, Some(Helm::new(course.clone(), stretch)))
            }
        };
        let hard =
            if matches!(effort, Effort::Even(_)) && settings.codec == VideoCodec::H264 { hardware::open(&opening, crf) } else { None };
        let is_hard = hard.is_some();
        let (encoder, upload) = match hard {
            Some(hard) => {
                pictures.set_pixels(hardware::PIXELS);
                (hard.encoder, hard.upload)
            }
            None => (opening.open(crf)?, None),
        };
        let crf = opening.nearest(crf);
        Ok(Self {
            pictures,
            overlay: None,
            coder: Coder { opening, encoder: Some(encoder), upload, is_hard, helm, crf, frames: 0, stretch },
        })
    }

    /// Leaves out what is shown outside of these microseconds.
    pub(super) fn keep_us(&mut self, kept_us: Range<i64>) {
        self.pictures.keep_us(kept_us);
    }

    /// Puts a filter behind all others; before the first packet.
    pub(super) fn put_behind(&mut self, filter: String) {
        self.pictures.put_behind(filter);
    }

    /// Lays subtitles over the pictures; before the first packet.
    pub(super) fn put_over(&mut self, bitmaps: Bitmaps) {
        self.overlay = Some(Overlay::new(bitmaps, self.pictures.wanted().rate));
    }

    /// The subtitles that are laid over the pictures.
    pub(super) fn subtitles(&mut self) -> Option<&mut Bitmaps> {
        self.overlay.as_mut().map(|overlay| &mut overlay.bitmaps)
    }

    /// The encoder, for the muxer.
    pub(super) fn encoder(&self) -> WorkResult<&codec::Context> {
        self.coder.encoder.as_ref().map(AsRef::as_ref).ok_or_else(gone)
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
        let Self { pictures, overlay, coder } = self;
        pictures.feed(packet, &mut |picture| encode(overlay.as_mut(), coder, picture, out))
    }

    /// Says that no more packets come.
    pub(super) fn finish(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        let Self { pictures, overlay, coder } = self;
        pictures.finish(&mut |picture| encode(overlay.as_mut(), coder, picture, out))?;
        if let Some(overlay) = overlay {
            overlay.finish(&mut |picture| coder.encode(picture, out))?;
        }
        coder.end(out)
    }
}

fn encode(overlay: Option<&mut Overlay>, coder: &mut Coder, picture: &mut frame::Video, out: &mut PacketSink) -> WorkResult<()> {
    match overlay {
        Some(overlay) => overlay.lay(picture, &mut |picture| coder.encode(picture, out)),
        None => coder.encode(picture, out),
    }
}

impl Coder {
    fn encode(&mut self, picture: &mut frame::Video, out: &mut PacketSink) -> WorkResult<()> {
        if let Some(crf) = self.helm.as_ref().map(Helm::crf) {
            if self.opening.is_steered_in_flight() {
                set_crf(self.encoder.as_mut().ok_or_else(gone)?, crf)?;
                self.crf = crf;
            } else if self.frames == self.stretch {
                self.end(out)?;
                self.encoder = None; // its memory first: some take a lot
                self.encoder = Some(self.opening.open(crf)?);
                self.crf = self.opening.nearest(crf);
                self.frames = 0;
            }
        }
        let is_hard = self.is_hard;
        let brought = self.upload.as_ref().map(|upload| upload.bring(picture)).transpose().map_err(|error| of(is_hard, error))?;
        let picture = brought.as_ref().unwrap_or(picture);
        let sent = self.encoder.as_mut().ok_or_else(gone)?.send_frame(picture).blame_us("encoding pictures");
        sent.map_err(|error| of(is_hard, error))?;
        self.frames = self.frames.saturating_add(1);
        self.collect(out)
    }

    fn end(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        let ended = self.encoder.as_mut().ok_or_else(gone)?.send_eof().blame_us("ending the video");
        ended.map_err(|error| of(self.is_hard, error))?;
        self.collect(out)
    }

    fn collect(&mut self, out: &mut PacketSink) -> WorkResult<()> {
        let encoder = self.encoder.as_mut().ok_or_else(gone)?;
        let time_base = encoder.time_base();
        let mut packet = Packet::empty();
        loop {
            match encoder.receive_packet(&mut packet) {
                Ok(()) => {}
                Err(ffmpeg::Error::Eof | ffmpeg::Error::Other { errno: libc::EAGAIN }) => return Ok(()),
                Err(error) => return Err(error).blame_us("encoding pictures").map_err(|error| of(self.is_hard, error)),
            }
            if packet.duration() <= 0 {
                packet.set_duration(1);
            }
            if let Some(helm) = &mut self.helm {
                // What is still in an encoder that is steered in flight was encoded at about the same.
                helm.hear(packet.size() as u64, packet.is_key(), self.crf);
            }
            out(&mut packet, time_base)?;
        }
    }
}

/// What fails in the hardware, libx264 may do.
fn of(is_hard: bool, error: WorkError) -> WorkError {
    if is_hard { error.surprising(Surprise::HardwareFails) } else { error }
}

fn gone() -> WorkError {
    WorkError::new(Reason::Internal, "the encoder is gone")
}
