//! What has to be true of the whole.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use switchboard::core::{PeerId, Seat};

use crate::{client::Phase, world::World};

impl World {
    /// The nodes that have each peer of a room.
    fn owners(&self, room: usize) -> BTreeMap<PeerId, Vec<usize>> {
        let mut owners = BTreeMap::<PeerId, Vec<usize>>::new();
        for (number, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.up) {
            let served = node.rooms.get(&room);
            let replica = served.and_then(|served| served.room.as_ref());
            for own in replica.iter().flat_map(|room| room.own_records()) {
                owners.entry(own.id).or_default().push(number);
            }
        }
        owners
    }

    /// No two nodes have the same peer.
    pub(crate) fn check_owners(&self, room: usize) {
        if self.is_apart(room) {
            return;
        }
        for (peer, nodes) in self.owners(room) {
            let adopted = self.ledger.adopted.get(&peer);
            if adopted.is_some_and(|until| self.now <= *until) {
                continue;
            }
            assert!(
                nodes.len() == 1,
                "two owners: {peer} of r{room} on {nodes:?}"
            );
        }
        let full = self.redis.rooms[room].hash.len() <= self.shape.places;
        assert!(
            full || self.ledger.was_ever_apart(room),
            "over the bound: r{room}"
        );
        self.check_names(room);
    }

    /// No two peers have the same name, if those who gave them could ask Redis.
    fn check_names(&self, room: usize) {
        let records = self.redis.rooms[room].hash.values();
        let mut names = HashSet::new();
        for (record, _) in records {
            if let Some(alias) = &record.member.alias {
                assert!(
                    names.insert(alias) || self.ledger.was_ever_apart(room),
                    "two are called {alias}: r{room}"
                );
            }
        }
    }

    /// Everything has come to rest: all agree.
    pub(crate) fn check_rest(&self) {
        let mut settled = BTreeSet::new();
        for room in 0..self.shape.rooms {
            let owners = self.owners(room);
            settled.extend(owners.keys().copied());
            self.check_records(room, &owners);
            self.check_replicas(room, &owners);
        }
        self.check_clients(&settled);
        self.ledger.check_settled(&settled);
    }

    fn check_records(&self, room: usize, owners: &BTreeMap<PeerId, Vec<usize>>) {
        let hash = self.redis.rooms[room].hash.iter();
        let hash: BTreeMap<PeerId, Vec<usize>> =
            hash.map(|(id, (_, owner))| (*id, vec![*owner])).collect();
        assert!(
            hash == *owners,
            "records: r{room} {hash:?} where nodes have {owners:?}"
        );
    }

    fn check_replicas(&self, room: usize, owners: &BTreeMap<PeerId, Vec<usize>>) {
        let Some(first) = owners.keys().next() else {
            return;
        };
        let mut orders = BTreeMap::new();
        for (number, node) in self.nodes.iter().enumerate().filter(|(_, node)| node.up) {
            let served = node.rooms.get(&room);
            let Some(replica) = served.and_then(|served| served.room.as_ref()) else {
                continue;
            };
            let view = replica.view(*first);
            assert!(view.is_some(), "missing: {first} of r{room} on n{number}");
            let view = view.unwrap();
            let order: Vec<PeerId> = view.peers.iter().map(|info| info.id).collect();
            let mut all: BTreeSet<PeerId> = order.iter().copied().collect();
            all.insert(*first);
            assert!(
                all.iter().eq(owners.keys()),
                "ghosts or missing: n{number} r{room} has {all:?}, nodes have {owners:?}"
            );
            orders.insert((view.host, order), number);
        }
        assert!(orders.len() <= 1, "orders differ: r{room} {orders:?}");
    }

    fn check_clients(&self, settled: &BTreeSet<PeerId>) {
        let mut present = BTreeSet::new();
        for client in &self.clients {
            if client.phase == Phase::Out {
                continue;
            }
            assert!(client.phase == Phase::In, "stuck: {client:?}");
            let (stay, conn) = (client.stay.as_ref().unwrap(), client.conn.unwrap());
            let node = &self.nodes[self.post.conns[conn].node];
            let served = node.rooms.get(&stay.room);
            let replica = served.and_then(|served| served.room.as_ref());
            let (peer, conn) = (stay.peer, &conn);
            assert!(
                replica.is_some_and(|room| room.holds(Seat { peer, conn })),
                "in no room: {peer} at rest"
            );
            present.insert(peer);
            let view = replica.and_then(|room| room.view(peer)).unwrap();
            let others: BTreeSet<PeerId> = view.peers.iter().map(|info| info.id).collect();
            let history = &stay.eyes.as_ref().unwrap().history;
            assert!(
                history.others == others && history.host == view.host,
                "wrong picture: {peer} sees {history:?}, the room is {others:?}"
            );
        }
        assert!(
            present == *settled,
            "nobody behind: clients {present:?}, peers {settled:?}"
        );
    }
}
