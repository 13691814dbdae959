//! Bad luck.

use switchboard::core::PeerId;

use crate::world::{Action, World};

impl World {
    pub(crate) fn trouble(&mut self) {
        let up: Vec<usize> = (0..self.nodes.len())
            .filter(|node| self.nodes[*node].up)
            .collect();
        if self.is_calm() {
            return;
        }
        let victim = self.random.pick(&up).unwrap();
        match self.random.below(10) {
            0..4 if self.shape.crashes && up.len() > 1 => self.crash(victim),
            4..6 if up.len() < self.shape.nodes => self.start_node(),
            6..8 => self.nodes[victim].skew = self.random.between(0, 100_000),
            _ => {}
        }
        let pause = self.random.between(300, 4_000);
        self.after(pause, Action::Trouble);
    }

    /// A node dies, and with it all that it knew.
    fn crash(&mut self, number: usize) {
        let delivers = self.random.chance(50);
        let node = &mut self.nodes[number];
        node.up = false;
        if !delivers {
            node.link = None;
        }
        let rooms = std::mem::take(&mut node.rooms);
        self.tell(|_| format!("n{number} dies, what it sent arrives: {delivers}"));
        let mut hurt: Vec<PeerId> = Vec::new();
        for (room, served) in rooms {
            let own = served.room.iter().flat_map(|room| room.own_records());
            hurt.extend(own.map(|record| record.id));
            hurt.extend(served.claims.iter().map(|claim| claim.peer));
            let hash = self.redis.rooms[room].iter();
            let owned = hash.filter(|(_, (_, owner))| *owner == number);
            hurt.extend(owned.map(|(id, _)| *id));
            self.redis.subs[room].remove(&number);
        }
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
