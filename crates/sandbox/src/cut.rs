//! HTTP connections that can be cut in the middle, as a broken network would.
//!
//! In: a TCP listener. Out: one for axum, whose handlers get a [`Cut`] by `ConnectInfo`. It must not know what is served.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Cuts the connection that a request came by.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cut {
    is_cut: Arc<AtomicBool>,
    /// Counts connections from 1.
    pub(crate) connection: u64,
}

impl Cut {
    /// From now on nothing is read or written, and the connection is dropped at the next try.
    pub(crate) fn now(&self) {
        self.is_cut.store(true, Ordering::Release);
    }

    /// Whether it was cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::Acquire)
    }

    fn check(&self) -> io::Result<()> {
        match self.is_cut() {
            true => Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut by a scripted fault")),
            false => Ok(()),
        }
    }
}

/// A listener whose connections can be cut.
pub(crate) struct CuttableListener {
    listener: TcpListener,
    connections: u64,
}

impl CuttableListener {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self { listener, connections: 0 }
    }
}

/// A connection that can be cut.
pub(crate) struct CuttableStream {
    stream: TcpStream,
    cut: Cut,
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        self.connections += 1;
        // Small answers must not wait for each other.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        (CuttableStream { stream, cut: Cut { connection: self.connections, ..Cut::default() } }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Cut {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().cut.clone()
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.cut.check()?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
