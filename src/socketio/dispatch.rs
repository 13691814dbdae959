//! From a client's event to a call, and back to its answer.

use std::{
    borrow::Cow,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Instant, SystemTime},
};

use futures_util::FutureExt as _;
use serde::Deserialize as _;
use serde_json::value::{RawValue, to_raw_value};
use socketioxide::{
    extract::Event,
    handler::{FromMessageParts as _, MessageHandler},
};
use socketioxide_core::Value;
use tracing::{error, warn};

use super::{
    connection::{Connection, Question},
    handshake::{Admission, EarlyEvent, Handshake, Pause},
    namespace::{Adapter, Socket},
};
use crate::{
    auth::Verifier,
    core::HistoryQuery,
    hub::{Answer, Excess, History, Joining, Later, Page, Receipt, Session, Subscribed},
    limits::Class,
    protocol::{
        ChatAck, Command, ErrorCode, HistoryAck, MAX_DEPTH, OkAck, RefreshAck, RoomAck, SfuRequest,
        SubscribeAck, WireError, decode,
    },
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

/// One event and whom to answer.
struct Call<'a> {
    connection: &'a Arc<Connection>,
    session: &'a Arc<Session>,
    verifier: &'a Verifier,
    question: Question,
}

impl Call<'_> {
    fn handle(&mut self, socket: &Arc<Socket>, value: Value) -> Option<Later<()>> {
        let text = match json_text(socket, value) {
            Ok(text) => text,
            Err((event, error)) => {
                self.question.asked = EventKind::of(&event);
                self.stumble(&event, error);
                return None;
            }
        };
        match decode(text.as_str()) {
            Ok((event, payload)) => {
                self.question.asked = EventKind::of(&event);
                let done = self.spend(&event).and_then(|()| {
                    let command = Command::read(&event, &payload)?;
                    Ok(self.execute(&event, command)?)
                });
                done.unwrap_or_else(|excess| {
                    self.turn_down(&event, excess);
                    None
                })
            }
            Err(error) => {
                let event = name_of(text.as_str());
                self.question.asked = EventKind::of(&event);
                self.stumble(&event, error);
                None
            }
        }
    }

    /// Whether the client may send the event now.
    fn spend(&self, event: &str) -> Result<(), Excess> {
        self.session.spend(class_of(event))
    }

    /// Answers what cannot be read with what is wrong, as long as it is not too often.
    fn stumble(&self, event: &str, error: WireError) {
        let excess = self.session.stumble().err();
        self.turn_down(event, excess.unwrap_or(Excess::Refused(error)));
    }

    fn turn_down(&self, event: &str, excess: Excess) {
        if let Excess::Refused(error) = excess {
            self.refuse(event, &error);
        }
    }

    fn execute(&self, event: &str, command: Command<'_>) -> Result<Option<Later<()>>, WireError> {
        match command {
            Command::Relay { kind, target, body } => {
                self.session.relay(kind, target, body)?;
                self.done();
            }
            Command::Chat { content, client_id } => {
                let answer = self.answer_chat(event);
                self.session.chat(&content, client_id.as_deref(), answer);
            }
            Command::Join { code } => match self.session.join(&code) {
                Joining::Done(joined) => {
                    joined?;
                    welcome(self.connection, self.session, self.question);
                }
                Joining::Later(joining) => return Ok(Some(self.await_join(event, joining))),
            },
            Command::Leave => {
                self.session.leave();
                self.done();
            }
            Command::History(query) => self.tell_history(query)?,
            Command::Report { state } => {
                self.session.report(state);
                self.done();
            }
            Command::Heartbeat => {
                self.session.heartbeat();
                self.done();
            }
            Command::Kick { target, reason } => {
                self.session.kick(target, &reason)?;
                self.done();
            }
            Command::Appoint { target } => {
                self.session.appoint(target)?;
                self.done();
            }
            Command::Refresh { token } => self.refresh(&token)?,
            Command::Sfu(request) => self.ask_media(event, request)?,
            Command::Subscribe { channel, from } => {
                let Subscribed { recovered, offset } = self.session.subscribe(&channel, from)?;
                let answer = SubscribeAck::new(&channel, recovered, offset);
                self.connection.acknowledge(self.question, &answer);
            }
            Command::Unsubscribe { channel } => {
                self.session.unsubscribe(&channel);
                self.done();
            }
        }
        Ok(None)
    }

    /// Answers when it is decided whether the client may join.
    fn await_join(&self, event: &str, joining: Later<Result<(), WireError>>) -> Later<()> {
        let (connection, session) = (Arc::clone(self.connection), Arc::clone(self.session));
        let (event, question) = (event.to_owned(), self.question);
        Box::pin(async move {
            match joining.await {
                Ok(()) => welcome(&connection, &session, question),
                Err(error) => connection.refuse(&event, question, &error),
            }
        })
    }

    /// Answers when the media server has.
    fn ask_media(
        &self,
        event: &str,
        request: Result<SfuRequest, WireError>,
    ) -> Result<(), WireError> {
        let connection = Arc::clone(self.connection);
        let (event, question) = (event.to_owned(), self.question);
        self.session.sfu(request, move |answer| match answer {
            Ok(answer) => connection.acknowledge(question, &answer),
            Err(error) => connection.refuse(&event, question, &error),
        })
    }

    /// Tells the client what was said: at once, or when others have been asked. Its other events
    /// do not wait for that.
    fn tell_history(&self, query: HistoryQuery) -> Result<(), WireError> {
        if self.question.ack.is_none() {
            let must = "needs an acknowledgement to answer";
            return Err(WireError::invalid("payload", must));
        }
        let (connection, question) = (Arc::clone(self.connection), self.question);
        match self.session.history(query)? {
            History::Here(page) => tell(&connection, question, &page),
            History::Later(page) => {
                tokio::spawn(async move { tell(&connection, question, &page.await) });
            }
        }
        Ok(())
    }

    /// Tells the client what became of its message, once that is known.
    fn answer_chat(&self, event: &str) -> Answer {
        let (connection, event) = (Arc::clone(self.connection), event.to_owned());
        let question = self.question;
        Box::new(move |outcome| match outcome {
            Ok(Receipt { id, timestamp }) => {
                connection.acknowledge(question, &ChatAck::new(id, timestamp));
            }
            Err(error) => connection.refuse(&event, question, &error),
        })
    }

    /// Checks a new token on a task of its own, since keys may have to be fetched. One at a
    /// time: a client that sends many is refused, not queued.
    fn refresh(&self, token: &str) -> Result<(), WireError> {
        if !self.connection.begin_refresh() {
            return Err(WireError::new(
                ErrorCode::RateLimited,
                "a token is being checked already",
            ));
        }
        let (connection, session) = (Arc::clone(self.connection), Arc::clone(self.session));
        let (verifier, question) = (self.verifier.clone(), self.question);
        let token = token.to_owned();
        tokio::spawn(async move {
            let verdict = verifier.verify(&token, SystemTime::now()).await;
            connection.end_refresh();
            let refused = match verdict {
                Ok(identity) if *identity.user_id == *session.member().user.as_str() => {
                    let expires_at = identity.expires_at;
                    session.extend(expires_at);
                    if let Some(handshake) = Handshake::of(connection.socket()) {
                        handshake.proven(Arc::new(identity));
                    }
                    return connection.acknowledge(question, &RefreshAck::new(expires_at));
                }
                Ok(_) => WireError::new(ErrorCode::Forbidden, "the token is another user's"),
                Err(_) => WireError::new(ErrorCode::AuthRequired, "the token is not valid"),
            };
            connection.refuse("auth:refresh", question, &refused);
        });
        Ok(())
    }

    fn done(&self) {
        self.connection
            .acknowledge(self.question, &OkAck::default());
    }

    fn refuse(&self, event: &str, error: &WireError) {
        self.connection.refuse(event, self.question, error);
    }
}

