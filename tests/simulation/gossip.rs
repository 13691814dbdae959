//! How what a room said gets to Redis, and from there to the other nodes.

use std::time::Duration;

use switchboard::core::{Gossip, LeaveReason, PeerId, Room};

use crate::{
    client::{Client, Phase},
    node::{Served, Then},
    post::{ConnId, Post},
    redis::Command,
    world::{Action, WINDOW, World},
};

/// A message on its way from Redis to a subscribed node.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) node: usize,
    pub(crate) room: usize,
    pub(crate) sub: u64,
    pub(crate) from: usize,
    pub(crate) said: Gossip<'static>,
}

impl World {
    pub(crate) fn clock(&self) -> Duration {
        Duration::from_millis(self.now)
    }

    /// What has to be known of a command when it is judged what came of it.
    pub(crate) fn note_command(&mut self, node: usize, room: usize, command: &Command) {
        if let Command::Publish(Gossip::Handover { to, peer, .. }) = command
            && self.redis.rooms[room].is_of(*peer, node)
            && self.nodes.iter().any(|node| node.id == *to && !node.up)
        {
            self.ledger.excuse(*peer, u64::MAX);
        }
    }

    pub(crate) fn fan_out(&mut self, from: usize, room: usize, said: &Gossip<'static>) {
        let back = matches!(said, Gossip::Claim { .. } | Gossip::Adopted(_));
        if let Gossip::Adopted(peers) = said {
            let news = self.now + self.shape.delay * 10;
            for peer in peers {
                self.ledger.adopted.insert(*peer, news);
                self.ledger.excuse(*peer, u64::MAX);
            }
        }
        self.tell(|_| format!("  redis: r{room} n{from} {}", brief(said)));
        let subs: Vec<(usize, u64)> = self.redis.subs[room]
            .iter()
            .copied()
            .filter(|(node, _)| *node != from || back)
            .collect();
        for (node, sub) in subs {
            let delay = self.delay();
            let at = self.now + delay;
            let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
                continue;
            };
            served.heard_until = served.heard_until.max(at);
            let at = served.heard_until;
            let said = said.clone();
            self.at(
                at,
                Action::Deliver(Box::new(Delivery {
                    node,
                    room,
                    sub,
                    from,
                    said,
                })),
            );
        }
    }

    pub(crate) fn deliver(&mut self, delivery: Delivery) {
        let (node, room) = (delivery.node, delivery.room);
        if !self.nodes[node].up {
            return;
        }
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        if served.sub != Some(delivery.sub) {
            return;
        }
        if served.keeps_back() {
            served.waiting.push((delivery.from, delivery.said));
        } else {
            self.hear(node, room, delivery.from, delivery.said);
        }
    }

    pub(crate) fn hear(&mut self, node: usize, room: usize, from: usize, said: Gossip<'static>) {
        self.tell(|_| format!("n{node} r{room} hears n{from} {}", brief(&said)));
        let other = self.nodes[from].id.clone();
        let moved = matches!(
            said,
            Gossip::Handover { .. } | Gossip::Adopted(_) | Gossip::Roster { .. }
        );
        let adopted = match &said {
            Gossip::Adopted(peers) if node == from => Some(peers.clone()),
            _ => None,
        };
        let now = self.clock();
        let window = self.act(node, room, |room, out| room.hear(&other, said, now, out));
        for (peer, until) in window.unwrap_or_default() {
            self.wait_for(node, room, peer, until);
        }
        if let Some(adopted) = adopted {
            let until = if self.is_apart(room) {
                u64::MAX
            } else {
                self.now
            };
            for peer in adopted {
                self.ledger.excuse(peer, until);
            }
            if let Some(served) = self.nodes[node].rooms.get_mut(&room) {
                served.adopting = served.adopting.saturating_sub(1);
            }
            self.maybe_forget(node, room);
        }
        if moved {
            self.check_owners(room);
        }
    }

    /// Opens the window of a peer that nobody waits for.
    pub(crate) fn wait_for(&mut self, node: usize, room: usize, peer: PeerId, until: Duration) {
        let at = until.as_millis() as u64;
        self.at(at, Action::Expire { node, room, peer });
    }

    /// Applies one input to a room, and passes on all that it says.
    pub(crate) fn act<T>(
        &mut self,
        node: usize,
        room: usize,
        input: impl FnOnce(&mut Room<ConnId>, &mut Post) -> T,
    ) -> Option<T> {
        let served = self.nodes[node].rooms.get_mut(&room)?;
        let replica = served.room.as_mut()?;
        let result = input(replica, &mut self.post);
        for said in std::mem::take(&mut self.post.said) {
            self.command(node, room, Command::Publish(said), Then::Nothing);
        }
        for (conn, event) in std::mem::take(&mut self.post.sent) {
            self.show(conn, &event);
        }
        for conn in std::mem::take(&mut self.post.cuts) {
            self.hang_up(conn);
        }
        self.settle_claims(node, room);
        self.maybe_forget(node, room);
        Some(result)
    }

    /// Somebody is announced gone: once, and not before it was waited for.
    pub(crate) fn note_left(&mut self, room: usize, peer: PeerId, reason: LeaveReason) {
        if reason == LeaveReason::Kicked || self.is_apart(room) {
            return;
        }
        let before = self.ledger.gone.insert(peer, reason);
        assert!(before.is_none(), "announced gone twice: {peer} {reason:?}");
        let is_it = |client: &&Client| client.stay.as_ref().is_some_and(|stay| stay.peer == peer);
        if reason != LeaveReason::Left
            && !self.post.slow.contains(&peer)
            && let Some(client) = self.clients.iter().find(is_it)
        {
            let waited = self.clock() >= Duration::from_millis(client.lost_at) + WINDOW;
            let gone = matches!(client.phase, Phase::Lost | Phase::Resuming);
            assert!(gone && waited, "given up: {peer} {reason:?}, {client:?}");
        }
    }

    /// Drops a replica that nobody here needs.
    pub(crate) fn maybe_forget(&mut self, node: usize, room: usize) {
        let served = self.nodes[node].rooms.get(&room);
        if served.is_some_and(Served::is_idle) {
            self.tell(|_| format!("n{node} forgets r{room}"));
            let served = self.nodes[node].rooms.remove(&room);
            self.nodes[node].leftovers.insert(room);
            self.leave_no_records(node, room);
            if let Some(sub) = served.and_then(|served| served.sub) {
                self.command(node, room, Command::Unsubscribe { sub }, Then::Nothing);
            }
        }
    }
}

fn brief(said: &Gossip<'_>) -> String {
    let mut text = match said {
        Gossip::Chat(message) => format!("Chat({} by {})", message.content, message.peer),
        Gossip::Joined(record) => format!("Joined({} at {})", record.id, record.joined),
        other => format!("{other:?}"),
    };
    text.truncate(600);
    text.replace("00000000-0000-0000-0000-00000000", "p")
}
