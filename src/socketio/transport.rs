//! The way to one client, whichever it is: polling, a WebSocket, or the one and then the other.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;

use super::ledger::{Kept, Ledger};
use crate::{
    core::{Event, Sent},
    http::WireControl,
    hub::{Charge, Ending},
};

/// What to do when the client is gone.
type EndHook = Box<dyn Fn(Ending) + Send + Sync>;

/// The transport of one Engine.IO session: it can be cut, it tells when it ends, and it
/// knows what has not left yet.
pub(super) struct Transport {
    /// The TCP connection, once the session is a WebSocket.
    wire: OnceLock<Arc<WireControl>>,
    cut: CancellationToken,
    outbox: Mutex<Outbox>,
    on_end: EndHook,
}

/// What is on its way to the client.
#[derive(Debug)]
struct Outbox {
    ledger: Ledger,
    /// Messages that left in answers to polls.
    polled: u64,
}

impl Transport {
    /// A transport that calls `on_end` when the client is gone, once or several times. Of events and
    /// of answers at most `most` bytes may wait.
    pub(super) fn new(most: usize, on_end: impl Fn(Ending) + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            wire: OnceLock::new(),
            cut: CancellationToken::new(),
            outbox: Mutex::new(Outbox {
                ledger: Ledger::new(most),
                polled: 0,
            }),
            on_end: Box::new(on_end),
        })
    }

    /// Notes that the session runs over a WebSocket on `wire` from now on. The engine takes
    /// no second one, and neither does this.
    pub(super) fn runs_on(self: &Arc<Self>, wire: &Arc<WireControl>) {
        let transport = Arc::downgrade(self);
        let hook = move || {
            if let Some(transport) = transport.upgrade() {
                transport.ended();
            }
        };
        if self.wire.set(Arc::clone(wire)).is_ok() {
            wire.watch(hook);
        }
    }

    /// What it is at this moment, as Engine.IO calls it.
    pub(super) fn carrier(&self) -> &'static str {
        if self.wire.get().is_some() {
            "websocket"
        } else {
            "polling"
        }
    }

    /// Breaks the transport: the client sees a lost connection. It takes no more from now on.
    pub(super) fn cut(&self) {
        self.cut.cancel();
        if let Some(wire) = self.wire.get() {
            wire.cut();
        }
    }

    /// Takes nothing more of a client over a WebSocket, to which something is still to be said.
    pub(super) fn mute(&self) {
        if let Some(wire) = self.wire.get() {
            wire.mute();
        }
    }

    /// Completes when the transport is cut.
    pub(super) async fn was_cut(&self) {
        self.cut.cancelled().await;
    }

    /// Reports that the client is gone: lost, unless it said goodbye.
    pub(super) fn ended(&self) {
        let goodbye = self.wire.get().is_some_and(|wire| wire.said_goodbye());
        (self.on_end)(if goodbye {
            Ending::Intended
        } else {
            Ending::Lost
        });
    }

    /// Queues a message of so many payload bytes by calling `send`, and remembers `event`
    /// until it has left. One after another, so that the count stays in step.
    pub(super) fn queue(
        &self,
        event: Option<Event<'static>>,
        bytes: usize,
        send: impl FnOnce() -> Sent,
    ) -> Sent {
        let charge = Charge::of(event.as_ref(), bytes);
        self.queue_kept(event.map(Kept::Event), charge, send)
    }

    /// The same for a message that counts for `charge`, of which `kept` is remembered.
    pub(super) fn queue_kept(
        &self,
        kept: Option<Kept>,
        charge: Charge,
        send: impl FnOnce() -> Sent,
    ) -> Sent {
        let mut outbox = self.outbox.lock();
        let left = outbox.left(self.wire.get());
        if !outbox.ledger.has_room(left, charge) {
            return Sent::Full;
        }
        let sent = send();
        if sent == Sent::Queued {
            outbox.ledger.push(kept, charge);
        }
        sent
    }

    /// Counts a message that the library sent of its own accord.
    pub(super) fn count_message(&self) {
        let charge = Charge::of(None, 0);
        self.outbox.lock().ledger.push(None, charge);
    }

    /// How many bytes wait, as they are charged.
    pub(super) fn queued(&self) -> usize {
        let mut outbox = self.outbox.lock();
        let left = outbox.left(self.wire.get());
        outbox.ledger.weight(left)
    }

    /// Takes back the events that have not left.
    pub(super) fn reclaim(&self) -> Vec<Event<'static>> {
        let mut outbox = self.outbox.lock();
        let left = outbox.left(self.wire.get());
        outbox.ledger.reclaim(left)
    }

    /// Drops what waits for a client that left a room: it only keeps its place in the count.
    pub(super) fn forget(&self) {
        self.outbox.lock().ledger.forget();
    }

    /// The answer to a poll holds so many messages.
    pub(super) fn poll_answered(&self, messages: u64) {
        self.outbox.lock().polled += messages;
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport")
            .field("wire", &self.wire)
            .finish_non_exhaustive()
    }
}

impl Outbox {
    /// How many messages have left.
    fn left(&self, wire: Option<&Arc<WireControl>>) -> u64 {
        self.polled + wire.map_or(0, |wire| wire.messages())
    }
}
