//! What is kept of the request that opened an Engine.IO session.

use std::sync::{
    Arc, OnceLock, Weak,
    atomic::{AtomicU8, Ordering},
};

use dashmap::DashMap;
use parking_lot::Mutex;
use secrecy::SecretString;
use socketioxide_core::{Sid, Value};
use tokio::sync::Notify;

use super::{connection::Connection, namespace::Socket, transport::Transport};
use crate::{
    auth::Identity,
    core::{Member, UserId},
    hub::{Ending, Session},
    limits::Ticket,
};

/// The sessions that were opened by polling, by Engine.IO session id: later requests of a
/// session have to find what the first one brought.
pub(super) type Registry = DashMap<Sid, Weak<Handshake>>;

/// The most events kept that arrive before the session is ready for them, which takes as long
/// as others are asked. A client needs a single packet to fill it.
const MAX_EARLY_EVENTS: usize = 1_024;

/// The most bytes of them.
const MAX_EARLY_BYTES: usize = 2 * 1024 * 1024;

/// The opening request of an Engine.IO session, boiled down: the engine keeps its request
/// for the life of the session, and a whole one pins kilobytes of hyper's read buffer.
#[derive(Debug)]
pub(super) struct Handshake {
    proof: Mutex<Proof>,
    stage: Mutex<Stage>,
    transport: Arc<Transport>,
    listed: OnceLock<(Sid, Weak<Registry>)>,
    refusals: AtomicU8,
    /// The session's place among those of its user, if they are counted.
    ticket: Mutex<Option<Ticket<UserId>>>,
}

/// What a session can show for who it is.
#[derive(Clone, Debug)]
pub(super) enum Proof {
    /// Nothing but what the CONNECT packet brings.
    None,
    /// The token of the opening request, not looked at yet.
    Token(SecretString),
    /// What a token said.
    Identity(Arc<Identity>),
}

/// How far a session is.
#[derive(Debug)]
pub(super) enum Stage {
    /// Not authenticated, or over.
    Closed,
    /// Authenticated. Events wait until the session is open, or open again.
    Waiting(Arc<Pause>),
    /// Events are dispatched as they come.
    Open {
        connection: Arc<Connection>,
        session: Arc<Session>,
    },
}

/// Who was let in.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) member: Arc<Member>,
    pub(super) resume: Option<SecretString>,
    /// Until when, in seconds since the Unix epoch.
    pub(super) expires_at: u64,
}

/// A time in which a session takes no events, since something that the client wanted before
/// is not done.
#[derive(Debug, Default)]
pub(super) struct Pause {
    admitted: Mutex<Option<Admitted>>,
    early: Mutex<Early>,
    ended: Mutex<Option<Ending>>,
    over: Notify,
}

/// The events that wait.
#[derive(Debug, Default)]
struct Early {
    events: Vec<EarlyEvent>,
    bytes: usize,
}

impl Pause {
    /// Who was admitted, if the session has not been opened yet. Gives it out once.
    pub(super) fn admitted(&self) -> Option<Admitted> {
        self.admitted.lock().take()
    }

    /// How the connection ended meanwhile, if it did.
    pub(super) fn ended(&self) -> Option<Ending> {
        *self.ended.lock()
    }

    /// Completes when the connection is lost. One that the client ended as it meant to is not:
    /// what it wanted before is done.
    pub(super) async fn lost(&self) {
        loop {
            let over = self.over.notified();
            tokio::pin!(over);
            // Registered before looking, so that the end cannot slip through.
            over.as_mut().enable();
            if self.ended() == Some(Ending::Lost) {
                return;
            }
            over.await;
        }
    }

    fn end(&self, ending: Ending) {
        *self.ended.lock() = Some(ending);
        self.over.notify_waiters();
    }
}

/// An event that came before its session was open.
#[derive(Debug)]
pub(super) struct EarlyEvent {
    pub(super) value: Value,
    pub(super) ack: Option<i64>,
}

/// What to do with an event.
pub(super) enum Admission {
    /// Dispatch it.
    Now(Arc<Connection>, Arc<Session>, Value),
    /// It waits, or there is nobody left to answer.
    Later,
    /// More events wait than are reasonable.
    Flood,
}

impl Handshake {
    /// `token` is what the opening request brought; of events and of answers at most `queued` bytes
    /// may wait for the client.
    pub(super) fn new(token: Option<SecretString>, queued: usize) -> Arc<Self> {
        Arc::new_cyclic(|me: &Weak<Self>| {
            let me = Weak::clone(me);
            let on_end = move |ending| {
                if let Some(handshake) = me.upgrade() {
                    handshake.end(ending);
                }
            };
            Self {
                proof: Mutex::new(token.map_or(Proof::None, Proof::Token)),
                stage: Mutex::new(Stage::Closed),
                transport: Transport::new(queued, on_end),
                listed: OnceLock::new(),
                refusals: AtomicU8::new(0),
                ticket: Mutex::new(None),
            }
        })
    }

