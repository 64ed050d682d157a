//! The socket under the web server: plain HTTP on this machine or behind a proxy, or HTTPS here, with a certificate that may be
//! replaced while the server runs.
//!
//! A TLS port also understands plain HTTP, only to answer it with 308 to the same address by https.

mod certificate;
mod client;

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
pub use certificate::{Certificate, Reload};
pub use client::{Door, through};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// How long a stranger may take to shake hands.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
/// Handshakes at once; whoever comes later waits in the kernel's queue.
const HANDSHAKES: usize = 512;
/// The first byte of a TLS record that begins a handshake (RFC 8446, section 5.1).
const TLS_HANDSHAKE: u8 = 22;

/// Who is at the other end, and whether the connection is encrypted here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The address of the connection.
    pub address: SocketAddr,
    /// Whether this port speaks TLS and the connection does not.
    pub must_go_to_https: bool,
}

impl Connected<IncomingStream<'_, Socket>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Socket>) -> Self {
        *stream.remote_addr()
    }
}

/// A listening socket of either kind.
pub enum Socket {
    /// As it comes.
    Plain {
        /// The socket.
        listener: TcpListener,
        /// Whether everybody is only sent on to https.
        must_go_to_https: bool,
    },
    /// TLS, shaken hands in tasks of their own so that a slow stranger holds up nobody.
    Tls {
        /// Connections that are ready.
        ready: mpsc::Receiver<(Connection, Peer)>,
        /// Where it listens.
        address: SocketAddr,
    },
}

impl Socket {
    /// Listens in the clear.
    pub const fn plain(listener: TcpListener) -> Self {
        Self::Plain { listener, must_go_to_https: false }
    }

    /// Listens in the clear only to send everybody on to https.
    pub const fn to_https(listener: TcpListener) -> Self {
        Self::Plain { listener, must_go_to_https: true }
    }

    /// Listens for TLS with `certificate`. Ends with the socket.
    pub fn tls(listener: TcpListener, certificate: &Certificate) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(certificate.server_config());
        let (send, ready) = mpsc::channel(HANDSHAKES);
        tokio::spawn(accept_all(listener, acceptor, send));
        Ok(Self::Tls { ready, address })
    }
}

async fn accept_all(mut listener: TcpListener, acceptor: TlsAcceptor, send: mpsc::Sender<(Connection, Peer)>) {
    let slots = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        // The waits and retries of a failing accept are axum's.
        let (stream, address) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = send.closed() => return,
        };
        let (acceptor, send) = (acceptor.clone(), send.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_LIMIT, greet(stream, &acceptor)).await {
                Ok(Ok(connection)) => {
                    let must_go_to_https = matches!(connection, Connection::Plain(_));
                    if send.send((connection, Peer { address, must_go_to_https })).await.is_err() {
                        tracing::debug!("a connection came while the server stops");
                    }
                }
                Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
                Err(_) => tracing::debug!("a TLS handshake took too long"),
            }
            drop(slot);
        });
    }
}

async fn greet(stream: TcpStream, acceptor: &TlsAcceptor) -> io::Result<Connection> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if first[0] == TLS_HANDSHAKE {
        Ok(Connection::Tls(Box::new(acceptor.accept(stream).await?)))
    } else {
        Ok(Connection::Plain(stream))
    }
}

impl Listener for Socket {
    type Io = Connection;
    type Addr = Peer;

    async fn accept(&mut self) -> (Connection, Peer) {
        match self {
            Self::Plain { listener, must_go_to_https } => {
                let (stream, address) = Listener::accept(listener).await;
                (Connection::Plain(stream), Peer { address, must_go_to_https: *must_go_to_https })
            }
            Self::Tls { ready, .. } => match ready.recv().await {
                Some(accepted) => accepted,
                // The accepting task ends only with this socket; there is nothing to hand over any more.
                None => std::future::pending().await,
            },
        }
    }

    fn local_addr(&self) -> io::Result<Peer> {
        let address = match self {
            Self::Plain { listener, .. } => listener.local_addr()?,
            Self::Tls { address, .. } => *address,
        };
        Ok(Peer { address, must_go_to_https: false })
    }
}

/// One connection.
pub enum Connection {
    /// In the clear.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(self: Pin<&mut Self>, context: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
