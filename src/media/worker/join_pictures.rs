//! The pictures of files that are put behind each other.
//!
//! In: packets of one file after the other. Out: one stream, copied or encoded. Must not: read files.

use ffmpeg::format::stream::Stream;
use ffmpeg::{Packet, Rational, Rescale, encoder, frame, rescale};
use ffmpeg_next as ffmpeg;

use super::encoder::Opening;
use super::error::{Blame, WorkResult};
use super::filters::Wanted;
use super::input;
use super::measure::{steady_rate, target_size};
use super::muxer::Muxer;
use super::pictures;
use crate::media::protocol::{Join, VideoSettings};

/// Size and rate of pictures.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Form {
    size: (u32, u32),
    rate: Rational,
}

impl Form {
    /// Of what would be made of a stream alone.
    pub(super) fn of(stream: &Stream, settings: &VideoSettings) -> Self {
        let size = target_size(input::display(stream), settings.max_short_side);
        Self { size, rate: steady_rate(stream.avg_frame_rate(), stream.rate(), settings.max_frame_rate) }
    }

    /// The size that has the most pixels, and the highest rate.
    pub(super) fn together(forms: impl Iterator<Item = Self>) -> Self {
        let pixels = |form: &Self| u64::from(form.size.0) * u64::from(form.size.1);
        let larger = |one: Self, other: Self| Self {
            size: if pixels(&other) > pixels(&one) { other.size } else { one.size },
            rate: if f64::from(other.rate) > f64::from(one.rate) { other.rate } else { one.rate },
        };
        forms.reduce(larger).unwrap_or(Self { size: (2, 2), rate: Rational(25, 1) })
    }
}

/// The largest size of that shape that fits into `outer`, even.
fn fitted(display: (u32, u32), outer: (u32, u32)) -> (u32, u32) {
    let (width, height) = (f64::from(display.0.max(1)), f64::from(display.1.max(1)));
    let factor = (f64::from(outer.0) / width).min(f64::from(outer.1) / height);
    let even = |length: f64, most: u32| ((length * factor / 2.0).round() as u32 * 2).clamp(2, most.max(2));
    (even(width, outer.0), even(height, outer.1))
}

/// The pictures on their way.
pub(super) struct Pictures {
    to: usize,
    /// Where the file begins that is being read.
    begins_us: i64,
    time_base: Rational,
    way: Way,
}

enum Way {
    Copy { waits_for_key: bool },
    Encode(Box<Encode>),
}

struct Encode {
    form: Form,
    threads: u32,
    encoder: encoder::video::Encoder,
    source: Option<pictures::Pictures>,
    /// The number of the next frame.
    next: i64,
}

impl Pictures {
    /// Adds a stream to the new file that is like the first of the files.
    pub(super) fn copied(stream: &Stream, muxer: &mut Muxer) -> WorkResult<Self> {
        let to = muxer.add_copy(stream)?;
        Ok(Self { to, begins_us: 0, time_base: stream.time_base(), way: Way::Copy { waits_for_key: true } })
    }

    /// Adds a stream to the new file that is encoded.
    pub(super) fn encoded(task: &Join, first: &Stream, form: Form, threads: u32, muxer: &mut Muxer) -> WorkResult<Self> {
        let source = of_source(first, form, threads)?;
        let encoder = Opening::new(&source, &task.settings, threads).open(task.crf)?;
        let to = muxer.add_encoded(encoder.as_ref())?;
        let way = Way::Encode(Box::new(Encode { form, threads, encoder, source: None, next: 0 }));
        Ok(Self { to, begins_us: 0, time_base: first.time_base(), way })
    }

    /// From now on packets are of this stream, whose file begins at that time.
    pub(super) fn begin(&mut self, stream: &Stream, begins_us: i64) -> WorkResult<()> {
        (self.begins_us, self.time_base) = (begins_us, stream.time_base());
        match &mut self.way {
            Way::Copy { waits_for_key } => *waits_for_key = true,
            Way::Encode(encode) => encode.source = Some(of_source(stream, encode.form, encode.threads)?),
        }
        Ok(())
    }

