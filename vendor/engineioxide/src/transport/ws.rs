//! The ws transport module is responsible for handling websocket connections
//! The only public function is [`new_req`] which is used to upgrade a http request to a websocket connection
//!
//! Other functions are used internally to handle the websocket connection through tasks and channels
//! and to handle upgrade from polling to ws

use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderValue, Request, Response, StatusCode, request::Parts};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc::error::TrySendError,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::derive_accept_key,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::future::FutureExt as _;

use engineioxide_core::{Packet, ProtocolVersion, Sid, Str, TransportType};

use crate::{
    DisconnectReason, Socket,
    body::ResponseBody,
    engine::EngineIo,
    errors::Error,
    handler::EngineIoHandler,
    transport::{driver::Driver, make_open_packet, pipe::Pipe},
};

/// Create a response for websocket upgrade
fn ws_response<B>(ws_key: &HeaderValue) -> Response<ResponseBody<B>> {
    let derived = derive_accept_key(ws_key.as_bytes());
    let sec = derived.parse::<HeaderValue>().unwrap();
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(http::header::UPGRADE, HeaderValue::from_static("websocket"))
        .header(
            http::header::CONNECTION,
            HeaderValue::from_static("Upgrade"),
        )
        .header(http::header::SEC_WEBSOCKET_ACCEPT, sec)
        .body(ResponseBody::empty_response())
        .unwrap() // we are only using constants
}

/// Upgrade a websocket request to create a websocket connection.
///
/// If a sid is provided in the query it means that is is upgraded from an existing HTTP polling request.
/// In this case the http polling request is closed and the SID is kept for the websocket
pub fn new_req<R: Send + 'static, B, H: EngineIoHandler>(
    engine: Arc<EngineIo<H>>,
    protocol: ProtocolVersion,
    sid: Option<Sid>,
    req: Request<R>,
) -> Result<Response<ResponseBody<B>>, Error> {
    let mut req = req;
    let upgrade = hyper::upgrade::on(&mut req);
    let (parts, _) = req.into_parts();

    let ws_key = parts
        .headers
        .get("Sec-WebSocket-Key")
        .ok_or(Error::InvalidWebSocketKey)?
        .clone();

    tokio::spawn(async move {
        let conn = upgrade.await.map(hyper_util::rt::TokioIo::new);

        let res = match conn {
            Ok(conn) => on_init(engine.clone(), conn, protocol, sid, parts).await,
            Err(_e) => {
                #[cfg(feature = "tracing")]
                tracing::debug!("ws upgrade error: {}", _e);
                return;
            }
        };

        match res {
            // A task of its own: this one has room for the handshake.
            Ok(driver) => drop(tokio::spawn(driver.run())),
            Err(Error::MultipleWebsocketRequests) => {}
            Err(_e) => {
                #[cfg(feature = "tracing")]
                tracing::debug!(?sid, "ws closed with error: {_e}");
                if let Some(sid) = sid {
                    engine.close_session(sid, DisconnectReason::TransportError);
                }
            }
        }
    });

    Ok(ws_response(&ws_key))
}

/// Handle a websocket connection upgrade
///
/// Sends an open packet if it is not an upgrade from a polling request
///
/// Returns what reads packets from the websocket and handles them until the connection is closed
#[cfg_attr(
    feature = "tracing",
    tracing::instrument(level = "trace", name = "init_websocket", skip(engine, conn, req_data))
)]
pub async fn on_init<H: EngineIoHandler, S>(
    engine: Arc<EngineIo<H>>,
    conn: S,
    protocol: ProtocolVersion,
    sid: Option<Sid>,
    req_data: Parts,
) -> Result<Driver<H, S>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ws_config = WebSocketConfig::default()
        .read_buffer_size(engine.config.ws_read_buffer_size)
        .max_message_size(Some(engine.config.ws_max_message_size))
        .max_frame_size(Some(engine.config.ws_max_frame_size));

    let ws_init =
        move || WebSocketStream::from_raw_socket(Pipe::new(conn), Role::Server, Some(ws_config));
    let (socket, ws) = if let Some(sid) = sid {
        match engine.get_socket(sid) {
            None => return Err(Error::UnknownSessionID(sid)),
            Some(socket) if socket.is_ws() => return Err(Error::MultipleWebsocketRequests),
            Some(socket) => {
                let mut ws = ws_init().await;

                let upgrade_fut = upgrade_handshake::<H, S>(&socket, &mut ws);
                match tokio::time::timeout(engine.config.upgrade_timeout, upgrade_fut)
                    .with_cancellation_token(&socket.cancellation_token)
                    .await
                {
                    Some(Ok(res)) => res?,
                    Some(Err(_)) => {
                        #[cfg(feature = "tracing")]
                        tracing::debug!(?sid, "ws upgrade timed out, closing session");
                        engine.close_session(socket.id, DisconnectReason::TransportError);
                        return Err(Error::Upgrade);
                    }
                    None => {
                        #[cfg(feature = "tracing")]
                        tracing::debug!(?sid, "socket is being closed");
                        return Err(Error::Upgrade);
                    }
                }
                (socket, ws)
            }
        }
    } else {
        let socket = engine.create_session(protocol, TransportType::Websocket, req_data, false);

        #[cfg(feature = "tracing")]
        tracing::debug!("new websocket connection");

        let mut ws = ws_init().await;
        let packet = Packet::Open(make_open_packet(
            TransportType::Websocket,
            socket.id,
            &engine.config,
        ));
        ws.get_mut().push(packet, protocol);
        (socket, ws)
    };
    Ok(Driver {
        engine,
        socket,
        ws,
        gone: false,
    })
}

