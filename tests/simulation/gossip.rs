//! How what a room said gets to Redis, and from there to the other nodes.

use std::time::Duration;

use switchboard::core::{Gossip, LeaveReason, PeerId, Room};

use crate::{
    node::{Served, Then},
    post::{ConnId, Post},
    redis::{Command, Reply},
    world::{Action, World},
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

    /// Sends a command; commands of one node arrive in order.
    pub(crate) fn command(&mut self, node: usize, room: usize, command: Command, then: Then) {
        let Some(link) = self.nodes[node].link else {
            let delay = self.random.between(1, 500);
            let reply = Reply::Failed;
            self.after(
                delay,
                Action::Answer {
                    node,
                    room,
                    link: 0,
                    reply,
                    then,
                },
            );
            return;
        };
        let at = (self.now + self.delay()).max(self.nodes[node].sent_until);
        self.nodes[node].sent_until = at;
        let command = Box::new(command);
        self.at(
            at,
            Action::Arrive {
                node,
                room,
                link,
                command,
                then,
            },
        );
    }

    pub(crate) fn arrive_at_redis(
        &mut self,
        node: usize,
        room: usize,
        link: u64,
        command: Command,
        then: Then,
    ) {
        // What a node sent before it died arrives.
        let reply = if self.nodes[node].link == Some(link) || !self.nodes[node].up {
            let (now, places) = (self.now, self.shape.places);
            let reply = self.redis.run(node, room, now, places, &command);
            if let Command::Publish(said) = &command
                && !self.write_down(node, room, said)
            {
                return;
            }
            if let Reply::Adopted { peers, .. } = &reply
                && !peers.is_empty()
            {
                let news = self.now + self.shape.delay * 10;
                let until = peers.iter().map(|peer| (*peer, news));
                self.ledger.adopted.extend(until);
                self.fan_out(node, room, &Gossip::Adopted(peers.clone()));
            }
            if let Command::Publish(said) = command {
                self.fan_out(node, room, &said);
            }
            reply
        } else {
            Reply::Failed
        };
        let at = (self.now + self.delay()).max(self.nodes[node].answered_until);
        self.nodes[node].answered_until = at;
        self.at(
            at,
            Action::Answer {
                node,
                room,
                link,
                reply,
                then,
            },
        );
    }

    /// What is said of the roster is written in the same step. Returns whether it may be said.
    fn write_down(&mut self, from: usize, room: usize, said: &Gossip<'static>) -> bool {
        let hash = &mut self.redis.rooms[room];
        match said {
            Gossip::Joined(record) => {
                self.redis.places[room].remove(&record.id);
                hash.insert(record.id, (record.clone(), from));
            }
            Gossip::Left { peer, .. } => {
                hash.remove(peer);
            }
            Gossip::Renewed(record) => match hash.get_mut(&record.id) {
                Some((known, owner)) if *owner == from => *known = record.clone(),
                _ => return false,
            },
            Gossip::Handover { to, peer, .. } => {
                let to = self.nodes.iter().position(|node| node.id == *to).unwrap();
                if !self.nodes[to].up {
                    self.ledger.excuse(*peer, u64::MAX);
                }
                match hash.get_mut(peer) {
                    Some((_, owner)) if *owner == from => *owner = to,
                    _ => return false,
                }
            }
            _ => {}
        }
        true
    }

    fn fan_out(&mut self, from: usize, room: usize, said: &Gossip<'static>) {
        let back = matches!(said, Gossip::Claim { .. } | Gossip::Adopted(_));
        if let Gossip::Left { peer, reason, .. } = said {
            self.note_left(room, *peer, *reason);
        }
        self.tell(|_| format!("  redis: r{room} n{from} {}", brief(said)));
        let subs: Vec<(usize, u64)> = self.redis.subs[room]
            .iter()
            .map(|(node, sub)| (*node, *sub))
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
        if served.room.is_none() {
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
            self.have_adopted(node, room, adopted);
        }
        if moved {
            self.check_owners(room);
        }
    }

    /// Opens the window of a peer that nobody waits for.
    fn wait_for(&mut self, node: usize, room: usize, peer: PeerId, until: Duration) {
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

    fn note_left(&mut self, room: usize, peer: PeerId, reason: LeaveReason) {
        if reason != LeaveReason::Kicked && !self.ledger.apart.contains(&room) {
            let before = self.ledger.gone.insert(peer, reason);
            assert!(before.is_none(), "announced gone twice: {peer} {reason:?}");
        }
    }

    /// Drops a replica that nobody here needs.
    pub(crate) fn maybe_forget(&mut self, node: usize, room: usize) {
        let idle = |served: &Served| {
            served.holds == 0
                && served
                    .room
                    .as_ref()
                    .is_none_or(|room| !room.is_served_here())
        };
        if self.nodes[node].rooms.get(&room).is_some_and(idle) {
            self.tell(|_| format!("n{node} forgets r{room}"));
            self.nodes[node].rooms.remove(&room);
            self.command(node, room, Command::Unsubscribe, Then::Nothing);
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
