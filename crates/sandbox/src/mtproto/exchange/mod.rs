//! The key exchange: how a client and this data centre agree on an auth key (<https://core.telegram.org/mtproto/auth_key>).
//!
//! In: bodies of messages that are not encrypted. Out: the answers, and in the end a key with its first salt, handed to `register`. One [`Exchange`] a
//! connection; `req_pq_multi` begins anew at any time. It must not touch sockets. It takes milliseconds of arithmetic, so not on a runtime's thread.

use grammers_crypto::aes::{ige_decrypt, ige_encrypt};
use grammers_tl_types::{self as tl, Cursor, Deserializable, Identifiable, Serializable};
use num_bigint::BigUint;
use sha1::{Digest, Sha1};

use super::wire;
use crate::world::accounts::{GENERATOR, prime};

pub(super) mod serve;
pub(crate) mod server_key;
#[cfg(test)]
mod tests;

use server_key::SERVER_KEY;

/// Factors of `pq` lie between these, so that the product has 64 bits and fits a signed number, as Telegram's do.
const FACTORS: std::ops::Range<u64> = 1 << 30..1 << 31;
/// How often a client may be asked for another `g_b`.
const MAX_RETRIES: u32 = 5;
/// `g_a` and `g_b` keep this far from both ends of the field: 2^(2048-64).
const SAFETY_BITS: usize = 2048 - 64;
/// Test data centres are numbered from here by some clients, and those for files negatively.
const TEST_DC_SHIFT: i32 = 10_000;

/// Why a connection is closed instead of answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// A step out of order or with numbers that do not fit: transport error -404.
    #[error("key exchange: {0}")]
    Wrong(&'static str),
    /// The client means another data centre: transport error -444.
    #[error("key exchange for data centre {0}")]
    OtherDataCentre(i32),
    /// Telegram would, this server does not.
    #[error("key exchange: {0} is not served")]
    NotServed(&'static str),
}

/// Where and when an exchange takes place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here {
    /// The number of the data centre.
    pub(crate) dc_id: i32,
    /// Seconds since 1970 by its clock.
    pub(crate) now_unix: i32,
}

/// One exchange under way.
#[derive(Debug, Default)]
pub(crate) enum Exchange {
    /// Nothing was asked yet, or the last exchange is over.
    #[default]
    Idle,
    /// `resPQ` was sent.
    Asked(Nonces, u64, u64),
    /// `server_DH_params_ok` was sent.
    Offered(Box<Offer>),
}

/// What both sides repeat in each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nonces {
    client: [u8; 16],
    server: [u8; 16],
}

/// The server's half of Diffie-Hellman.
#[derive(Debug)]
pub(crate) struct Offer {
    nonces: Nonces,
    new_nonce: [u8; 32],
    secret_a: BigUint,
    /// What the client names as `retry_id`: zero, then the hash of the key that was not taken.
    retry_id: i64,
    retries: u32,
}

impl Exchange {
    /// Answers one message. `register` takes a new key with its first salt, or refuses it because its number is taken.
    pub(crate) fn answer(
        &mut self,
        body: &[u8],
        here: Here,
        register: impl FnMut([u8; 256], i64) -> bool,
    ) -> Result<Vec<u8>, ExchangeError> {
        let mut cursor = Cursor::from_slice(body.get(4..).unwrap_or_default());
        let unreadable = |_| ExchangeError::Wrong("a message that cannot be read");
        let (next, answer) = match (wire::constructor(body).unwrap_or_default(), std::mem::take(self)) {
            (tl::functions::ReqPqMulti::CONSTRUCTOR_ID | tl::functions::ReqPq::CONSTRUCTOR_ID, _) => {
                ask(<[u8; 16]>::deserialize(&mut cursor).map_err(unreadable)?)
            }
            (tl::functions::ReqDhParams::CONSTRUCTOR_ID, Self::Asked(nonces, p, q)) => {
                let call = tl::functions::ReqDhParams::deserialize(&mut cursor).map_err(unreadable)?;
                offer(nonces, (p, q), &call, here)?
            }
            (tl::functions::SetClientDhParams::CONSTRUCTOR_ID, Self::Offered(offer)) => {
                let call = tl::functions::SetClientDhParams::deserialize(&mut cursor).map_err(unreadable)?;
                agree(*offer, call, register)?
            }
            _ => return Err(ExchangeError::Wrong("a message out of order")),
        };
        *self = next;
        Ok(answer)
    }
}

fn ask(client: [u8; 16]) -> (Exchange, Vec<u8>) {
    let nonces = Nonces { client, server: rand::random() };
    let (one, other) = (random_prime(None), random_prime(None));
    let other = if one == other { random_prime(Some(one)) } else { other };
    let (p, q) = (one.min(other), one.max(other));
    let answer = tl::types::ResPq {
        nonce: nonces.client,
        server_nonce: nonces.server,
        pq: (p * q).to_be_bytes().to_vec(),
        server_public_key_fingerprints: vec![SERVER_KEY.public().fingerprint],
    };
    (Exchange::Asked(nonces, p, q), tl::enums::ResPq::Pq(answer).to_bytes())
}

