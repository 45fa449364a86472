//! The server's half of the MTProto 2.0 cipher (<https://core.telegram.org/mtproto/description>).
//!
//! In: an auth key and an encrypted payload from a client, or a plaintext for one. Out: the plaintext with its padding, or the payload.
//! Its cost is the sandbox's: `ige` runs AES in one loop and `ring` is fast without SHA extensions too.
//! x = 0 for what clients send, x = 8 for what the server sends. It must not know sessions or messages.

use aes::Aes256;
use aes::cipher::array::Array;
use aes::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use ring::digest;

/// `auth_key_id` and `msg_key` in front of the ciphertext.
pub(crate) const HEADER_BYTES: usize = 24;
const FROM_CLIENT: usize = 0;
const FROM_SERVER: usize = 8;

/// Why a payload was not decrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CipherError {
    /// Too short, or not a whole number of blocks.
    #[error("a payload of an impossible length")]
    Length,
    /// `msg_key` is not that of the plaintext.
    #[error("the message key does not fit")]
    MessageKey,
}

/// Decrypts a client's payload in place; the result is the plaintext with padding.
pub(crate) fn decrypt<'a>(payload: &'a mut [u8], auth_key: &[u8; 256]) -> Result<&'a mut [u8], CipherError> {
    if payload.len() < HEADER_BYTES + 32 || !(payload.len() - HEADER_BYTES).is_multiple_of(16) {
        return Err(CipherError::Length);
    }
    let (header, text) = payload.split_at_mut(HEADER_BYTES);
    let msg_key = <[u8; 16]>::try_from(&header[8..]).map_err(|_| CipherError::Length)?;
    let (key, iv) = key_and_iv(auth_key, &msg_key, FROM_CLIENT);
    // Its whole blocks are all there is, by the check above.
    let (blocks, _) = Array::slice_as_chunks_mut(text);
    ige::Decryptor::<Aes256>::new(&key.into(), &iv.into()).decrypt_blocks(blocks);
    if message_key(auth_key, text, FROM_CLIENT) != msg_key {
        return Err(CipherError::MessageKey);
    }
    Ok(text)
}

/// Pads and encrypts a plaintext for the client.
pub(crate) fn encrypt(mut plain: Vec<u8>, auth_key: &[u8; 256], auth_key_id: i64) -> Vec<u8> {
    let padding = 12 + (16 - (plain.len() + 12) % 16) % 16;
    let mut random = [0_u8; 32];
    rand::fill(&mut random);
    plain.extend_from_slice(&random[..padding]);
    let msg_key = message_key(auth_key, &plain, FROM_SERVER);
    let (key, iv) = key_and_iv(auth_key, &msg_key, FROM_SERVER);
    let (blocks, _) = Array::slice_as_chunks_mut(&mut plain);
    ige::Encryptor::<Aes256>::new(&key.into(), &iv.into()).encrypt_blocks(blocks);
    let mut payload = Vec::with_capacity(plain.len() + HEADER_BYTES);
    payload.extend_from_slice(&auth_key_id.to_le_bytes());
    payload.extend_from_slice(&msg_key);
    payload.extend_from_slice(&plain);
    payload
}

/// The token of a client's message for a quick acknowledgement: the first 32 bits of the hash that the message key is taken from
/// (<https://core.telegram.org/mtproto/mtproto-transports#quick-ack>).
pub(crate) fn quick_ack(padded: &[u8], auth_key: &[u8; 256]) -> u32 {
    let large = large_key(auth_key, padded, FROM_CLIENT);
    u32::from_le_bytes([large[0], large[1], large[2], large[3]])
}

fn large_key(auth_key: &[u8; 256], padded: &[u8], x: usize) -> [u8; 32] {
    hash(&auth_key[88 + x..88 + x + 32], padded)
}

fn message_key(auth_key: &[u8; 256], padded: &[u8], x: usize) -> [u8; 16] {
    let large = large_key(auth_key, padded, x);
    let mut msg_key = [0_u8; 16];
    msg_key.copy_from_slice(&large[8..24]);
    msg_key
}

fn key_and_iv(auth_key: &[u8; 256], msg_key: &[u8; 16], x: usize) -> ([u8; 32], [u8; 32]) {
    let a = hash(msg_key, &auth_key[x..x + 36]);
    let b = hash(&auth_key[40 + x..40 + x + 36], msg_key);
    (mix(&a, &b), mix(&b, &a))
}

fn mix(outer: &[u8; 32], inner: &[u8; 32]) -> [u8; 32] {
    let mut out = *outer;
    out[8..24].copy_from_slice(&inner[8..24]);
    out
}

fn hash(first: &[u8], second: &[u8]) -> [u8; 32] {
    let mut hasher = digest::Context::new(&digest::SHA256);
    hasher.update(first);
    hasher.update(second);
    let mut hash = [0; digest::SHA256_OUTPUT_LEN];
    hash.copy_from_slice(hasher.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::accounts::auth_key_id;
    use grammers_crypto::{AuthKey, DequeBuffer, decrypt_data_v2, encrypt_data_v2};

    #[test]
    fn it_is_the_other_half_of_the_real_client() {
        let mut bytes = [0_u8; 256];
        rand::fill(&mut bytes);
        let client = AuthKey::from_bytes(bytes);
        let mut buffer = DequeBuffer::with_capacity(256, 64);
        buffer.extend([5_u8; 100]);
        encrypt_data_v2(&mut buffer, &client);
        let mut payload = buffer[..].to_vec();
        let plain = decrypt(&mut payload, &bytes).expect("the client's message");
        assert_eq!(plain[..100], [5_u8; 100]);

        let mut answer = encrypt(vec![6; 84], &bytes, auth_key_id(&bytes));
        let plain = decrypt_data_v2(&mut answer, &client).expect("our message");
        assert_eq!(plain[..84], [6_u8; 84]);
        assert!((12..1024).contains(&(plain.len() - 84)));
    }

    #[test]
    fn a_changed_payload_is_noticed() {
        let bytes = [3_u8; 256];
        let mut buffer = DequeBuffer::with_capacity(256, 64);
        buffer.extend([5_u8; 100]);
        encrypt_data_v2(&mut buffer, &AuthKey::from_bytes(bytes));
        let mut payload = buffer[..].to_vec();
        payload[60] ^= 1;
        let failed = decrypt(&mut payload, &bytes).map(|_| ());
        assert_eq!(failed, Err(CipherError::MessageKey));
        let failed = decrypt(&mut [0; 40], &bytes).map(|_| ());
        assert_eq!(failed, Err(CipherError::Length));
    }
}
