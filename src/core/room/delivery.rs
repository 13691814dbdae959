//! How a room speaks: to one peer, to all, and about one that is gone.

use smallvec::{SmallVec, smallvec};

use super::Room;
use crate::core::{
    CutReason, Event, LeaveReason, Outbox, PeerId, Sent,
    peer::{Peer, Presence},
    replay::Replay,
};

impl<C: Clone + PartialEq> Room<C> {
    /// Tells one peer.
    pub(super) fn tell(&mut self, to: PeerId, event: &Event<'_>, out: &mut impl Outbox<C>) {
        let Some(peer) = self.peers.get_mut(&to) else {
            return;
        };
        let prepared = out.prepare(event, 1);
        if post(peer, event, &prepared, out).is_err() {
            self.depart(to, LeaveReason::Disconnected, out);
        }
    }

    /// Tells all.
    pub(super) fn announce(&mut self, event: &Event<'_>, out: &mut impl Outbox<C>) {
        for slow in self.post_to_all(None, event, out) {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
    }

    /// Sends to all but `except`, and returns those that cannot be reached any more.
    pub(super) fn post_to_all(
        &mut self,
        except: Option<PeerId>,
        event: &Event<'_>,
        out: &mut impl Outbox<C>,
    ) -> Cutoffs {
        let prepared = out.prepare(event, self.peers.len());
        let mut slow = Cutoffs::new();
        for (id, peer) in &mut self.peers {
            if Some(*id) != except && post(peer, event, &prepared, out).is_err() {
                slow.push(*id);
            }
        }
        slow
    }

    /// Removes a peer and tells the others, once. Those that turn out to be unreachable on
    /// the way go too, in a loop and not by recursion: a thousand may go at once.
    pub(super) fn depart(&mut self, peer: PeerId, reason: LeaveReason, out: &mut impl Outbox<C>) {
        let mut leaving: SmallVec<[(PeerId, LeaveReason); 4]> = smallvec![(peer, reason)];
        while let Some((peer, reason)) = leaving.pop() {
            let Some(gone) = self.peers.shift_remove(&peer) else {
                continue;
            };
            if reason == LeaveReason::Disconnected
                && let Presence::Online(conn) = &gone.presence
            {
                out.cut(conn, CutReason::SlowReader);
            }
            let mut slow = self.post_to_all(None, &Event::PeerLeft { peer, reason }, out);
            if self.host == Some(peer) {
                self.host = self.peers.first().map(|(id, _)| *id);
                if let Some(host) = self.host {
                    slow.extend(self.post_to_all(None, &Event::HostChanged { host }, out));
                }
            }
            leaving.extend(slow.into_iter().map(|id| (id, LeaveReason::Disconnected)));
        }
    }
}

/// Peers that must go because they cannot be told what happened.
pub(super) type Cutoffs = SmallVec<[PeerId; 4]>;

/// The peer's connection or its waiting list cannot take another event.
struct CutOff;

/// Sends an event to a peer, or keeps it for a peer that is away.
fn post<C: Clone, O: Outbox<C>>(
    peer: &mut Peer<C>,
    event: &Event<'_>,
    prepared: &O::Prepared<'_>,
    out: &mut O,
) -> Result<(), CutOff> {
    match &mut peer.presence {
        Presence::Away { missed, .. } => keep(missed, event),
        Presence::Online(conn) => match out.send(conn, prepared) {
            Sent::Queued => Ok(()),
            Sent::Full => Err(CutOff),
            Sent::Gone => {
                peer.presence = Presence::away(conn.clone());
                post(peer, event, prepared, out)
            }
        },
    }
}

/// Keeps an event for later. A welcome is not kept: a peer that comes back gets a newer one.
fn keep(missed: &mut Replay, event: &Event<'_>) -> Result<(), CutOff> {
    match event {
        Event::Joined(_) | Event::Resumed { .. } => Ok(()),
        event => missed.push(event).map_err(|_| CutOff),
    }
}
