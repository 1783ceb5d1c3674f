use crate::{link::Purpose, socket::Stream};
use socket2::SockRef;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::FileTypeExt,
    path::{Path, PathBuf},
};
use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixStream};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 4096;

/// Bytes that a connection's client has no room for yet and that the kernel keeps for it. It would take megabytes, and ten
/// thousand slow readers all the memory that the system has for TCP: then everybody waits.
const UNSENT_BYTES_MAX: u32 = 128 << 10;

/// Something that connections come in by.
#[derive(Debug)]
pub struct Listener {
    place: Place,
    /// `None`: TLS where there is a certificate.
    scheme: Option<Scheme>,
    pub(crate) purpose: Purpose,
}

#[derive(Debug)]
enum Place {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

/// Why one cannot listen there.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// It is no address.
    #[error(
        "{address:?} is no address to listen on; write 127.0.0.1:5000, [::]:5000, localhost:5000, https://0.0.0.0:5000 or unix:/run/gantry.sock"
    )]
    Grammar {
        /// What was written.
        address: String,
    },
    /// The system says no.
    #[error("cannot listen on {address}: {source}. {}", remedy(source))]
    Bind {
        /// Where.
        address: String,
        /// Why not.
        source: io::Error,
    },
}

fn remedy(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::AddrInUse => "Stop what uses it, or choose another address",
        io::ErrorKind::PermissionDenied => {
            "Choose a port from 1024 on, or a place this user may write to; or allow it (CAP_NET_BIND_SERVICE)"
        }
        io::ErrorKind::AddrNotAvailable => {
            "This machine does not have that address: choose one it has, or [::] for all"
        }
        _ => "Choose another address",
    }
}

impl Listener {
    /// Begins to listen on `address`: `host:port`, `[address]:port`, or `unix:/path`. A scheme before it (`http://`,
    /// `https://`) says whether TLS is spoken; without one it is where there is a certificate, but not on Unix
    /// sockets. A name may stand for several addresses. Port 0 is any free one.
    ///
    /// # Errors
    /// [`ListenError`].
    pub async fn bind(address: &str) -> Result<Vec<Listener>, ListenError> {
        let error = |source| ListenError::Bind { address: address.into(), source };
        let (scheme, rest) = match (address.strip_prefix("http://"), address.strip_prefix("https://")) {
            (Some(rest), _) => (Some(Scheme::Http), rest),
            (_, Some(rest)) => (Some(Scheme::Https), rest),
            _ => (None, address),
        };
        let purpose = Purpose::Everything;
        if let Some(path) = rest.strip_prefix("unix:").filter(|_| scheme != Some(Scheme::Https)) {
            let path = PathBuf::from(path);
            let listener = bind_unix(&path).await.map_err(error)?;
            return Ok(vec![Listener { place: Place::Unix(listener, path), scheme: Some(Scheme::Http), purpose }]);
        }
        if !rest.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
            return Err(ListenError::Grammar { address: address.into() });
        }
        let addresses: Vec<SocketAddr> = tokio::net::lookup_host(rest).await.map_err(error)?.collect();
        let mut listeners = Vec::with_capacity(addresses.len());
        for found in addresses {
            let listener = bind_tcp(found).map_err(error)?;
            listeners.push(Listener { place: Place::Tcp(listener), scheme, purpose });
        }
        Ok(listeners)
    }

    /// The same listener for `/metrics`, `/healthz` and `/readyz` only: without credentials, and without TLS unless its
    /// address asks for it.
    pub fn for_metrics(mut self) -> Listener {
        self.scheme.get_or_insert(Scheme::Http);
        self.purpose = Purpose::Metrics;
        self
    }

    /// Returns the address that was bound; `None` for a Unix socket.
    pub fn local_address(&self) -> Option<SocketAddr> {
        match &self.place {
            Place::Tcp(listener) => listener.local_addr().ok(),
            Place::Unix(..) => None,
        }
    }

    /// Prints where clients find it.
    pub fn url(&self, has_certificate: bool) -> String {
        match &self.place {
            Place::Unix(_, path) => format!("unix:{}", path.display()),
            Place::Tcp(_) => {
                let scheme = if self.speaks_tls(has_certificate) { "https" } else { "http" };
                self.local_address().map_or_else(|| format!("{scheme}://?"), |address| format!("{scheme}://{address}"))
            }
        }
    }

    /// Whether TLS is spoken here, given whether there is a certificate.
    pub(crate) fn speaks_tls(&self, has_certificate: bool) -> bool {
        self.scheme.map_or(has_certificate, |scheme| scheme == Scheme::Https)
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<IpAddr>)> {
        match &self.place {
            Place::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                // Small answers must not wait for the acknowledgement of the ones before.
                stream.set_nodelay(true)?;
                SockRef::from(&stream).set_tcp_notsent_lowat(UNSENT_BYTES_MAX)?;
                Ok((Stream::Tcp(stream), Some(peer.ip().to_canonical())))
            }
            Place::Unix(listener, _) => Ok((Stream::Unix(listener.accept().await?.0), None)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Place::Unix(_, path) = &self.place {
            // What is left behind would only be in the way; if it cannot be removed, the next start tries again.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Binds a Unix socket. A socket file that nobody listens on any more is removed first.
async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && UnixStream::connect(path).await.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
    {
        std::fs::remove_file(path)?;
    }
    UnixListener::bind(path)
}
