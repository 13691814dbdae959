//! Two nodes that serve one room, with nothing between them but what a test passes on.

use std::{collections::HashMap, sync::Arc, time::Duration};

use serde_json::value::RawValue;
use switchboard::core::{
    ChatDraft, Claim, CutReason, Event, Gossip, Limits, Member, Mode, Newcomer, NodeId, Outbox,
    PeerId, PeerRecord, Refusal, RelayKind, ResumeSecret, Room, RoomCode, RoomId, Seat, Sent,
};
use uuid::Uuid;

pub(crate) type Conn = u32;

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;
pub(crate) const WINDOW: Duration = Duration::from_secs(5);

/// What the rooms said, to clients and to each other.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) told: HashMap<Conn, Vec<String>>,
    pub(crate) cuts: Vec<Conn>,
    pub(crate) gossip: Vec<Gossip<'static>>,
    pub(crate) released: Vec<(String, PeerId)>,
}

impl Outbox<Conn> for Said {
    type Prepared<'e> = String;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _: usize) -> String {
        match event {
            Event::Joined(_) => "joined".into(),
            Event::Resumed { missed, .. } => format!("resumed {missed}"),
            Event::PeerJoined(info) => format!("+{}", short(info.id)),
            Event::PeerLeft { peer, reason, .. } => format!("-{} {reason:?}", short(*peer)),
            Event::HostChanged { host, .. } => format!("host {}", short(*host)),
            Event::Kicked { .. } => "kicked".into(),
            Event::ModeChanged { mode, reason, .. } => format!("{mode:?} {reason:?}"),
            Event::NewProducer(info) => format!("+producer {}", info.producer.id),
            Event::ProducerClosed { producer, .. } => format!("-producer {producer}"),
            Event::Relay { body, .. } => body.get().into(),
            Event::Chat(message) => message.content.to_string(),
        }
    }

    fn send(&mut self, to: &Conn, event: &String) -> Sent {
        self.told.entry(*to).or_default().push(event.clone());
        Sent::Queued
    }

    fn reclaim(&mut self, _: &Conn) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn cut(&mut self, conn: &Conn, _: CutReason) {
        self.cuts.push(*conn);
    }

    fn release_media(&mut self, media: &str, peer: PeerId) {
        self.released.push((media.to_owned(), peer));
    }

    fn gossip(&mut self, message: Gossip<'_>) {
        self.gossip.push(message.into_owned());
    }
}

/// Two nodes of one room. What one says waits until it is passed on.
pub(crate) struct Nodes {
    pub(crate) rooms: [Room<Conn>; 2],
    pub(crate) said: [Said; 2],
    pub(crate) now: Duration,
}

impl Nodes {
    /// Ann (1) is on A, Bob (2) on B; they know of each other.
    pub(crate) fn new() -> Self {
        let mut nodes = Self {
            rooms: [room(A), room(B)],
            said: Default::default(),
            now: Duration::ZERO,
        };
        nodes.join(A, 1);
        nodes.pass_on();
        nodes.join(B, 2);
        nodes.pass_on();
        nodes.forget();
        nodes
    }

    pub(crate) fn join(&mut self, node: usize, number: u32) {
        let newcomer = Newcomer {
            peer: peer(number),
            secret: secret(number),
            member: member(number),
            conn: number,
            now: number.into(),
        };
        self.rooms[node]
            .join(newcomer, &mut self.said[node])
            .unwrap();
    }

    pub(crate) fn chat(&mut self, node: usize, number: u32, text: &str) {
        let draft = ChatDraft {
            id: Uuid::now_v7(),
            timestamp: 0,
            content: text,
            client_id: None,
        };
        let (peer, conn) = (peer(number), &number);
        self.rooms[node]
            .chat(Seat { peer, conn }, &draft, &mut self.said[node])
            .unwrap();
    }

    pub(crate) fn relay(
        &mut self,
        node: usize,
        from: u32,
        to: u32,
        text: &str,
    ) -> Result<(), Refusal> {
        let body = RawValue::from_string(format!("\"{text}\"")).unwrap();
        let (seat_of, conn) = (peer(from), &from);
        let seat = Seat {
            peer: seat_of,
            conn,
        };
        self.rooms[node].relay(seat, peer(to), RelayKind::Ice, &body, &mut self.said[node])
    }

    pub(crate) fn lose(&mut self, node: usize, number: u32) {
        let (peer, conn) = (peer(number), &number);
        self.rooms[node]
            .lose(Seat { peer, conn }, self.now, &mut self.said[node])
            .unwrap();
    }

