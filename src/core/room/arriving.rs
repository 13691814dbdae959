//! Peers that come: through the door, handed over by another node, adopted from one that is gone, or this
//! node's by the records, when the answer to a claim was not heard.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{NewWindow, Room};
use crate::core::{
    Consumer, CutReason, Event, Gossip, LeaveReason, Newcomer, Outbox, PeerId, Refusal, Waiting,
    arrival::{Arrival, Known, Wish},
    peer::{Peer, Presence},
    replay::Replay,
};

impl<C: Clone + PartialEq> Room<C> {
    /// Lets somebody in, if there is a place: the others hear of it, and it is welcomed.
    ///
    /// # Errors
    /// [`Refusal::NameTaken`], [`Refusal::RoomFull`].
    pub fn join(&mut self, newcomer: Newcomer<C>, out: &mut impl Outbox<C>) -> Result<(), Refusal> {
        self.check_name(&newcomer)?;
        if self.peers.len() >= self.places() {
            return Err(Refusal::RoomFull);
        }
        self.let_in(newcomer, out);
        Ok(())
    }

    /// The same for somebody who has a place in all of the room already. It may be one that
    /// was left on another node, of which this one has not heard yet.
    ///
    /// # Errors
    /// [`Refusal::NameTaken`].
    pub fn join_reserved(
        &mut self,
        newcomer: Newcomer<C>,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        self.check_name(&newcomer)?;
        self.let_in(newcomer, out);
        Ok(())
    }

    fn check_name(&self, newcomer: &Newcomer<C>) -> Result<(), Refusal> {
        let alias = newcomer.member.alias.as_deref();
        if alias.is_some_and(|alias| self.is_taken(alias)) {
            return Err(Refusal::NameTaken);
        }
        Ok(())
    }

