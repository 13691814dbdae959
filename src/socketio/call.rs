//! One event: what it asks, and the answer.

use std::{sync::Arc, time::SystemTime};

use socketioxide_core::Value;

use super::{
    connection::{Connection, Question},
    frame::{json_text, name_of},
    handshake::Handshake,
    namespace::Socket,
};
use crate::{
    auth::Verifier,
    core::HistoryQuery,
    hub::{Answer, Excess, History, Joining, Later, Page, Receipt, Session, Subscribed},
    limits::Class,
    protocol::{
        ChatAck, Command, ErrorCode, HistoryAck, OkAck, RefreshAck, RoomAck, SfuRequest,
        SubscribeAck, WireError, decode,
    },
    telemetry::EventKind,
};

/// One event and whom to answer.
pub(super) struct Call<'a> {
    pub(super) connection: &'a Arc<Connection>,
    pub(super) session: &'a Arc<Session>,
    pub(super) verifier: &'a Verifier,
    pub(super) question: Question,
}

impl Call<'_> {
    /// Does what it asks, and answers; returns what is left to do if it takes a while.
    pub(super) fn handle(&mut self, socket: &Arc<Socket>, value: Value) -> Option<Later<()>> {
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

    pub(super) fn refuse(&self, event: &str, error: &WireError) {
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
