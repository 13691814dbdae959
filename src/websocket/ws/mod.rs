//! `/ws`: rooms are joined and left by frames, peers are called by names that they choose.

mod encode;
pub(super) mod frames;
mod requests;

use std::{sync::Arc, time::Instant};

use super::{
    client::{Client, Handled, Outcome, Protocol, Work, not_resumed},
    connection::Seat,
};
use crate::{
    core::RoomCode,
    hub::{Joining, Later},
    protocol::{ErrorCode, WireError},
    telemetry::{self, EventKind, Protocol as Spoken, traces},
};

pub(super) use encode::{Relayed, Told, encode};
pub(super) use requests::Asked;

use frames::{Action, Incoming, Request};

/// The protocol for one connection.
pub(super) struct Ws {
    client: Client,
    /// What brings the client back to where it was, until it is done.
    returning: Option<Later<()>>,
    /// The client has said nothing yet that shows that it means to be who it was made.
    silent: bool,
}

impl Ws {
    /// `returning` is what the hub has to do first; `asked`: the client said which peer it was.
    pub(super) fn new(client: Client, returning: Option<Later<()>>, asked: bool) -> Self {
        Self {
            client,
            returning,
            silent: !asked,
        }
    }

    fn execute(&mut self, request: Request<'_>) -> Result<Handled, WireError> {
        match request {
            Request::Join {
                code,
                sender,
                resume,
            } => return self.join(code, &sender, resume.as_deref()),
            Request::Act {
                room,
                sender,
                action,
            } => {
                let seat = self.check(&room, &sender)?;
                self.silent = false;
                self.act(&seat, action)?;
            }
            Request::Resume { token } => return self.resume(&token),
            Request::Auth { token } => self.client.refresh(&token)?,
            Request::Subscription(wish) => wish.execute(&self.client)?,
        }
        Ok(Handled::Done)
    }

    /// Whether the client is who it says, where it says.
    fn check(&self, room: &str, sender: &str) -> Result<Seat, WireError> {
        let seat = self
            .client
            .link
            .seat()
            .ok_or_else(|| WireError::new(ErrorCode::NotInRoom, "join a room first"))?;
        if !seat.is_called(room) {
            let must = "room must be the one that was joined";
            return Err(WireError::new(ErrorCode::Forbidden, must).at("room"));
        }
        if sender != seat.name() {
            return Err(other_name());
        }
        Ok(seat)
    }

    fn act(&self, seat: &Seat, action: Action<'_>) -> Result<(), WireError> {
        let client = &self.client;
        match action {
            Action::Relay {
                kind,
                recipient,
                body,
            } => client.relay(kind, recipient.as_deref(), body)?,
            Action::Chat { content, client_id } => client.chat(&content, client_id.as_deref()),
            Action::Kick { recipient, reason } => client.kick(&recipient, &reason)?,
            Action::Appoint { recipient } => client.appoint(&recipient)?,
            Action::Leave => {
                client.session.leave();
                client.link.unseat();
                client.link.tell(&encode::Told::Left {
                    room: seat.code.as_str(),
                });
            }
        }
        Ok(())
    }

    fn join(
        &mut self,
        code: RoomCode,
        sender: &str,
        resume: Option<&str>,
    ) -> Result<Handled, WireError> {
        let silent = std::mem::replace(&mut self.silent, false);
        let seat = self.client.link.seat();
        if seat.as_ref().is_some_and(|seat| seat.name() != sender) && !silent {
            return Err(other_name());
        }
        self.client.link.expect(code.clone());
        let (client, name) = (self.client.clone(), Arc::from(sender));
        if let (None, Some(token)) = (&seat, resume) {
            let token = Box::<str>::from(token);
            return Ok(Handled::After(Work::new(async move {
                back_or_join(client, code, name, &token).await;
                Outcome::Done
            })));
        }
        Ok(match begin_join(&client, &code, name) {
            Joining::Done(joined) => {
                settle(&client, joined);
                Handled::Done
            }
            Joining::Later(joining) => Handled::After(Work::new(async move {
                settle(&client, joining.await);
                Outcome::Done
            })),
        })
    }

    fn resume(&mut self, token: &str) -> Result<Handled, WireError> {
        let silent = std::mem::replace(&mut self.silent, false);
        let session = &self.client.session;
        if session.peer().is_some() {
            if !silent || !self.client.is_back(token) {
                return Err(not_resumed());
            }
            self.client.link.count(EventKind::of("resume"), Ok(()));
            return Ok(Handled::Done);
        }
        let (client, returning) = (self.client.clone(), session.come_back(Some(token), None));
        Ok(Handled::After(Work::for_client(async move {
            if let Some(returning) = returning {
                returning.await;
            }
            if client.session.peer().is_none() {
                client.link.refuse(Some("resume"), &not_resumed());
            } else {
                client.link.count(EventKind::of("resume"), Ok(()));
            }
            Outcome::Done
        })))
    }
}

impl Protocol for Ws {
    fn begin(&mut self) -> Option<Work> {
        let returning = self.returning.take()?;
        Some(Work::for_client(async move {
            returning.await;
            Outcome::Done
        }))
    }

    fn handle(&mut self, text: &str, _: bool) -> Handled {
        let begun = Instant::now();
        let span = traces::handling(Spoken::Ws);
        let incoming = Incoming::read(text);
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
            Ok(Incoming { name, request }) => {
                (Some(name), request.is_done_later(), self.execute(request))
            }
            Err((name, error)) => (name, false, Err(error)),
        };
        if !later && done.is_ok() {
            self.client.link.count(asked, Ok(()));
        }
        telemetry::handled(Spoken::Ws, asked, begun.elapsed());
        done.unwrap_or_else(|error| {
            self.client.link.refuse(about.as_deref(), &error);
            Handled::Done
        })
    }

    fn go_on(&mut self) -> Option<Work> {
        None
    }
}

/// Makes the client the peer that its token says, if that is the one that it wants to be; else
/// lets it join.
async fn back_or_join(client: Client, code: RoomCode, name: Arc<str>, token: &str) {
    let back = client.session.arrive(&code, Some(token)).await;
    let seat = client.link.seat();
    if back.is_ok() && seat.is_some_and(|seat| seat.name() == &*name) {
        return client.link.count(EventKind::of("join"), Ok(()));
    }
    client.link.expect(code.clone());
    let joined = begin_join(&client, &code, name).done().await;
    settle(&client, joined);
}

fn begin_join(client: &Client, code: &RoomCode, name: Arc<str>) -> Joining {
    // Whoever is called by its user's id because it chose no name keeps that.
    let unnamed = client.link.seat().is_some_and(|seat| {
        seat.member.alias.is_none() && seat.name() == &*name && seat.is_called(code.as_str())
    });
    client.session.join_as(code, (!unnamed).then_some(name))
}

/// Answers if the client could not join. If it could it has been told.
fn settle(client: &Client, joined: Result<(), WireError>) {
    let Err(error) = joined else {
        return client.link.count(EventKind::of("join"), Ok(()));
    };
    client.link.expect_nothing();
    if client.session.peer().is_none() {
        client.link.unseat();
    }
    let error = match error.code {
        ErrorCode::Forbidden => error.at("sender"),
        ErrorCode::RoomNotFound => error.at("room"),
        _ => error,
    };
    client.link.refuse(Some("join"), &error);
}

/// The client goes by another name.
fn other_name() -> WireError {
    let must = "sender must be the name that was joined with";
    WireError::new(ErrorCode::Forbidden, must).at("sender")
}