/// Upgrade a session from a polling request to a websocket request.
///
/// Before upgrading the session the server should send a NOOP packet to any pending polling request.
///
/// ## Handshake :
/// ```text
/// CLIENT                                                 SERVER
///│                                                      │
///│   GET /engine.io/?EIO=4&transport=websocket&sid=...  │
///│ ───────────────────────────────────────────────────► │
///│  ◄─────────────────────────────────────────────────┘ │
///│            HTTP 101 (WebSocket handshake)            │
///│                                                      │
///│            -----  WebSocket frames -----             │
///│  ─────────────────────────────────────────────────►  │
///│                         2probe                       │ (ping packet)
///│  ◄─────────────────────────────────────────────────  │
///│                         3probe                       │ (pong packet)
///│  ─────────────────────────────────────────────────►  │
///│                         5                            │ (upgrade packet)
///│                                                      │
///│            -----  WebSocket frames -----             │
/// ```
#[cfg_attr(
    feature = "tracing",
    tracing::instrument(level = "trace", skip(socket, ws))
)]
async fn upgrade_handshake<H: EngineIoHandler, S>(
    socket: &Arc<Socket<H::Data>>,
    ws: &mut WebSocketStream<Pipe<S>>,
) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    #[cfg(feature = "tracing")]
    tracing::debug!("starting websocket connection upgrade");

    // The socket is upgrading, from now on all polling
    // request will return a `Packet::Noop`
    socket.start_upgrade();

    // We send a last Noop request to close a potential waiting polling request.
    // None waits where the queue is full.
    if let Err(TrySendError::Closed(_)) = socket.send(Packet::Noop) {
        return Err(Error::Upgrade);
    }

    // wait for any current polling connection to finish by waiting for the socket to be unlocked
    // All other polling connection will be immediately closed with a NOOP packet.
    let _lock = socket.consumer.lock().await;

    // Fetch the next packet from the ws stream, it should be a PingUpgrade packet
    let msg = match ws.next().await {
        Some(Ok(Message::Text(d))) => d,
        _ => Err(Error::Upgrade)?,
    };
    match Packet::parse(socket.protocol, ws_bytes_to_str(msg))? {
        Packet::PingUpgrade => {
            #[cfg(feature = "tracing")]
            tracing::debug!("received first ping upgrade");
            // Respond with a PongUpgrade packet
            ws.send(Message::Text(String::from(Packet::PongUpgrade).into()))
                .await?;
        }
        p => Err(Error::BadPacket(p))?,
    };

    // Fetch the next packet from the ws stream, it should be an Upgrade packet
    let msg = match ws.next().await {
        Some(Ok(Message::Text(d))) => d,
        Some(Ok(Message::Close(_))) => {
            #[cfg(feature = "tracing")]
            tracing::debug!("ws stream closed before upgrade");
            Err(Error::Upgrade)?
        }
        _ => {
            #[cfg(feature = "tracing")]
            tracing::debug!("unexpected ws message before upgrade");
            Err(Error::Upgrade)?
        }
    };
    match Packet::parse(socket.protocol, ws_bytes_to_str(msg))? {
        Packet::Upgrade => {
            #[cfg(feature = "tracing")]
            tracing::debug!("ws upgraded successfully")
        }
        p => Err(Error::BadPacket(p))?,
    };

    socket.upgrade_to_websocket();
    Ok(())
}

