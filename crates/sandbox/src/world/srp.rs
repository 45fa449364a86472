//! The server's half of Telegram's 2FA check (SRP 6a with Telegram's key derivation).
//!
//! In: a password once, then the client's `A` and `M1`. Out: a challenge (salts, `B`) and a verdict. Source of every formula:
//! <https://core.telegram.org/api/srp>. Pure arithmetic; it must not know accounts or TL.

use num_bigint::BigUint;
use pbkdf2::pbkdf2_hmac;
use sha2::{Digest, Sha256, Sha512};

/// The generator that Telegram uses with [`prime`].
pub(crate) const GENERATOR: u32 = 3;

/// Telegram's 2048-bit safe prime, as its production servers send it.
const PRIME_HEX: &str = "c71caeb9c6b1c9048e6c522f70f13f73980d40238e3e21c14934d037563d930f48198a0aa7c14058229493d22530f4dbfa336f6e0ac925139543\
aed44cce7c3720fd51f69458705ac68cd4fe6b6b13abdc9746512969328454f18faf8c595f642477fe96bb2a941d5bcd1d4ac8cc49880708fa9b378e3c4f3a9060bee67cf9a4a4\
a695811051907e162753b56b0f6b410dba74d8a84b2a14b3144e0ef1284754fd17ed950d5965b4b9dd46582db1178d169c6bc465b0d6ff9ca3928fef5b9ae4e418fc15e83ebea0\
f87fa9ff5eed70050ded2849f47bf959d956850ce929851f0d8115f635b105ee2e4e15d04b2454bf6f4fadf034b10403119cd8e3b92fcc5b";

/// What the server keeps of a password.
#[derive(Debug, Clone)]
pub(crate) struct Verifier {
    salt1: Vec<u8>,
    salt2: Vec<u8>,
    v: BigUint,
}

/// One 2FA check under way.
#[derive(Debug, Clone)]
pub(crate) struct SrpChallenge {
    /// The identifier that the client repeats.
    pub(crate) id: i64,
    /// `salt1` of the key derivation.
    pub(crate) salt1: Vec<u8>,
    /// `salt2` of the key derivation.
    pub(crate) salt2: Vec<u8>,
    /// `g_b`, 256 bytes.
    pub(crate) big_b: Vec<u8>,
    secret_b: BigUint,
    v: BigUint,
}

impl Verifier {
    /// Derives the verifier `v = g^x mod p`; about 100 ms of CPU (PBKDF2 with 100,000 rounds).
    pub(crate) fn new(password: &str) -> Self {
        let mut salt1 = vec![0_u8; 40];
        let mut salt2 = vec![0_u8; 16];
        rand::fill(&mut salt1[..]);
        rand::fill(&mut salt2[..]);
        let x = private_key(password.as_bytes(), &salt1, &salt2);
        let v = BigUint::from(GENERATOR).modpow(&x, &prime_number());
        Self { salt1, salt2, v }
    }
}

impl SrpChallenge {
    /// Draws `b` and computes `B = (k*v + g^b) mod p`.
    pub(crate) fn new(verifier: &Verifier) -> Self {
        let p = prime_number();
        let mut secret = [0_u8; 256];
        rand::fill(&mut secret);
        let secret_b = BigUint::from_bytes_be(&secret);
        let k = BigUint::from_bytes_be(&hash(&[&prime(), &padded(&[GENERATOR as u8])]));
        let g_b = BigUint::from(GENERATOR).modpow(&secret_b, &p);
        let big_b = (k * &verifier.v + g_b) % &p;
        Self {
            id: rand::random::<i64>() | 1,
            salt1: verifier.salt1.clone(),
            salt2: verifier.salt2.clone(),
            big_b: padded(&big_b.to_bytes_be()).to_vec(),
            secret_b,
            v: verifier.v.clone(),
        }
    }
}

/// Whether `A` and `M1` prove that the client knows the password.
pub(crate) fn proves(challenge: &SrpChallenge, a: &[u8], m1: &[u8]) -> bool {
    let p = prime_number();
    let big_a = BigUint::from_bytes_be(a);
    if a.len() > 256 || big_a <= BigUint::from(1_u8) || big_a >= &p - 1_u8 {
        return false;
    }
    let a = padded(a);
    let u = BigUint::from_bytes_be(&hash(&[&a, &challenge.big_b]));
    let base = (big_a * challenge.v.modpow(&u, &p)) % &p;
    let shared = base.modpow(&challenge.secret_b, &p);
    let key = hash(&[&padded(&shared.to_bytes_be())]);
    let h_p = hash(&[&prime()]);
    let h_g = hash(&[&padded(&[GENERATOR as u8])]);
    let mixed: Vec<u8> = h_p.iter().zip(h_g).map(|(left, right)| left ^ right).collect();
    let h_salt1 = hash(&[&challenge.salt1]);
    let h_salt2 = hash(&[&challenge.salt2]);
    hash(&[&mixed, &h_salt1, &h_salt2, &a, &challenge.big_b, &key])[..] == *m1
}

/// The prime, big-endian, 256 bytes.
pub(crate) fn prime() -> Vec<u8> {
    padded(&prime_number().to_bytes_be()).to_vec()
}

fn prime_number() -> BigUint {
    BigUint::parse_bytes(PRIME_HEX.as_bytes(), 16).expect("the constant is hexadecimal")
}

fn private_key(password: &[u8], salt1: &[u8], salt2: &[u8]) -> BigUint {
    let salted = |data: &[u8], salt: &[u8]| hash(&[salt, data, salt]);
    let first = salted(&salted(password, salt1), salt2);
    let mut stretched = [0_u8; 64];
    pbkdf2_hmac::<Sha512>(&first, salt1, 100_000, &mut stretched);
    BigUint::from_bytes_be(&salted(&stretched, salt2))
}

fn hash(pieces: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for piece in pieces {
        hasher.update(piece);
    }
    hasher.finalize().into()
}

fn padded(number: &[u8]) -> [u8; 256] {
    let mut out = [0_u8; 256];
    let start = 256_usize.saturating_sub(number.len());
    out[start..].copy_from_slice(&number[number.len().saturating_sub(256)..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use grammers_crypto::two_factor_auth::{calculate_2fa, check_p_and_g};

    fn client_half(challenge: &SrpChallenge, password: &str) -> ([u8; 32], [u8; 256]) {
        let g = GENERATOR as i32;
        let (salt1, salt2) = (&challenge.salt1, &challenge.salt2);
        calculate_2fa(salt1, salt2, &prime(), &g, challenge.big_b.clone(), vec![7; 256], password)
    }

    #[test]
    fn the_right_password_proves_itself_and_a_wrong_one_does_not() {
        assert!(check_p_and_g(&prime(), &(GENERATOR as i32)));
        let challenge = SrpChallenge::new(&Verifier::new("swordfish"));
        let (m1, a) = client_half(&challenge, "swordfish");
        assert!(proves(&challenge, &a, &m1));
        let (m1, a) = client_half(&challenge, "Swordfish");
        assert!(!proves(&challenge, &a, &m1));
        assert!(!proves(&challenge, &[0; 256], &m1), "A = 0 would make any password good");
    }
}
