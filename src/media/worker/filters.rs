//! The filters between a decoder of pictures and an encoder.
//!
//! In: what the source is and what is wanted. Out: a chain as FFmpeg writes it. Must not: touch FFmpeg's objects.
//! Filters: <https://ffmpeg.org/ffmpeg-filters.html>; the curves of HDR: ITU-R BT.2100.

use ffmpeg::Rational;
use ffmpeg_next as ffmpeg;

use super::jpeg::turn;
use crate::model::Hdr;

/// A smaller difference between shapes nobody sees.
const UNSEEN: f64 = 0.01;

/// What frames are to be like, and what has to be undone for that.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wanted {
    /// Width and height in pixels.
    pub(super) size: (u32, u32),
    /// What the whole picture is scaled to before its middle is cut out; the size itself if all of it is kept.
    pub(super) scaled: (u32, u32),
    /// Pixel format, as FFmpeg calls it.
    pub(super) pixels: &'static str,
    /// Frames a second.
    pub(super) rate: Rational,
    /// Clockwise rotation that the source asks for, in degrees.
    pub(super) rotation: u16,
    /// The source's frames are two half pictures each, or some of them.
    pub(super) interlaced: bool,
    /// The source's brightness goes beyond what a screen of old can show.
    pub(super) hdr: Option<Hdr>,
    /// Black is put around them up to this size.
    pub(super) within: Option<(u32, u32)>,
    /// A filter behind all others.
    pub(super) last: Option<String>,
}

impl Wanted {
    /// Width and height that come out.
    pub(super) fn outer_size(&self) -> (u32, u32) {
        self.within.unwrap_or(self.size)
    }

    /// The same for pictures that come later and are so many times as wide, for their height, as the first ones: all of them is seen, with black around; or their middle,
    /// where that is what is wanted.
    pub(super) fn for_wider(&self, times: f64) -> Self {
        if !(0.1..=10.0).contains(&times) || (times - 1.0).abs() < UNSEEN {
            return self.clone();
        }
        let even = |length: f64| ((length / 2.0).round() as u32 * 2).max(2);
        let (width, height) = (f64::from(self.scaled.0), f64::from(self.scaled.1));
        if self.size != self.scaled {
            let scaled = if times > 1.0 { (even(width * times), self.scaled.1) } else { (self.scaled.0, even(height / times)) };
            return Self { scaled, ..self.clone() };
        }
        let size = if times > 1.0 { (self.size.0, even(height / times)) } else { (even(width * times), self.size.1) };
        Self { size, scaled: size, within: Some(self.outer_size()), ..self.clone() }
    }
}

/// The chain, from decoded frames to those that are wanted.
pub(super) fn chain(wanted: &Wanted) -> String {
    let deinterlaced = if wanted.interlaced { "bwdif=mode=send_frame:deint=interlaced," } else { "" };
    let (width, height) = wanted.scaled;
    let cropped = if wanted.size == wanted.scaled { String::new() } else { format!("crop={}:{},", wanted.size.0, wanted.size.1) };
    let rate = wanted.rate;
    let last = wanted.last.as_ref().map(|last| format!(",{last},format=yuv420p")).unwrap_or_default();
    let around = wanted.within.map(|(width, height)| format!(",pad={width}:{height}:(ow-iw)/2:(oh-ih)/2")).unwrap_or_default();
    format!(
        "{deinterlaced}fps={}/{},{}scale={width}:{height}:flags=bicubic,{cropped}setsar=1,{}format={}{around}{last}",
        rate.numerator(),
        rate.denominator(),
        turn(wanted.rotation),
        wanted.hdr.map(tone_mapped).unwrap_or_default(),
        wanted.pixels,
    )
}

/// Light in place of signal, less light, signal again; after scaling, since it costs the most. What the source says of its colours is given
/// again: not every frame says it, and the filter refuses what it does not know.
fn tone_mapped(hdr: Hdr) -> String {
    let curve = match hdr {
        Hdr::Pq => "smpte2084",
        Hdr::Hlg => "arib-std-b67",
    };
    format!(
        "zscale=transferin={curve}:primariesin=bt2020:matrixin=bt2020nc:transfer=linear:npl=100,format=gbrpf32le,zscale=primaries=bt709,\
         tonemap=tonemap=hable:desat=0,zscale=transfer=bt709:matrix=bt709:range=limited,"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Wanted = Wanted {
        size: (1280, 720),
        scaled: (1280, 720),
        pixels: "yuv420p",
        rate: Rational(25, 1),
        rotation: 0,
        interlaced: false,
        hdr: None,
        within: None,
        last: None,
    };

    #[test]
    fn other_shapes_are_put_into_the_first() {
        let square = Wanted { size: (640, 640), scaled: (1138, 640), ..PLAIN };
        let table = [
            (PLAIN, 1.0, (1280, 720), (1280, 720), None),
            (PLAIN, 0.75, (960, 720), (960, 720), Some((1280, 720))),
            (PLAIN, 4.0 / 3.0, (1280, 540), (1280, 540), Some((1280, 720))),
            (Wanted { within: Some((1920, 1080)), ..PLAIN }, 0.75, (960, 720), (960, 720), Some((1920, 1080))),
            (square.clone(), 0.5, (640, 640), (1138, 1280), None),
            (square, 1.5, (640, 640), (1708, 640), None),
            (PLAIN, f64::NAN, (1280, 720), (1280, 720), None),
        ];
        for (wanted, times, size, scaled, within) in table {
            let later = wanted.for_wider(times);
            assert_eq!((later.size, later.scaled, later.within), (size, scaled, within), "{times}");
            assert_eq!(later.outer_size(), wanted.outer_size(), "the encoder is open");
        }
    }

    #[test]
    fn each_need_has_its_filter_in_its_place() {
        let table: [(&str, Wanted, &[&str]); 8] = [
            ("in a frame", Wanted { within: Some((1920, 1080)), ..PLAIN }, &["scale=1280:720", "format=yuv420p", "pad=1920:1080"]),
            ("plain", PLAIN, &["fps=25/1,scale=1280:720", "setsar=1,format=yuv420p"]),
            ("interlaced", Wanted { interlaced: true, ..PLAIN }, &["bwdif=", "fps=", "scale="]),
            ("on its side", Wanted { rotation: 90, ..PLAIN }, &["fps=", "transpose=clock", "scale="]),
            (
                "PQ",
                Wanted { hdr: Some(Hdr::Pq), ..PLAIN },
                &["scale=", "transferin=smpte2084", "tonemap=", "transfer=bt709", "format=yuv420p"],
            ),
            ("square", Wanted { size: (640, 640), scaled: (1138, 640), ..PLAIN }, &["scale=1138:640", "crop=640:640", "setsar=1"]),
            ("colours as they are", Wanted { pixels: "bgra", ..PLAIN }, &["scale=", "format=bgra"]),
            ("HLG", Wanted { hdr: Some(Hdr::Hlg), ..PLAIN }, &["transferin=arib-std-b67", "tonemap="]),
        ];
        for (name, wanted, pieces) in table {
            let chain = chain(&wanted);
            let mut rest = chain.as_str();
            for piece in pieces {
                let at = rest.find(piece).unwrap_or_else(|| panic!("{name}: {piece} in its order in {chain}"));
                rest = &rest[at..];
            }
        }
        for piece in ["tonemap", "bwdif", "crop"] {
            assert!(!chain(&PLAIN).contains(piece), "{piece}");
        }
    }
}
