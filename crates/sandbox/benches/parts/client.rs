//! A client that does as little as it can: encrypts parts beforehand, sends them, counts the answers.
//!
//! In: a [`Login`]. Out: parts sent over one connection, three at a time. Must not: do anything while it is timed that could be done before.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use grammers_crypto::{AuthKey, DequeBuffer, decrypt_data_v2, encrypt_data_v2};
use grammers_tl_types::{self as tl, Deserializable, Identifiable, RemoteCall, Serializable};

/// The part size that every client uses for large files.
pub(crate) const PART_BYTES: usize = 512 * 1024;
const IN_FLIGHT: usize = 3;
const RPC_RESULT: u32 = 0xf35c_6d01;
const BOOL_TRUE: u32 = 0x9972_75b5;

/// How to reach the sandbox, and as whom.
pub(crate) struct Login {
    pub(crate) address: SocketAddr,
    pub(crate) key: [u8; 256],
    /// Of the bot that sends the parts.
    pub(crate) token: String,
}

/// One connection on the Full transport, with a session of its own.
pub(crate) struct Client {
    stream: TcpStream,
    key: AuthKey,
    session_id: i64,
    salt: i64,
    last_msg_id: i64,
    calls: i32,
    frames: i32,
}

impl Login {
    pub(crate) fn to_json(&self) -> String {
        serde_json::json!({"address": self.address, "key": self.key.to_vec(), "token": self.token}).to_string()
    }

    pub(crate) fn from_json(line: &str) -> anyhow::Result<Self> {
        let mut value: serde_json::Value = serde_json::from_str(line).with_context(|| format!("the child's first line: {line}"))?;
        let key: Vec<u8> = serde_json::from_value(value["key"].take())?;
        let key = <[u8; 256]>::try_from(key).ok().context("a key of 256 bytes")?;
        Ok(Self { address: serde_json::from_value(value["address"].take())?, key, token: serde_json::from_value(value["token"].take())? })
    }
}

impl Client {
    /// Connects and learns the salt.
    pub(crate) fn connect(login: &Login) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(login.address)?;
        stream.set_nodelay(true)?;
        let key = AuthKey::from_bytes(login.key);
        let mut client = Self { stream, key, session_id: rand::random(), salt: 0, last_msg_id: 0, calls: 0, frames: 0 };
        let (_, frame) = client.message(&tl::functions::Ping { ping_id: 1 }.to_bytes());
        client.stream.write_all(&frame)?;
        let answer = client.hear()?;
        let bad = tl::enums::BadMsgNotification::from_bytes(&answer)?;
        let tl::enums::BadMsgNotification::BadServerSalt(bad) = bad else {
            bail!("not a salt: {bad:?}");
        };
        client.salt = bad.new_server_salt;
        Ok(client)
    }

    /// Logs the key in, for all connections with it.
    pub(crate) fn log_in(&mut self, token: &str) -> anyhow::Result<()> {
        let import = tl::functions::auth::ImportBotAuthorization {
            flags: 0,
            api_id: 1,
            api_hash: "hash".to_owned(),
            bot_auth_token: token.to_owned(),
        };
        let answer = self.call(&inited(import))?;
        ensure!(tl::enums::auth::Authorization::from_bytes(&answer).is_ok(), "the bot was not let in");
        Ok(())
    }

    /// A part as it goes into the socket. Parts are sent in the order in which they were made.
    pub(crate) fn part(&mut self, file_id: i64, file_part: i32, file_total_parts: i32) -> Vec<u8> {
        let bytes = vec![file_part as u8; PART_BYTES];
        self.message(&tl::functions::upload::SaveBigFilePart { file_id, file_part, file_total_parts, bytes }.to_bytes()).1
    }

    /// Sends parts and waits until all are stored.
    pub(crate) fn send_parts(&mut self, frames: &[Vec<u8>]) -> anyhow::Result<()> {
        let mut stored = 0;
        for (sent, frame) in frames.iter().enumerate() {
            while sent - stored >= IN_FLIGHT {
                self.hear_stored()?;
                stored += 1;
            }
            self.stream.write_all(frame)?;
        }
        for _ in stored..frames.len() {
            self.hear_stored()?;
        }
        Ok(())
    }

    fn hear_stored(&mut self) -> anyhow::Result<()> {
        let (_, answer) = self.hear_result()?;
        ensure!(answer == BOOL_TRUE.to_le_bytes(), "a part was refused: {}", String::from_utf8_lossy(&answer));
        Ok(())
    }

    fn call(&mut self, body: &[u8]) -> anyhow::Result<Vec<u8>> {
        let (msg_id, frame) = self.message(body);
        self.stream.write_all(&frame)?;
        let (answered, answer) = self.hear_result()?;
        ensure!(answered == msg_id, "an answer to another call");
        Ok(answer)
    }

    /// Whose answer came, and the answer.
    fn hear_result(&mut self) -> anyhow::Result<(i64, Vec<u8>)> {
        loop {
            let body = self.hear()?;
            if body.starts_with(&RPC_RESULT.to_le_bytes()) {
                return Ok((i64::from_bytes(&body[4..12])?, body[12..].to_vec()));
            }
            ensure!(!body.starts_with(&tl::types::BadMsgNotification::CONSTRUCTOR_ID.to_le_bytes()), "a message was numbered wrongly");
        }
    }

    /// The body of the server's next message.
    fn hear(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut len = [0; 4];
        self.stream.read_exact(&mut len)?;
        let mut frame = vec![0; usize::try_from(i32::from_le_bytes(len))?.saturating_sub(4)];
        self.stream.read_exact(&mut frame)?;
        let end = frame.len().saturating_sub(4);
        let plain = decrypt_data_v2(frame.get_mut(4..end).context("a frame")?, &self.key)?;
        let len = usize::try_from(i32::from_bytes(plain.get(28..32).context("a message")?)?)?;
        Ok(plain.get(32..32 + len).context("a body")?.to_vec())
    }

    /// A numbered, encrypted and framed message of a content.
    fn message(&mut self, body: &[u8]) -> (i64, Vec<u8>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let msg_id = ((now.as_secs() << 32) as i64).max(self.last_msg_id + 4);
        self.last_msg_id = msg_id;
        let mut buffer = DequeBuffer::with_capacity(body.len() + 128, 64);
        buffer.extend(self.salt.to_le_bytes());
        buffer.extend(self.session_id.to_le_bytes());
        buffer.extend(msg_id.to_le_bytes());
        buffer.extend((self.calls * 2 + 1).to_le_bytes());
        buffer.extend((body.len() as i32).to_le_bytes());
        buffer.extend(body.iter().copied());
        self.calls += 1;
        encrypt_data_v2(&mut buffer, &self.key);
        let payload = &buffer[..];
        let mut frame = Vec::with_capacity(payload.len() + 12);
        frame.extend_from_slice(&(payload.len() as u32 + 12).to_le_bytes());
        frame.extend_from_slice(&self.frames.to_le_bytes());
        frame.extend_from_slice(payload);
        frame.extend_from_slice(&crc32fast::hash(&frame).to_le_bytes());
        self.frames += 1;
        (msg_id, frame)
    }
}

fn inited<Q: RemoteCall + Serializable>(query: Q) -> Vec<u8> {
    let query = tl::functions::InitConnection {
        api_id: 1,
        device_model: String::new(),
        system_version: String::new(),
        app_version: String::new(),
        system_lang_code: String::new(),
        lang_pack: String::new(),
        lang_code: String::new(),
        proxy: None,
        params: None,
        query,
    };
    tl::functions::InvokeWithLayer { layer: 230, query }.to_bytes()
}
