//! People: they come, talk, lose their connection, come back and go.

use std::sync::Arc;

use serde_json::value::RawValue;
use switchboard::core::{
    ChatDraft, Member, Newcomer, PeerId, Refusal, RelayKind, ResumeSecret, Seat,
};
use uuid::Uuid;

use crate::{
    eyes::Eyes,
    ledger::Kind,
    node::Then,
    post::{ConnId, Line},
    redis::Command,
    resume::Wish,
    world::{Action, World},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Out,
    Joining,
    In,
    /// Without a connection, and about to come back.
    Lost,
    Resuming,
}

/// The time of one peer in a room.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) room: usize,
    pub(crate) peer: PeerId,
    pub(crate) secret: ResumeSecret,
    pub(crate) eyes: Option<Eyes>,
    /// When it last knew that it had missed nothing.
    pub(crate) sure: u64,
}

#[derive(Debug)]
pub(crate) struct Client {
    member: Arc<Member>,
    pub(crate) phase: Phase,
    pub(crate) conn: Option<ConnId>,
    pub(crate) stay: Option<Stay>,
    pub(crate) tries: usize,
    /// When its connection was lost.
    pub(crate) lost_at: u64,
    /// It does nothing until then.
    pub(crate) rests_until: u64,
}

impl Client {
    pub(crate) fn new(number: usize) -> Self {
        let name = format!("u{number}");
        let user = name.as_str().into();
        let username = name.into();
        Self {
            member: Arc::new(Member {
                user,
                username,
                alias: None,
            }),
            phase: Phase::Out,
            conn: None,
            stay: None,
            tries: 0,
            lost_at: 0,
            rests_until: 0,
        }
    }

    pub(crate) fn lose(&mut self, now: u64) {
        if self.phase == Phase::In {
            self.lost_at = now;
        }
        self.phase = Phase::Lost;
        self.conn = None;
    }

    pub(crate) fn go_out(&mut self) {
        self.phase = Phase::Out;
        self.conn = None;
        self.stay = None;
        self.tries = 0;
    }
}

/// A client that is in a room, and where.
#[derive(Clone, Copy)]
struct Spot {
    node: usize,
    room: usize,
    peer: PeerId,
    conn: ConnId,
}

impl World {
    pub(crate) fn move_client(&mut self, number: usize) {
        let calm = self.is_quiet();
        let pace = if calm { 1_000 } else { self.shape.pace };
        let pause = self.random.between(1, pace);
        self.after(pause, Action::Move(number));
        let client = &self.clients[number];
        if self.now < client.rests_until {
            return;
        }
        match client.phase {
            Phase::Out if !calm && self.random.chance(50) => self.join(number),
            Phase::In if !calm => self.act_up(number),
            Phase::Lost => self.come_back(number),
            Phase::Resuming if !calm && self.random.chance(15) => self.drop_line(number),
            _ => {}
        }
    }

    fn any_node(&mut self) -> Option<usize> {
        let up = |(_, node): &(usize, &crate::node::Node)| node.up;
        let up = self.nodes.iter().enumerate().filter(up);
        let up: Vec<usize> = up.map(|(number, _)| number).collect();
        self.random.pick(&up)
    }

    fn open(&mut self, client: usize, node: usize, room: usize, peer: PeerId) -> ConnId {
        let conn = self.post.open(client, node, (room, peer));
        self.clients[client].conn = Some(conn);
        conn
    }