    pub(crate) fn appoint(&mut self, node: usize, by: u32, target: u32) -> Result<(), Refusal> {
        let (host, conn) = (peer(by), &by);
        let seat = Seat { peer: host, conn };
        self.rooms[node].appoint(seat, peer(target), &mut self.said[node])
    }

    pub(crate) fn claim(&mut self, node: usize, number: u32, shown: ResumeSecret, conn: Conn) {
        let claim = Claim {
            user: &member(number).user,
            secret: Some(&shown),
            fresh: secret(conn),
        };
        self.rooms[node]
            .claim(peer(number), claim, &conn, &mut self.said[node])
            .unwrap();
    }

    /// The other node is about to end: this one asks for all that it waits for.
    pub(crate) fn claim_all(&mut self, node: usize) {
        self.rooms[node].claim_all_of(&id(1 - node), &mut self.said[node]);
    }

    pub(crate) fn resume(
        &mut self,
        node: usize,
        number: u32,
        shown: ResumeSecret,
        conn: Conn,
    ) -> bool {
        let claim = Claim {
            user: &member(number).user,
            secret: Some(&shown),
            fresh: secret(conn),
        };
        self.rooms[node]
            .resume(peer(number), claim, &conn, &mut self.said[node])
            .is_ok()
    }

    pub(crate) fn hear(&mut self, node: usize, from: usize, said: Gossip<'static>) -> usize {
        self.rooms[node]
            .hear(&id(from), said, self.now, &mut self.said[node])
            .len()
    }

    pub(crate) fn refresh(&mut self, node: usize, roster: Vec<(PeerRecord, NodeId)>) -> usize {
        self.rooms[node]
            .refresh(roster, &[], self.now, &mut self.said[node])
            .len()
    }

    /// Lets all that was said be heard, in the order of the channel, until nothing is said.
    pub(crate) fn pass_on(&mut self) {
        while let Some(from) = self.said.iter().position(|said| !said.gossip.is_empty()) {
            let said = self.said[from].gossip.remove(0);
            if matches!(
                said,
                Gossip::Claim { .. } | Gossip::Adopted(_) | Gossip::Mode(_)
            ) {
                self.hear(from, from, said.clone());
            }
            self.hear(1 - from, from, said);
        }
    }

    /// What was said to the other node is lost.
    pub(crate) fn lose_gossip(&mut self, node: usize) -> Vec<Gossip<'static>> {
        std::mem::take(&mut self.said[node].gossip)
    }

    pub(crate) fn forget(&mut self) {
        self.said.iter_mut().for_each(|said| said.told.clear());
    }

    pub(crate) fn told(&self, node: usize, conn: Conn) -> Vec<&str> {
        let told = self.said[node].told.get(&conn);
        told.into_iter().flatten().map(String::as_str).collect()
    }

    pub(crate) fn holds(&self, node: usize, number: u32, conn: Conn) -> bool {
        let (peer, conn) = (peer(number), &conn);
        self.rooms[node].holds(Seat { peer, conn })
    }

    /// What the records say, where a peer is `at` a node.
    pub(crate) fn records(&self, at: [usize; 2]) -> Vec<(PeerRecord, NodeId)> {
        [1, 2]
            .map(|number: u32| (record(number), id(at[number as usize - 1])))
            .into()
    }
}

pub(crate) fn room(node: usize) -> Room<Conn> {
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 1_000,
        reconnect_window: WINDOW,
    };
    let code: RoomCode = "span".parse().unwrap();
    Room::new(RoomId::from_code(&code), code, Mode::P2p, limits, id(node))
}

pub(crate) fn id(node: usize) -> NodeId {
    NodeId::from(["a", "b"][node])
}

pub(crate) fn peer(number: u32) -> PeerId {
    PeerId::new(Uuid::from_u128(number.into()))
}

fn short(peer: PeerId) -> String {
    peer.to_string().trim_start_matches(['0', '-']).into()
}

pub(crate) fn secret(number: u32) -> ResumeSecret {
    ResumeSecret::new(u128::from(number).to_be_bytes())
}

fn member(number: u32) -> Arc<Member> {
    Arc::new(Member {
        user: number.to_string().as_str().into(),
        username: "name".into(),
        alias: None,
    })
}

pub(crate) fn record(number: u32) -> PeerRecord {
    PeerRecord {
        id: peer(number),
        member: member(number),
        secret: secret(number),
        former: None,
        joined: number.into(),
        media: None,
    }
}
