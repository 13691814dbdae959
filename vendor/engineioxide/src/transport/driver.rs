//! The one task of a WebSocket: it reads, writes and keeps time.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use engineioxide_core::{Packet, ProtocolVersion};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::MutexGuard,
    time::{Sleep, sleep_until},
};
use tokio_tungstenite::{WebSocketStream, tungstenite::Message};
use tokio_util::future::FutureExt as _;

use crate::{
    DisconnectReason, Socket,
    engine::EngineIo,
    errors::Error,
    handler::EngineIoHandler,
    transport::{pipe::Pipe, ws::ws_bytes_to_str},
};

/// How many messages are read before it is the turn of what is to be sent.
const READS: usize = 16;

/// A WebSocket whose handshake is done.
pub struct Driver<H: EngineIoHandler, S> {
    pub(super) engine: Arc<EngineIo<H>>,
    pub(super) socket: Arc<Socket<H::Data>>,
    pub(super) ws: WebSocketStream<Pipe<S>>,
    /// The client reads nothing any more: what waits for it is not to be taken for sent.
    pub(super) gone: bool,
}

/// Ends a session whose task panics.
struct Alarm<H: EngineIoHandler>(Arc<EngineIo<H>>, Arc<Socket<H::Data>>);

impl<H: EngineIoHandler> Drop for Alarm<H> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0
                .close_session(self.1.id, DisconnectReason::TransportError);
        }
    }
}

type Consumer<'a> = MutexGuard<'a, ()>;

impl<H: EngineIoHandler, S> Driver<H, S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    /// Passes messages on until the session ends.
    ///
    /// What is captured has one place in the future, where an argument of an `async fn` has two.
    pub fn run(self) -> impl Future<Output = ()> + Send {
        let mut driver = self;
        async move {
            let socket = driver.socket.clone();
            let _alarm = Alarm(driver.engine.clone(), socket.clone());
            let consumer = match socket.consumer.try_lock() {
                Ok(consumer) => Some(consumer),
                Err(_) => Box::pin(driver.become_consumer(&socket)).await,
            };
            let Some(_consumer) = consumer else {
                #[cfg(feature = "tracing")]
                tracing::debug!(sid = %socket.id, "session closed before starting the ws writer");
                return;
            };
            {
                let mut sleep = pin!(sleep_until(socket.heartbeat.alarm()));
                poll_fn(|cx| driver.poll(sleep.as_mut(), cx)).await;
            }
            #[cfg(feature = "tracing")]
            tracing::trace!(sid = %socket.id, "ws closing flush");

            // What waited when the session was closed is sent, and then a close frame.
            if !driver.gone {
                poll_fn(|cx| driver.poll_write(cx)).await;
            }
            SinkExt::close(&mut driver.ws).await.ok();
            // The library does not flush what answers a close.
            poll_fn(|cx| driver.ws.get_mut().poll_drain(cx)).await;
        }
    }

    /// Reads until a polling request is done that was in progress during the upgrade. There is nothing
    /// to do any more if the session ends meanwhile.
    async fn become_consumer<'a>(&mut self, socket: &'a Socket<H::Data>) -> Option<Consumer<'a>> {
        let mut lock = pin!(
            socket
                .consumer
                .lock()
                .with_cancellation_token(&socket.cancellation_token)
        );
        poll_fn(|cx| {
            if let Poll::Ready(consumer) = lock.as_mut().poll(cx) {
                return Poll::Ready(consumer);
            }
            loop {
                match self.poll_read(cx) {
                    Poll::Ready(true) => {}
                    Poll::Ready(false) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            }
        })
        .await
    }

    /// Completes when the session is closed.
    fn poll(&mut self, sleep: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        if self.socket.poll_heartbeat(sleep, cx).is_ready() {
            self.socket.close(DisconnectReason::HeartbeatTimeout);
        }
        loop {
            if self.socket.queue.is_finished() {
                return Poll::Ready(());
            }
            let blocked = self.poll_write(cx).is_pending();
            match self.poll_read(cx) {
                Poll::Ready(true) => continue,
                Poll::Ready(false) => return Poll::Ready(()),
                Poll::Pending => {}
            }
            if self.socket.queue.poll_waiting(cx, blocked).is_pending() {
                return Poll::Pending;
            }
        }
    }

    /// Writes all that waits. It is pending while the kernel does not take it.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { socket, ws, .. } = self;
        ws.get_mut().poll_send(&socket.queue, socket.protocol, cx)
    }

    /// Reads some messages. Completes with whether there may be more: if not, the session is closed.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        for _ in 0..READS {
            let taken = match self.ws.poll_next_unpin(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.gone = true;
                    Ok(Some(DisconnectReason::TransportClose))
                }
                Poll::Ready(Some(Ok(msg))) => self.take(msg),
                Poll::Ready(Some(Err(e))) => {
                    self.gone = true;
                    Err(Error::from(e))
                }
            };
            let reason = match taken {
                Ok(None) => continue,
                Ok(Some(reason)) => reason,
                Err(e) => {
                    #[cfg(feature = "tracing")]
                    tracing::debug!("error when handling packet: {:?}", e);
                    Option::<DisconnectReason>::from(&e).unwrap_or(DisconnectReason::TransportError)
                }
            };
            #[cfg(feature = "tracing")]
            tracing::debug!(sid = %self.socket.id, ?reason, "closing session");
            self.engine.close_session(self.socket.id, reason);
            return Poll::Ready(false);
        }
        Poll::Ready(true)
    }

    /// Passes a message on. Returns why the session is to be closed, if it is.
    fn take(&mut self, msg: Message) -> Result<Option<DisconnectReason>, Error> {
        let (engine, socket) = (&self.engine, &self.socket);
        match msg {
            Message::Text(msg) => match Packet::parse(socket.protocol, ws_bytes_to_str(msg))? {
                Packet::Close => return Ok(Some(DisconnectReason::TransportClose)),
                Packet::Pong | Packet::Ping => socket.heartbeat.beat(),
                Packet::Message(msg) => engine.handler.on_message(msg, socket.clone()),
                p => return Err(Error::BadPacket(p)),
            },
            Message::Binary(mut data) => {
                if socket.protocol == ProtocolVersion::V3 && !data.is_empty() {
                    // The first byte is the message type, which we don't need.
                    data = data.split_off(1);
                }
                engine.handler.on_binary(data, socket.clone());
            }
            Message::Close(_) => {
                self.gone = true;
                return Ok(Some(DisconnectReason::TransportClose));
            }
            _ => {
                #[cfg(feature = "tracing")]
                tracing::debug!(sid = ?socket.id, "unexpected ws message");
            }
        }
        Ok(None)
    }
}