    fn join(&mut self, number: usize) {
        let Some(node) = self.any_node() else { return };
        let room = self.random.below(self.shape.rooms);
        let peer = PeerId::new(Uuid::from_u128(self.draw().into()));
        let secret = self.draw_secret();
        let conn = self.open(number, node, room, peer);
        let now = self.wall_clock(node);
        let alias = self.draw_alias();
        let client = &mut self.clients[number];
        client.phase = Phase::Joining;
        client.tries = 0;
        client.stay = Some(Stay {
            room,
            peer,
            secret,
            eyes: None,
            sure: self.now,
        });
        let member = Member {
            alias: alias.clone(),
            ..Member::clone(&client.member)
        };
        let newcomer = Newcomer {
            peer,
            secret,
            member: Arc::new(member),
            conn,
            now,
        };
        self.tell(|_| format!("u{number} joins r{room} on n{node} as {peer}, c{conn}"));
        self.hold(node, room);
        self.command(
            node,
            room,
            Command::Reserve(peer, alias),
            Then::Join(Box::new(newcomer)),
        );
    }

    fn come_back(&mut self, number: usize) {
        let Some(node) = self.any_node() else { return };
        let (proven, fresh) = (self.random.chance(80), self.draw_secret());
        let client = &mut self.clients[number];
        let stay = client.stay.as_ref().unwrap();
        let (room, peer) = (stay.room, stay.peer);
        let secret = proven.then_some(stay.secret);
        let user = client.member.user.clone();
        client.phase = Phase::Resuming;
        let conn = self.open(number, node, room, peer);
        self.tell(|_| {
            format!("u{number} comes back to r{room} on n{node} as {peer}, c{conn}, proof {proven}")
        });
        self.resume(
            node,
            room,
            Wish {
                conn,
                peer,
                user,
                secret,
                fresh,
            },
        );
    }

    /// A name that others may want as well, or that somebody has who has chosen none.
    fn draw_alias(&mut self) -> Option<Arc<str>> {
        let names = ["ann", "bob", "cleo", "u1"];
        let wanted = self.random.chance(40);
        self.random.pick(&names).filter(|_| wanted).map(Arc::from)
    }

    fn draw_secret(&mut self) -> ResumeSecret {
        ResumeSecret::new(u128::from(self.random.next()).to_le_bytes())
    }

    /// Loses its connection. The node will notice later.
    fn drop_line(&mut self, number: usize) {
        let failing = self.random.chance(50);
        let rest = match self.random.below(10) {
            0 => 7_000,
            1..4 => 2_000,
            _ => 50,
        };
        let rest = self.random.between(0, rest);
        let notice = if self.random.chance(50) { 50 } else { 2_000 };
        let noticed = self.random.between(0, notice);
        let client = &mut self.clients[number];
        let conn = client.conn;
        client.lose(self.now);
        client.rests_until = self.now + rest;
        if let Some(conn) = conn {
            self.tell(|_| format!("u{number} loses c{conn}"));
            self.post.conns[conn].line = Line::Lost { failing };
            self.after(noticed, Action::Notice(conn));
        }
    }

    fn act_up(&mut self, number: usize) {
        let client = &self.clients[number];
        let (Some(stay), Some(conn)) = (&client.stay, client.conn) else {
            return;
        };
        if self.post.conns[conn].line != Line::Open {
            return;
        }
        let spot = Spot {
            node: self.post.conns[conn].node,
            room: stay.room,
            peer: stay.peer,
            conn,
        };
        match self.random.below(100) {
            0..46 => self.relay(number, spot),
            46..70 => self.chat(spot),
            70..83 => self.drop_line(number),
            83..87 => self.stall(conn),
            87..91 => self.kick(number, spot),
            91..96 => self.appoint(number, spot),
            _ => self.leave(number, spot),
        }
    }

    fn relay(&mut self, number: usize, at: Spot) {
        let seat = at;
        let eyes = self.clients[number].stay.as_ref().unwrap().eyes.as_ref();
        let others: Vec<PeerId> = eyes.unwrap().history.others.iter().copied().collect();
        let Some(to) = self.random.pick(&others) else {
            return;
        };
        let known = self.known_at(at).contains(&to);
        let text = self.ledger.number(Kind::Relay, at.room, self.now);
        if known {
            self.ledger.expect((at.peer, to), text, true);
        }
        self.tell(|_| format!("u{number} {} relays #{text} to {to}", at.peer));
        let body = RawValue::from_string(text.to_string()).unwrap();
        let said = self.act(at.node, at.room, |room, out| {
            let (peer, conn) = (seat.peer, &seat.conn);
            room.relay(Seat { peer, conn }, to, RelayKind::Ice, &body, out)
        });
        assert!(
            said == Some(if known {
                Ok(())
            } else {
                Err(Refusal::PeerNotFound)
            }),
            "in no room: {} may not relay to {to}, {said:?}",
            at.peer
        );
    }

