//! Accepting connections.

use std::{
    convert::Infallible,
    future::pending,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{body::Body, response::Response};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::OwnedSemaphorePermit,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{ServiceExt as _, util::BoxCloneSyncService};
use tracing::{debug, warn};

use super::{
    admission, body,
    tls::{self, Tls},
    wire::{Wire, WireControl},
};
use crate::{
    limits::{Crowd, Door, Entry, Pass, Rate},
    telemetry,
};

/// What answers requests.
pub type App = BoxCloneSyncService<Request<Body>, Response, Infallible>;

/// The largest head of a request, in bytes: several times what browsers send.
const MAX_HEAD: usize = 64 * 1024;

/// Connections that the kernel holds ready for us.
const BACKLOG: i32 = 4_096;

/// What the kernel may hold for a client that does not read, in bytes (it doubles the
/// number). Left to itself it would grow to several megabytes.
const SEND_BUFFER: usize = 256 * 1024;

/// How long open connections may take to finish their last answer at the end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long to wait after an accept that failed for want of resources.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection that is refused may take to be told so.
const REFUSAL: Duration = Duration::from_secs(5);

/// What the server knows of the connection on which a request came.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The connection.
    pub wire: Arc<WireControl>,
    /// The address at its other end, which may be a proxy's.
    pub peer: IpAddr,
    /// Why all that is asked on it is refused, if it is.
    pub refused: Option<Crowd>,
}

/// How connections are served.
#[derive(Clone, Debug)]
pub struct Serving {
    /// How long sent data may stay unacknowledged before the kernel gives a connection up
    /// (TCP_USER_TIMEOUT, RFC 5482): a client that went away in silence, or that stopped reading, is
    /// noticed by it.
    pub user_timeout: Duration,
    /// How long a client may take to send the head of its first request. It also ends connections
    /// that are opened and then say nothing.
    pub head: Duration,
    /// How long a client may take to send the head of another, that it thinks of one included.
    pub keep_alive: Duration,
    /// How long a client may take to send the body of one.
    pub body: Duration,
    /// What is spoken below HTTP, unless it is plain TCP.
    pub tls: Option<Arc<Tls>>,
    /// How many frames a WebSocket may bring, if there is a limit.
    pub frames: Option<Rate>,
    /// Who is let in; everybody without it.
    pub door: Option<Arc<Door>>,
}

/// Binds a listening socket.
///
/// # Errors
/// What the system says, for example that the address is taken.
pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Serves `app` on `listener` until `stop`, then lets open requests finish for a moment.
pub async fn serve(listener: TcpListener, app: App, serving: Serving, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let serving = Arc::new(serving);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(guest) = Guest::receive(stream, peer.ip(), &serving) else {
                    continue;
                };
                connections.spawn(guest.serve(app.clone(), Arc::clone(&serving), stop.clone()));
            }
            Err(error) => {
                warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(LAST_WORDS, connections.wait())
        .await
        .is_err()
    {
        debug!(open = connections.len(), "connections left open");
    }
}

fn tune(stream: &TcpStream, user_timeout: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(stream).set_tcp_user_timeout(Some(user_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = (SockRef::from(stream), user_timeout);
    Ok(())
}

/// A connection that was accepted.
struct Guest {
    stream: TcpStream,
    pass: Option<Pass>,
    caller: Caller,
    /// It is one of those that are told why they are refused.
    refusal: Option<OwnedSemaphorePermit>,
}

impl Guest {
    /// Takes a connection in; nothing if it is not to be served at all.
    fn receive(stream: TcpStream, peer: IpAddr, serving: &Serving) -> Option<Self> {
        let (pass, refused, refusal) = match serving.door.as_ref().map(|door| door.enter(peer)) {
            None => (None, None, None),
            Some(Entry::Open(pass)) => (Some(pass), None, None),
            Some(Entry::Refused(crowd, permit)) => (None, Some(crowd), Some(permit)),
            Some(Entry::Shut(crowd)) => {
                admission::count_refused(crowd);
                return None;
            }
        };
        if let Err(error) = tune(&stream, serving.user_timeout) {
            debug!(%error, "connection lost before it was served");
            return None;
        }
        Some(Self {
            stream,
            pass,
            caller: Caller {
                wire: Arc::default(),
                peer,
                refused,
            },
            refusal,
        })
    }

    async fn serve(self, app: App, serving: Arc<Serving>, stop: CancellationToken) {
        if self.refusal.is_some() {
            let told = self.serve_requests(app, serving, stop);
            if tokio::time::timeout(REFUSAL, told).await.is_err() {
                debug!("a connection that is refused took too long");
            }
        } else {
            self.serve_requests(app, serving, stop).await;
        }
    }

    async fn serve_requests(self, app: App, serving: Arc<Serving>, stop: CancellationToken) {
        let Self {
            stream,
            pass,
            caller,
            refusal: _refusal,
        } = self;
        let opened = tokio::select! {
            opened = tls::open(serving.tls.as_deref(), stream) => opened,
            () = stop.cancelled() => None,
        };
        let Some(stream) = opened else { return };
        let wire = Wire::new(stream, Arc::clone(&caller.wire)).held_to(pass, serving.frames);
        let (is_refused, body) = (caller.refused.is_some(), serving.body);
        let control = Arc::clone(&caller.wire);
        let service = app.map_request(move |mut request: Request<Incoming>| {
            caller.wire.note_request();
            request.extensions_mut().insert(caller.clone());
            request.map(|incoming| body::within(body, incoming))
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(serving.keep_alive)
            .keep_alive(!is_refused)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(wire), TowerToHyperService::new(service))
            .with_upgrades();
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
            () = first_head_overdue(&control, serving.head) => {
                telemetry::timed_out("head");
                return debug!("a connection was given up: its first request did not come");
            }
        };
        if let Err(error) = ended {
            debug!(%error, "connection ended");
        }
    }
}

/// Completes if no request has come in time; else never.
async fn first_head_overdue(control: &WireControl, patience: Duration) {
    tokio::time::sleep(patience).await;
    if control.had_request() {
        pending::<()>().await;
    }
}
