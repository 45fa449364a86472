//! One TCP connection: reads packets, judges them, starts calls, writes answers.
//!
//! In: a socket. Out: encrypted answers in any order. The connection belongs to the auth key of its first packet. Calls run concurrently up to a
//! limit, after which reading stops, so memory stays flat. It must not know what calls mean.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use grammers_tl_types::{self as tl, Serializable};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, broadcast, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::dispatch::{self, Caller, Outcome};
use super::exchange::serve as exchange;
use super::key_uses::KeyUses;
use super::salts::Salts;
use super::session::{Queued, Session};
use super::transport::{self, FrameReader, FrameWriter};
use super::wire::{Incoming, Packet};
use super::{Server, crypto, service_messages, wire};
use crate::network::{Metered, Owner};
use crate::world::accounts::{Authorization, FirstSalt, KeyEvent};
use crate::world::now_unix;

/// Calls of one connection that run at once.
const MAX_CALLS: usize = 32;

/// What the parts of one connection share.
#[derive(Clone)]
pub(super) struct Link {
    pub(super) server: Server,
    /// Counts connections from 1.
    pub(super) number: u64,
    pub(super) key_id: i64,
    pub(super) auth_key: [u8; 256],
    /// The server's own address, for `help.getConfig`.
    pub(super) local: std::net::SocketAddr,
    /// The salt that the key exchange left, if the key came from one.
    first_salt: Option<FirstSalt>,
    /// Closes the connection.
    pub(super) cut: CancellationToken,
    /// When to close it for lack of pings.
    pub(super) close_at: watch::Sender<Option<Instant>>,
    /// Tells the network whose connection this is.
    owner: Owner,
    out: mpsc::UnboundedSender<Queued>,
    calls: Arc<Semaphore>,
}

/// Serves a connection until it ends or `cut` is cancelled.
pub(super) async fn run(stream: TcpStream, number: u64, server: Server, cut: CancellationToken) {
    let ended = tokio::select! {
        () = cut.cancelled() => Ok(()),
        ended = serve(stream, number, server, cut.clone()) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}

async fn serve(stream: TcpStream, number: u64, server: Server, cut: CancellationToken) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let local = stream.local_addr()?;
    let (read, mut write) = stream.into_split();
    let mut read = server.network.meter(read);
    let Some((mut frames, mut framed)) = transport::accept(&mut read).await? else {
        return Ok(());
    };
    let Some(first) = exchange::until_encrypted(&server, (&mut frames, &mut framed), &mut read, &mut write).await? else {
        return Ok(());
    };
    let key_id = key_id_of(&first)?;
    let Some(auth_key) = server.world.accounts().auth_key(server.dc_id, key_id) else {
        write.write_all(&framed.error(exchange::NOT_FOUND)).await?;
        return write.shutdown().await;
    };
    let (out, outgoing) = mpsc::unbounded_channel();
    let (quick_acks, quick) = mpsc::unbounded_channel();
    let (close_at, deadline) = watch::channel(None);
    let events = server.world.accounts().subscribe();
    let owner = read.owner();
    let first_salt = server.world.accounts().first_salt(key_id);
    let calls = Arc::new(Semaphore::new(MAX_CALLS));
    let link = Link { server, number, key_id, auth_key, local, first_salt, cut, close_at, owner, out, calls };
    let (session_in_use, session) = watch::channel(None);
    let _uses = UsesKey(link.server.key_uses.clone(), key_id, number);
    tokio::select! {
        ended = read_packets(&link, (frames, quick_acks), read, first, &session_in_use) => ended,
        ended = write_messages(&link, (framed, quick), outgoing, write) => ended,
        () = push_events(key_id, events, session.clone()) => Ok(()),
        () = push_news(&link, session) => Ok(()),
        () = wait_for_silence(deadline) => Ok(()),
    }
}

/// A connection that may be cut at any time uses its key no longer.
struct UsesKey(KeyUses, i64, u64);

impl Drop for UsesKey {
    fn drop(&mut self) {
        self.0.closed(self.1, self.2);
    }
}

async fn read_packets(
    link: &Link,
    (mut frames, quick_acks): (FrameReader, mpsc::UnboundedSender<(Instant, u32)>),
    mut read: Metered<OwnedReadHalf>,
    first: Vec<u8>,
    in_use: &watch::Sender<Option<Arc<Session>>>,
) -> io::Result<()> {
    let mut next = Some(first);
    while let Some(mut payload) = next {
        if key_id_of(&payload)? != link.key_id {
            return Err(broken("a packet of another auth key"));
        }
        crypto::decrypt(&mut payload, &link.auth_key).map_err(broken)?;
        if frames.wants_quick_ack() {
            // The writer is gone: so is the connection.
            let _ = quick_acks.send((Instant::now(), crypto::quick_ack(&payload[crypto::HEADER_BYTES..], &link.auth_key)));
        }
        let packet = wire::read_packet(&frames.buffers.share(payload).slice(crypto::HEADER_BYTES..)).map_err(broken)?;
        if let Authorization::User(user) = link.server.world.accounts().authorization(link.key_id) {
            link.owner.set(user);
        }
        let session = link.server.sessions.open(link.key_id, packet.session_id);
        session.attach(&link.out);
        in_use.send_if_modified(|now| {
            // Nobody is woken for each packet of a session.
            let other = now.as_ref().is_none_or(|now| !Arc::ptr_eq(now, &session));
            if other {
                *now = Some(session.clone());
            }
            other
        });
        on_packet(link, &session, packet).await;
        next = frames.read(&mut read).await?;
    }
    Ok(())
}