fn offer(nonces: Nonces, (p, q): (u64, u64), call: &tl::functions::ReqDhParams, here: Here) -> Result<(Exchange, Vec<u8>), ExchangeError> {
    let is = |bytes: &[u8], number: u64| BigUint::from_bytes_be(bytes) == BigUint::from(number);
    if (Nonces { client: call.nonce, server: call.server_nonce }) != nonces {
        return Err(ExchangeError::Wrong("other nonces than before"));
    }
    if !is(&call.p, p) || !is(&call.q, q) {
        return Err(ExchangeError::Wrong("other factors than those of pq"));
    }
    if call.public_key_fingerprint != SERVER_KEY.public().fingerprint {
        return Err(ExchangeError::Wrong("a fingerprint of no key of this server"));
    }
    let inner = SERVER_KEY.open::<tl::enums::PQInnerData>(&call.encrypted_data);
    let inner = read_inner(inner.ok_or(ExchangeError::Wrong("p_q_inner_data that cannot be decrypted"))?, here.dc_id)?;
    if inner.nonces != nonces || !is(&inner.pq, p * q) || !is(&inner.p, p) || !is(&inner.q, q) {
        let hash = Sha1::digest(inner.new_nonce);
        let fail =
            tl::types::ServerDhParamsFail { nonce: nonces.client, server_nonce: nonces.server, new_nonce_hash: last_16(&hash.into()) };
        return Ok((Exchange::Idle, tl::enums::ServerDhParams::Fail(fail).to_bytes()));
    }
    let prime_number = BigUint::from_bytes_be(&prime());
    let (secret_a, g_a) = loop {
        let secret: [u8; 256] = rand::random();
        let secret = BigUint::from_bytes_be(&secret);
        let public = BigUint::from(GENERATOR).modpow(&secret, &prime_number);
        if is_safe(&public, &prime_number) {
            break (secret, public);
        }
    };
    let inner_answer = tl::enums::ServerDhInnerData::Data(tl::types::ServerDhInnerData {
        nonce: nonces.client,
        server_nonce: nonces.server,
        g: GENERATOR as i32,
        dh_prime: prime(),
        g_a: full_length(&g_a).to_vec(),
        server_time: here.now_unix,
    });
    let inner_answer = inner_answer.to_bytes();
    let mut encrypted_answer = Sha1::digest(&inner_answer).to_vec();
    encrypted_answer.extend_from_slice(&inner_answer);
    let mut padding = [0_u8; 16];
    rand::fill(&mut padding);
    let missing = encrypted_answer.len().next_multiple_of(16) - encrypted_answer.len();
    encrypted_answer.extend_from_slice(&padding[..missing]);
    let (key, iv) = temporary_key(&inner.new_nonce, &nonces.server);
    ige_encrypt(&mut encrypted_answer, &key, &iv);
    let ok = tl::types::ServerDhParamsOk { nonce: nonces.client, server_nonce: nonces.server, encrypted_answer };
    let offer = Offer { nonces, new_nonce: inner.new_nonce, secret_a, retry_id: 0, retries: 0 };
    Ok((Exchange::Offered(Box::new(offer)), tl::enums::ServerDhParams::Ok(ok).to_bytes()))
}

fn agree(
    mut offer: Offer,
    call: tl::functions::SetClientDhParams,
    mut register: impl FnMut([u8; 256], i64) -> bool,
) -> Result<(Exchange, Vec<u8>), ExchangeError> {
    let nonces = offer.nonces;
    if (Nonces { client: call.nonce, server: call.server_nonce }) != nonces {
        return Err(ExchangeError::Wrong("other nonces than before"));
    }
    let inner =
        open_client_half(&offer, call.encrypted_data).ok_or(ExchangeError::Wrong("client_DH_inner_data that cannot be decrypted"))?;
    if (Nonces { client: inner.nonce, server: inner.server_nonce }) != nonces || inner.retry_id != offer.retry_id {
        return Err(ExchangeError::Wrong("client_DH_inner_data of another exchange"));
    }
    let prime_number = BigUint::from_bytes_be(&prime());
    let g_b = BigUint::from_bytes_be(&inner.g_b);
    let auth_key = full_length(&g_b.modpow(&offer.secret_a, &prime_number));
    let key_hash: [u8; 20] = Sha1::digest(auth_key).into();
    let proof = |number: u8| {
        let mut hasher = Sha1::new();
        hasher.update(offer.new_nonce);
        hasher.update([number]);
        hasher.update(&key_hash[..8]);
        last_16(&hasher.finalize().into())
    };
    let (nonce, server_nonce) = (nonces.client, nonces.server);
    let failed = || {
        let fail = tl::types::DhGenFail { nonce, server_nonce, new_nonce_hash3: proof(3) };
        (Exchange::Idle, tl::enums::SetClientDhParamsAnswer::DhGenFail(fail).to_bytes())
    };
    if !is_safe(&g_b, &prime_number) || offer.retries >= MAX_RETRIES {
        return Ok(failed());
    }
    // A key that begins with zeros is a key. Clients that forget them see by the hash that theirs is another, and begin anew.
    if register(auth_key, first_salt(&offer)) {
        let ok = tl::types::DhGenOk { nonce, server_nonce, new_nonce_hash1: proof(1) };
        return Ok((Exchange::Idle, tl::enums::SetClientDhParamsAnswer::DhGenOk(ok).to_bytes()));
    }
    let retry = tl::types::DhGenRetry { nonce, server_nonce, new_nonce_hash2: proof(2) };
    let answer = tl::enums::SetClientDhParamsAnswer::DhGenRetry(retry).to_bytes();
    let mut aux_hash = [0_u8; 8];
    aux_hash.copy_from_slice(&key_hash[..8]);
    offer.retry_id = i64::from_le_bytes(aux_hash);
    offer.retries += 1;
    Ok((Exchange::Offered(Box::new(offer)), answer))
}

