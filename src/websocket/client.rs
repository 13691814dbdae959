//! What a client of either protocol may do.

use std::{pin::Pin, sync::Arc, time::SystemTime};

use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::{
    close::Close,
    common::Told,
    connection::{Connection, Dialect},
    mapping::class_of,
};
use crate::{
    auth::Verifier,
    core::{PeerId, RelayKind, ResumeToken},
    hub::{Answer, Excess, Receipt, Session},
    protocol::{ErrorCode, WireError},
    telemetry::{EventKind, traces},
};

/// To how many a message without a target goes at most: the others of the largest mesh that may be
/// configured. In larger rooms, on a media server, peers do not call each other.
const MAX_FAN_OUT: usize = 99;

/// How many bytes the copies of a message without a target may come to. All rooms of the node share
/// the 32 MiB that wait for other nodes, where a message to each of a large room's peers must not
/// crowd out what others say. A description for each of a mesh of ten may have 28 KiB.
const MAX_FAN_OUT_BYTES: usize = 256 * 1024;

/// What takes a while because others are asked. The client's next frames wait for it.
pub(super) struct Work {
    pub(super) future: Pin<Box<dyn Future<Output = Outcome> + Send>>,
    /// It is not worth finishing if the client is lost meanwhile: somebody else may wait for
    /// that seat already.
    pub(super) only_for_client: bool,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All that was to be done.
    Done,
    /// The client may say first which peer it was; then [`Protocol::go_on`].
    Ask,
    /// There is more to do: [`Protocol::go_on`].
    GoOn,
}

/// What becomes of a frame.
pub(super) enum Handled {
    /// It has taken effect.
    Done,
    /// It has when this is done.
    After(Work),
    /// It has to be handled once more, after this.
    Before(Work),
}

impl Work {
    /// Work that is finished even if the client is lost meanwhile.
    pub(super) fn new(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self {
            future: traces::carry(future),
            only_for_client: false,
        }
    }

    /// Work that is given up if the client is lost meanwhile.
    pub(super) fn for_client(future: impl Future<Output = Outcome> + Send + 'static) -> Self {
        Self {
            future: traces::carry(future),
            only_for_client: true,
        }
    }
}

/// One of the two protocols, for one connection.
pub(super) trait Protocol: Send {
    /// What is to be done before the first frame, if anything.
    fn begin(&mut self) -> Option<Work>;

    /// Handles a text frame. What is wrong with it is answered. `asked`: it is the first after
    /// [`Outcome::Ask`].
    fn handle(&mut self, text: &str, asked: bool) -> Handled;

    /// What is to be done when the client said nothing after [`Outcome::Ask`], or after
    /// [`Outcome::GoOn`].
    fn go_on(&mut self) -> Option<Work>;
}

/// A client and all that acts for it.
#[derive(Clone)]
pub(super) struct Client {
    pub(super) link: Arc<Connection>,
    pub(super) session: Arc<Session>,
    pub(super) verifier: Verifier,
}

impl Client {
    /// Hands a signalling message to those that `target` means, or to all others without one.
    pub(super) fn relay(
        &self,
        kind: RelayKind,
        target: Option<&str>,
        body: &RawValue,
    ) -> Result<(), WireError> {
        let Some(target) = target else {
            return self.relay_to_all(kind, body);
        };
        let found = self.find(target);
        // Of a user's peers one may have left meanwhile.
        let mut told = None;
        for peer in found {
            let relayed = self.session.relay(kind, Some(peer), body);
            told = if matches!(told, Some(Ok(()))) {
                told
            } else {
                Some(relayed)
            };
        }
        // Somebody who cannot exist is still to be refused for the right reason.
        told.unwrap_or_else(|| self.session.relay(kind, None, body))
    }

    fn relay_to_all(&self, kind: RelayKind, body: &RawValue) -> Result<(), WireError> {
        let others = self.session.others()?;
        check_fan_out(others.len(), body.get().len())?;
        for peer in others {
            // One that has left meanwhile is no other any more.
            let _ = self.session.relay(kind, Some(peer), body);
        }
        Ok(())
    }

    /// Removes those that `target` means from the room.
    pub(super) fn kick(&self, target: &str, reason: &str) -> Result<(), WireError> {
        self.for_each(target, |peer| self.session.kick(peer, reason))
    }

    /// Makes the first that `target` means the host.
    pub(super) fn appoint(&self, target: &str) -> Result<(), WireError> {
        let found = self.find(target).first().copied();
        // Who is the host already may say so.
        let own = || {
            self.session
                .peer()
                .filter(|peer| self.is_own(target, *peer))
        };
        self.session.appoint(found.or_else(own))
    }

