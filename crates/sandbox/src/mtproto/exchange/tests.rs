//! The key exchange against a client's half written from the description alone, and what becomes of each wrong step.

use std::cell::RefCell;

use grammers_crypto::factorize;
use grammers_crypto::rsa::{Key, encrypt_hashed};

use super::*;
use crate::mtproto::DC_ID;

const HERE: Here = Here { dc_id: DC_ID, now_unix: 1_800_000_000 };

/// A client in the middle of an exchange.
struct Client {
    exchange: Exchange,
    nonces: Nonces,
    new_nonce: [u8; 32],
    pq: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
}

/// What a client knows after `server_DH_params_ok`.
#[derive(Clone)]
struct Terms {
    g_a: BigUint,
    secret_b: BigUint,
}

impl Client {
    fn asks() -> Self {
        let client: [u8; 16] = rand::random();
        let mut exchange = Exchange::default();
        let call = tl::functions::ReqPqMulti { nonce: client };
        let answer = exchange.answer(&call.to_bytes(), HERE, nobody).expect("resPQ");
        let tl::enums::ResPq::Pq(answer) = tl::enums::ResPq::from_bytes(&answer).expect("resPQ");
        assert_eq!(answer.nonce, client);
        assert_eq!(answer.server_public_key_fingerprints, [SERVER_KEY.public().fingerprint]);
        let pq = u64::from_be_bytes(answer.pq.clone().try_into().expect("8 bytes"));
        assert!(i64::try_from(pq).is_ok(), "clients read it as a signed number");
        let (p, q) = factorize(pq);
        let bytes = |number: u64| (number as u32).to_be_bytes().to_vec();
        let nonces = Nonces { client, server: answer.server_nonce };
        Self { exchange, nonces, new_nonce: rand::random(), pq: answer.pq, p: bytes(p), q: bytes(q) }
    }

    fn inner(&self) -> tl::types::PQInnerData {
        tl::types::PQInnerData {
            pq: self.pq.clone(),
            p: self.p.clone(),
            q: self.q.clone(),
            nonce: self.nonces.client,
            server_nonce: self.nonces.server,
            new_nonce: self.new_nonce,
        }
    }

    fn says(&mut self, inner: &tl::enums::PQInnerData) -> Result<tl::enums::ServerDhParams, ExchangeError> {
        let der_start = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            SERVER_KEY.public().pem.lines().filter(|line| !line.starts_with('-')).collect::<String>(),
        );
        let modulus = BigUint::from_bytes_be(&der_start.expect("base64")[9..265]);
        let key = Key::new(&modulus.to_string(), "65537").expect("numbers");
        let call = tl::functions::ReqDhParams {
            nonce: self.nonces.client,
            server_nonce: self.nonces.server,
            p: self.p.clone(),
            q: self.q.clone(),
            public_key_fingerprint: SERVER_KEY.public().fingerprint,
            encrypted_data: encrypt_hashed(&inner.to_bytes(), &key, &rand::random()),
        };
        let answer = self.exchange.answer(&call.to_bytes(), HERE, nobody)?;
        Ok(tl::enums::ServerDhParams::from_bytes(&answer).expect("an answer"))
    }

    fn terms(&mut self) -> Terms {
        let inner = tl::enums::PQInnerData::Data(self.inner());
        let Ok(tl::enums::ServerDhParams::Ok(ok)) = self.says(&inner) else {
            panic!("not agreed");
        };
        let mut answer = ok.encrypted_answer;
        let (key, iv) = temporary_key(&self.new_nonce, &self.nonces.server);
        ige_decrypt(&mut answer, &key, &iv);
        let mut cursor = Cursor::from_slice(&answer[20..]);
        let tl::enums::ServerDhInnerData::Data(inner) = tl::enums::ServerDhInnerData::deserialize(&mut cursor).expect("inner data");
        assert_eq!(answer[..20], Sha1::digest(&answer[20..20 + cursor.pos()])[..]);
        assert_eq!((inner.g, inner.dh_prime), (GENERATOR as i32, prime()));
        let secret: [u8; 256] = rand::random();
        Terms { g_a: BigUint::from_bytes_be(&inner.g_a), secret_b: BigUint::from_bytes_be(&secret) }
    }

    /// The last step with a certain `g_b`; the answer.
    fn gives(
        &mut self,
        g_b: &BigUint,
        retry_id: i64,
        register: impl FnMut([u8; 256], i64) -> bool,
    ) -> Result<tl::enums::SetClientDhParamsAnswer, ExchangeError> {
        let inner = tl::enums::ClientDhInnerData::Data(tl::types::ClientDhInnerData {
            nonce: self.nonces.client,
            server_nonce: self.nonces.server,
            retry_id,
            g_b: g_b.to_bytes_be(),
        });
        let inner = inner.to_bytes();
        let mut encrypted_data = Sha1::digest(&inner).to_vec();
        encrypted_data.extend(inner);
        encrypted_data.resize(encrypted_data.len().next_multiple_of(16), 3);
        let (key, iv) = temporary_key(&self.new_nonce, &self.nonces.server);
        ige_encrypt(&mut encrypted_data, &key, &iv);
        let call = tl::functions::SetClientDhParams { nonce: self.nonces.client, server_nonce: self.nonces.server, encrypted_data };
        let answer = self.exchange.answer(&call.to_bytes(), HERE, register)?;
        Ok(tl::enums::SetClientDhParamsAnswer::from_bytes(&answer).expect("an answer"))
    }
}