/// What matters of the four forms of `P_Q_inner_data`.
struct Inner {
    nonces: Nonces,
    new_nonce: [u8; 32],
    pq: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
}

fn read_inner(data: tl::enums::PQInnerData, here: i32) -> Result<Inner, ExchangeError> {
    use tl::enums::PQInnerData as Data;
    match data {
        Data::Data(data) => {
            let nonces = Nonces { client: data.nonce, server: data.server_nonce };
            Ok(Inner { nonces, new_nonce: data.new_nonce, pq: data.pq, p: data.p, q: data.q })
        }
        Data::Dc(data) => {
            let dc_id = data.dc.saturating_abs();
            if ![here, here + TEST_DC_SHIFT].contains(&dc_id) {
                return Err(ExchangeError::OtherDataCentre(data.dc));
            }
            let nonces = Nonces { client: data.nonce, server: data.server_nonce };
            Ok(Inner { nonces, new_nonce: data.new_nonce, pq: data.pq, p: data.p, q: data.q })
        }
        Data::Temp(_) | Data::TempDc(_) => Err(ExchangeError::NotServed("a temporary key (p_q_inner_data_temp)")),
    }
}

fn open_client_half(offer: &Offer, mut encrypted: Vec<u8>) -> Option<tl::types::ClientDhInnerData> {
    if encrypted.is_empty() || !encrypted.len().is_multiple_of(16) {
        return None;
    }
    let (key, iv) = temporary_key(&offer.new_nonce, &offer.nonces.server);
    ige_decrypt(&mut encrypted, &key, &iv);
    let (hash, data) = encrypted.split_at_checked(20)?;
    let mut cursor = Cursor::from_slice(data);
    let tl::enums::ClientDhInnerData::Data(inner) = tl::enums::ClientDhInnerData::deserialize(&mut cursor).ok()?;
    let whole = &data[..cursor.pos()];
    (Sha1::digest(whole)[..] == *hash && data.len() - whole.len() < 16).then_some(inner)
}

/// `tmp_aes_key` and `tmp_aes_iv`.
fn temporary_key(new_nonce: &[u8; 32], server_nonce: &[u8; 16]) -> ([u8; 32], [u8; 32]) {
    let hash = |first: &[u8], second: &[u8]| -> [u8; 20] { Sha1::digest([first, second].concat()).into() };
    let new_server = hash(new_nonce, server_nonce);
    let server_new = hash(server_nonce, new_nonce);
    let new_new = hash(new_nonce, new_nonce);
    let (mut key, mut iv) = ([0_u8; 32], [0_u8; 32]);
    key[..20].copy_from_slice(&new_server);
    key[20..].copy_from_slice(&server_new[..12]);
    iv[..8].copy_from_slice(&server_new[12..]);
    iv[8..28].copy_from_slice(&new_new);
    iv[28..].copy_from_slice(&new_nonce[..4]);
    (key, iv)
}

/// The salt that both sides know without having spoken of it.
fn first_salt(offer: &Offer) -> i64 {
    let mut salt = [0_u8; 8];
    for (salt, (ours, theirs)) in salt.iter_mut().zip(offer.new_nonce.iter().zip(&offer.nonces.server)) {
        *salt = ours ^ theirs;
    }
    i64::from_le_bytes(salt)
}

fn is_safe(number: &BigUint, prime_number: &BigUint) -> bool {
    let margin = BigUint::from(1_u8) << SAFETY_BITS;
    *number >= margin && *number <= prime_number - margin
}

/// A number below 2^2048 with the zeros in front.
fn full_length(number: &BigUint) -> [u8; 256] {
    let bytes = number.to_bytes_be();
    let mut full = [0_u8; 256];
    full[256 - bytes.len()..].copy_from_slice(&bytes);
    full
}

fn last_16(hash: &[u8; 20]) -> [u8; 16] {
    let mut last = [0_u8; 16];
    last.copy_from_slice(&hash[4..]);
    last
}

fn random_prime(but: Option<u64>) -> u64 {
    loop {
        let candidate = rand::random_range(FACTORS) | 1;
        if Some(candidate) != but && is_prime(candidate) {
            return candidate;
        }
    }
}

fn is_prime(odd: u64) -> bool {
    (3..).step_by(2).take_while(|divisor| divisor * divisor <= odd).all(|divisor| !odd.is_multiple_of(divisor))
}