    /// Who is in the room, as the node of a client knows it.
    fn known_at(&self, at: Spot) -> Vec<PeerId> {
        let served = self.nodes[at.node].rooms.get(&at.room);
        let view = served.and_then(|served| served.room.as_ref()?.view(at.peer));
        let others = view.into_iter().flat_map(|view| view.peers);
        others.map(|info| info.id).collect()
    }

    fn chat(&mut self, at: Spot) {
        let number = self.ledger.number(Kind::Chat, at.room, self.now);
        let known = self.known_at(at);
        for client in &self.clients {
            if let Some(stay) = client.stay.as_ref().filter(|stay| stay.room == at.room) {
                let required = stay.peer == at.peer || known.contains(&stay.peer);
                let way = (at.peer, stay.peer);
                self.ledger.expect(way, number, required);
            }
        }
        let (text, timestamp) = (number.to_string(), self.wall_clock(at.node));
        self.tell(|_| format!("{} says #{text}", at.peer));
        let draft = ChatDraft {
            id: Uuid::from_u128(number.into()),
            timestamp,
            content: &text,
            client_id: None,
        };
        let said = self.act(at.node, at.room, |room, out| {
            let (peer, conn) = (at.peer, &at.conn);
            room.chat(Seat { peer, conn }, &draft, out).is_ok()
        });
        assert!(said == Some(true), "in no room: {} may not chat", at.peer);
    }

    fn kick(&mut self, number: usize, at: Spot) {
        let Some(target) = self.random.pick(&self.known_at(at)) else {
            return;
        };
        let said = self.act(at.node, at.room, |room, out| {
            let (peer, conn) = (at.peer, &at.conn);
            room.kick(Seat { peer, conn }, target, "", out)
        });
        self.tell(|_| format!("u{number} {} kicks {target}: {said:?}", at.peer));
        assert!(
            matches!(said, Some(Ok(()) | Err(Refusal::NotHost))),
            "in no room: {} may not kick {target}, {said:?}",
            at.peer
        );
    }

    fn appoint(&mut self, number: usize, at: Spot) {
        let Some(target) = self.random.pick(&self.known_at(at)) else {
            return;
        };
        let said = self.act(at.node, at.room, |room, out| {
            let (peer, conn) = (at.peer, &at.conn);
            room.appoint(Seat { peer, conn }, target, out)
        });
        self.tell(|_| format!("u{number} {} makes {target} the host: {said:?}", at.peer));
        assert!(
            matches!(said, Some(Ok(()) | Err(Refusal::NotHost))),
            "in no room: {} may not appoint {target}, {said:?}",
            at.peer
        );
    }

    fn leave(&mut self, number: usize, at: Spot) {
        self.tell(|_| format!("u{number} {} leaves", at.peer));
        self.clients[number].go_out();
        self.post.conns[at.conn].line = Line::Lost { failing: false };
        let left = self.act(at.node, at.room, |room, out| {
            let (peer, conn) = (at.peer, &at.conn);
            room.leave(Seat { peer, conn }, out)
        });
        self.post.conns[at.conn].line = Line::Closed;
        assert!(left == Some(true), "in no room: {} may not leave", at.peer);
    }

    fn stall(&mut self, conn: ConnId) {
        let clogged = self.random.chance(10);
        self.post.conns[conn].line = if clogged {
            Line::Clogged
        } else {
            Line::Stalled
        };
        let pause = self.random.between(0, 1_500);
        self.after(pause, Action::Drain(conn));
    }
}
