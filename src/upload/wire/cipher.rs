//! The encrypted message of MTProto 2.0 (<https://core.telegram.org/mtproto/description#encrypted-message>), in place.
//!
//! In: an authorization key; plaintexts with room in front; payloads of the server. Out: payloads; plaintexts. Must not: know what is in them.
//! What goes out is hashed by ring, whose SHA-256 is the fastest also on processors without an instruction for it; what comes in is short,
//! and grammers takes it apart.

use grammers_crypto::{AuthKey, decrypt_data_v2};
use grammers_mtproto::mtp::DeserializeError;
use ring::digest;

use super::ige::{self, Message};

/// Room that [`Cipher::encrypt`] needs in front of a plaintext: the number of the key and the key of the message.
pub const HEAD_BYTES: usize = KEY_ID_BYTES + MESSAGE_KEY_BYTES;

/// The most bytes that [`padding_bytes`] gives.
pub const MAX_PADDING_BYTES: usize = MIN_PADDING_BYTES + 15;

const KEY_ID_BYTES: usize = 8;
const MESSAGE_KEY_BYTES: usize = 16;
/// At least 12 and at most 1024 bytes; the whole a multiple of 16.
const MIN_PADDING_BYTES: usize = 12;

/// The client's side of the cipher with one authorization key.
pub struct Cipher {
    auth_key: [u8; 256],
    key_id: [u8; KEY_ID_BYTES],
    of_the_server: AuthKey,
}

/// How many random bytes follow a plaintext of that many bytes.
pub fn padding_bytes(plain_bytes: usize) -> usize {
    MIN_PADDING_BYTES + (plain_bytes + MIN_PADDING_BYTES).wrapping_neg() % 16
}

impl Cipher {
    /// The cipher of a key that both sides have.
    pub fn new(auth_key: [u8; 256]) -> Self {
        // The key's number: the lower 64 bits of its SHA-1.
        let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &auth_key);
        let mut key_id = [0; KEY_ID_BYTES];
        key_id.copy_from_slice(&hash.as_ref()[12..]);
        Self { auth_key, key_id, of_the_server: AuthKey::from_bytes(auth_key) }
    }

    /// Encrypts `packet`: [`HEAD_BYTES`] that are overwritten, then the plaintext with its padding.
    pub fn encrypt(&self, packet: &mut [u8]) {
        let Message { bytes, key, iv } = self.begin(packet);
        ige::encrypt(bytes, &key, &iv);
    }

    /// [`Cipher::encrypt`] for several, which takes far less time than each for itself.
    pub fn encrypt_together<'a>(&self, packets: impl IntoIterator<Item = &'a mut [u8]>) {
        ige::encrypt_together(packets.into_iter().map(|packet| self.begin(packet)).collect());
    }

    /// Hashes the plaintext and fills the head in.
    fn begin<'a>(&self, packet: &'a mut [u8]) -> Message<'a> {
        let (head, plain) = packet.split_at_mut(HEAD_BYTES);
        let large = sha256(&[&self.auth_key[88..120], plain]);
        let mut message_key = [0; MESSAGE_KEY_BYTES];
        message_key.copy_from_slice(&large[8..24]);
        head[..KEY_ID_BYTES].copy_from_slice(&self.key_id);
        head[KEY_ID_BYTES..].copy_from_slice(&message_key);
        let (key, iv) = self.key_and_iv(&message_key);
        Message { bytes: plain, key, iv }
    }

    /// Takes [`Cipher::encrypt`] back, for a message that has to go again under another number.
    pub(super) fn take_back(&self, packet: &mut [u8]) {
        let (head, encrypted) = packet.split_at_mut(HEAD_BYTES);
        let mut message_key = [0; MESSAGE_KEY_BYTES];
        message_key.copy_from_slice(&head[KEY_ID_BYTES..]);
        let (key, iv) = self.key_and_iv(&message_key);
        grammers_crypto::aes::ige_decrypt(encrypted, &key, &iv);
    }

    /// The plaintext of a payload of the server, with its padding. Errors: not for this key, or changed on its way.
    pub(super) fn decrypt<'a>(&self, payload: &'a mut [u8]) -> Result<&'a [u8], DeserializeError> {
        Ok(decrypt_data_v2(payload, &self.of_the_server)?)
    }

    fn key_and_iv(&self, message_key: &[u8; MESSAGE_KEY_BYTES]) -> ([u8; 32], [u8; 32]) {
        let a = sha256(&[message_key, &self.auth_key[..36]]);
        let b = sha256(&[&self.auth_key[40..76], message_key]);
        (spliced(&a, &b), spliced(&b, &a))
    }
}

