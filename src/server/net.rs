//! The only door to sockets. What connections need of a network stands in three traits, so that a simulated one can take
//! the place of TCP.

use crate::disk::FileRange;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{ready, Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// A network that can be listened on.
pub trait Network: Send + Sync + 'static {
    /// What listens.
    type Listener: Accept;

    /// Listens on an address; port 0 lets the network choose. `backlog` bounds connections nobody has accepted yet.
    fn bind(&self, address: SocketAddr, backlog: u32) -> io::Result<Self::Listener>;
}

/// A listening socket.
pub trait Accept: Send + Sync + 'static {
    /// What an accepted connection is.
    type Stream: ByteStream;

    /// The next connection and the address it comes from. May be dropped without losing a connection.
    fn accept(&self) -> impl Future<Output = io::Result<(Self::Stream, SocketAddr)>> + Send;

    /// Where it listens.
    fn local_address(&self) -> io::Result<SocketAddr>;
}

/// The bytes of one connection.
pub trait ByteStream: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Ready when a read would return at once. May be ready without cause.
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Whether [`ByteStream::poll_send_file`] works: the bytes leave as they are, and the system can send files.
    fn sends_files(&self) -> bool;

    /// Sends from the start of `range` without reading it into the process; how many bytes went, 0 where the file ends.
    /// May wait for the disk: asked for ranges in memory only.
    fn poll_send_file(&mut self, cx: &mut Context<'_>, range: &FileRange) -> Poll<io::Result<usize>>;

    /// The address that the client connected to.
    fn local_address(&self) -> io::Result<SocketAddr>;
}

/// TCP, as the operating system has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tcp {
    /// `socket.send.buffer.bytes`; `None` leaves it to the system.
    pub send_buffer_bytes: Option<u32>,
    /// `socket.receive.buffer.bytes`; `None` leaves it to the system.
    pub receive_buffer_bytes: Option<u32>,
}

impl Network for Tcp {
    type Listener = TcpListener;

    fn bind(&self, address: SocketAddr, backlog: u32) -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // A restarted node takes its port back at once.
        socket.set_reuseaddr(true)?;
        // Accepted connections inherit both; only so is the receive window scaled for them.
        if let Some(bytes) = self.send_buffer_bytes {
            socket.set_send_buffer_size(bytes)?;
        }
        if let Some(bytes) = self.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        socket.bind(address)?;
        socket.listen(backlog)
    }
}

impl Accept for TcpListener {
    type Stream = TcpStream;

    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // Fails only where the client has gone again, which the first read will tell.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

impl ByteStream for TcpStream {
    fn poll_readable(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_read_ready(cx)
    }

    fn sends_files(&self) -> bool {
        cfg!(target_os = "linux")
    }

    #[cfg(target_os = "linux")]
    fn poll_send_file(&mut self, cx: &mut Context<'_>, range: &FileRange) -> Poll<io::Result<usize>> {
        let Some(file) = range.file.descriptor() else { return Poll::Ready(Err(io::ErrorKind::Unsupported.into())) };
        loop {
            ready!(self.poll_write_ready(cx))?;
            let mut position = range.position;
            let count = usize::try_from(range.length).unwrap_or(usize::MAX);
            let sent =
                self.try_io(Interest::WRITABLE, || Ok(rustix::fs::sendfile(&*self, file, Some(&mut position), count)?));
            match sent {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return Poll::Ready(sent),
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn poll_send_file(&mut self, _cx: &mut Context<'_>, _range: &FileRange) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::Unsupported.into()))
    }

    fn local_address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }
}

/// Reads into the room that `buffer` has, without making more; how many bytes came, 0 at the end of the stream (or where
/// there is no room). A read that leaves room has emptied the socket, and the next one is not tried before news of it.
pub(super) fn poll_read_into<S: ByteStream>(
    stream: &mut S,
    cx: &mut Context<'_>,
    spare: &mut [std::mem::MaybeUninit<u8>],
) -> Poll<io::Result<usize>> {
    let mut buffer = ReadBuf::uninit(spare);
    ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
    Poll::Ready(Ok(buffer.filled().len()))
}