    /// Whom the client means: only where peers choose names do names mean anybody.
    fn find(&self, target: &str) -> SmallVec<[PeerId; 4]> {
        match self.link.dialect {
            Dialect::Signal => self.session.find_by_id(target),
            Dialect::Ws => self.session.find(target),
        }
    }

    /// Whether a peer is meant that the client itself is.
    fn is_own(&self, target: &str, peer: PeerId) -> bool {
        let seat = self.link.seat();
        target.parse() == Ok(peer)
            || target == self.session.member().user.as_str()
            || self.link.dialect == Dialect::Ws && seat.is_some_and(|seat| seat.name() == target)
    }

    fn for_each(
        &self,
        target: &str,
        mut act: impl FnMut(Option<PeerId>) -> Result<(), WireError>,
    ) -> Result<(), WireError> {
        let found = self.find(target);
        let Some((first, rest)) = found.split_first() else {
            return act(None);
        };
        act(Some(*first))?;
        for peer in rest {
            let _ = act(Some(*peer));
        }
        Ok(())
    }

    /// Whether a frame of the type `name` may be handled now; if not the client is told so, unless it
    /// is being sent away. One without a type is one that cannot be read.
    pub(super) fn may_send(&self, name: Option<&str>) -> bool {
        let spent = match name {
            Some(name) => self.session.spend(class_of(name)),
            None => self.session.stumble(),
        };
        if let Err(Excess::Refused(error)) = &spent {
            self.link.refuse(name, error);
        }
        spent.is_ok()
    }

    /// Whether a resume token is about the peer that the client is: it may have been brought back
    /// before it could ask.
    pub(super) fn is_back(&self, token: &str) -> bool {
        let peer = self.session.peer();
        let meant = token.parse().ok().map(|token: ResumeToken| token.peer);
        peer.is_some() && meant == peer
    }

    /// Says something in the room.
    pub(super) fn chat(&self, content: &str, client_id: Option<&str>) {
        let (link, kept) = (Arc::clone(&self.link), client_id.map(Box::<str>::from));
        let answer: Answer = Box::new(move |outcome| match outcome {
            Ok(Receipt { id, timestamp }) => {
                link.count(EventKind::of("chat"), Ok(()));
                link.tell(&Told::ChatAck {
                    id,
                    timestamp,
                    client_message_id: kept.as_deref(),
                });
            }
            Err(error) => link.refuse(Some("chat"), &error),
        });
        self.session.chat(content, client_id, answer);
    }

    /// Checks a new token on a task of its own, since keys may have to be fetched. One at a
    /// time: a client that sends many is refused, not queued.
    pub(super) fn refresh(&self, token: &str) -> Result<(), WireError> {
        if !self.link.begin_refresh() {
            return Err(WireError::new(
                ErrorCode::RateLimited,
                "a token is being checked already",
            ));
        }
        let (client, token) = (self.clone(), token.to_owned());
        tokio::spawn(async move {
            let verdict = client.verifier.verify(&token, SystemTime::now()).await;
            client.link.end_refresh();
            let refused = match verdict {
                Ok(identity) if *identity.user_id == *client.session.member().user.as_str() => {
                    let expires_at = identity.expires_at;
                    client.session.extend(expires_at);
                    client.link.count(EventKind::of("auth"), Ok(()));
                    return client.link.tell(&Told::AuthOk { expires_at });
                }
                Ok(_) => WireError::new(ErrorCode::Forbidden, "the token is another user's"),
                Err(_) => WireError::new(ErrorCode::AuthRequired, "the token is not valid"),
            };
            client.link.refuse(Some("auth"), &refused.at("token"));
        });
        Ok(())
    }

    /// Tells why the client cannot have what its connection is for, and ends it.
    pub(super) fn turn_away(&self, error: &WireError) {
        self.link.tell_error(None, error);
        self.link.outbox.close(Close::refused(error));
    }
}

/// The client cannot be the peer that it asks for.
pub(super) fn not_resumed() -> WireError {
    WireError::invalid(
        "resumeToken",
        "does not lead back to a peer that you can be here",
    )
}

/// Whether a message of so many bytes may go to so many without naming them.
fn check_fan_out(others: usize, bytes: usize) -> Result<(), WireError> {
    let why = if others > MAX_FAN_OUT {
        "the room is too large for messages without a target"
    } else if others.saturating_mul(bytes) > MAX_FAN_OUT_BYTES {
        "the message is too large to go to so many: name a target"
    } else {
        return Ok(());
    };
    Err(WireError::new(ErrorCode::Forbidden, why))
}

#[cfg(test)]
#[path = "tests/client.rs"]
mod tests;
