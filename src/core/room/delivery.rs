//! How a room speaks: to one peer, to all, and about one that is gone.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};

use super::Room;
use crate::core::{
    CutReason, Event, Gossip, LeaveReason, NodeId, Outbox, PeerId, Sent,
    arrival::Arrival,
    peer::{Peer, Presence},
    replay::Replay,
};

impl<C: Clone + PartialEq> Room<C> {
    /// Tells one peer.
    pub(super) fn tell(&mut self, to: PeerId, event: &Event<'_>, out: &mut impl Outbox<C>) {
        let hearing = self.hearing.clone();
        let Some(peer) = self.peers.get_mut(&to) else {
            return;
        };
        let prepared = out.prepare(event, 1);
        if post(peer, event, &prepared, hearing.as_ref(), out).is_err() {
            self.depart(to, LeaveReason::Disconnected, out);
        }
    }

    /// Tells all that are here.
    pub(super) fn announce(&mut self, event: &Event<'_>, out: &mut impl Outbox<C>) {
        for slow in self.post_to_all(&[], event, out) {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
    }

    /// Sends to all that are here but `except`, and returns those that cannot be reached any
    /// more.
    pub(super) fn post_to_all(
        &mut self,
        except: &[PeerId],
        event: &Event<'_>,
        out: &mut impl Outbox<C>,
    ) -> Cutoffs {
        let hearing = self.hearing.clone();
        let prepared = out.prepare(event, self.peers.len());
        let mut slow = Cutoffs::new();
        for (id, peer) in &mut self.peers {
            if !except.contains(id) && post(peer, event, &prepared, hearing.as_ref(), out).is_err()
            {
                slow.push(*id);
            }
        }
        slow
    }

    /// Removes a peer and tells everybody, on other nodes too.
    pub(super) fn depart(&mut self, peer: PeerId, reason: LeaveReason, out: &mut impl Outbox<C>) {
        self.remove(
            Departure {
                peer,
                reason,
                note: Arc::default(),
                tell: true,
            },
            out,
        );
    }

    /// Removes a peer and tells the others, once. Those that turn out to be unreachable on
    /// the way go too, in a loop and not by recursion: a thousand may go at once.
    pub(super) fn remove(&mut self, departure: Departure, out: &mut impl Outbox<C>) {
        let mut leaving: SmallVec<[Departure; 1]> = smallvec![departure];
        while let Some(Departure {
            peer,
            reason,
            note,
            tell,
        }) = leaving.pop()
        {
            let host = self.host();
            let Some(gone) = self.peers.shift_remove(&peer) else {
                continue;
            };
            if tell {
                out.gossip(Gossip::Left { peer, reason, note });
                if let (Some(_), Some(server)) = (&gone.media, &self.mode.media) {
                    out.release_media(server, peer);
                }
            }
            let why = match (tell, reason) {
                (true, LeaveReason::Disconnected) => Some(CutReason::SlowReader),
                // It was told, or said so itself.
                (true, _) | (false, LeaveReason::Kicked) => None,
                // Another node had it, and its client here is to find out.
                (false, _) => Some(CutReason::Replaced),
            };
            if let (Some(why), Some(conn)) = (why, gone.speaker()) {
                out.cut(conn, why);
            }
            let left = Event::PeerLeft {
                peer,
                member: Some(Arc::clone(&gone.member)),
                reason,
            };
            let mut slow = self.tell_closed(peer, gone.media.as_deref(), out);
            slow.extend(self.post_to_all(&[], &left, out));
            slow.extend(self.tell_new_host(host, out));
            leaving.extend(slow.into_iter().map(|peer| Departure {
                peer,
                reason: LeaveReason::Disconnected,
                note: Arc::default(),
                tell: true,
            }));
        }
        if self.peers.is_empty() {
            self.reset_mode();
            self.reset_host();
        }
    }
}

/// A peer that is to go.
pub(super) struct Departure {
    pub(super) peer: PeerId,
    pub(super) reason: LeaveReason,
    /// What the host said, if it was removed.
    pub(super) note: Arc<str>,
    /// Whether the other nodes have to be told: they are not, if they told.
    pub(super) tell: bool,
}

/// Peers that must go because they cannot be told what happened.
pub(super) type Cutoffs = SmallVec<[PeerId; 4]>;

/// The peer's connection or its waiting list cannot take another event.
struct CutOff;

/// Sends an event to a peer that is here, or keeps it for one that is away or on its way.
fn post<C: Clone + PartialEq, O: Outbox<C>>(
    peer: &mut Peer<C>,
    event: &Event<'_>,
    prepared: &O::Prepared<'_>,
    hearing: Option<&NodeId>,
    out: &mut O,
) -> Result<(), CutOff> {
    match &mut peer.presence {
        Presence::Remote(_) => Ok(()),
        Presence::Away { missed, .. } => keep(missed, event),
        Presence::Arriving(arrival) => {
            wait(arrival, event, prepared, hearing, out);
            Ok(())
        }
        Presence::Online(conn) => match out.send(conn, prepared) {
            Sent::Queued => Ok(()),
            Sent::Full => Err(CutOff),
            Sent::Gone => {
                peer.presence = Presence::away(Some(conn.clone()));
                post(peer, event, prepared, hearing, out)
            }
        },
    }
}

/// Keeps an event for a peer that is on its way here, if it is this node that has to.
///
/// If too much waits, nobody waits for the peer any more. It is not removed: that is for the
/// node that has it, or for this one once it has come.
fn wait<C: Clone, O: Outbox<C>>(
    arrival: &mut Arrival<C>,
    event: &Event<'_>,
    prepared: &O::Prepared<'_>,
    hearing: Option<&NodeId>,
    out: &mut O,
) {
    if let (Some(conn), Event::Joined(_) | Event::Kicked { .. }) = (arrival.speaker(), event) {
        // If it fails, so it does when the peer has come.
        let _ = out.send(conn, prepared);
        return;
    }
    // What other nodes said before the peer was asked for, the node that has it keeps; and
    // all that it says itself until it answers.
    if hearing.is_some_and(|node| !arrival.asked || *node == arrival.from) {
        return;
    }
    if let Some(missed) = &mut arrival.missed
        && keep(missed, event).is_err()
    {
        if let Some(conn) = arrival.speaker() {
            out.cut(conn, CutReason::SlowReader);
        }
        arrival.missed = None;
        arrival.wish = None;
    }
}

/// Keeps an event for later. A welcome is not kept: a peer that comes back gets a newer one.
fn keep(missed: &mut Replay, event: &Event<'_>) -> Result<(), CutOff> {
    match event {
        Event::Joined(_) | Event::Resumed { .. } => Ok(()),
        event => missed.push(event).map_err(|_| CutOff),
    }
}
