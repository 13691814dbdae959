//! Bad luck.

use switchboard::core::{PeerId, Room};

use crate::world::{Action, World};

/// For how long Redis may be away or stand still, in milliseconds.
const AWAY: u64 = 6_000;

/// How long after the last trouble began the last connection is back, in milliseconds.
pub(crate) const OUTAGE: u64 = 16_000;

impl World {
    pub(crate) fn trouble(&mut self) {
        if self.is_calm() {
            return;
        }
        if self.shape.losses && self.random.chance(50) {
            self.lose_each_other();
        } else {
            self.lose_nodes();
        }
        let pause = self.random.between(300, 4_000);
        self.after(pause, Action::Trouble);
    }

    fn up(&self) -> Vec<usize> {
        (0..self.nodes.len())
            .filter(|node| self.nodes[*node].up)
            .collect()
    }

    fn lose_nodes(&mut self) {
        let up = self.up();
        let victim = self.random.pick(&up).unwrap();
        match self.random.below(10) {
            0..4 if self.shape.crashes && up.len() > 1 => self.crash(victim),
            4..6 if up.len() < self.shape.nodes => self.start_node(),
            6..8 => self.nodes[victim].skew = self.random.between(0, 100_000),
            8 => {
                let heir = self.random.pick(&up).unwrap();
                if heir != victim {
                    self.bequeath(victim, heir);
                }
            }
            _ => {}
        }
    }

    /// Nodes or Redis cannot be reached, or Redis loses what it knows.
    fn lose_each_other(&mut self) {
        let up = self.up();
        match self.random.below(12) {
            0..3 => {
                let victim = self.random.pick(&up).unwrap();
                self.cut(victim);
            }
            3..5 => {
                for node in up {
                    if self.random.chance(50) {
                        self.cut(node);
                    }
                }
            }
            5..7 => {
                let victim = self.random.pick(&up).unwrap();
                self.deafen(victim);
            }
            7 => self.restart_redis(),
            8 => {
                self.tell(|_| "redis loses all".into());
                self.set_all_apart();
                self.redis.flush();
            }
            9 => self.redis.saved = self.redis.rooms.clone(),
            _ => {
                let pause = self.random.between(1, AWAY);
                self.tell(|_| format!("redis stands still for {pause}"));
                self.redis.frozen_until = self.redis.frozen_until.max(self.now + pause);
                self.at(self.redis.frozen_until, Action::Thaw);
            }
        }
    }

    fn set_all_apart(&mut self) {
        (0..self.shape.rooms).for_each(|room| self.set_apart(room));
    }

    /// A node cannot reach Redis, and may find that later.
    fn cut(&mut self, node: usize) {
        let arrives = self.random.chance(30);
        let Some(number) = self.nodes[node].link.number else {
            return;
        };
        self.tell(|_| format!("n{node} is cut off, what it sent arrives: {arrives}"));
        self.nodes[node].link.broken.push((number, arrives));
        self.deafen(node);
    }

    /// A node hears nothing any more, and finds that later.
    fn deafen(&mut self, node: usize) {
        let Some(link) = self.nodes[node].link.number else {
            return;
        };
        self.tell(|_| format!("n{node} goes deaf"));
        self.nodes[node].ears = false;
        self.redis.unsubscribe_all(node);
        self.lose_hearing(node);
        let longest = self.random.pick(&[1, 300, 1_500]).unwrap();
        let pause = self.random.between(0, longest);
        self.after(pause, Action::LoseLink { node, link });
    }

    /// Those who are connected to the node do not get all that the others say.
    fn lose_hearing(&mut self, node: usize) {
        let rooms: Vec<usize> = self.nodes[node].rooms.keys().copied().collect();
        for room in rooms {
            self.set_apart(room);
            for peer in self.looked_after(node, room) {
                self.ledger.goes_deaf(peer);
            }
            let replica = self.nodes[node].rooms[&room].room.as_ref();
            for peer in replica.map(Room::arriving).unwrap_or_default() {
                self.ledger.excuse(peer, u64::MAX);
            }
        }
    }

    /// The peers that are lost with a node.
    fn looked_after(&self, node: usize, room: usize) -> Vec<PeerId> {
        let served = &self.nodes[node].rooms[&room];
        let own = served.room.iter().flat_map(Room::own_records);
        let mut peers: Vec<PeerId> = own.map(|record| record.id).collect();
        peers.extend(served.room.iter().flat_map(Room::arriving));
        let hash = self.redis.rooms[room].hash.iter();
        let owned = hash.filter(|(_, (_, owner))| *owner == node);
        peers.extend(owned.map(|(id, _)| *id));
        peers
    }

    fn restart_redis(&mut self) {
        let (kept, pause) = (self.random.chance(50), self.random.between(1, AWAY));
        self.tell(|_| format!("redis is away for {pause}, and kept some: {kept}"));
        if kept {
            self.excuse_outdated();
        }
        self.redis.restart(kept);
        self.redis.down_until = self.now + pause;
        self.set_all_apart();
        for node in self.up() {
            self.cut(node);
        }
    }

    /// Nodes may get peers back that others have had since.
    fn excuse_outdated(&mut self) {
        let rooms = self.redis.rooms.iter().zip(&self.redis.saved);
        let records = rooms.flat_map(|(now, saved)| {
            let other = |id, (_, owner): &(_, usize)| saved.owner(id).is_some_and(|o| o != *owner);
            let now = now.hash.iter();
            now.filter(move |(id, owned)| other(**id, owned))
                .map(|(id, _)| *id)
        });
        let outdated: Vec<PeerId> = records.collect();
        for peer in outdated {
            self.ledger.excuse(peer, u64::MAX);
        }
    }

    /// A node dies, and with it all that it knew.
    fn crash(&mut self, number: usize) {
        let delivers = self.random.chance(50);
        self.tell(|_| format!("n{number} dies, what it sent arrives: {delivers}"));
        let mut hurt: Vec<PeerId> = Vec::new();
        let rooms: Vec<usize> = self.nodes[number].rooms.keys().copied().collect();
        for room in rooms {
            hurt.extend(self.looked_after(number, room));
            let served = &self.nodes[number].rooms[&room];
            hurt.extend(served.claims.iter().map(|claim| claim.peer));
        }
        let node = &mut self.nodes[number];
        node.up = false;
        node.rooms.clear();
        let link = node.link.number.take();
        node.link.broken.extend(link.map(|link| (link, delivers)));
        self.redis.unsubscribe_all(number);
        for peer in hurt {
            self.ledger.excuse(peer, u64::MAX);
        }
        for conn in 0..self.post.conns.len() {
            if self.post.conns[conn].node == number {
                self.bereave(conn);
            }
        }
    }
}
