//! Web servers and yt-dlp: headers, metadata, progress, cookies, names.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgferry::fetch::fuzzing;

fuzz_target!(|data: &[u8]| {
    fuzzing::answer(data);
    fuzzing::yt_dlp(data);
    if let Ok(name) = std::str::from_utf8(data) {
        fuzzing::name(name);
    }
});