    /// Takes the next packet.
    pub(super) fn take(&mut self, packet: &mut Packet, muxer: &mut Muxer) -> WorkResult<()> {
        match &mut self.way {
            Way::Copy { waits_for_key } => {
                // Pictures before the first key frame can't be shown.
                *waits_for_key &= !packet.is_key();
                if *waits_for_key || packet.size() == 0 {
                    return Ok(());
                }
                let offset = self.begins_us.rescale(rescale::TIME_BASE, self.time_base);
                packet.set_pts(packet.pts().map(|pts| pts.saturating_add(offset)));
                packet.set_dts(packet.dts().map(|dts| dts.saturating_add(offset)));
                muxer.write(self.to, packet, self.time_base)
            }
            Way::Encode(encode) => encode.with_source(self.begins_us, self.to, muxer, |source, out| source.feed(packet, out)),
        }
    }

    /// Says that the file ends.
    pub(super) fn end(&mut self, muxer: &mut Muxer) -> WorkResult<()> {
        match &mut self.way {
            Way::Copy { .. } => Ok(()),
            Way::Encode(encode) => {
                encode.with_source(self.begins_us, self.to, muxer, |source, out| source.finish(out))?;
                encode.source = None;
                Ok(())
            }
        }
    }

    /// Says that no more files come.
    pub(super) fn finish(&mut self, muxer: &mut Muxer) -> WorkResult<()> {
        match &mut self.way {
            Way::Copy { .. } => Ok(()),
            Way::Encode(encode) => {
                encode.encoder.send_eof().blame_us("ending the pictures")?;
                collect(&mut encode.encoder, self.to, muxer)
            }
        }
    }
}

/// Where frames go.
type FrameSink<'a> = dyn FnMut(&mut frame::Video) -> WorkResult<()> + 'a;

impl Encode {
    /// Lets the source work, and encodes what comes out of it behind what is there.
    fn with_source(
        &mut self,
        begins_us: i64,
        to: usize,
        muxer: &mut Muxer,
        work: impl FnOnce(&mut pictures::Pictures, &mut FrameSink) -> WorkResult<()>,
    ) -> WorkResult<()> {
        let Some(source) = &mut self.source else { return Ok(()) };
        let (encoder, next) = (&mut self.encoder, &mut self.next);
        let offset = (begins_us as f64 / 1e6 * f64::from(self.form.rate)).round() as i64;
        work(source, &mut |picture| {
            let at = picture.pts().unwrap_or(0).saturating_add(offset);
            // What a file shows before its time zero would stand in the one before.
            if at < *next {
                return Ok(());
            }
            picture.set_pts(Some(at));
            *next = at + 1;
            encoder.send_frame(picture).blame_us("encoding pictures")?;
            collect(encoder, to, muxer)
        })
    }
}

fn collect(encoder: &mut encoder::video::Encoder, to: usize, muxer: &mut Muxer) -> WorkResult<()> {
    let time_base = encoder.time_base();
    let mut packet = Packet::empty();
    while encoder.receive_packet(&mut packet).is_ok() {
        if packet.duration() <= 0 {
            packet.set_duration(1);
        }
        muxer.write(to, &mut packet, time_base)?;
    }
    Ok(())
}

fn of_source(stream: &Stream, form: Form, threads: u32) -> WorkResult<pictures::Pictures> {
    let size = fitted(input::display(stream), form.size);
    let wanted = Wanted {
        size,
        scaled: size,
        pixels: "yuv420p",
        rate: form.rate,
        rotation: input::rotation(stream),
        interlaced: input::is_interlaced(stream),
        hdr: input::hdr(stream),
        within: (size != form.size).then_some(form.size),
        last: None,
    };
    pictures::Pictures::like(stream, wanted, threads)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_fit_into_the_largest() {
        let table = [
            ((640, 360), (1280, 720), (1280, 720)),
            ((640, 480), (1280, 720), (960, 720)),
            ((360, 640), (1280, 720), (406, 720)),
            ((1920, 1080), (1280, 720), (1280, 720)),
            ((1, 1000), (320, 180), (2, 180)),
            ((0, 0), (320, 180), (180, 180)),
        ];
        for (display, outer, expected) in table {
            assert_eq!(fitted(display, outer), expected, "{display:?} in {outer:?}");
        }
        let form = |width, height, rate| Form { size: (width, height), rate: Rational(rate, 1) };
        let together = Form::together([form(640, 360, 60), form(720, 1280, 25), form(1280, 720, 30)].into_iter());
        assert_eq!(together, form(720, 1280, 60), "of two that are equally large the first");
    }
}
