//! How fast one core hashes and encrypts the parts of an upload: the candidates, and the whole message as the connection for parts makes it.
//!
//! In: nothing. Out: MB for each second of processor time, the best of several rounds over one part of 512 KiB; last line
//! one JSON object. Must not: use the network.
//! `ige_sha_mb_per_s` is the floor that no MTProto client goes under: AES-256-IGE and SHA-256 of every byte by the fastest crates.

#![allow(clippy::print_stdout)] // results are what standard output is for

use std::hint::black_box;

use grammers_crypto::{AuthKey, DequeBuffer};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use ring::digest;
use sha2::Digest;
use tgferry::upload::parts::PART_BYTES;
use tgferry::upload::wire::{CIPHER_HEAD_BYTES, Cipher, ige_encrypt};

const ROUNDS: usize = 7;
const REPEATS: usize = 40;
const KEY: [u8; 32] = [7; 32];
const IV: [u8; 32] = [9; 32];

fn main() {
    let part_bytes = PART_BYTES as usize;
    let mut part = vec![5_u8; part_bytes];
    shown("AES-256-IGE, grammers-crypto", || grammers_crypto::aes::ige_encrypt(&mut part, &KEY, &IV));
    shown("AES-256-IGE, ours over the aes crate", || ige_encrypt(&mut part, &KEY, &IV));
    shown("SHA-256, sha2", || sha2::Sha256::digest(&part));
    shown("SHA-256, ring", || digest::digest(&digest::SHA256, &part));
    shown("CRC-32, crc32fast", || crc32fast::hash(&part));

    let theirs = AuthKey::from_bytes([3; 256]);
    let mut buffer = DequeBuffer::with_capacity(part_bytes + 64, 64);
    shown("message, grammers-crypto (one copy, no gzip)", || {
        buffer.clear();
        buffer.extend(part.iter().copied());
        grammers_crypto::encrypt_data_v2(&mut buffer, &theirs);
    });
    let floor = shown("floor: IGE and SHA-256", || {
        black_box(digest::digest(&digest::SHA256, &part));
        ige_encrypt(&mut part, &KEY, &IV);
    });
    let ours = Cipher::new([3; 256]);
    let mut packet = vec![5_u8; CIPHER_HEAD_BYTES + part_bytes];
    let message = shown("message, ours, with its checksum", || {
        ours.encrypt(&mut packet);
        crc32fast::hash(&packet)
    });
    let mut packets = [&packet; 4].map(Vec::clone);
    let mut count = 0;
    shown("message, ours, four together", || {
        count += 1;
        // One in four calls does the work of four.
        if count % 4 == 0 {
            ours.encrypt_together(packets.iter_mut().map(Vec::as_mut_slice));
        }
    });
    println!(r#"{{"bench":"cipher","figures":{{"ige_sha_mb_per_s":{floor:.1},"message_mb_per_s":{message:.1}}}}}"#);
}

/// Prints and gives the MB/s (10^6 bytes a second of processor time) of what goes over one part.
fn shown<T>(name: &str, mut over_one_part: impl FnMut() -> T) -> f64 {
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let begin_s = cpu_s();
        for _ in 0..REPEATS {
            black_box(over_one_part());
        }
        let bytes = (REPEATS as u64 * PART_BYTES) as f64;
        best = best.max(bytes / 1e6 / (cpu_s() - begin_s));
    }
    println!("{name:<46} {best:>8.0} MB/s");
    best
}

/// Processor time of this process, which has one thread: others on the machine do not count.
fn cpu_s() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).expect("a process may ask for its own times");
    (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6
}
