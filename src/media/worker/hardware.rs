//! Encoders of the machine's graphics hardware, where they are asked for and there.
//!
//! In: which may be tried, how pictures are encoded. Out: an encoder, or none: then libx264 does it. Must not: open a device once the process has touched a
//! file of strangers: devices and drivers are opened before the bounds are set, so that these need not be any wider.
//! Options: <https://docs.nvidia.com/video-technologies/video-codec-sdk/12.0/ffmpeg-with-nvidia-gpu/>, <https://trac.ffmpeg.org/wiki/Hardware/VAAPI>,
//! <https://trac.ffmpeg.org/wiki/Hardware/QuickSync>.

use std::ffi::CStr;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use ffmpeg::{Dictionary, encoder, ffi, format, frame};
use ffmpeg_next as ffmpeg;

use super::encoder::{Opening, named};
use super::error::{Blame, WorkResult};
use super::write;
use crate::config::Hardware;
use crate::media::protocol::{Rate, Reply, Task, VideoSettings, VideoWork};
use crate::model::VideoCodec;

/// The pixel format that all of them take.
pub(super) const PIXELS: &str = "nv12";
/// Pictures in the hardware's memory at once: what it looks ahead, and a few on their way.
const POOL: i32 = 24;
/// What NVIDIA's encoder is loaded from; FFmpeg loads it only when the bounds are set, and finds it loaded then.
const NVENC_LIBRARY: &CStr = c"libnvidia-encode.so.1";

/// One kind of hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Nvenc,
    Qsv,
    Vaapi,
}

/// Open hardware.
struct Device {
    kind: Kind,
    context: *mut ffi::AVBufferRef,
}

// SAFETY: FFmpeg counts references to the context atomically, and locks the device itself.
unsafe impl Send for Device {}
// SAFETY: as above; nothing here changes it.
unsafe impl Sync for Device {}

/// A media process does one task with one set of devices, and ends.
static DEVICES: OnceLock<Vec<Device>> = OnceLock::new();
/// An encoder of theirs failed on the way: nothing more is asked of them.
static FAILED: AtomicBool = AtomicBool::new(false);

/// An encoder of the hardware.
pub(super) struct Hard {
    pub(super) encoder: encoder::video::Encoder,
    pub(super) upload: Option<Upload>,
}

/// Brings pictures into the hardware's memory.
pub(super) struct Upload(*mut ffi::AVBufferRef);

impl Drop for Upload {
    fn drop(&mut self) {
        // SAFETY: the reference is ours, and this is its only release.
        unsafe { ffi::av_buffer_unref(&mut self.0) };
    }
}

/// Opens what may be used for a task, before any bound is set. True if there is something; where there is nothing although it was asked for, the log is told.
pub(super) fn open_devices(hardware: Hardware, task: &Task) -> bool {
    if !is_of_use(task) {
        return false;
    }
    let (mut devices, mut missing) = (Vec::new(), Vec::new());
    for kind in kinds(hardware) {
        match open_device(*kind) {
            Ok(device) => devices.push(device),
            Err(error) => missing.push(format!("{}: {error}", kind.encoder())),
        }
    }
    if devices.is_empty() && !missing.is_empty() {
        note(&format!("no encoder of the hardware can be used ({}); libx264 encodes", missing.join(", ")));
    }
    let any = !devices.is_empty();
    DEVICES.set(devices).is_ok() && any
}

/// An even quality of H.264 alone: what has to fit a size is steered, which only libx264 bears.
fn is_of_use(task: &Task) -> bool {
    let Task::Make(make) = task else { return false };
    let video = make.output.as_ref().map(|output| &output.video);
    matches!(video, Some(VideoWork::Encode { settings: VideoSettings { codec: VideoCodec::H264, .. }, rate: Rate::Quality(_) }))
}

fn kinds(hardware: Hardware) -> &'static [Kind] {
    match hardware {
        Hardware::Off => &[],
        Hardware::Auto => &[Kind::Nvenc, Kind::Qsv, Kind::Vaapi],
        Hardware::Nvenc => &[Kind::Nvenc],
        Hardware::Qsv => &[Kind::Qsv],
        Hardware::Vaapi => &[Kind::Vaapi],
    }
}

impl Kind {
    fn encoder(self) -> &'static str {
        match self {
            Self::Nvenc => "h264_nvenc",
            Self::Qsv => "h264_qsv",
            Self::Vaapi => "h264_vaapi",
        }
    }

    fn device_type(self) -> ffi::AVHWDeviceType {
        match self {
            Self::Nvenc => ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_CUDA,
            Self::Qsv => ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_QSV,
            Self::Vaapi => ffi::AVHWDeviceType::AV_HWDEVICE_TYPE_VAAPI,
        }
    }

    /// What comes nearest to a quality of libx264.
    fn options(self, crf: f64) -> Dictionary<'static> {
        let quality = crf.round().to_string();
        let options: &[(&str, &str)] = match self {
            Self::Nvenc => &[("preset", "p5"), ("tune", "hq"), ("rc", "vbr"), ("cq", &quality), ("b", "0")],
            Self::Qsv => &[("preset", "medium"), ("global_quality", &quality)],
            Self::Vaapi => &[("rc_mode", "CQP"), ("qp", &quality)],
        };
        let mut dictionary = Dictionary::new();
        for (name, value) in options {
            dictionary.set(name, value);
        }
        dictionary.set("profile", "high");
        dictionary
    }
}