/// What kind of event it is by its name, read or not.
fn class_of(event: &str) -> Class {
    match event {
        "chat_message" => Class::Chat,
        "chat_history" => Class::History,
        "join:room" | "join_room" | "leave:room" | "leave_room" => Class::Join,
        _ if event.starts_with("webrtc") => Class::Relay,
        _ if event.starts_with("sfu_") => Class::Sfu,
        _ => Class::Other,
    }
}

/// Answers a client that has joined.
fn welcome(connection: &Connection, session: &Session, question: Question) {
    if question.ack.is_none() {
        // Nor need it be put together.
        return connection.count(question, Ok(()));
    }
    let (room, servers) = (session.view(), session.ice_servers());
    let answer = RoomAck::new(room.as_ref(), servers.as_ref());
    connection.acknowledge(question, &answer);
}

/// Answers a client that asked what was said.
fn tell(connection: &Connection, question: Question, page: &Page) {
    connection.acknowledge(question, &HistoryAck::new(&page.messages, page.partial));
}

/// An event as JSON text.
pub(super) enum Text {
    Frame(socketioxide_core::Str),
    Made(Box<RawValue>),
}

impl Text {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Frame(text) => text.as_str(),
            Self::Made(json) => json.get(),
        }
    }
}

/// The event as JSON, whatever parser is in use. With the default one it is JSON already.
pub(super) fn json_text(
    socket: &Arc<Socket>,
    mut value: Value,
) -> Result<Text, (String, WireError)> {
    match value {
        Value::Str(text, None) => Ok(Text::Frame(text)),
        Value::Str(text, Some(_)) => {
            let error = WireError::invalid("payload", "must not have binary attachments");
            Err((name_of(text.as_str()).into_owned(), error))
        }
        Value::Bytes(ref packed) => unpacked(packed).map(Text::Made).ok_or_else(|| {
            let event = Event::from_message_parts(socket, &mut value, &None);
            let error = WireError::invalid("payload", "must be plain data without binary");
            (event.map(|Event(name)| name).unwrap_or_default(), error)
        }),
    }
}

/// MessagePack as JSON; nothing if it is no plain data, or nested too deep. The library's own bound,
/// 1,024, takes more than the stack of a worker, and that ends the process.
pub(super) fn unpacked(packed: &[u8]) -> Option<Box<RawValue>> {
    let mut packed = rmp_serde::Deserializer::from_read_ref(packed);
    packed.set_max_depth(MAX_DEPTH);
    let plain = serde_json::Value::deserialize(&mut packed).ok()?;
    to_raw_value(&plain).ok()
}

/// The name of an event whose payload cannot be read.
pub(super) fn name_of(frame: &str) -> Cow<'_, str> {
    let mut json = serde_json::Deserializer::from_str(frame.trim_start().trim_start_matches('['));
    Cow::deserialize(&mut json).unwrap_or_default()
}
