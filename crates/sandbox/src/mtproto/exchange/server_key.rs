//! The RSA key of this data centre: what clients encrypt the first step of the key exchange with.
//!
//! In: `encrypted_data` of `req_DH_params`. Out: what is in it, padded in the way of today (`RSA_PAD`) or in the old one (SHA-1 in front), which Telethon
//! and Pyrogram still use. The key is printed here for everybody, so it protects nothing: the sandbox lives on loopback addresses. It must not be used for
//! anything else.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use grammers_crypto::aes::ige_decrypt;
use grammers_tl_types::{Cursor, Deserializable, Serializable};
use num_bigint::BigUint;
use sha1::{Digest, Sha1};
use sha2::Sha256;

/// The factors of the modulus, made with OpenSSL for this program.
const P_HEX: &str = "de4639227e26405776164d4ba579ebfab380f6d6a0f77f7b0599cf07f35a5661c6764a5c8b73b834f78bb8a251ab48ea1613eb36fa70fca42e4084038a1f52ca\
1ef5cd9ba77215b86e4ae92a624924731ac8a7a4ce2abaf8b6cb541af1a169b2dcab5348ce362fad3637ca697c784bae414394dba5be2f181973b13bd0e90c2f";
const Q_HEX: &str = "cf30ce07ae74bf39f5cfa27213dca9e9d4a609ba44b7761575138345179a9232d464d97642cbdca08fb4d78f9baff6a54d5ba8061eb704b2dcd6e58e2f229aae\
5f430cc97d7367ce33acc7708cf8c44c9ff9e5778e08350e216f5ac14190d6477caa77635d9dfaf6af65dc2535164000f23932fcce500c923d1593e4cacd809d";
const EXPONENT: u32 = 65_537;
/// Of the modulus, and so of what is encrypted.
const KEY_BYTES: usize = 256;
/// Of `data_with_padding` in `RSA_PAD`.
const PADDED_BYTES: usize = 192;

/// The one key of this data centre.
pub(crate) static SERVER_KEY: LazyLock<ServerKey> = LazyLock::new(ServerKey::new);

/// The public half of the data centre's RSA key, for clients that can be given one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RsaPublicKey {
    /// PKCS #1, as in the sources of clients: `-----BEGIN RSA PUBLIC KEY-----`.
    pub pem: String,
    /// The 64 lower-order bits of the SHA-1 of modulus and exponent, by which the server names it.
    pub fingerprint: i64,
}

/// Both halves.
pub(crate) struct ServerKey {
    modulus: BigUint,
    secret: BigUint,
    public: RsaPublicKey,
}

impl ServerKey {
    /// The half that is for clients.
    pub(crate) fn public(&self) -> &RsaPublicKey {
        &self.public
    }

    /// What a client encrypted; `None` if that was not done with this key or the hash does not fit.
    pub(crate) fn open<T: Deserializable>(&self, encrypted: &[u8]) -> Option<T> {
        let number = BigUint::from_bytes_be(encrypted);
        if encrypted.len() != KEY_BYTES || number >= self.modulus {
            return None;
        }
        let opened = super::full_length(&number.modpow(&self.secret, &self.modulus));
        rsa_pad(&opened).or_else(|| old_padding(&opened))
    }

    fn new() -> Self {
        let factor = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16).expect("constants are hexadecimal");
        let (p, q, exponent) = (factor(P_HEX), factor(Q_HEX), BigUint::from(EXPONENT));
        let modulus = &p * &q;
        let secret = exponent.modinv(&((p - 1_u8) * (q - 1_u8))).expect("the exponent is prime and no factor");
        let bytes = modulus.to_bytes_be();
        Self { secret, public: RsaPublicKey { pem: pem(&bytes), fingerprint: fingerprint(&bytes) }, modulus }
    }
}

/// <https://core.telegram.org/mtproto/auth_key#41-rsa-paddata-server-public-key-mentioned-above-is-implemented-as-follows>, backwards.
fn rsa_pad<T: Deserializable>(opened: &[u8; KEY_BYTES]) -> Option<T> {
    let (mixed_key, encrypted) = opened.split_at(32);
    let mut key = [0_u8; 32];
    for (key, (mixed, hash)) in key.iter_mut().zip(mixed_key.iter().zip(Sha256::digest(encrypted))) {
        *key = mixed ^ hash;
    }
    let mut data = encrypted.to_vec();
    ige_decrypt(&mut data, &key, &[0; 32]);
    let (padded, hash) = data.split_at_mut(PADDED_BYTES);
    padded.reverse();
    let mut hasher = Sha256::new();
    hasher.update(key);
    hasher.update(&*padded);
    if hasher.finalize()[..] != *hash {
        return None;
    }
    T::deserialize(&mut Cursor::from_slice(padded)).ok()
}

