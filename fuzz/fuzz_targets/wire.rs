//! A server of Telegram: packets on the socket, messages in them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tgferry::upload::wire::fuzzing;

fuzz_target!(|data: &[u8]| {
    fuzzing::packets(data);
    fuzzing::messages(data);
});
