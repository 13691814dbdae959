//! What a node does after it could not hear, or not be heard: it puts its records right, and
//! holds what it knows against those of the others.

use switchboard::core::{Gossip, Mode, NodeId, PeerId, Room, RoomCode, RoomId};

use crate::{
    node::Then,
    redis::{Command, Page, Reply},
    world::{Action, World},
};

/// When the records are read once more, in milliseconds.
const SECOND_LOOK: u64 = 1_500;

/// How often a node looks whether its records are there, in milliseconds.
const CHECK: u64 = 5_000;

/// When it looks once more if they are not, in milliseconds.
const CHECK_AGAIN: u64 = 1_000;

impl World {
    /// Keeps a message for after the synchronisation, if there has to be one.
    pub(crate) fn keep_chat(
        &mut self,
        node: usize,
        room: usize,
        said: Option<&Gossip<'static>>,
    ) -> bool {
        let up = self.nodes[node].link.number.is_some();
        match self.nodes[node].rooms.get_mut(&room) {
            Some(served) if served.deaf || !up => {
                served.held.extend(said.cloned());
                true
            }
            _ => false,
        }
    }

    /// The subscriptions are lost. What comes until the records were read is kept back; what
    /// was kept back so far is older than the loss.
    pub(crate) fn go_deaf(&mut self, node: usize) {
        let rooms: Vec<usize> = self.nodes[node].rooms.keys().copied().collect();
        for room in rooms {
            let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
                continue;
            };
            served.sub = None;
            served.deaf = true;
            served.reading = 0;
            if let Some(room) = &mut served.room {
                room.lose_touch();
            }
            served.adopting = 0;
            let waiting = std::mem::take(&mut served.waiting);
            if served.room.is_some() {
                for (from, said) in waiting {
                    self.hear(node, room, from, said);
                }
            }
            self.maybe_forget(node, room);
        }
    }

    pub(crate) fn listen_again(&mut self, node: usize) {
        self.clean_up(node);
        let rooms: Vec<usize> = self.nodes[node].rooms.keys().copied().collect();
        for room in rooms {
            let sub = self.draw();
            if let Some(served) = self.nodes[node].rooms.get_mut(&room) {
                served.sub = Some(sub);
                served.heard_until = 0;
                self.command(node, room, Command::Subscribe { sub }, Then::Sync);
            }
        }
    }

    /// Removes the records of all rooms that the node served once, and does not any more: they
    /// may be from before.
    pub(crate) fn clean_up(&mut self, node: usize) {
        for room in self.nodes[node].leftovers.clone() {
            self.leave_no_records(node, room);
        }
    }

    /// Removes the records of a room that the node does not serve any more.
    pub(crate) fn leave_no_records(&mut self, node: usize, room: usize) {
        if !self.nodes[node].rooms.contains_key(&room) {
            let command = Command::Sync {
                own: Vec::new(),
                others: Vec::new(),
                host: None,
                deaf: false,
            };
            self.command(node, room, command, Then::Nothing);
        }
    }

    /// Puts the records of a room right. What is heard from now on waits until they were read.
    pub(crate) fn sync(&mut self, node: usize, room: usize) {
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        if served.sub.is_none() {
            return;
        }
        served.reading += 1;
        let deaf = served.deaf;
        let replica = served.room.as_ref();
        let own = replica.map(Room::own_records).unwrap_or_default();
        let others = replica.map(Room::remote_peers).unwrap_or_default();
        let host = replica.and_then(Room::appointed);
        self.tell(|_| format!("n{node} r{room} syncs {}", own.len()));
        self.keep(node, room);
        let command = Command::Sync {
            own,
            others,
            host,
            deaf,
        };
        self.command(node, room, command, Then::Synced);
    }

    pub(crate) fn go_on_syncing(&mut self, node: usize, room: usize, reply: Reply) {
        let Reply::Page(page) = reply else {
            self.end_reading(node, room);
            self.release(node, room);
            return;
        };
        self.set_apart(room);
        self.refresh(node, room, page, &[]);
        self.end_deafness(node, room);
        self.end_reading(node, room);
        self.after(SECOND_LOOK, Action::SecondLook { node, room });
    }

    pub(crate) fn second_look(&mut self, node: usize, room: usize) {
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        let known = served.room.as_ref().map(Room::remote_peers);
        served.reading += 1;
        let then = Then::Refresh(known.unwrap_or_default());
        self.command(node, room, Command::Read, then);
    }

    pub(crate) fn go_on_looking(
        &mut self,
        node: usize,
        room: usize,
        known: &[PeerId],
        reply: Reply,
    ) {
        if let Reply::Page(page) = reply {
            self.refresh(node, room, page, known);
        }
        self.end_reading(node, room);
        self.release(node, room);
    }

    /// Applies the records to a replica, which is made if there is none.
    pub(crate) fn refresh(&mut self, node: usize, room: usize, page: Page, doubtful: &[PeerId]) {
        let (limits, now) = (self.limits(), self.clock());
        let ids: Vec<NodeId> = self.nodes.iter().map(|node| node.id.clone()).collect();
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        served.room.get_or_insert_with(|| {
            let code: RoomCode = format!("r{room}").parse().unwrap();
            let (id, me) = (RoomId::from_code(&code), ids[node].clone());
            Room::new(id, code, Mode::P2p, limits, me)
        });
        let roster = page
            .peers
            .into_iter()
            .map(|(record, owner)| (record, ids[owner].clone()))
            .collect();
        self.tell(|_| format!("n{node} r{room} reads the records"));
        self.keep(node, room);
        let windows = self.act(node, room, |room, out| {
            room.change_host(page.host, out);
            room.refresh(roster, doubtful, now, out)
        });
        for (peer, until) in windows.unwrap_or_default() {
            self.wait_for(node, room, peer, until);
        }
        self.release(node, room);
    }

    fn end_deafness(&mut self, node: usize, room: usize) {
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        if !served.deaf {
            return;
        }
        served.deaf = false;
        let own = served.room.iter().flat_map(Room::own_records);
        let own: Vec<PeerId> = own.map(|record| record.id).collect();
        for said in std::mem::take(&mut served.held) {
            self.command(node, room, Command::Publish(said), Then::Nothing);
        }
        for peer in own {
            self.ledger.hears_again(peer, self.now);
        }
    }

    /// A read is over.
    fn end_reading(&mut self, node: usize, room: usize) {
        if let Some(served) = self.nodes[node].rooms.get_mut(&room) {
            served.reading = served.reading.saturating_sub(1);
            self.hear_waiting(node, room);
        }
    }

    /// Hears what was kept back, if it need not be any more.
    pub(crate) fn hear_waiting(&mut self, node: usize, room: usize) {
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        if served.keeps_back() {
            return;
        }
        let waiting = std::mem::take(&mut served.waiting);
        self.keep(node, room);
        for (from, said) in waiting {
            self.hear(node, room, from, said);
        }
        self.release(node, room);
    }

    /// Looks whether the records of this node's peers are there.
    pub(crate) fn check_all_records(&mut self, node: usize) {
        if self.nodes[node].up {
            let rooms: Vec<usize> = self.nodes[node].rooms.keys().copied().collect();
            for room in rooms {
                self.check_records_of(node, room, Then::Check);
            }
            self.after(CHECK, Action::Check(node));
        }
    }

    pub(crate) fn check_records_of(&mut self, node: usize, room: usize, then: Then) {
        if let Some(served) = self.nodes[node].rooms.get(&room)
            && let Some(replica) = &served.room
            && !served.deaf
            && served.adopting == 0
        {
            let own = replica.own_records();
            let own = own.into_iter().map(|record| record.id).collect();
            let arriving = replica.arriving();
            let command = Command::Check {
                own,
                arriving,
                host: replica.appointed(),
            };
            self.command(node, room, command, then);
        }
    }

    /// What does not agree may be news that is on its way: it has to stay so.
    pub(crate) fn go_on_checking(&mut self, node: usize, room: usize, reply: &Reply, sure: bool) {
        if matches!(reply, Reply::Checked(false)) {
            self.tell(|_| format!("n{node} r{room} finds other records, sure: {sure}"));
            if sure {
                self.sync(node, room);
            } else {
                self.after(CHECK_AGAIN, Action::CheckAgain { node, room });
            }
        }
    }
}
