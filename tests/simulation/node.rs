//! What a node does around its rooms.

use std::collections::BTreeMap;

use switchboard::core::{Gossip, Mode, Newcomer, NodeId, PeerId, Room, RoomCode, RoomId};

use crate::{
    post::ConnId,
    redis::{Command, Owned, Reply},
    resume::{Claim, Wish},
    world::{Action, World},
};

/// Between two signs of life, in milliseconds.
const BEAT: u64 = 1_000;

/// The wall clock when the history begins, in milliseconds.
const EPOCH: u64 = 1_700_000_000_000;

/// A room that a node serves, or is about to.
#[derive(Debug, Default)]
pub(crate) struct Served {
    pub(crate) room: Option<Room<ConnId>>,
    pub(crate) sub: Option<u64>,
    pub(crate) heard_until: u64,
    /// What was heard before there was a replica.
    pub(crate) waiting: Vec<(usize, Gossip<'static>)>,
    /// How many tasks need it.
    pub(crate) holds: usize,
    pub(crate) claims: Vec<Claim>,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) up: bool,
    /// The number of its connection to Redis, if it has one.
    pub(crate) link: Option<u64>,
    pub(crate) sent_until: u64,
    pub(crate) answered_until: u64,
    /// How far its wall clock is ahead.
    pub(crate) skew: u64,
    /// From when on it may say that others are dead.
    pub(crate) judges_from: u64,
    pub(crate) rooms: BTreeMap<usize, Served>,
}

/// What a node goes on with when Redis has answered.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Join(Box<Newcomer<ConnId>>),
    Claim(Box<Wish>),
    Adopt(usize),
    Judge,
}

impl World {
    pub(crate) fn start_node(&mut self) {
        let number = self.nodes.len();
        let id = NodeId::from(&*format!("n{number}"));
        let skew = self.random.between(0, 10_000);
        self.nodes.push(Node {
            id,
            up: true,
            link: Some(1),
            sent_until: 0,
            answered_until: 0,
            skew,
            judges_from: 0,
            rooms: BTreeMap::new(),
        });
        self.tell(|_| format!("n{number} starts"));
        self.after(0, Action::Beat(number));
    }

    pub(crate) fn wall_clock(&self, node: usize) -> u64 {
        EPOCH + self.now + self.nodes[node].skew
    }

    /// Subscribes to a room, and keeps it from being forgotten.
    pub(crate) fn hold(&mut self, node: usize, room: usize) {
        let sub = self.draw();
        let served = self.nodes[node].rooms.entry(room).or_default();
        served.holds += 1;
        if served.sub.is_none() {
            served.sub = Some(sub);
            self.command(node, room, Command::Subscribe { sub }, Then::Nothing);
        }
    }

    pub(crate) fn release(&mut self, node: usize, room: usize) {
        if let Some(served) = self.nodes[node].rooms.get_mut(&room) {
            served.holds -= 1;
            self.maybe_forget(node, room);
        }
    }

    pub(crate) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    pub(crate) fn go_on(&mut self, node: usize, room: usize, reply: Reply, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Join(newcomer) => self.go_on_joining(node, room, *newcomer, reply),
            Then::Claim(wish) => self.go_on_claiming(node, room, &wish, reply),
            Then::Adopt(dead) => self.go_on_adopting(node, room, dead, reply),
            Then::Judge => self.judge(node, reply),
        }
    }

    /// Makes a replica from what Redis said, if there is none.
    pub(crate) fn learn(&mut self, node: usize, room: usize, hash: Vec<Owned>) {
        let (limits, now) = (self.limits(), self.clock());
        let ids: Vec<NodeId> = self.nodes.iter().map(|node| node.id.clone()).collect();
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        if served.room.is_some() {
            return;
        }
        let code: RoomCode = format!("r{room}").parse().unwrap();
        let mut replica = Room::new(
            RoomId::from_code(&code),
            code,
            Mode::P2p,
            limits,
            ids[node].clone(),
        );
        let roster = hash.into_iter();
        let roster = roster.map(|(record, owner)| (record, ids[owner].clone()));
        replica.refresh(roster.collect(), &[], now, &mut self.post);
        served.room = Some(replica);
        for (from, said) in std::mem::take(&mut served.waiting) {
            self.hear(node, room, from, said);
        }
    }

    fn go_on_joining(&mut self, node: usize, room: usize, new: Newcomer<ConnId>, reply: Reply) {
        let (peer, conn) = (new.peer, new.conn);
        let joined = match reply {
            Reply::Full => false,
            reply => {
                let hash = match reply {
                    Reply::Hash(hash) => hash,
                    _ => Vec::new(),
                };
                self.learn(node, room, hash);
                let joined = self.act(node, room, |room, out| room.join(new, out));
                let joined = joined.is_some_and(|joined| joined.is_ok());
                if !joined {
                    self.command(node, room, Command::Release(peer), Then::Nothing);
                }
                joined
            }
        };
        if !joined {
            self.refused_to_join(conn);
        }
        self.release(node, room);
    }

    pub(crate) fn expire(&mut self, node: usize, room: usize, peer: PeerId) {
        if self.nodes[node].up {
            let now = self.clock();
            self.act(node, room, |room, out| room.expire(peer, now, out));
        }
    }

    pub(crate) fn beat(&mut self, node: usize) {
        if self.nodes[node].up {
            self.command(node, 0, Command::Beat, Then::Judge);
            let pause = self.random.between(BEAT - 100, BEAT + 100);
            self.after(pause, Action::Beat(node));
            (0..self.shape.rooms).for_each(|room| self.check_owners(room));
        }
    }

    fn judge(&mut self, node: usize, reply: Reply) {
        let Reply::Dead(dead) = reply else { return };
        if self.now < self.nodes[node].judges_from {
            return;
        }
        for (room, dead) in dead {
            self.hold(node, room);
            self.command(node, room, Command::Adopt(dead), Then::Adopt(dead));
        }
    }

    fn go_on_adopting(&mut self, node: usize, room: usize, dead: usize, reply: Reply) {
        if let Reply::Adopted { peers, hash } = reply
            && !peers.is_empty()
        {
            self.tell(|_| format!("n{node} r{room} adopts {peers:?} of n{dead}"));
            self.learn(node, room, hash);
        } else {
            self.release(node, room);
        }
    }

    /// Adopted peers are here now.
    pub(crate) fn have_adopted(&mut self, node: usize, room: usize, peers: Vec<PeerId>) {
        for peer in peers {
            self.ledger.excuse(peer, self.now);
        }
        self.release(node, room);
    }
}