async fn on_packet(link: &Link, session: &Arc<Session>, packet: Packet) {
    let (outer, salts) = (&packet.outer, link.salts());
    if packet.inner.len() == 1 && session.is_repeated(outer.msg_id) {
        return;
    }
    if !salts.accepts(packet.salt) {
        session.notify(service_messages::bad_server_salt(outer, salts.current()), true);
        return;
    }
    if let Err(code) = super::checks::identifier(outer.msg_id, salts.now) {
        session.notify(service_messages::bad_msg(outer, code), true);
        return;
    }
    if session.announces() {
        let first = packet.inner.iter().map(|message| message.msg_id).min();
        let created = tl::types::NewSessionCreated {
            first_msg_id: first.unwrap_or(outer.msg_id),
            unique_id: session.unique_id,
            server_salt: salts.current(),
        };
        session.push(tl::enums::NewSession::Created(created).to_bytes());
    }
    let mut acknowledged = Vec::new();
    for message in packet.inner {
        if session.is_repeated(message.msg_id) {
            continue;
        }
        match service_messages::handle(link, session, &message) {
            service_messages::Handled::Done => {}
            service_messages::Handled::Call => {
                acknowledged.push(message.msg_id);
                start_call(link, session, message).await;
            }
        }
    }
    if !acknowledged.is_empty() {
        let msg_ids = acknowledged;
        session.notify(tl::enums::MsgsAck::Ack(tl::types::MsgsAck { msg_ids }).to_bytes(), false);
    }
}

async fn start_call(link: &Link, session: &Arc<Session>, message: Incoming) {
    let Ok(permit) = link.calls.clone().acquire_owned().await else {
        return;
    };
    let (link, session) = (link.clone(), session.clone());
    tokio::spawn(async move {
        let caller = Caller::new(&link, &session);
        let req = message.msg_id;
        match dispatch::call(&caller, &message.body).await {
            Outcome::Answer(result) => session.answer(req, wire::rpc_result(req, &result)),
            Outcome::CutBefore => {
                session.forget(req);
                link.cut.cancel();
            }
            Outcome::CutAfter(result) => {
                session.keep_answer(req, wire::rpc_result(req, &result));
                link.cut.cancel();
            }
        }
        drop(permit);
    });
}

async fn write_messages(
    link: &Link,
    (mut frames, mut quick): (FrameWriter, mpsc::UnboundedReceiver<(Instant, u32)>),
    mut outgoing: mpsc::UnboundedReceiver<Queued>,
    mut write: OwnedWriteHalf,
) -> io::Result<()> {
    loop {
        let message = tokio::select! {
            biased;
            Some((queued_at, token)) = quick.recv() => {
                link.server.network.delayed(queued_at).await;
                write.write_all(&frames.quick_ack(token)).await?;
                continue;
            }
            message = outgoing.recv() => message,
        };
        let Some((queued_at, message)) = message else {
            return Ok(());
        };
        link.server.network.delayed(queued_at).await;
        let salt = link.salts().current();
        let plain = wire::plaintext(salt, message.session_id, message.msg_id, message.seq_no, &message.body);
        let payload = crypto::encrypt(plain, &link.auth_key, link.key_id);
        write.write_all(&frames.frame(&payload)).await?;
    }
}

/// Tells the client that its QR token was accepted: `updateLoginToken`, upon which it asks for a token again.
async fn push_events(key_id: i64, mut events: broadcast::Receiver<KeyEvent>, session: watch::Receiver<Option<Arc<Session>>>) {
    loop {
        match events.recv().await {
            Ok(KeyEvent::LoginTokenAccepted(key)) if key == key_id => {
                let update =
                    tl::enums::Updates::UpdateShort(tl::types::UpdateShort { update: tl::enums::Update::LoginToken, date: now_unix() });
                let session = session.borrow().clone();
                if let Some(session) = session {
                    session.push(update.to_bytes());
                }
            }
            Ok(KeyEvent::LoginTokenAccepted(_)) | Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}

/// Tells the session that uses the connection what happened in the chats of its user.
async fn push_news(link: &Link, mut session: watch::Receiver<Option<Arc<Session>>>) {
    let world = &link.server.world;
    let mut seen = world.version();
    loop {
        let following = session.borrow_and_update().clone();
        if let (Some(following), Authorization::User(user)) = (following, world.accounts().authorization(link.key_id))
            && let Some(news) = following.feed.news(world, user)
        {
            following.push(news.to_bytes());
        }
        tokio::select! {
            version = world.changed_after(seen) => seen = version,
            changed = session.changed() => if changed.is_err() { return std::future::pending().await },
        }
    }
}

/// Ends when the time set by `ping_delay_disconnect` passes without another one.
async fn wait_for_silence(mut deadline: watch::Receiver<Option<Instant>>) {
    loop {
        let at = *deadline.borrow_and_update();
        let far = Instant::now() + Duration::from_secs(365 * 24 * 3600);
        tokio::select! {
            () = tokio::time::sleep_until(at.unwrap_or(far)) => return,
            changed = deadline.changed() => if changed.is_err() { return std::future::pending().await },
        }
    }
}

impl Link {
    /// The salts of this key now.
    pub(super) fn salts(&self) -> Salts<'_> {
        let accounts = self.server.world.accounts();
        Salts { auth_key: &self.auth_key, epoch: accounts.salt_epoch(), first: self.first_salt, now: accounts.clock().unix() }
    }
}

fn key_id_of(payload: &[u8]) -> io::Result<i64> {
    let id = payload.get(..8).and_then(|id| <[u8; 8]>::try_from(id).ok());
    id.map(i64::from_le_bytes).ok_or_else(|| broken("a packet without a key"))
}

fn broken(what: impl ToString) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_string())
}
