//! Coming back: on the node that has the peer, or on another.

use switchboard::core::{self, PeerId, ResumeSecret, Seat, UserId};

use crate::{
    node::Then,
    post::{ConnId, Line},
    redis::{Command, Reply},
    world::{Action, World},
};

/// How long a node waits for another to hand a peer over, in milliseconds.
const PATIENCE: u64 = 2_000;

/// A connection that wants to be a peer again.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) conn: ConnId,
    pub(crate) peer: PeerId,
    pub(crate) user: UserId,
    pub(crate) secret: Option<ResumeSecret>,
    pub(crate) fresh: ResumeSecret,
}

impl Wish {
    fn claim(&self) -> core::Claim<'_> {
        core::Claim {
            user: &self.user,
            secret: self.secret.as_ref(),
            fresh: self.fresh,
        }
    }
}

/// A wish that another node was asked to grant.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) conn: ConnId,
    pub(crate) peer: PeerId,
    /// The connection was lost meanwhile.
    pub(crate) lost: bool,
}

impl World {
    pub(crate) fn resume(&mut self, node: usize, room: usize, wish: Wish) {
        if !self.resume_here(node, room, &wish) {
            self.hold(node, room);
            self.command(node, room, Command::Read, Then::Claim(Box::new(wish)));
        }
    }

    fn resume_here(&mut self, node: usize, room: usize, wish: &Wish) -> bool {
        let resumed = self.act(node, room, |room, out| {
            room.resume(wish.peer, wish.claim(), &wish.conn, out)
        });
        resumed.is_some_and(|resumed| resumed.is_ok())
    }

    pub(crate) fn go_on_claiming(&mut self, node: usize, room: usize, wish: &Wish, reply: Reply) {
        let known = matches!(&reply, Reply::Page(page)
            if page.peers.iter().any(|(record, _)| record.id == wish.peer));
        if known {
            self.learn(node, room, reply);
        }
        let wanted = self.post.is_alive(wish.conn);
        if !(known && wanted && self.claim(node, room, wish)) {
            self.refused_to_resume(wish.conn);
        }
        self.release(node, room);
    }

    /// Asks for a peer, if it is not here. Returns whether there is hope.
    fn claim(&mut self, node: usize, room: usize, wish: &Wish) -> bool {
        if self.resume_here(node, room, wish) {
            return true;
        }
        let (conn, peer) = (wish.conn, wish.peer);
        let claimed = self.act(node, room, |room, out| {
            room.claim(peer, wish.claim(), &conn, out)
        });
        let claimed = claimed.is_some_and(|claimed| claimed.is_ok());
        if claimed && !self.hears(node, room) {
            // What the peer missed may come while nobody listens.
            self.ledger.excuse(peer, u64::MAX);
        }
        if claimed {
            self.tell(|_| format!("n{node} r{room} claims {peer} for c{conn}"));
            let served = self.nodes[node].rooms.get_mut(&room).unwrap();
            let lost = false;
            served.claims.push(Claim { conn, peer, lost });
            self.after(PATIENCE, Action::GiveUp { node, room, conn });
        }
        claimed
    }

    /// A node might end, and has another wait for whom it waits for.
    pub(crate) fn bequeath(&mut self, ending: usize, heir: usize) {
        self.tell(|_| format!("n{ending} hands its peers on to n{heir}"));
        let rooms: Vec<usize> = self.nodes[ending].rooms.keys().copied().collect();
        for room in rooms {
            self.hold(heir, room);
            self.command(heir, room, Command::Read, Then::TakeOver(ending));
        }
    }

    pub(crate) fn go_on_taking_over(
        &mut self,
        node: usize,
        room: usize,
        ending: usize,
        reply: Reply,
    ) {
        self.learn(node, room, reply);
        let ending = self.nodes[ending].id.clone();
        let asked = self.act(node, room, |room, out| {
            room.claim_all_of(&ending, out);
            room.arriving()
        });
        if !self.hears(node, room) {
            for peer in asked.unwrap_or_default() {
                self.ledger.excuse(peer, u64::MAX);
            }
        }
        self.release(node, room);
    }

    pub(crate) fn give_up(&mut self, node: usize, room: usize, conn: ConnId) {
        let Some(served) = self.nodes[node].rooms.get(&room) else {
            return;
        };
        let Some(claim) = served.claims.iter().find(|claim| claim.conn == conn) else {
            return;
        };
        let peer = claim.peer;
        self.tell(|_| format!("n{node} r{room} gives up on {peer}"));
        self.act(node, room, |room, _| room.abandon(peer));
    }

    /// Looks which claims were answered.
    pub(crate) fn settle_claims(&mut self, node: usize, room: usize) {
        let Some(served) = self.nodes[node].rooms.get_mut(&room) else {
            return;
        };
        let Some(replica) = &served.room else { return };
        if served.claims.is_empty() {
            return;
        }
        let (open, answered) = std::mem::take(&mut served.claims)
            .into_iter()
            .partition(|claim| replica.is_arriving(claim.peer));
        served.claims = open;
        let answered: Vec<Claim> = answered;
        for claim in answered {
            self.settle_claim(node, room, &claim);
        }
    }

    fn settle_claim(&mut self, node: usize, room: usize, claim: &Claim) {
        let (peer, conn) = (claim.peer, &claim.conn);
        let replica = self.nodes[node].rooms[&room].room.as_ref().unwrap();
        if !replica.holds(Seat { peer, conn }) {
            self.refused_to_resume(*conn);
        } else if claim.lost {
            self.lose(node, room, peer, *conn);
        }
    }

    /// A node finds that a connection is lost.
    pub(crate) fn notice(&mut self, conn: ConnId) {
        let link = &self.post.conns[conn];
        let node = link.node;
        if !self.nodes[node].up || !matches!(link.line, Line::Lost { .. }) {
            return;
        }
        let Some((room, peer)) = link.seat else {
            return;
        };
        let served = self.nodes[node].rooms.get_mut(&room);
        let mut claims = served.into_iter().flat_map(|served| &mut served.claims);
        if let Some(claim) = claims.find(|claim| claim.conn == conn) {
            claim.lost = true;
        } else {
            self.lose(node, room, peer, conn);
        }
    }

    fn lose(&mut self, node: usize, room: usize, peer: PeerId, conn: ConnId) {
        let now = self.clock();
        let until = self.act(node, room, |room, out| {
            room.lose(Seat { peer, conn: &conn }, now, out)
        });
        self.post.conns[conn].line = Line::Closed;
        self.tell(|_| format!("n{node} r{room} lost c{conn} of {peer}: {until:?}"));
        if let Some(until) = until.flatten() {
            let at = until.as_millis() as u64;
            self.at(at, Action::Expire { node, room, peer });
        }
    }
}
