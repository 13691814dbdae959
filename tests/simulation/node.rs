//! What a node does around its rooms.

use std::collections::{BTreeMap, BTreeSet};

use switchboard::core::{Gossip, Newcomer, NodeId, PeerId, Room};

use crate::{
    link::{HESITATION, Link},
    post::ConnId,
    redis::{Command, Page, Reply},
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
    /// What was heard and has to wait until the records were read.
    pub(crate) waiting: Vec<(usize, Gossip<'static>)>,
    /// How many tasks need it.
    pub(crate) holds: usize,
    /// How many adoptions are on their way back.
    pub(crate) adopting: usize,
    /// How many reads are under way.
    pub(crate) reading: usize,
    /// It could not hear for a time, and has not read the records since.
    pub(crate) deaf: bool,
    /// Messages to be passed on when it has.
    pub(crate) held: Vec<Gossip<'static>>,
    pub(crate) claims: Vec<Claim>,
}

impl Served {
    /// Whether what is heard has to wait.
    pub(crate) fn keeps_back(&self) -> bool {
        self.room.is_none() || self.deaf || self.reading > 0
    }

    pub(crate) fn is_idle(&self) -> bool {
        let empty = self.room.as_ref().is_none_or(|room| !room.is_served_here());
        empty && self.holds == 0 && self.adopting == 0 && self.held.is_empty()
    }
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) id: NodeId,
    pub(crate) up: bool,
    pub(crate) link: Link,
    /// Whether it gets what it subscribed to.
    pub(crate) ears: bool,
    /// How far its wall clock is ahead.
    pub(crate) skew: u64,
    pub(crate) rooms: BTreeMap<usize, Served>,
    /// Rooms that it served.
    pub(crate) leftovers: BTreeSet<usize>,
}

/// What a node goes on with when Redis has answered.
#[derive(Debug)]
pub(crate) enum Then {
    Nothing,
    Join(Box<Newcomer<ConnId>>),
    Claim(Box<Wish>),
    Adopt(usize),
    TakeOver(usize),
    Judge,
    Check,
    CheckAgain,
    Sync,
    Synced,
    Refresh(Vec<PeerId>),
}

impl World {
    pub(crate) fn start_node(&mut self) {
        let number = self.nodes.len();
        let id = NodeId::from(&*format!("n{number}"));
        let skew = self.random.between(0, 10_000);
        self.nodes.push(Node {
            id,
            up: true,
            link: Link::new(),
            ears: true,
            skew,
            rooms: BTreeMap::new(),
            leftovers: BTreeSet::new(),
        });
        if self.now < self.redis.down_until {
            self.nodes[number].link.number = None;
            self.try_link_later(number);
        }
        self.tell(|_| format!("n{number} starts"));
        self.after(0, Action::Beat(number));
        let pause = self.random.between(1, 5_000);
        self.after(pause, Action::Check(number));
    }

    pub(crate) fn wall_clock(&self, node: usize) -> u64 {
        EPOCH + self.now + self.nodes[node].skew
    }

    /// Subscribes to a room, and keeps it from being forgotten.
    pub(crate) fn hold(&mut self, node: usize, room: usize) {
        let sub = self.draw();
        let linked = self.nodes[node].link.number.is_some();
        if !self.nodes[node].ears {
            self.set_apart(room);
        }
        let served = self.nodes[node].rooms.entry(room).or_default();
        served.holds += 1;
        if !linked {
            served.deaf = true;
        } else if served.sub.is_none() {
            served.sub = Some(sub);
            self.command(node, room, Command::Subscribe { sub }, Then::Nothing);
        }
    }

    /// Whether a node hears what is said in a room.
    pub(crate) fn hears(&self, node: usize, room: usize) -> bool {
        let node = &self.nodes[node];
        node.ears && node.rooms.get(&room).is_some_and(|served| !served.deaf)
    }

    /// Keeps a room from being forgotten in the middle of something.
    pub(crate) fn keep(&mut self, node: usize, room: usize) {
        if let Some(served) = self.nodes[node].rooms.get_mut(&room) {
            served.holds += 1;
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
            Then::TakeOver(ending) => self.go_on_taking_over(node, room, ending, reply),
            Then::Judge => self.judge(node, &reply),
            Then::Check => self.go_on_checking(node, room, &reply, false),
            Then::CheckAgain => self.go_on_checking(node, room, &reply, true),
            Then::Sync => self.sync(node, room),
            Then::Synced => self.go_on_syncing(node, room, reply),
            Then::Refresh(known) => self.go_on_looking(node, room, &known, reply),
        }
    }

    /// Makes a replica from what Redis said, if there is none.
    pub(crate) fn learn(&mut self, node: usize, room: usize, reply: Reply) {
        let served = self.nodes[node].rooms.get(&room);
        if served.is_some_and(|served| served.room.is_none()) {
            let page = match reply {
                Reply::Page(page) | Reply::Adopted { page, .. } => page,
                _ => Page::default(),
            };
            self.refresh(node, room, page, &[]);
            self.hear_waiting(node, room);
        }
    }

    fn go_on_joining(&mut self, node: usize, room: usize, new: Newcomer<ConnId>, reply: Reply) {
        let (peer, conn, alias) = (new.peer, new.conn, new.member.alias.clone());
        let full = matches!(reply, Reply::Full);
        let mut joined = false;
        if !full {
            self.learn(node, room, reply);
            let answer = self.act(node, room, |room, out| room.join(new, out));
            joined = answer.is_some_and(|answer| answer.is_ok());
        }
        if !joined {
            self.command(node, room, Command::Release(peer, alias), Then::Nothing);
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
            if self.nodes.iter().position(|node| node.up) == Some(node) {
                (0..self.shape.rooms).for_each(|room| self.check_owners(room));
            }
        }
    }

    fn judge(&mut self, node: usize, reply: &Reply) {
        let Reply::Beaten { lived, dead } = reply else {
            return;
        };
        if !lived {
            // Others may have said that it is dead; or all keys are gone, those of others too.
            let link = &mut self.nodes[node].link;
            link.judges_from = link.judges_from.max(self.now + HESITATION);
            let rooms: Vec<usize> = self.nodes[node].rooms.keys().copied().collect();
            rooms.into_iter().for_each(|room| self.sync(node, room));
            self.clean_up(node);
        }
        let link = &self.nodes[node].link;
        if link.number.is_none() || self.now < link.judges_from {
            return;
        }
        for (room, dead) in dead {
            self.hold(node, *room);
            self.command(node, *room, Command::Adopt(*dead), Then::Adopt(*dead));
        }
    }

    fn go_on_adopting(&mut self, node: usize, room: usize, dead: usize, reply: Reply) {
        if let Reply::Adopted { peers, .. } = &reply
            && !peers.is_empty()
        {
            self.tell(|_| format!("n{node} r{room} adopts {peers:?} of n{dead}"));
            if let Some(served) = self.nodes[node].rooms.get_mut(&room) {
                served.adopting += 1;
            }
            self.learn(node, room, reply);
        }
        self.release(node, room);
    }
}
