//! The events of a client, each in its turn.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Instant,
};

use futures_util::FutureExt as _;
use socketioxide::handler::MessageHandler;
use socketioxide_core::Value;
use tracing::{error, warn};

use super::{
    call::Call,
    connection::{Connection, Question},
    handshake::{Admission, EarlyEvent, Handshake, Pause},
    namespace::{Adapter, Socket},
};
use crate::{
    auth::Verifier,
    hub::{Later, Session},
    protocol::{ErrorCode, WireError},
    telemetry::{self, EventKind, traces},
};

/// The one handler of a socket's events.
pub(super) struct Dispatcher {
    verifier: Verifier,
}

impl Dispatcher {
    pub(super) fn new(verifier: Verifier) -> Self {
        Self { verifier }
    }
}

impl MessageHandler<Adapter, ()> for Dispatcher {
    fn call(&self, socket: Arc<Socket>, value: Value, ack: Option<i64>) {
        let Some(handshake) = Handshake::of(&socket) else {
            return;
        };
        match handshake.admit_event(value, ack) {
            Admission::Now(connection, session, value) => {
                let later = run(&connection, &session, &self.verifier, value, ack);
                if let Some(later) = later
                    && let Some(pause) = handshake.pause()
                {
                    let verifier = self.verifier.clone();
                    Client {
                        handshake,
                        connection,
                        session,
                        verifier,
                    }
                    .go_on_after(Some(later), pause);
                }
            }
            Admission::Later => {}
            Admission::Flood => {
                warn!(sid = %socket.id, "too many events before the session was ready");
                handshake.transport().cut();
            }
        }
    }
}

/// A connected client whose events wait.
pub(super) struct Client {
    pub(super) handshake: Arc<Handshake>,
    pub(super) connection: Arc<Connection>,
    pub(super) session: Arc<Session>,
    pub(super) verifier: Verifier,
}

impl Client {
    /// Handles the events that wait, and those that come, when `first` is done. If that and
    /// they take no time it is all done when this returns.
    pub(super) fn go_on_after(self, first: Option<Later<()>>, pause: Arc<Pause>) {
        match first {
            Some(first) => drop(tokio::spawn(self.work(first, Vec::new(), pause))),
            None => {
                if let Some((later, rest)) = self.catch_up(&pause, Vec::new()) {
                    tokio::spawn(self.work(later, rest, pause));
                }
            }
        }
    }

    /// Brings the client back to its seat, unless it is lost meanwhile: then somebody else may
    /// wait for that seat already. Then goes on.
    pub(super) fn come_back(self, returning: Option<Later<()>>, pause: Arc<Pause>) {
        let Some(returning) = returning else {
            return self.go_on_after(None, pause);
        };
        let given_up = Arc::clone(&pause);
        let returning: Later<()> = Box::pin(async move {
            tokio::select! {
                () = returning => {}
                () = given_up.lost() => {}
            }
        });
        self.go_on_after(Some(returning), pause);
    }

    async fn work(self, mut later: Later<()>, mut rest: Vec<EarlyEvent>, pause: Arc<Pause>) {
        loop {
            if AssertUnwindSafe(later).catch_unwind().await.is_err() {
                error!("an event handler panicked");
            }
            match self.catch_up(&pause, rest) {
                Some(next) => (later, rest) = next,
                None => return,
            }
        }
    }

    /// Handles the events that wait, in order, until one takes a while: then it returns that
    /// and those that are left.
    fn catch_up(
        &self,
        pause: &Arc<Pause>,
        mut waiting: Vec<EarlyEvent>,
    ) -> Option<(Later<()>, Vec<EarlyEvent>)> {
        let (connection, session) = (&self.connection, &self.session);
        loop {
            let mut events = waiting.into_iter();
            while let Some(EarlyEvent { value, ack }) = events.next() {
                if let Some(later) = run(connection, session, &self.verifier, value, ack) {
                    return Some((later, events.collect()));
                }
            }
            match self.handshake.open(pause, connection, session) {
                Some(more) => waiting = more,
                None => break,
            }
        }
        if let Some(ending) = pause.ended() {
            session.close(ending);
        }
        None
    }
}

/// Handles one event; returns what is left to do if it takes a while. A panic ends here: it
/// must not take the reader of the socket with it.
fn run(
    connection: &Arc<Connection>,
    session: &Arc<Session>,
    verifier: &Verifier,
    value: Value,
    ack: Option<i64>,
) -> Option<Later<()>> {
    let begun = Instant::now();
    let span = traces::handling(connection.protocol());
    let asked = EventKind::UNKNOWN;
    let mut call = Call {
        connection,
        session,
        verifier,
        question: Question { asked, ack },
    };
    let handled = catch_unwind(AssertUnwindSafe(|| call.handle(connection.socket(), value)));
    let later = handled.unwrap_or_else(|_| {
        error!("an event handler panicked");
        let failed = WireError::new(ErrorCode::Internal, "the gateway failed");
        call.refuse("", &failed);
        None
    });
    let took = begun.elapsed();
    telemetry::handled(connection.protocol(), call.question.asked, took);
    span.asks_for(call.question.asked);
    later.map(traces::carry_boxed)
}