/// A zero, the SHA-1 of the data, the data, any bytes.
fn old_padding<T: Deserializable>(opened: &[u8; KEY_BYTES]) -> Option<T> {
    let (zero, rest) = opened.split_at(1);
    let (hash, data) = rest.split_at(20);
    let mut cursor = Cursor::from_slice(data);
    let read = T::deserialize(&mut cursor).ok()?;
    (zero == [0] && Sha1::digest(&data[..cursor.pos()])[..] == *hash).then_some(read)
}

fn exponent_bytes() -> [u8; 3] {
    let [_, rest @ ..] = EXPONENT.to_be_bytes();
    rest
}

/// <https://core.telegram.org/mtproto/auth_key#dh-exchange-initiation>, note on `public_key_fingerprint`.
fn fingerprint(modulus: &[u8]) -> i64 {
    let mut bare = Vec::new();
    modulus.to_vec().serialize(&mut bare);
    exponent_bytes().to_vec().serialize(&mut bare);
    let hash = Sha1::digest(bare);
    let mut lower = [0_u8; 8];
    lower.copy_from_slice(&hash[12..]);
    i64::from_le_bytes(lower)
}

/// `RSAPublicKey` of PKCS #1 in DER: a sequence of two numbers, whose lengths are those of any key of 2048 bits.
fn pem(modulus: &[u8]) -> String {
    let mut der = vec![0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
    der.extend_from_slice(modulus);
    der.extend_from_slice(&[0x02, 0x03]);
    der.extend_from_slice(&exponent_bytes());
    let text = STANDARD.encode(der);
    let mut out = String::from("-----BEGIN RSA PUBLIC KEY-----\n");
    // Base64 is plain ASCII: a piece of 64 bytes is one of 64 letters.
    for line in text.as_bytes().chunks(64) {
        out.extend(line.iter().copied().map(char::from));
        out.push('\n');
    }
    out + "-----END RSA PUBLIC KEY-----\n"
}

#[cfg(test)]
mod tests {
    use super::*;
    use grammers_crypto::rsa::{Key, encrypt_hashed};

    #[test]
    fn what_the_real_client_encrypts_is_opened() {
        let key = Key::new(&SERVER_KEY.modulus.to_string(), &EXPONENT.to_string()).expect("numbers");
        let data = vec![7_u8; 90].to_bytes();
        let mut encrypted = encrypt_hashed(&data, &key, &rand::random());
        assert_eq!(SERVER_KEY.open::<Vec<u8>>(&encrypted), Some(vec![7; 90]));
        encrypted[200] ^= 1;
        assert_eq!(SERVER_KEY.open::<Vec<u8>>(&encrypted), None);
        assert_eq!(SERVER_KEY.open::<Vec<u8>>(&[0xff; KEY_BYTES]), None);
        assert_eq!(SERVER_KEY.open::<Vec<u8>>(&encrypted[1..]), None);
    }

    #[test]
    fn the_old_padding_is_opened() {
        let data = vec![7_u8; 90].to_bytes();
        let mut padded = Sha1::digest(&data).to_vec();
        padded.extend_from_slice(&data);
        padded.resize(KEY_BYTES - 1, 9);
        let encrypt = |padded: &[u8]| {
            let number = BigUint::from_bytes_be(padded).modpow(&BigUint::from(EXPONENT), &SERVER_KEY.modulus);
            super::super::full_length(&number)
        };
        assert_eq!(SERVER_KEY.open::<Vec<u8>>(&encrypt(&padded)), Some(vec![7; 90]));
        padded[30] ^= 1;
        assert_eq!(SERVER_KEY.open::<Vec<u8>>(&encrypt(&padded)), None);
    }

    #[test]
    fn the_public_half_is_a_pem_of_2048_bits() {
        let public = SERVER_KEY.public();
        assert_eq!(SERVER_KEY.modulus.bits(), 2048);
        let lines: Vec<_> = public.pem.lines().collect();
        assert_eq!((lines.len(), lines[1].len()), (8, 64));
        assert!(lines[1].starts_with("MIIBCgKCAQEA"), "as those of Telegram do");
    }
}