    /// The handshake of the session that `socket` belongs to.
    pub(super) fn of(socket: &Socket) -> Option<Arc<Self>> {
        socket.req_parts().extensions.get::<Arc<Self>>().cloned()
    }

    /// The way to the client.
    pub(super) const fn transport(&self) -> &Arc<Transport> {
        &self.transport
    }

    /// What the opening request proved, or brought to prove it with.
    pub(super) fn proof(&self) -> Proof {
        self.proof.lock().clone()
    }

    /// Keeps what was proved in place of the proof, which is longer. A client that connects
    /// again within the session needs no new one.
    pub(super) fn proven(&self, identity: Arc<Identity>) {
        let mut proof = self.proof.lock();
        if !matches!(*proof, Proof::None) {
            *proof = Proof::Identity(identity);
        }
    }

    /// Counts a failed authentication, and returns how many there were.
    pub(super) fn refused(&self) -> u8 {
        self.refusals
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    /// Makes the session findable by its id, until it ends.
    pub(super) fn list(self: &Arc<Self>, sid: Sid, registry: &Arc<Registry>) {
        registry.insert(sid, Arc::downgrade(self));
        let _ = self.listed.set((sid, Arc::downgrade(registry)));
    }

    /// Lets a client in, which has a `ticket` if those of its user are counted; its events wait until
    /// [`Handshake::open`].
    pub(super) fn admit(&self, admitted: Admitted, ticket: Option<Ticket<UserId>>) {
        *self.ticket.lock() = ticket;
        let pause = Pause {
            admitted: Mutex::new(Some(admitted)),
            ..Pause::default()
        };
        *self.stage.lock() = Stage::Waiting(Arc::new(pause));
    }

    /// The pause that there is at this moment.
    pub(super) fn waiting(&self) -> Option<Arc<Pause>> {
        match &*self.stage.lock() {
            Stage::Waiting(pause) => Some(Arc::clone(pause)),
            Stage::Open { .. } | Stage::Closed => None,
        }
    }

    /// Lets events wait from now on, until [`Handshake::open`]. Nothing if the session is over.
    pub(super) fn pause(&self) -> Option<Arc<Pause>> {
        let mut stage = self.stage.lock();
        if !matches!(*stage, Stage::Open { .. }) {
            return None;
        }
        let pause = Arc::<Pause>::default();
        *stage = Stage::Waiting(Arc::clone(&pause));
        Some(pause)
    }

    /// Opens the session once no event waits any more; until then returns those that do.
    /// Returns nothing when there is nothing left to do.
    pub(super) fn open(
        &self,
        pause: &Arc<Pause>,
        connection: &Arc<Connection>,
        session: &Arc<Session>,
    ) -> Option<Vec<EarlyEvent>> {
        let mut stage = self.stage.lock();
        let early = std::mem::take(&mut *pause.early.lock());
        if !early.events.is_empty() {
            return Some(early.events);
        }
        if !matches!(&*stage, Stage::Waiting(current) if Arc::ptr_eq(current, pause)) {
            return None;
        }
        let (connection, session) = (Arc::clone(connection), Arc::clone(session));
        *stage = Stage::Open {
            connection,
            session,
        };
        None
    }

    /// Decides about an event that arrived.
    pub(super) fn admit_event(&self, value: Value, ack: Option<i64>) -> Admission {
        match &mut *self.stage.lock() {
            Stage::Open {
                connection,
                session,
            } => Admission::Now(Arc::clone(connection), Arc::clone(session), value),
            Stage::Waiting(pause) => {
                let mut early = pause.early.lock();
                early.bytes += bytes_of(&value);
                if early.events.len() >= MAX_EARLY_EVENTS || early.bytes > MAX_EARLY_BYTES {
                    return Admission::Flood;
                }
                early.events.push(EarlyEvent { value, ack });
                Admission::Later
            }
            Stage::Closed => Admission::Later,
        }
    }

    /// Ends the session as it was meant. If something is being done for it, whoever does that
    /// ends it. The stage stays locked meanwhile: it comes before the seat and the room.
    pub(super) fn end(&self, ending: Ending) {
        drop(self.ticket.lock().take());
        match std::mem::replace(&mut *self.stage.lock(), Stage::Closed) {
            Stage::Open { session, .. } => session.close(ending),
            Stage::Waiting(pause) => pause.end(ending),
            Stage::Closed => {}
        }
    }
}

fn bytes_of(value: &Value) -> usize {
    match value {
        Value::Str(text, _) => text.as_str().len(),
        Value::Bytes(bytes) => bytes.len(),
    }
}

impl Drop for Handshake {
    fn drop(&mut self) {
        if let Some((sid, registry)) = self.listed.get()
            && let Some(registry) = registry.upgrade()
        {
            registry.remove(sid);
        }
    }
}