pub(super) fn ws_bytes_to_str(bytes: tungstenite::Utf8Bytes) -> Str {
    // SAFETY: the bytes are guaranteed to be valid UTF-8 by the tungstenite parser
    unsafe { Str::from_bytes_unchecked(bytes.into()) }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, time::Duration};

    use bytes::Bytes;
    use futures_util::StreamExt;
    use http::Request;
    use tokio::io::DuplexStream;

    use super::*;
    use crate::config::EngineIoConfig;

    const TIMEOUT: Duration = Duration::from_secs(1);

    #[derive(Debug)]
    struct StubHandler;
    impl EngineIoHandler for StubHandler {
        type Data = ();
        fn on_connect(self: Arc<Self>, _: Arc<Socket<()>>) {}
        fn on_disconnect(&self, _: Arc<Socket<()>>, _: DisconnectReason) {}
        fn on_message(self: &Arc<Self>, _: Str, _: Arc<Socket<()>>) {}
        fn on_binary(self: &Arc<Self>, _: Bytes, _: Arc<Socket<()>>) {}
    }

    fn socket() -> Arc<Socket<()>> {
        Arc::new(Socket::new(
            ProtocolVersion::V4,
            TransportType::Websocket,
            &EngineIoConfig::default(),
            Request::<()>::default().into_parts().0,
            Box::new(|_, _| ()),
            false,
        ))
    }

    /// A session over a WebSocket, and its client.
    async fn session() -> (
        Arc<Socket<()>>,
        Driver<StubHandler, DuplexStream>,
        WebSocketStream<DuplexStream>,
    ) {
        let (server, client) = tokio::io::duplex(1024);
        let socket = socket();
        let driver = Driver {
            engine: Arc::new(EngineIo::new(
                Arc::new(StubHandler),
                EngineIoConfig::default(),
            )),
            socket: socket.clone(),
            ws: WebSocketStream::from_raw_socket(Pipe::new(server), Role::Server, None).await,
            gone: false,
        };
        let client = WebSocketStream::from_raw_socket(client, Role::Client, None).await;
        (socket, driver, client)
    }

    async fn next(client: &mut WebSocketStream<DuplexStream>) -> Message {
        let next = tokio::time::timeout(TIMEOUT, client.next()).await;
        next.expect("a message should come").unwrap().unwrap()
    }

    /// A polling request can still hold the lock at the end of an upgrade.
    #[tokio::test]
    async fn writer_waits_for_the_lock_of_a_polling_request() {
        let (socket, driver, mut client) = session().await;
        let polling = socket.consumer.lock().await;
        let task = tokio::spawn(driver.run());
        socket.emit(Str::from("hello")).unwrap();
        client.send(Message::Ping("alive".into())).await.unwrap();
        assert_eq!(next(&mut client).await, Message::Pong("alive".into()));
        assert!(!task.is_finished(), "it should wait for the lock");

        drop(polling);
        assert_eq!(next(&mut client).await, Message::text("4hello"));
        assert_eq!(next(&mut client).await, Message::text("2"));
    }

    #[tokio::test]
    async fn writer_waiting_for_the_lock_stops_with_the_session() {
        let (socket, driver, _client) = session().await;
        let _polling = socket.consumer.lock().await;
        let task = tokio::spawn(driver.run());
        tokio::time::sleep(Duration::from_millis(20)).await;

        socket.cancellation_token.cancel();
        tokio::time::timeout(TIMEOUT, task)
            .await
            .expect("the task should stop")
            .unwrap();
    }

    /// More than the stream takes at once, and answers to pings between.
    #[tokio::test]
    async fn frames_stay_whole_and_in_order_when_the_client_reads_slowly() {
        let (socket, driver, mut client) = session().await;
        tokio::spawn(driver.run());
        assert_eq!(next(&mut client).await, Message::text("2"));
        let text = |i: usize| format!("{i}-{}", "x".repeat(i * 37 % 5000));
        for i in 0..100 {
            socket.emit(text(i)).unwrap();
            if i % 20 == 0 {
                client
                    .send(Message::Ping(i.to_string().into()))
                    .await
                    .unwrap();
                tokio::task::yield_now().await;
            }
        }
        socket.emit_binary(vec![7; 3000]).unwrap();
        for i in 0..100 {
            let msg = loop {
                match next(&mut client).await {
                    Message::Pong(_) => {}
                    msg => break msg,
                }
            };
            assert_eq!(msg, Message::text(format!("4{}", text(i))));
        }
        assert_eq!(next(&mut client).await, Message::binary(vec![7; 3000]));
    }

    #[tokio::test]
    async fn what_waits_is_sent_when_the_session_is_closed_and_then_a_close_frame() {
        let (socket, driver, mut client) = session().await;
        socket.emit("last").unwrap();
        socket.queue.finish();
        let task = tokio::spawn(driver.run());
        assert_eq!(next(&mut client).await, Message::text("4last"));
        assert_eq!(next(&mut client).await, Message::Close(None));
        tokio::time::timeout(TIMEOUT, task).await.unwrap().unwrap();
    }

    /// Whoever has closed reads nothing any more: a packet must not be taken for sent.
    #[tokio::test]
    async fn nothing_is_sent_to_a_client_that_has_closed() {
        let (socket, driver, mut client) = session().await;
        let _polling = socket.consumer.lock().await;
        client.close(None).await.unwrap();
        let task = tokio::spawn(driver.run());
        tokio::time::timeout(TIMEOUT, task).await.unwrap().unwrap();

        let (socket, mut driver, mut client) = session().await;
        assert!(
            !poll_fn(|cx| {
                client.start_send_unpin(Message::Close(None)).unwrap();
                assert!(client.poll_flush_unpin(cx).is_ready());
                driver.poll_read(cx)
            })
            .await
        );
        socket.emit("late").unwrap();
        socket.queue.finish();
        tokio::time::timeout(TIMEOUT, driver.run()).await.unwrap();
        assert_eq!(next(&mut client).await, Message::Close(None));
        assert!(client.next().await.is_none());
        assert!(socket.queue.try_recv().is_some());
    }
}
