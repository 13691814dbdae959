//! What a room ought to be: a plain list of stays, against which the real one is held.

use std::{sync::Arc, time::Duration};

use switchboard::core::{
    ChatMessage, LeaveReason, Limits, Member, Mode, PeerId, PeerInfo, Refusal, ResumeSecret, Room,
    RoomCode, RoomId, Seat,
};

use crate::{
    client::{Client, Payload, Picture},
    outbox::Conn,
};

/// How long a lost peer is waited for.
pub(crate) const WINDOW: Duration = Duration::from_secs(5);

/// A connection and the peer that it says it speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) room: usize,
    pub(crate) peer: PeerId,
    pub(crate) conn: Conn,
}

impl Claim {
    pub(crate) fn seat(&self) -> Seat<'_, Conn> {
        Seat {
            peer: self.peer,
            conn: &self.conn,
        }
    }
}

/// Whether a room knows that a peer cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Away {
    No,
    /// A send told so; the report is to come.
    Noticed,
    /// The loss was reported: the window ends then.
    Until(Duration),
}

/// One peer from its join to its end.
#[derive(Debug)]
pub(crate) struct Stay {
    pub(crate) peer: PeerId,
    pub(crate) actor: usize,
    pub(crate) member: Arc<Member>,
    pub(crate) secret: ResumeSecret,
    pub(crate) former_secret: Option<ResumeSecret>,
    pub(crate) conn: Conn,
    pub(crate) away: Away,
    pub(crate) client: Client,
}

impl Stay {
    /// Whether a secret lets its owner be this peer: the newest, or the one before it until
    /// the peer was heard of.
    pub(crate) fn is_proof(&self, secret: &ResumeSecret) -> bool {
        let former = self.former_secret.as_ref();
        secret.matches(&self.secret) || former.is_some_and(|former| secret.matches(former))
    }
}

impl Stay {
    pub(crate) fn info(&self) -> PeerInfo {
        PeerInfo {
            id: self.peer,
            member: Arc::clone(&self.member),
        }
    }
}

/// What one step does to a room at first hand, before anybody turns out to be unreachable.
#[derive(Debug, Default)]
pub(crate) struct Effect {
    /// Nothing may be sent and nothing may change.
    pub(crate) none: bool,
    /// Who goes, and why.
    pub(crate) gone: Option<(PeerId, LeaveReason)>,
    /// Which open connection gives way to another.
    pub(crate) replaced: Option<Conn>,
}

impl Effect {
    pub(crate) fn none_if(none: bool) -> Self {
        Self {
            none,
            ..Self::default()
        }
    }

    pub(crate) fn gone(peer: PeerId, reason: LeaveReason) -> Self {
        Self {
            gone: Some((peer, reason)),
            ..Self::default()
        }
    }
}

/// A real room and what it ought to be.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) index: usize,
    pub(crate) room: Room<Conn>,
    pub(crate) id: RoomId,
    pub(crate) capacity: Option<usize>,
    /// Those in the room, in the order they came.
    pub(crate) stays: Vec<Stay>,
    pub(crate) host: Option<PeerId>,
    pub(crate) said: Vec<Arc<ChatMessage>>,
}

impl Place {
    pub(crate) fn new(index: usize, code: &str, capacity: Option<usize>) -> Self {
        let Ok(code) = code.parse::<RoomCode>() else {
            unreachable!("a valid code")
        };
        let id = RoomId::from_code(&code);
        let mode = capacity.map_or(Mode::Sfu, |_| Mode::P2p);
        let limits = Limits {
            max_p2p_peers: capacity.unwrap_or(2),
            max_sfu_peers: 1_000,
            reconnect_window: WINDOW,
        };
        Self {
            index,
            room: Room::new(id.clone(), code, mode, limits, "here".into()),
            id,
            capacity,
            stays: Vec::new(),
            host: None,
            said: Vec::new(),
        }
    }

    pub(crate) fn claim(&self, stay: &Stay) -> Claim {
        Claim {
            room: self.index,
            peer: stay.peer,
            conn: stay.conn,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.capacity.is_some_and(|most| self.stays.len() >= most)
    }

    pub(crate) fn find(&self, peer: PeerId) -> Option<&Stay> {
        self.stays.iter().find(|stay| stay.peer == peer)
    }

    pub(crate) fn find_mut(&mut self, peer: PeerId) -> Option<&mut Stay> {
        self.stays.iter_mut().find(|stay| stay.peer == peer)
    }

    /// One of those in the room, if there is anybody.
    pub(crate) fn pick(&self, n: u8) -> Option<&Stay> {
        let len = self.stays.len().max(1);
        self.stays.get(usize::from(n) % len)
    }

    /// For even numbers, one of those that are away, if anybody is.
    pub(crate) fn pick_away(&self, n: u8) -> Option<&Stay> {
        let away = || self.stays.iter().filter(|stay| stay.away != Away::No);
        let nth = usize::from(n / 2) % away().count().max(1);
        away().nth(nth).filter(|_| n.is_multiple_of(2))
    }

    /// Whether a claim is true.
    pub(crate) fn check(&self, claim: Claim) -> Result<&Stay, Refusal> {
        self.find(claim.peer)
            .filter(|stay| stay.conn == claim.conn)
            .ok_or(Refusal::NotInRoom)
    }

    pub(crate) fn require(&self, peer: PeerId) -> Result<&Stay, Refusal> {
        self.find(peer).ok_or(Refusal::PeerNotFound)
    }

    /// The room as `peer` is to see it.
    pub(crate) fn picture(&self, peer: PeerId) -> Option<Picture> {
        let others = self.stays.iter().filter(|stay| stay.peer != peer);
        Some(Picture {
            peers: others.map(Stay::info).collect(),
            host: self.host?,
        })
    }

    /// Puts somebody into the list whose client is about to be welcomed.
    /// A client shows that it lives: it knows its newest secret.
    pub(crate) fn hear_of(&mut self, by: Claim) {
        if self.check(by).is_ok()
            && let Some(stay) = self.find_mut(by.peer)
        {
            stay.former_secret = None;
        }
    }

    pub(crate) fn admit(&mut self, actor: usize, info: PeerInfo, secret: ResumeSecret, conn: Conn) {
        let host = *self.host.get_or_insert(info.id);
        let peers = self.stays.iter().map(Stay::info).collect();
        self.stays.push(Stay {
            peer: info.id,
            actor,
            member: info.member,
            secret,
            former_secret: None,
            conn,
            away: Away::No,
            client: Client::new(info.id, Picture { peers, host }),
        });
    }

    /// Takes somebody out; the longest-present peer takes over from a host.
    pub(crate) fn dismiss(&mut self, peer: PeerId) {
        self.stays.retain(|stay| stay.peer != peer);
        if self.host == Some(peer) {
            self.host = self.stays.first().map(|stay| stay.peer);
        }
    }

    pub(crate) fn expect(&mut self, to: PeerId, payload: Payload) {
        if let Some(stay) = self.find_mut(to) {
            stay.client.expect(payload);
        }
    }

    pub(crate) fn expect_all(&mut self, message: &Arc<ChatMessage>) {
        for stay in &mut self.stays {
            stay.client.expect(Payload::Chat(Arc::clone(message)));
        }
    }
}