/// Eight bytes of the one, sixteen of the other, eight of the one.
fn spliced(outer: &[u8; 32], inner: &[u8; 32]) -> [u8; 32] {
    let mut whole = *outer;
    whole[8..24].copy_from_slice(&inner[8..24]);
    whole
}

fn sha256(pieces: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    pieces.iter().for_each(|piece| context.update(piece));
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use grammers_crypto::{DequeBuffer, encrypt_data_v2};
    use proptest::prelude::*;

    use super::*;

    fn key(seed: u8) -> [u8; 256] {
        std::array::from_fn(|place| (place as u8).wrapping_mul(31).wrapping_add(seed))
    }

    #[test]
    fn the_padding_is_as_telegram_asks() {
        for plain_bytes in 0..100 {
            let padding = padding_bytes(plain_bytes);
            assert!((12..=MAX_PADDING_BYTES).contains(&padding), "{plain_bytes}: {padding}");
            assert_eq!((plain_bytes + padding) % 16, 0, "{plain_bytes}");
        }
    }

    proptest! {
        #[test]
        fn it_makes_what_grammers_makes(plain in prop::collection::vec(any::<u8>(), 1..600), seed in any::<u8>()) {
            let cipher = Cipher::new(key(seed));
            let mut buffer = DequeBuffer::with_capacity(plain.len() + 64, 64);
            buffer.extend(plain.iter().copied());
            encrypt_data_v2(&mut buffer, &AuthKey::from_bytes(key(seed)));
            let theirs = buffer[..].to_vec();

            // Their padding is random: take it from what they made, and make the same from it.
            let mut ours = theirs.clone();
            cipher.take_back(&mut ours);
            prop_assert_eq!(&ours[HEAD_BYTES..][..plain.len()], &plain[..]);
            ours[..HEAD_BYTES].fill(0);
            cipher.encrypt(&mut ours);
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn what_was_encrypted_can_be_taken_back(blocks in prop::collection::vec(any::<[u8; 16]>(), 1..40), seed in any::<u8>()) {
            let cipher = Cipher::new(key(seed));
            let mut packet = [vec![0; HEAD_BYTES], blocks.concat()].concat();
            cipher.encrypt(&mut packet);
            prop_assert_ne!(&packet[HEAD_BYTES..], &blocks.concat()[..]);
            cipher.take_back(&mut packet);
            prop_assert_eq!(&packet[HEAD_BYTES..], &blocks.concat()[..]);
        }

        #[test]
        fn several_at_once_are_as_one_after_the_other(
            plain in prop::collection::vec(prop::collection::vec(any::<[u8; 16]>(), 1..40), 0..6),
            seed in any::<u8>(),
        ) {
            let cipher = Cipher::new(key(seed));
            let packets: Vec<Vec<u8>> = plain.into_iter().map(|blocks| [vec![0; HEAD_BYTES], blocks.concat()].concat()).collect();
            let (mut alone, mut together) = (packets.clone(), packets);
            alone.iter_mut().for_each(|packet| cipher.encrypt(packet));
            cipher.encrypt_together(together.iter_mut().map(Vec::as_mut_slice));
            prop_assert_eq!(together, alone);
        }
    }
}
