//! Redis, as far as nodes use it: records of peers, keys that say who lives, subscriptions.
//!
//! What a message says of who has which peer is written in the same step as it is passed on,
//! as the scripts of the runtime do.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use switchboard::core::{Gossip, HostState, NodeId, PeerId, PeerRecord};

use crate::link::Arrival;

/// For how long a node is taken to live after it last said so, in milliseconds.
pub(crate) const ALIVE: u64 = 3_000;

/// For how long a place is kept for a peer that is about to join, in milliseconds.
const RESERVED: u64 = 5_000;

/// A peer and the node that has it.
pub(crate) type Owned = (PeerRecord, usize);

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Subscribe {
        sub: u64,
    },
    Unsubscribe {
        sub: u64,
    },
    Publish(Gossip<'static>),
    /// Checks that there is a place, and that the name is free, and takes both.
    Reserve(PeerId, Option<Arc<str>>),
    /// Gives a place back, and the name.
    Release(PeerId, Option<Arc<str>>),
    Read,
    /// Makes the records of a node what it says, and tells the others if they were not.
    Sync {
        own: Vec<PeerRecord>,
        /// Peers that the node thinks that others have, or has asked for.
        others: Vec<PeerId>,
        host: Option<HostState>,
        /// It could not be heard, or not hear: the others are told in any case.
        deaf: bool,
    },
    /// Asks whether the records say that the node has just these peers.
    Check {
        own: Vec<PeerId>,
        /// Those that it may have.
        arriving: Vec<PeerId>,
        host: Option<HostState>,
    },
    /// Takes over all that a node has that was found dead.
    Adopt(usize),
    /// Says that the node lives, and asks which others that have peers do not.
    Beat,
}

/// What the records of a room say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Page {
    pub(crate) peers: Vec<Owned>,
    pub(crate) host: Option<HostState>,
}

#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Done,
    /// There is no place, or the name is taken.
    Full,
    Page(Page),
    Checked(bool),
    Adopted {
        peers: Vec<PeerId>,
        page: Page,
    },
    Beaten {
        /// The node was taken to live before.
        lived: bool,
        /// Rooms, and dead nodes that have peers there.
        dead: Vec<(usize, usize)>,
    },
    /// Redis was not reached, or did not answer.
    Failed,
}

/// What a room's records are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records {
    pub(crate) hash: BTreeMap<PeerId, Owned>,
    /// Places taken for peers that are about to join, and until when.
    places: BTreeMap<PeerId, u64>,
    /// Who was made the host.
    pub(crate) host: Option<HostState>,
    /// The names that peers chose.
    names: BTreeMap<Arc<str>, PeerId>,
}

#[derive(Debug, Default)]
pub(crate) struct Redis {
    pub(crate) rooms: Vec<Records>,
    /// Who is subscribed to each room, and by which subscription.
    pub(crate) subs: Vec<BTreeSet<(usize, u64)>>,
    alive: BTreeMap<usize, u64>,
    /// Nobody reaches it before then.
    pub(crate) down_until: u64,
    /// It does nothing before then.
    pub(crate) frozen_until: u64,
    /// What came while it was frozen.
    pub(crate) waiting: VecDeque<Arrival>,
    /// What it last wrote to disk.
    pub(crate) saved: Vec<Records>,
}

impl Redis {
    pub(crate) fn new(rooms: usize) -> Self {
        Self {
            rooms: vec![Records::default(); rooms],
            saved: vec![Records::default(); rooms],
            subs: vec![BTreeSet::new(); rooms],
            ..Self::default()
        }
    }

    /// All data is lost, connections are not.
    pub(crate) fn flush(&mut self) {
        self.rooms = vec![Records::default(); self.rooms.len()];
        self.alive.clear();
    }

    /// It starts again with what was last written to disk, if that was kept.
    pub(crate) fn restart(&mut self, kept: bool) {
        self.flush();
        if kept {
            self.rooms = self.saved.clone();
        }
        self.subs.iter_mut().for_each(BTreeSet::clear);
        self.waiting.clear();
        self.frozen_until = 0;
    }