    fn let_in(&mut self, newcomer: Newcomer<C>, out: &mut impl Outbox<C>) {
        let id = newcomer.peer;
        let mut peer = Peer::new(newcomer);
        // Clocks differ: whoever comes later has to be later.
        let last = self.peers.last().map_or(0, |(_, last)| last.joined);
        peer.joined = peer.joined.max(last.saturating_add(1));
        let info = peer.info(id);
        out.gossip(Gossip::Joined(peer.record(id)));
        self.insert(id, peer);
        // Announced before it is welcomed: if it cannot take the welcome it goes at once, and
        // nobody may hear of that before, or instead of, its coming.
        let slow = self.post_to_all(&[id], &Event::PeerJoined(info), out);
        self.welcome(id, out);
        for slow in slow {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
    }

    /// A peer was handed over. It may be one that nobody waits for any more: it is this node's
    /// all the same.
    pub(super) fn arrive(
        &mut self,
        id: PeerId,
        missed: Vec<Waiting>,
        known: Known,
        consumers: Vec<Consumer>,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Option<NewWindow> {
        self.hearing = None;
        let peer = self.peers.get_mut(&id)?;
        if peer.node().is_some() {
            // The other node does not know those of a peer that it adopted.
            let own = std::mem::take(&mut peer.consumers).into_iter();
            let told: HashSet<Box<str>> = consumers.iter().map(|one| one.id.clone()).collect();
            peer.consumers = consumers;
            let own = own.filter(|one| !told.contains(&one.id));
            peer.consumers.extend(own);
        }
        // What is for another, whatever the node says that sent it, is not for this one.
        let missed = missed.into_iter().map(Event::from);
        let missed = missed.filter(|event| event.is_for(id)).collect();
        match std::mem::replace(&mut peer.presence, Presence::away(None)) {
            Presence::Arriving(arrival) => self.settle_in(id, *arrival, missed, known, now, out),
            Presence::Remote(_) => {
                let news = self.news_since(known, Vec::new());
                let events = [missed, news].concat();
                self.wait_for(id, events, now, out)
            }
            here => {
                peer.presence = here;
                None
            }
        }
    }

    /// A peer that was asked for is this node's, though its answer was not heard.
    pub(super) fn arrive_unheard(
        &mut self,
        id: PeerId,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Option<NewWindow> {
        self.hearing = None;
        let known = self.known();
        let peer = self.peers.get_mut(&id)?;
        match std::mem::replace(&mut peer.presence, Presence::away(None)) {
            Presence::Arriving(mut arrival) => {
                // The grant may have been another's: who waits must have shown the right secret.
                arrival.proof = None;
                let missed = arrival.again.drain().collect();
                self.settle_in(id, *arrival, missed, known, now, out)
            }
            other => {
                peer.presence = other;
                None
            }
        }
    }

    /// Waits for peers that this node adopted. Those that were removed meanwhile are not taken
    /// in: their record is to go.
    pub(super) fn take_in(
        &mut self,
        peers: &[PeerId],
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Vec<NewWindow> {
        let mut windows = Vec::new();
        for id in peers {
            let Some(peer) = self.peers.get_mut(id) else {
                out.gossip(Gossip::Left {
                    peer: *id,
                    reason: LeaveReason::NodeLost,
                    note: "".into(),
                });
                continue;
            };
            match &peer.presence {
                Presence::Remote(_) => {
                    peer.node_lost = true;
                    windows.extend(self.wait_for(*id, Vec::new(), now, out));
                }
                Presence::Arriving(_) => {
                    peer.node_lost = true;
                    windows.extend(self.arrive_unheard(*id, now, out));
                }
                Presence::Online(_) | Presence::Away { .. } => {}
            }
        }
        windows
    }

    /// Seats whoever waits for a peer that has come, and tells what it missed: what the other
    /// node kept, up to when those `known` were in the room, and then what this one did.
    fn settle_in(
        &mut self,
        id: PeerId,
        arrival: Arrival<C>,
        missed: Vec<Event<'static>>,
        known: Known,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Option<NewWindow> {
        let peer = self.peers.get_mut(&id)?;
        peer.came = Some(now);
        let granted = arrival.is_granted(|secret| peer.knows(secret));
        let Some(mut since) = arrival.missed else {
            // More is lost than can be made good: better a new peer than a silent gap.
            self.depart(id, LeaveReason::Disconnected, out);
            return None;
        };
        let mut since: Vec<_> = since.drain().collect();
        if arrival.unsure {
            // The other node may have told it this as well: a relay is never told twice.
            since.retain(|event| !matches!(event, Event::Relay { .. }));
        }
        let asked_back = arrival.seen.is_some();
        let events = match arrival.seen {
            None => [missed, self.news_since(known, since)].concat(),
            Some(seen) => {
                // It saw the room through this node: that is what the rest has to follow on.
                let mut later = [missed, since].concat();
                let said = &seen.picture.said;
                later.retain(|event| !matches!(event, Event::Chat(m) if said.contains(&m.id)));
                let news = self.news_since(seen.picture.known.clone(), later);
                [seen.unsent, news].concat()
            }
        };
        let events = each_chat_once(events);
        match arrival.wish {
            Some(wish) if granted => {
                self.seat(id, wish, events, out);
                None
            }
            _ => {
                if asked_back && let Some(peer) = self.peers.get(&id) {
                    // It may have come back to this node while that could not be told.
                    out.gossip(Gossip::Renewed(peer.record(id)));
                }
                self.wait_for(id, events, now, out)
            }
        }
    }

    /// Makes a connection the one that speaks for a peer that has come.
    fn seat(
        &mut self,
        id: PeerId,
        wish: Wish<C>,
        events: Vec<Event<'static>>,
        out: &mut impl Outbox<C>,
    ) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Ok(missed) = Replay::of(events) else {
            if wish.fresh.is_none() {
                out.cut(&wish.conn, CutReason::SlowReader);
            }
            self.depart(id, LeaveReason::Disconnected, out);
            return;
        };
        peer.presence = Presence::Online(wish.conn);
        peer.node_lost = false;
        if let Some(fresh) = wish.fresh {
            peer.renew_secret(wish.shown, fresh);
        }
        out.gossip(Gossip::Renewed(peer.record(id)));
        if wish.fresh.is_some() {
            self.greet_again(id, missed, out);
        } else {
            self.replay(id, missed, out);
        }
    }

    /// Opens the window of a peer that has come and that nobody speaks for.
    pub(super) fn wait_for(
        &mut self,
        id: PeerId,
        events: Vec<Event<'static>>,
        now: Duration,
        out: &mut impl Outbox<C>,
    ) -> Option<NewWindow> {
        let until = now.saturating_add(self.limits.reconnect_window);
        let peer = self.peers.get_mut(&id)?;
        peer.came = Some(now);
        let Ok(missed) = Replay::of(events) else {
            self.depart(id, LeaveReason::Disconnected, out);
            return None;
        };
        peer.presence = Presence::Away {
            last: None,
            until: Some(until),
            missed,
        };
        Some((id, until))
    }

    /// Who is in the room and who hosts it, as all that are connected here know it.
    pub(super) fn known(&self) -> Known {
        let peers = self.peers.iter();
        let peers = peers.map(|(id, peer)| (*id, Some(Arc::clone(&peer.member))));
        Known::new(peers, self.host())
    }

    /// What this node kept for a peer, made to follow on what another did. Each has seen the
    /// room change in an order of its own: nobody may come who is `known`, nor go who is not,
    /// and in the end it must come to what the room is now.
    fn news_since(&self, known: Known, since: Vec<Event<'static>>) -> Vec<Event<'static>> {
        let Known {
            peers: mut known,
            host,
        } = known;
        let mut news: Vec<Event<'static>> = since
            .into_iter()
            .filter(|event| match event {
                Event::PeerJoined(info) => {
                    let member = Some(Arc::clone(&info.member));
                    known.insert(info.id, member).is_none()
                }
                Event::PeerLeft { peer, .. } => known.shift_remove(peer).is_some(),
                Event::HostChanged { .. } => false,
                _ => true,
            })
            .collect();
        let gone = known.iter().filter(|(id, _)| !self.peers.contains_key(*id));
        news.extend(gone.map(|(id, member)| Event::PeerLeft {
            peer: *id,
            member: member.clone(),
            reason: LeaveReason::Disconnected,
        }));
        let new = self.peers.iter().filter(|(id, _)| !known.contains_key(*id));
        news.extend(new.map(|(id, peer)| Event::PeerJoined(peer.info(*id))));
        let host = self.host().filter(|now| Some(*now) != host);
        news.extend(host.map(|host| Event::HostChanged {
            host,
            member: self.member(host).cloned(),
        }));
        news
    }
}

/// Two nodes may have kept the same message, one of them since it heard it late.
fn each_chat_once(mut events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let mut said = HashSet::new();
    events.retain(|event| match event {
        Event::Chat(message) => said.insert(message.id),
        _ => true,
    });
    events
}
