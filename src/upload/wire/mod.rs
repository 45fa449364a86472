//! Our own connection for parts: as cheap as the cipher allows.
//!
//! In: an address, an authorization key, calls, parts in buffers of a bounded pool. Out: answers. Must not: reconnect, wait out floods or
//! know what a file is. It exists beside grammers' connection because that one compresses every call at the best level, copies each part
//! several times, has one call in flight and `TCP_NODELAY` off: 12 to 21 MB/s of one core instead of several hundred.
//!
//! A part is read into a [`PartBuffer`] and stays where it is: the headers of all layers are written around it, it is encrypted in place and
//! written to the socket from there. Its buffer is kept until it is answered, so that a part that the server refuses for its salt or number goes
//! again without anybody noticing.

mod buffer;
mod cipher;
mod connection;
#[cfg(test)]
mod connection_tests;
#[cfg(fuzzing)]
pub mod fuzzing;
mod ige;
mod packets;
mod plaintext;
mod session;
#[cfg(test)]
mod session_tests;
mod traffic;
mod transport;

pub use buffer::{PartBuffer, PartBuffers, PartCall};
pub use cipher::{Cipher, HEAD_BYTES as CIPHER_HEAD_BYTES};
pub use connection::Connection;
pub(crate) use ige::TOGETHER as PARTS_TOGETHER;
pub use ige::encrypt as ige_encrypt;
pub(crate) use traffic::TOGETHER_WITHIN;
