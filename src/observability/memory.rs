//! Keeps the memory of the process small: glibc's allocator is tuned for speed on big machines.
//!
//! In: nothing. Out: settings of the allocator. Must not: be called after threads have begun.

/// Arenas at most. By default there are eight for each core, and each keeps what it was once given: a daemon whose blocking threads
/// come and go would hold the largest buffer of each. See mallopt(3).
#[cfg(target_env = "gnu")]
const ARENAS: i32 = 2;
/// From this size on a buffer is mapped and given back at once, in bytes. Parts of files are 512 KiB.
#[cfg(target_env = "gnu")]
const MAPPED_BYTES: i32 = 128 * 1024;

/// Call it first thing.
pub fn keep_memory_small() {
    #[cfg(target_env = "gnu")]
    // SAFETY: sets two numbers of the allocator; no other thread runs yet. A refusal leaves the defaults, which are correct too.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, ARENAS);
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES);
    }
}
