//! Redis, as far as nodes use it: records of peers, keys that say who lives, subscriptions.

use std::collections::BTreeMap;

use switchboard::core::{Gossip, PeerId, PeerRecord};

/// For how long a node is taken to live after it last said so, in milliseconds.
pub(crate) const ALIVE: u64 = 3_000;

/// A peer and the node that has it.
pub(crate) type Owned = (PeerRecord, usize);

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Subscribe {
        sub: u64,
    },
    Unsubscribe,
    Publish(Gossip<'static>),
    /// Checks that there is a place, and takes it.
    Reserve(PeerId),
    /// Gives a place back.
    Release(PeerId),
    Read,
    /// Takes over all that a dead node has.
    Adopt(usize),
    /// Says that the node lives, and asks which others that have peers do not.
    Beat,
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Done,
    Full,
    Hash(Vec<Owned>),
    Adopted {
        peers: Vec<PeerId>,
        hash: Vec<Owned>,
    },
    /// Rooms, and dead nodes that have peers there.
    Dead(Vec<(usize, usize)>),
    /// Redis was not reached, or did not answer.
    Failed,
}

#[derive(Debug, Default)]
pub(crate) struct Redis {
    pub(crate) rooms: Vec<BTreeMap<PeerId, Owned>>,
    /// Places taken for peers that are about to join, and by whom.
    pub(crate) places: Vec<BTreeMap<PeerId, usize>>,
    /// Who is subscribed to each room, and by which subscription.
    pub(crate) subs: Vec<BTreeMap<usize, u64>>,
    alive: BTreeMap<usize, u64>,
}

impl Redis {
    pub(crate) fn new(rooms: usize) -> Self {
        Self {
            rooms: vec![BTreeMap::new(); rooms],
            places: vec![BTreeMap::new(); rooms],
            subs: vec![BTreeMap::new(); rooms],
            alive: BTreeMap::new(),
        }
    }

    fn hash(&self, room: usize) -> Vec<Owned> {
        self.rooms[room].values().cloned().collect()
    }

    /// Runs a command of `node`; publications are for the caller to deliver.
    pub(crate) fn run(
        &mut self,
        node: usize,
        room: usize,
        now: u64,
        places: usize,
        command: &Command,
    ) -> Reply {
        match command {
            Command::Subscribe { sub } => {
                self.subs[room].insert(node, *sub);
            }
            Command::Unsubscribe => {
                self.subs[room].remove(&node);
            }
            Command::Publish(_) => {}
            Command::Reserve(peer) => {
                let taken = self.rooms[room].len() + self.places[room].len();
                if taken >= places {
                    return Reply::Full;
                }
                self.places[room].insert(*peer, node);
                return Reply::Hash(self.hash(room));
            }
            Command::Release(peer) => {
                self.places[room].remove(peer);
            }
            Command::Read => return Reply::Hash(self.hash(room)),
            Command::Adopt(dead) => return self.adopt(node, room, *dead, now),
            Command::Beat => return self.beat(node, now),
        }
        Reply::Done
    }

    fn is_dead(&self, node: usize, now: u64) -> bool {
        self.alive.get(&node).is_none_or(|until| *until <= now)
    }

    fn adopt(&mut self, node: usize, room: usize, dead: usize, now: u64) -> Reply {
        let (hash, mut peers) = (self.hash(room), Vec::new());
        if self.is_dead(dead, now) {
            self.places[room].retain(|_, owner| *owner != dead);
            for (id, (_, owner)) in &mut self.rooms[room] {
                if *owner == dead {
                    *owner = node;
                    peers.push(*id);
                }
            }
        }
        Reply::Adopted { peers, hash }
    }

    fn beat(&mut self, node: usize, now: u64) -> Reply {
        self.alive.insert(node, now + ALIVE);
        let mut dead = Vec::new();
        for (room, hash) in self.rooms.iter().enumerate() {
            let mut owners: Vec<usize> = hash.values().map(|(_, owner)| *owner).collect();
            owners.extend(self.places[room].values());
            owners.sort_unstable();
            owners.dedup();
            owners.retain(|owner| self.is_dead(*owner, now));
            dead.extend(owners.into_iter().map(|owner| (room, owner)));
        }
        Reply::Dead(dead)
    }
}
