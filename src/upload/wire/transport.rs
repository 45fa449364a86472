//! Packets on a TCP connection: the Full transport (<https://core.telegram.org/mtproto/mtproto-transports#full>).
//!
//! In: encrypted payloads with room around them; bytes that came. Out: packets to write; where payloads lie. Must not: look into payloads.
//! The only place that knows which transport it is. Full has a checksum; at tens of gigabytes a second that costs nothing beside the cipher.

use std::ops::Range;

use grammers_client::InvocationError;
use grammers_mtproto::transport::{Error, Full, Transport as _};

/// Room in front of a payload: length and sequence number.
pub(super) const HEAD_BYTES: usize = 8;

/// Room behind a payload: the checksum.
pub(super) const TAIL_BYTES: usize = 4;

/// Largest packet of the server that is read, in bytes: a little over the 1 MiB that Telegram keeps to.
pub(super) const MAX_PACKET_BYTES: usize = 1024 * 1024 + 8 * 1024;

/// The payload of a packet that goes out.
pub(super) fn payload_mut(packet: &mut [u8]) -> &mut [u8] {
    let packet_bytes = packet.len();
    &mut packet[HEAD_BYTES..packet_bytes - TAIL_BYTES]
}

/// Both directions of one connection.
pub(super) struct Transport {
    next_seq: i32,
    incoming: Full,
}

/// Where a payload lies in the bytes that came, and where the next packet begins.
pub(super) struct Unpacked {
    pub(super) payload: Range<usize>,
    pub(super) next: usize,
}

impl Transport {
    pub(super) fn new() -> Self {
        Self { next_seq: 0, incoming: Full::new() }
    }

    /// Fills in what surrounds the payload: the first [`HEAD_BYTES`] and the last [`TAIL_BYTES`] of `packet`.
    pub(super) fn pack(&mut self, packet: &mut [u8]) {
        let packet_bytes = packet.len();
        let body_bytes = packet_bytes - TAIL_BYTES;
        packet[..4].copy_from_slice(&(packet_bytes as i32).to_le_bytes());
        packet[4..HEAD_BYTES].copy_from_slice(&self.next_seq.to_le_bytes());
        let checksum = crc32fast::hash(&packet[..body_bytes]);
        packet[body_bytes..].copy_from_slice(&checksum.to_le_bytes());
        self.next_seq += 1;
    }

    /// The first packet in `bytes`, or `None` while it is not whole. Errors: a damaged packet; a status in place of one (404: the key is unknown).
    pub(super) fn unpack(&mut self, bytes: &mut [u8]) -> Result<Option<Unpacked>, InvocationError> {
        if let Some(&length) = bytes.first_chunk() {
            let got = i32::from_le_bytes(length);
            // The lowest number of all has no counterpart that a status could be.
            if got > MAX_PACKET_BYTES as i32 || got == i32::MIN {
                return Err(Error::BadLen { got }.into());
            }
        }
        match self.incoming.unpack(bytes) {
            Ok(found) => Ok(Some(Unpacked { payload: found.data_range, next: found.next_offset })),
            Err(Error::MissingBytes) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(transport: &mut Transport, payload: &[u8]) -> Vec<u8> {
        let mut packet = [&[0; HEAD_BYTES], payload, &[0; TAIL_BYTES]].concat();
        transport.pack(&mut packet);
        packet
    }

    #[test]
    fn grammers_reads_what_we_write() {
        let (mut ours, mut theirs) = (Transport::new(), Full::new());
        for payload in [vec![1; 40], vec![2; 64]] {
            let mut packet = packed(&mut ours, &payload);
            let found = theirs.unpack(&mut packet).unwrap();
            assert_eq!((&packet[found.data_range], found.next_offset), (&payload[..], packet.len()));
        }
    }

    #[test]
    fn packets_are_found_once_they_are_whole() {
        let (mut server, mut client) = (Transport::new(), Transport::new());
        let mut bytes = [packed(&mut server, &[1; 24]), packed(&mut server, &[2; 40])].concat();
        for short in [0, 3, 35] {
            assert!(client.unpack(&mut bytes[..short]).unwrap().is_none(), "{short}");
        }
        let first = client.unpack(&mut bytes).unwrap().unwrap();
        assert_eq!((bytes[first.payload].to_vec(), first.next), (vec![1; 24], 36));
        let second = client.unpack(&mut bytes[first.next..]).unwrap().unwrap();
        assert_eq!(&bytes[36..][second.payload], [2; 40]);
    }

    #[test]
    fn what_is_damaged_or_refused_is_an_error() {
        let good = packed(&mut Transport::new(), &[1; 24]);
        let mut damaged = good.clone();
        damaged[10] ^= 1;
        let length = |bytes: i32| [bytes.to_le_bytes().to_vec(), vec![0; 8]].concat();
        let (huge, least) = (length(MAX_PACKET_BYTES as i32 + 1), length(i32::MIN));
        for (mut bytes, expected) in [(damaged, "crc"), (huge, "bad len"), (least, "bad len"), ((-404_i32).to_le_bytes().to_vec(), "-404")]
        {
            let error = Transport::new().unpack(&mut bytes).err().unwrap().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