impl Terms {
    fn g_b(&self) -> BigUint {
        BigUint::from(GENERATOR).modpow(&self.secret_b, &BigUint::from_bytes_be(&prime()))
    }

    fn auth_key(&self) -> [u8; 256] {
        full_length(&self.g_a.modpow(&self.secret_b, &BigUint::from_bytes_be(&prime())))
    }

    fn aux_hash(&self) -> [u8; 8] {
        Sha1::digest(self.auth_key())[..8].try_into().expect("8 bytes")
    }

    fn proof(&self, new_nonce: &[u8; 32], number: u8) -> [u8; 16] {
        let hash = Sha1::digest([&new_nonce[..], &[number], &self.aux_hash()].concat());
        hash[4..].try_into().expect("16 bytes")
    }
}

fn nobody(_: [u8; 256], _: i64) -> bool {
    panic!("no key is made in this step");
}

#[test]
fn both_sides_get_the_same_key_and_salt_and_a_taken_key_is_made_anew() {
    let mut client = Client::asks();
    let terms = client.terms();
    let taken = client.gives(&terms.g_b(), 0, |_, _| false).expect("an answer");
    let tl::enums::SetClientDhParamsAnswer::DhGenRetry(retry) = taken else {
        panic!("a taken key: {taken:?}");
    };
    assert_eq!(retry.new_nonce_hash2, terms.proof(&client.new_nonce, 2));

    let registered = RefCell::new(None);
    let retry_id = i64::from_le_bytes(terms.aux_hash());
    // One key of 256 begins with a zero, and is as good as another. Small secrets are enough to meet one.
    let again = (0..)
        .map(|_| Terms { secret_b: BigUint::from(rand::random::<u64>() | 1 << 63), ..terms.clone() })
        .find(|terms| terms.auth_key()[0] == 0)
        .expect("there is no end to them");
    let answer = client.gives(&again.g_b(), retry_id, |key, salt| registered.replace(Some((key, salt))).is_none());
    let tl::enums::SetClientDhParamsAnswer::DhGenOk(ok) = answer.expect("an answer") else {
        panic!("a short key is not taken");
    };
    assert_eq!(ok.new_nonce_hash1, again.proof(&client.new_nonce, 1));
    let (key, salt) = registered.into_inner().expect("a key");
    assert_eq!(key, again.auth_key());
    let salt = salt.to_le_bytes();
    assert!((0..8).all(|at| salt[at] == client.new_nonce[at] ^ client.nonces.server[at]));
    let over = client.gives(&again.g_b(), 0, nobody).map(|_| ());
    assert_eq!(over, Err(ExchangeError::Wrong("a message out of order")));
}