    /// Nobody gets to a node what it subscribed to.
    pub(crate) fn unsubscribe_all(&mut self, node: usize) {
        for subs in &mut self.subs {
            subs.retain(|(other, _)| *other != node);
        }
    }

    fn page(&self, room: usize) -> Page {
        let records = &self.rooms[room];
        Page {
            peers: records.hash.values().cloned().collect(),
            host: records.host,
        }
    }

    /// Runs a command of `node`. Returns what is to be passed on besides the answer.
    pub(crate) fn run(
        &mut self,
        (node, room, now): (usize, usize, u64),
        nodes: &[NodeId],
        places: usize,
        command: Command,
    ) -> (Reply, Option<Gossip<'static>>) {
        let records = &mut self.rooms[room];
        let reply = match command {
            Command::Subscribe { sub } => {
                self.subs[room].insert((node, sub));
                Reply::Done
            }
            Command::Unsubscribe { sub } => {
                self.subs[room].remove(&(node, sub));
                Reply::Done
            }
            Command::Publish(said) => {
                let news = records.write_down(node, nodes, &said).then_some(said);
                return (Reply::Done, news);
            }
            Command::Reserve(peer, alias) if records.reserve(peer, alias.as_ref(), now, places) => {
                Reply::Page(self.page(room))
            }
            Command::Reserve(..) => Reply::Full,
            Command::Release(peer, alias) => {
                records.places.remove(&peer);
                records.free(peer, alias.as_ref());
                Reply::Done
            }
            Command::Read => Reply::Page(self.page(room)),
            Command::Sync {
                own,
                others,
                host,
                deaf,
            } => {
                let news = records.sync(node, own, &others, host, deaf);
                return (Reply::Page(self.page(room)), news);
            }
            Command::Check {
                own,
                arriving,
                host,
            } => Reply::Checked(host <= records.host && records.agree(node, &own, &arriving)),
            Command::Adopt(dead) => {
                let peers = records.adopt(node, dead);
                let news = (!peers.is_empty()).then(|| Gossip::Adopted(peers.clone()));
                let page = self.page(room);
                return (Reply::Adopted { peers, page }, news);
            }
            Command::Beat => self.beat(node, now),
        };
        (reply, None)
    }

    fn is_dead(&self, node: usize, now: u64) -> bool {
        self.alive.get(&node).is_none_or(|until| *until <= now)
    }

    fn beat(&mut self, node: usize, now: u64) -> Reply {
        let lived = !self.is_dead(node, now);
        self.alive.insert(node, now + ALIVE);
        let mut dead = Vec::new();
        for (room, records) in self.rooms.iter().enumerate() {
            let owners: BTreeSet<usize> = records.hash.values().map(|(_, owner)| *owner).collect();
            let gone = owners.into_iter().filter(|owner| self.is_dead(*owner, now));
            dead.extend(gone.map(|owner| (room, owner)));
        }
        Reply::Beaten { lived, dead }
    }
}

impl Records {
    pub(crate) fn is_of(&self, peer: PeerId, node: usize) -> bool {
        self.owner(peer) == Some(node)
    }

    pub(crate) fn owner(&self, peer: PeerId) -> Option<usize> {
        self.hash.get(&peer).map(|(_, owner)| *owner)
    }

    fn of(&self, node: usize) -> impl Iterator<Item = &PeerId> {
        let own = self.hash.iter();
        own.filter(move |(_, (_, owner))| *owner == node)
            .map(|(id, _)| id)
    }

    /// Whether a node has just these peers, but for some that are on their way to it.
    fn agree(&self, node: usize, own: &[PeerId], arriving: &[PeerId]) -> bool {
        let known = |id: &PeerId| own.contains(id) || arriving.contains(id);
        own.iter().all(|id| self.is_of(*id, node)) && self.of(node).all(known)
    }

