//! Files, as far as the daemon itself looks into them, and lines of its media process.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgferry::media::fuzzing;

fuzz_target!(|data: &[u8]| {
    fuzzing::file(data);
    fuzzing::line(data);
});