#[test]
fn numbers_that_give_the_key_away_and_endless_retries_fail() {
    let mut client = Client::asks();
    let terms = client.terms();
    let one = client.gives(&BigUint::from(1_u8), 0, nobody).expect("an answer");
    assert!(matches!(one, tl::enums::SetClientDhParamsAnswer::DhGenFail(_)), "{one:?}");

    let mut client = Client { new_nonce: client.new_nonce, ..Client::asks() };
    let mut terms = Terms { g_a: client.terms().g_a, ..terms };
    let mut retry_id = 0;
    for _ in 0..MAX_RETRIES {
        let retry = client.gives(&terms.g_b(), retry_id, |_, _| false).expect("an answer");
        assert!(matches!(retry, tl::enums::SetClientDhParamsAnswer::DhGenRetry(_)), "{retry:?}");
        retry_id = i64::from_le_bytes(terms.aux_hash());
        terms.secret_b += 1_u8;
    }
    let fail = client.gives(&terms.g_b(), retry_id, nobody).expect("an answer");
    let tl::enums::SetClientDhParamsAnswer::DhGenFail(fail) = fail else {
        panic!("not failed: {fail:?}");
    };
    assert_eq!(fail.new_nonce_hash3, terms.proof(&client.new_nonce, 3));
}

#[test]
fn wrong_steps_are_refused() {
    let mut client = Client::asks();
    let inner = tl::types::PQInnerData { nonce: [1; 16], ..client.inner() };
    let Ok(tl::enums::ServerDhParams::Fail(fail)) = client.says(&tl::enums::PQInnerData::Data(inner)) else {
        panic!("agreed on other nonces");
    };
    assert_eq!(fail.new_nonce_hash[..], Sha1::digest(client.new_nonce)[4..]);

    let mut client = Client::asks();
    client.p[3] ^= 2;
    let inner = tl::enums::PQInnerData::Data(client.inner());
    assert_eq!(client.says(&inner), Err(ExchangeError::Wrong("other factors than those of pq")));

    let mut client = Client::asks();
    let inner = client.inner();
    let dc = |dc| {
        let tl::types::PQInnerData { pq, p, q, nonce, server_nonce, new_nonce } = inner.clone();
        tl::enums::PQInnerData::Dc(tl::types::PQInnerDataDc { pq, p, q, nonce, server_nonce, new_nonce, dc })
    };
    assert_eq!(client.says(&dc(4)), Err(ExchangeError::OtherDataCentre(4)));

    let mut client = Client::asks();
    let tl::types::PQInnerData { pq, p, q, nonce, server_nonce, new_nonce } = client.inner();
    let temporary = tl::types::PQInnerDataTempDc { pq, p, q, nonce, server_nonce, new_nonce, dc: DC_ID, expires_in: 60 };
    let refused = client.says(&tl::enums::PQInnerData::TempDc(temporary));
    assert!(matches!(refused, Err(ExchangeError::NotServed(_))), "{refused:?}");

    let mut client = Client::asks();
    let early = client.gives(&BigUint::from(7_u8), 0, nobody).map(|_| ());
    assert_eq!(early, Err(ExchangeError::Wrong("a message out of order")));
}

#[test]
fn the_data_centre_may_be_named_as_the_one_for_files_or_for_tests() {
    for dc in [DC_ID, -DC_ID, DC_ID + TEST_DC_SHIFT] {
        let mut client = Client::asks();
        let tl::types::PQInnerData { pq, p, q, nonce, server_nonce, new_nonce } = client.inner();
        let inner = tl::enums::PQInnerData::Dc(tl::types::PQInnerDataDc { pq, p, q, nonce, server_nonce, new_nonce, dc });
        let answer = client.says(&inner);
        assert!(matches!(answer, Ok(tl::enums::ServerDhParams::Ok(_))), "{dc}: {answer:?}");
    }
}