    /// Takes a place and a name, if there is one and the other is free.
    fn reserve(&mut self, peer: PeerId, alias: Option<&Arc<str>>, now: u64, places: usize) -> bool {
        self.places.retain(|_, until| *until > now);
        let other = alias.and_then(|alias| self.names.get(alias));
        let taken = other
            .is_some_and(|other| self.hash.contains_key(other) || self.places.contains_key(other));
        let free = !taken && self.hash.len() + self.places.len() < places;
        if free {
            self.places.insert(peer, now + RESERVED);
            self.names
                .extend(alias.map(|alias| (Arc::clone(alias), peer)));
        }
        free
    }

    /// Nobody goes by a name any more, unless another does.
    fn free(&mut self, peer: PeerId, alias: Option<&Arc<str>>) {
        if let Some(alias) = alias
            && self.names.get(alias) == Some(&peer)
        {
            self.names.remove(alias);
        }
    }

    /// Writes what is said of who has which peer. Returns whether it may be said.
    fn write_down(&mut self, from: usize, nodes: &[NodeId], said: &Gossip<'static>) -> bool {
        match said {
            Gossip::Joined(record) => {
                self.places.remove(&record.id);
                let alias = record.member.alias.clone();
                self.names.extend(alias.map(|alias| (alias, record.id)));
                self.hash.insert(record.id, (record.clone(), from));
            }
            Gossip::Left { peer, .. } => {
                if let Some((record, _)) = self.hash.remove(peer) {
                    self.free(*peer, record.member.alias.as_ref());
                    self.host = self.host.filter(|_| !self.hash.is_empty());
                }
            }
            Gossip::Host(state) if self.host > Some(*state) => return false,
            Gossip::Host(state) => self.host = Some(*state),
            Gossip::Handover { to, peer, .. } => match self.hash.get_mut(peer) {
                Some((_, owner)) if *owner == from => {
                    *owner = nodes.iter().position(|node| node == to).unwrap();
                }
                Some(_) => return false,
                None => {}
            },
            Gossip::Renewed(record) => match self.hash.get_mut(&record.id) {
                Some((known, owner)) if *owner == from => *known = record.clone(),
                _ => return false,
            },
            _ => {}
        }
        true
    }

    /// Removes what a node does not know, and adds what it has and nobody else is said to.
    fn sync(
        &mut self,
        node: usize,
        own: Vec<PeerRecord>,
        others: &[PeerId],
        host: Option<HostState>,
        deaf: bool,
    ) -> Option<Gossip<'static>> {
        let before = self.hash.len();
        let has = |id: &PeerId| others.contains(id) || own.iter().any(|record| record.id == *id);
        self.hash.retain(|id, (_, owner)| *owner != node || has(id));
        let mut changed = deaf || self.hash.len() != before;
        for record in own {
            if let Some(alias) = &record.member.alias {
                let other = self.names.get(alias);
                if other.is_none_or(|other| !self.hash.contains_key(other)) {
                    self.names.insert(Arc::clone(alias), record.id);
                }
            }
            changed |= !self.hash.contains_key(&record.id);
            let (known, owner) = self
                .hash
                .entry(record.id)
                .or_insert_with(|| (record.clone(), node));
            if *owner == node {
                *known = record;
            }
        }
        if host > self.host && !self.hash.is_empty() {
            self.host = host;
            changed = true;
        }
        let mine = self.hash.values().filter(|(_, owner)| *owner == node);
        let peers = mine.map(|(record, _)| record.clone()).collect();
        changed.then_some(Gossip::Roster {
            peers,
            deaf,
            mode: None,
            host,
        })
    }

    fn adopt(&mut self, node: usize, dead: usize) -> Vec<PeerId> {
        let mut peers = Vec::new();
        for (id, (_, owner)) in &mut self.hash {
            if *owner == dead {
                *owner = node;
                peers.push(*id);
            }
        }
        peers
    }
}
