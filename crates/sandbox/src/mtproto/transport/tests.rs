//! The transports against grammers' own, which is the client's half of all but Padded Intermediate.

use grammers_crypto::DequeBuffer;
use grammers_mtproto::transport::{Abridged, Error, Full, Intermediate, Obfuscated, Tagged, Transport, UnpackedOffset};

use super::*;

/// Padded Intermediate, which grammers does not have: its Intermediate with another tag, and padding of every length in turn.
struct PaddedIntermediate {
    inner: Intermediate,
    tagged: bool,
    padding: usize,
}

impl PaddedIntermediate {
    fn new() -> Self {
        Self { inner: Intermediate::new(), tagged: false, padding: 13 }
    }
}

impl Transport for PaddedIntermediate {
    fn pack(&mut self, buffer: &mut DequeBuffer<u8>) {
        buffer.extend(std::iter::repeat_n(0xff, self.padding));
        self.padding = (self.padding + 1) % 16;
        buffer.extend_front(&(buffer.len() as u32).to_le_bytes());
        if !std::mem::replace(&mut self.tagged, true) {
            buffer.extend_front(&[0xdd; 4]);
        }
    }

    fn unpack(&mut self, buffer: &mut [u8]) -> Result<UnpackedOffset, Error> {
        self.inner.unpack(buffer)
    }
}

impl Tagged for PaddedIntermediate {
    fn init_tag(&mut self) -> [u8; 4] {
        self.tagged = true;
        [0xdd; 4]
    }
}

/// An encrypted payload as far as a transport can see: a key's number, then whole blocks behind 24 bytes.
fn payload(fill: u8, blocks: usize) -> Vec<u8> {
    vec![fill; 24 + blocks * 16]
}

/// A payload that is not encrypted, with the length of its message in it.
fn plain_payload(message: &[u8]) -> Vec<u8> {
    let mut payload = vec![0; 16];
    payload.extend((message.len() as u32).to_le_bytes());
    payload.extend(message);
    payload
}

fn packed(client: &mut impl Transport, payload: &[u8]) -> Vec<u8> {
    let mut buffer = DequeBuffer::with_capacity(payload.len() + 128, 128);
    buffer.extend(payload.iter().copied());
    client.pack(&mut buffer);
    buffer[..].to_vec()
}

/// Sends payloads of all sizes there and back.
async fn there_and_back(mut client: impl Transport, expected: Framing) {
    let sent = [payload(1, 1), payload(2, 40), payload(3, 33_000), plain_payload(&[4; 40])];
    let stream: Vec<u8> = sent.iter().flat_map(|payload| packed(&mut client, payload)).collect();
    let mut from = &stream[..];
    let (mut reader, mut writer) = accept(&mut from).await.expect("a known transport").expect("not closed");
    for payload in &sent {
        assert_eq!(reader.read(&mut from).await.expect("a frame").as_ref(), Some(payload), "{expected:?}");
        assert!(!reader.wants_quick_ack());
    }
    assert_eq!(reader.read(&mut from).await.expect("the end"), None);
    assert_eq!(reader.framing, expected);
    for payload in &sent {
        let mut framed = writer.frame(payload);
        let unpacked = client.unpack(&mut framed).expect("our frame");
        // What is behind it may be padding: the message in a payload says where it ends.
        assert_eq!(framed[unpacked.data_range.start..][..payload.len()], payload[..], "{expected:?}");
        assert_eq!(unpacked.next_offset, framed.len());
    }
    let mut refused = writer.error(404);
    let unpacked = client.unpack(&mut refused);
    assert_eq!(unpacked.expect_err("an error"), Error::BadStatus { status: 404 }, "{expected:?}");
}

#[tokio::test]
async fn every_transport_of_the_real_client_is_told_by_its_first_bytes() {
    there_and_back(Full::new(), Framing::Full).await;
    there_and_back(Abridged::new(), Framing::Abridged).await;
    there_and_back(Intermediate::new(), Framing::Intermediate).await;
    there_and_back(PaddedIntermediate::new(), Framing::Padded).await;
    there_and_back(Obfuscated::new(Abridged::new()), Framing::Abridged).await;
    there_and_back(Obfuscated::new(Intermediate::new()), Framing::Intermediate).await;
    there_and_back(Obfuscated::new(PaddedIntermediate::new()), Framing::Padded).await;
}

#[tokio::test]
async fn a_closed_connection_is_no_error_and_other_protocols_are() {
    assert!(accept(&mut &b""[..]).await.expect("no error").is_none());
    for start in [&b"GET / HTTP/1.1\r\n\r\n"[..], &[0x16, 0x03, 0x01, 0x02, 0, 1, 0, 0], &[7; 64]] {
        let failed = accept(&mut &start[..]).await.map(|_| ());
        assert_eq!(failed.expect_err("not MTProto").kind(), io::ErrorKind::InvalidData);
    }
}

#[tokio::test]
async fn broken_frames_end_the_connection() {
    let good = FrameWriter::default().frame(&[9; 24]);
    for (at, what) in [(0, "length"), (4, "sequence"), (12, "checksum")] {
        let mut broken = good.clone();
        broken[at] ^= 1;
        let failed = FrameReader::default().read(&mut &broken[..]).await;
        let text = failed.expect_err("a broken frame").to_string();
        assert!(text.contains(what), "{text}");
    }
    for frame in [&[0xee, 0xee, 0xee, 0xee, 0, 0, 0, 0x7f][..], &[0xee, 0xee, 0xee, 0xee, 3, 0, 0, 0, 1, 2, 3], &[0xef, 0]] {
        let mut from = frame;
        let (mut reader, _) = accept(&mut from).await.expect("a known transport").expect("not closed");
        let failed = reader.read(&mut from).await.expect_err("an impossible length");
        assert!(failed.to_string().contains("length"), "{failed}");
    }
    // Sixteen bytes behind a message are no padding.
    let mut long = plain_payload(&[5; 8]);
    long.extend([0; 16]);
    let mut stream = vec![0xdd; 4];
    stream.extend((long.len() as u32).to_le_bytes());
    stream.extend(long);
    let mut from = &stream[..];
    let (mut reader, _) = accept(&mut from).await.expect("a known transport").expect("not closed");
    assert!(reader.read(&mut from).await.expect_err("too much").to_string().contains("padding"));
}

#[tokio::test]
async fn quick_acknowledgements_are_asked_for_by_the_highest_bit_and_given_with_it() {
    for (start, length, token) in [
        (&[0xef][..], &[0x80 | 10][..], [0x81, 2, 3, 4]),
        (&[0xee; 4], &[40, 0, 0, 0x80], [4, 3, 2, 0x81]),
        (&[0xdd; 4], &[40, 0, 0, 0x80], [4, 3, 2, 0x81]),
    ] {
        let stream = [start, length, &[6; 40]].concat();
        let mut from = &stream[..];
        let (mut reader, mut writer) = accept(&mut from).await.expect("a known transport").expect("not closed");
        assert_eq!(reader.read(&mut from).await.expect("a frame"), Some(vec![6; 40]));
        assert!(reader.wants_quick_ack());
        assert_eq!(writer.quick_ack(0x0102_0304), token);
    }
    assert!(FrameWriter::default().quick_ack(1).is_empty());
}
