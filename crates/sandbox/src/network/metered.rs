//! The reading half of a connection, no faster than the network is.
//!
//! In: bytes of a socket. Out: the same bytes, when it is their turn; an error where the connection is cut. Must not: buffer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use tokio::time::Instant;

use super::bucket::{Bucket, Turn};
use super::{Network, NetworkShape, Owner};

/// What is read at a turn. Small, so that turns are short and those who share a rate get the same of it.
const TURN_BYTES: usize = 16 * 1024;
/// The kernel keeps twice this for a capped connection. Less, and the sender waits for its persist timer: a segment of loopback is 64 KiB.
const CAPPED_RECEIVE_BYTES: usize = 128 * 1024;
/// The same once the cap is lifted; the kernel takes what it may.
const FREE_RECEIVE_BYTES: usize = 4 * 1024 * 1024;

/// Where a metered reader reads from.
pub(crate) trait Source: AsyncRead + Unpin {
    /// Keeps the kernel from taking in more than a little while the reader waits, or lets it again.
    fn set_capped(&self, capped: bool) -> io::Result<()>;
}

/// A reader that keeps to the network's shape.
pub(crate) struct Metered<R> {
    read: R,
    network: Network,
    owner: Owner,
    bucket: Bucket,
    received_bytes: u64,
    capped: bool,
    waiting: Option<Waiting>,
}

/// Ends at a turn (true) or when the shape changes (false).
type Waiting = Pin<Box<dyn Future<Output = bool> + Send + Sync>>;

impl<R> Metered<R> {
    pub(super) fn new(read: R, network: Network) -> Self {
        Self { read, network, owner: Owner::default(), bucket: Bucket::default(), received_bytes: 0, capped: false, waiting: None }
    }

    /// Where to say whose connection it is.
    pub(crate) fn owner(&self) -> Owner {
        self.owner.clone()
    }

    /// Charges what was read and arranges the wait for the next turn.
    fn charge(&mut self, bytes: usize, shape: NetworkShape) {
        let now = Instant::now();
        self.bucket.pass(now, bytes, shape.connection_bytes_per_s);
        let own = self.bucket.turn(now, shape.connection_bytes_per_s);
        let shared = self.owner.get().map(|user| self.network.pass(user, now, bytes, shape.account_bytes_per_s));
        let turn = own.and(shared.unwrap_or(Turn::Now));
        if turn != Turn::Now {
            self.waiting = Some(wait(self.network.clone(), turn, shape));
        }
    }

    /// How much may be read before the connection is cut, if it is to be.
    fn left_bytes(&self, shape: NetworkShape) -> Option<u64> {
        let own = shape.cut_after_bytes.map(|all| all.saturating_sub(self.received_bytes));
        let next = *self.network.cut_next();
        own.into_iter().chain(next).min()
    }
}

impl<R: Source> Metered<R> {
    fn follow(&mut self, shape: NetworkShape) -> io::Result<()> {
        let capped = shape.is_capped();
        if capped != self.capped {
            self.capped = capped;
            self.read.set_capped(capped)?;
        }
        Ok(())
    }
}

impl<R: Source> AsyncRead for Metered<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while let Some(waiting) = &mut this.waiting {
            let is_turn = ready!(waiting.as_mut().poll(context));
            this.waiting = None;
            if !is_turn {
                this.charge(0, this.network.shape());
            }
        }
        let shape = this.network.shape();
        this.follow(shape)?;
        let left_bytes = this.left_bytes(shape);
        if left_bytes == Some(0) {
            return Poll::Ready(Err(cut()));
        }
        let most = if this.capped { TURN_BYTES } else { usize::MAX };
        let most = left_bytes.map_or(most, |left| most.min(usize::try_from(left).unwrap_or(usize::MAX)));
        let got = ready!(read_at_most(Pin::new(&mut this.read), context, buffer, most))?;
        this.received_bytes += got as u64;
        if got > 0 && left_bytes.is_some() && (this.network.is_cut_by(got) || shape.cut_after_bytes == Some(this.received_bytes)) {
            return Poll::Ready(Err(cut()));
        }
        if this.capped {
            this.charge(got, shape);
        }
        Poll::Ready(Ok(()))
    }
}

impl Source for OwnedReadHalf {
    fn set_capped(&self, capped: bool) -> io::Result<()> {
        let socket = socket2::SockRef::from(AsRef::<tokio::net::TcpStream>::as_ref(self));
        socket.set_recv_buffer_size(if capped { CAPPED_RECEIVE_BYTES } else { FREE_RECEIVE_BYTES })
    }
}

impl NetworkShape {
    fn is_capped(&self) -> bool {
        self.connection_bytes_per_s.is_some() || self.account_bytes_per_s.is_some()
    }
}

fn read_at_most<R: AsyncRead>(
    read: Pin<&mut R>,
    context: &mut Context<'_>,
    buffer: &mut ReadBuf<'_>,
    most: usize,
) -> Poll<io::Result<usize>> {
    let before = buffer.filled().len();
    if most >= buffer.remaining() {
        ready!(read.poll_read(context, buffer))?;
        return Poll::Ready(Ok(buffer.filled().len() - before));
    }
    let mut piece = ReadBuf::new(buffer.initialize_unfilled_to(most));
    ready!(read.poll_read(context, &mut piece))?;
    let got = piece.filled().len();
    buffer.advance(got);
    Poll::Ready(Ok(got))
}

/// Waits for the turn, unless the shape becomes another one than that by which it was given.
fn wait(network: Network, turn: Turn, shape: NetworkShape) -> Waiting {
    Box::pin(async move {
        let mut shapes = network.watch();
        let changed = async {
            // The network outlives this: it is held here.
            let _ = shapes.wait_for(|now| *now != shape).await;
        };
        match turn {
            Turn::Now => true,
            Turn::Never => {
                changed.await;
                false
            }
            Turn::At(at) => tokio::select! {
                () = tokio::time::sleep_until(at) => true,
                () = changed => false,
            },
        }
    })
}

fn cut() -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, "cut by the network")
}
