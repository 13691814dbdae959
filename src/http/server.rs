//! Accepting connections.

use std::{convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{body::Body, response::Response};
use http::Request;
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::{ServiceExt as _, util::BoxCloneSyncService};
use tracing::{debug, warn};

use super::{
    tls::{self, Tls},
    wire::{Wire, WireControl},
};

/// What answers requests.
pub type App = BoxCloneSyncService<Request<Body>, Response, Infallible>;

/// How long a client may take to send the head of a request. It also ends connections that
/// are opened and then say nothing.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);

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

/// What the server knows of the connection on which a request came.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The connection.
    pub wire: Arc<WireControl>,
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

/// Serves `app` on `listener`, over TLS if there is `tls`, until `stop`, then lets open requests
/// finish for a moment.
///
/// `user_timeout` is how long sent data may stay unacknowledged before the kernel gives a
/// connection up (TCP_USER_TIMEOUT, RFC 5482): a client that went away in silence, or that
/// stopped reading, is noticed by it.
pub async fn serve(
    listener: TcpListener,
    app: App,
    user_timeout: Duration,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                if let Err(error) = tune(&stream, user_timeout) {
                    debug!(%error, "connection lost before it was served");
                    continue;
                }
                let (app, tls) = (app.clone(), tls.clone());
                connections.spawn(serve_connection(stream, app, tls, stop.clone()));
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

async fn serve_connection(
    stream: TcpStream,
    app: App,
    tls: Option<Arc<Tls>>,
    stop: CancellationToken,
) {
    let opened = tokio::select! {
        opened = tls::open(tls.as_deref(), stream) => opened,
        () = stop.cancelled() => None,
    };
    let Some(stream) = opened else { return };
    let caller = Caller {
        wire: Arc::new(WireControl::default()),
    };
    let wire = Wire::new(stream, Arc::clone(&caller.wire));
    let service = app.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(caller.clone());
        request.map(Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
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
    };
    if let Err(error) = ended {
        debug!(%error, "connection ended");
    }
}
