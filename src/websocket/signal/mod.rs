//! `/signal/{roomId}`: connecting joins, closing leaves. Peers are called by their users' ids.

mod encode;
pub(super) mod frames;
mod requests;

use std::time::Instant;

use super::{
    client::{Client, Handled, Outcome, Protocol, Work, not_resumed},
    close::Close,
};
use crate::{
    core::RoomCode,
    hub::Arrival,
    protocol::{ErrorCode, WireError},
    telemetry::{self, EventKind, Protocol as Spoken, traces},
};

pub(super) use encode::{Told, encode};
pub(super) use requests::Asked;

use frames::{Incoming, Request};

/// The protocol for one connection.
pub(super) struct Signal {
    client: Client,
    code: RoomCode,
    /// The resume token of the opening request, if it had one.
    resume: Option<Box<str>>,
    /// The client has neither said which peer it was nor anything else.
    silent: bool,
}

impl Signal {
    pub(super) fn new(client: Client, code: RoomCode, resume: Option<Box<str>>) -> Self {
        Self {
            client,
            code,
            silent: resume.is_none(),
            resume,
        }
    }

    /// Makes the client the peer that its token says, or a new one if it cannot be.
    fn resume(&self, token: &str) -> Work {
        let (client, code, token) = (self.client.clone(), self.code.clone(), Box::from(token));
        let token: Box<str> = token;
        Work::for_client(async move {
            match client.session.arrive(&code, Some(&token)).await {
                Ok(Arrival::Back) => {
                    client.link.count(EventKind::of("resume"), Ok(()));
                    Outcome::Done
                }
                Ok(Arrival::Beside | Arrival::New) => {
                    client.link.refuse(Some("resume"), &not_resumed());
                    Outcome::GoOn
                }
                Err(error) => {
                    client.turn_away(&error);
                    Outcome::Done
                }
            }
        })
    }

    fn join(&self) -> Work {
        let (client, code) = (self.client.clone(), self.code.clone());
        Work::new(async move {
            if let Err(error) = client.session.join(&code).done().await {
                client.turn_away(&error);
            }
            Outcome::Done
        })
    }

    /// `silent`: it is the first frame of a client that has not said which peer it was.
    fn execute(&self, request: Request<'_>, silent: bool) -> Result<(), WireError> {
        let client = &self.client;
        match request {
            Request::Relay { kind, target, body } => client.relay(kind, target.as_deref(), body)?,
            Request::Appoint { host } => client.appoint(&host)?,
            Request::Kick { target, reason } => client.kick(&target, &reason)?,
            Request::Chat { content, client_id } => client.chat(&content, client_id.as_deref()),
            Request::Auth { token } => client.refresh(&token)?,
            Request::Subscription(wish) => wish.execute(client)?,
            Request::Leave => {
                client.session.leave();
                client.link.outbox.close(Close::left());
            }
            Request::Resume { token } if silent && client.is_back(&token) => {}
            Request::Resume { .. } => return Err(not_resumed()),
        }
        Ok(())
    }

    /// Whether the sender is who it says.
    fn check(&self, sender: Option<&str>) -> Result<(), WireError> {
        let Some(sender) = sender else { return Ok(()) };
        let session = &self.client.session;
        if sender == session.member().user.as_str()
            || session
                .peer()
                .is_some_and(|peer| sender.parse() == Ok(peer))
        {
            return Ok(());
        }
        let must = "senderId must be the sender's own";
        Err(WireError::new(ErrorCode::Forbidden, must).at("senderId"))
    }
}

impl Protocol for Signal {
    fn begin(&mut self) -> Option<Work> {
        let (client, code) = (self.client.clone(), self.code.clone());
        client.link.expect(code.clone());
        let resume = self.resume.take();
        Some(Work::for_client(async move {
            match client.session.arrive(&code, resume.as_deref()).await {
                Ok(Arrival::Back) => Outcome::Done,
                Ok(Arrival::Beside) if resume.is_none() => Outcome::Ask,
                Ok(Arrival::Beside | Arrival::New) => Outcome::GoOn,
                Err(error) => {
                    client.turn_away(&error);
                    Outcome::Done
                }
            }
        }))
    }

    fn handle(&mut self, text: &str, asked: bool) -> Handled {
        let begun = Instant::now();
        let span = traces::handling(Spoken::Signal);
        let incoming = Incoming::read(text);
        if asked {
            return match &incoming {
                Ok(Incoming {
                    request: Request::Resume { token },
                    ..
                }) => {
                    self.silent = false;
                    Handled::After(self.resume(token))
                }
                _ => Handled::Before(self.join()),
            };
        }
        let silent = std::mem::replace(&mut self.silent, false);
        let name = match &incoming {
            Ok(incoming) => Some(&*incoming.name),
            Err((name, _)) => name.as_deref(),
        };
        let asked = name.map_or(EventKind::UNKNOWN, EventKind::of);
        span.asks_for(asked);
        if !self.client.may_send(name) {
            return Handled::Done;
        }
        let (about, later, done) = match incoming {
            Ok(incoming) => {
                let later = incoming.request.is_done_later();
                let done = self
                    .check(incoming.sender.as_deref())
                    .and_then(|()| self.execute(incoming.request, silent));
                (Some(incoming.name), later, done)
            }
            Err((name, error)) => (name, false, Err(error)),
        };
        if !later && done.is_ok() {
            self.client.link.count(asked, Ok(()));
        }
        telemetry::handled(Spoken::Signal, asked, begun.elapsed());
        if let Err(error) = done {
            self.client.link.refuse(about.as_deref(), &error);
        }
        Handled::Done
    }

    fn go_on(&mut self) -> Option<Work> {
        Some(self.join())
    }
}