fn open_device(kind: Kind) -> Result<Device, ffmpeg::Error> {
    if kind == Kind::Nvenc {
        // SAFETY: loads a library by a constant name; it stays loaded. If it is not there the encoder will say so.
        unsafe { libc::dlopen(NVENC_LIBRARY.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
    }
    let mut context = ptr::null_mut();
    // SAFETY: writes one reference, which is ours if the answer is 0; FFmpeg chooses the device by itself.
    let opened = unsafe { ffi::av_hwdevice_ctx_create(&mut context, kind.device_type(), ptr::null(), ptr::null_mut(), 0) };
    if opened < 0 { Err(ffmpeg::Error::from(opened)) } else { Ok(Device { kind, context }) }
}

/// Leaves the hardware alone from now on: it failed in the middle of its work, for this reason.
pub(super) fn give_up(cause: &str) {
    FAILED.store(true, Ordering::Relaxed);
    note(&format!("the encoder of the hardware failed ({cause}); libx264 does the work again"));
}

/// The first encoder that opens, on the devices that are open.
pub(super) fn open(opening: &Opening, crf: f64) -> Option<Hard> {
    if FAILED.load(Ordering::Relaxed) {
        return None;
    }
    for device in DEVICES.get()? {
        match open_on(device, opening, crf) {
            Ok(hard) => {
                eprintln!("{} encodes", device.kind.encoder());
                return Some(hard);
            }
            Err(error) => note(&format!("the hardware does not encode this ({}); libx264 does if no other can", error.cause)),
        }
    }
    None
}

fn open_on(device: &Device, opening: &Opening, crf: f64) -> WorkResult<Hard> {
    let name = device.kind.encoder();
    let codec = named(name)?;
    let (pixels, upload) = match device.kind {
        Kind::Vaapi => (format::Pixel::VAAPI, Some(pool(device, opening.size()).blame_us(name)?)),
        Kind::Nvenc | Kind::Qsv => (format::Pixel::NV12, None),
    };
    let open = || {
        let mut encoder = opening.described(codec, pixels)?;
        // SAFETY: the context is not open yet, and takes references of its own, which it releases when it is freed.
        unsafe {
            let raw = encoder.as_mut_ptr();
            (*raw).hw_device_ctx = ffi::av_buffer_ref(device.context);
            if let Some(Upload(frames)) = &upload {
                (*raw).hw_frames_ctx = ffi::av_buffer_ref(*frames);
            }
        }
        encoder.open_with(device.kind.options(crf))
    };
    let encoder = open().blame_us(&format!("opening {name}"))?;
    Ok(Hard { encoder, upload })
}

fn pool(device: &Device, (width, height): (u32, u32)) -> Result<Upload, ffmpeg::Error> {
    // SAFETY: a reference of ours or null; its data are a frames context until it is released.
    unsafe {
        let upload = Upload(ffi::av_hwframe_ctx_alloc(device.context));
        if upload.0.is_null() {
            return Err(ffmpeg::Error::Other { errno: libc::ENOMEM });
        }
        let frames = (*upload.0).data.cast::<ffi::AVHWFramesContext>();
        (*frames).format = ffi::AVPixelFormat::AV_PIX_FMT_VAAPI;
        (*frames).sw_format = ffi::AVPixelFormat::AV_PIX_FMT_NV12;
        (*frames).width = i32::try_from(width).unwrap_or(0);
        (*frames).height = i32::try_from(height).unwrap_or(0);
        (*frames).initial_pool_size = POOL;
        match ffi::av_hwframe_ctx_init(upload.0) {
            0.. => Ok(upload),
            error => Err(ffmpeg::Error::from(error)),
        }
    }
}

impl Upload {
    /// The picture, in the hardware's memory.
    pub(super) fn bring(&self, picture: &frame::Video) -> WorkResult<frame::Video> {
        let mut hard = frame::Video::empty();
        let good = |code: i32| if code < 0 { Err(ffmpeg::Error::from(code)) } else { Ok(()) };
        let mut bring = || {
            // SAFETY: both frames are alive, and so is the pool; each call writes the new frame alone.
            unsafe {
                let (new, old) = (hard.as_mut_ptr(), picture.as_ptr());
                good(ffi::av_hwframe_get_buffer(self.0, new, 0))?;
                good(ffi::av_hwframe_transfer_data(new, old, 0))?;
                good(ffi::av_frame_copy_props(new, old))
            }
        };
        bring().blame_us("bringing a picture to the hardware")?;
        Ok(hard)
    }
}

fn note(text: &str) {
    write(&Reply::Note { text: text.to_owned() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::protocol::{AudioWork, Make, Otherwise, Output, Subtitles};

    fn task(codec: VideoCodec, rate: Rate) -> Task {
        let settings = VideoSettings { codec, preset: "fast".into(), max_short_side: None, max_frame_rate: 60.0, square: false };
        let output = Output {
            path: "out.mp4".into(),
            container: "mp4".into(),
            video: VideoWork::Encode { settings, rate },
            audio: AudioWork::Leave,
            subtitles: Subtitles::default(),
            title: None,
            artist: None,
            album: None,
            cover: false,
            live: false,
            expected_s: None,
            otherwise: Otherwise::default(),
        };
        Task::Make(Box::new(Make {
            inputs: Vec::new(),
            folder: "job".into(),
            output: Some(output),
            thumbnail: None,
            picture: None,
            own_thumbnail: None,
        }))
    }

    #[test]
    fn nothing_is_opened_that_is_of_no_use() {
        assert!(is_of_use(&task(VideoCodec::H264, Rate::Quality(23.0))));
        assert!(!is_of_use(&task(VideoCodec::Vp9, Rate::Quality(33.0))));
        assert!(kinds(Hardware::Off).is_empty());
        assert_eq!(kinds(Hardware::Vaapi), [Kind::Vaapi]);
        assert_eq!(kinds(Hardware::Auto).len(), 3);
    }
}
