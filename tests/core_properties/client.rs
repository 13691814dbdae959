//! What a well-behaved client makes of the events it gets, and what would startle it.
//!
//! A client keeps its picture of the room in two ways that must come to the same:
//!
//! * `history` starts from the first welcome and follows `PeerJoined`, `PeerLeft` and
//!   `HostChanged` to the letter. Nobody may come who is there, go who is not, or come back
//!   after going. A resumption changes nothing in it: the missed events alone must carry it
//!   on, which shows that none was lost and none came twice.
//! * `list` starts afresh from every welcome. After a resumption the list already shows the
//!   room as it is *now*, so that the missed events that follow tell of the past: `PeerJoined`
//!   of somebody listed, `PeerLeft` of somebody not listed, hosts that are none any more. A
//!   client that takes them idempotently may be off while they last. After the last of them
//!   it must be right again.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use switchboard::core::{ChatMessage, Event, PeerId, PeerInfo, RelayKind, Welcome};

/// What peers send each other.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Payload {
    Relay {
        kind: RelayKind,
        from: PeerId,
        body: Box<str>,
    },
    Chat(Arc<ChatMessage>),
}

impl Payload {
    /// Roughly what keeping it costs.
    fn bytes(&self) -> usize {
        128 + match self {
            Payload::Relay { body, .. } => body.len(),
            Payload::Chat(message) => message.content.len(),
        }
    }
}

/// The others in a room, oldest first, and its host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Picture {
    pub(crate) peers: Vec<PeerInfo>,
    pub(crate) host: PeerId,
}

impl Picture {
    fn of(welcome: &Welcome) -> Self {
        Self {
            peers: welcome.peers.clone(),
            host: welcome.host,
        }
    }

    fn has(&self, peer: PeerId) -> bool {
        self.peers.iter().any(|info| info.id == peer)
    }
}

/// One peer's client, for one stay in one room, through all its connections.
#[derive(Debug)]
pub(crate) struct Client {
    me: PeerId,
    pub(crate) history: Picture,
    list: Picture,
    departed: HashSet<PeerId>,
    /// What was sent to it and has not arrived, in the order it must arrive in.
    due: VecDeque<Payload>,
    /// Whether its connection has begun with a welcome.
    greeted: bool,
    /// How many missed events are still to follow.
    pub(crate) replaying: usize,
    pub(crate) kicked: bool,
}

impl Client {
    /// A client that is about to be welcomed to a room that looks like `picture`.
    pub(crate) fn new(me: PeerId, picture: Picture) -> Self {
        Self {
            me,
            list: picture.clone(),
            history: picture,
            departed: HashSet::new(),
            due: VecDeque::new(),
            greeted: false,
            replaying: 0,
            kicked: false,
        }
    }

    /// It speaks through a new connection from now on.
    pub(crate) fn reconnect(&mut self) {
        self.greeted = false;
        self.replaying = 0;
    }

    /// Something was sent that it must get.
    pub(crate) fn expect(&mut self, payload: Payload) {
        self.due.push_back(payload);
    }

    /// How many payloads it has not got yet.
    pub(crate) fn owed(&self) -> usize {
        self.due.len()
    }

    /// How many bytes of payload it has not got yet.
    pub(crate) fn owed_bytes(&self) -> usize {
        self.due.iter().map(Payload::bytes).sum()
    }

    /// Takes one event that arrived.
    pub(crate) fn hear(&mut self, event: &Event<'_>) {
        let me = self.me;
        assert!(!self.kicked, "{me} hears {event:?} after its own dismissal");
        if let Event::Joined(welcome) | Event::Resumed { welcome, .. } = event {
            assert_eq!(welcome.peer, me);
            self.greeted = true;
            self.list = Picture::of(welcome);
        } else {
            assert!(self.greeted, "{me} hears {event:?} before its welcome");
        }
        match event {
            Event::Resumed { missed, .. } => self.replaying = *missed,
            Event::Joined(_) => {}
            other => {
                self.follow(other);
                self.replaying = self.replaying.saturating_sub(1);
            }
        }
        if self.replaying == 0 {
            assert_eq!(self.list, self.history, "{me} has two pictures: {event:?}");
        }
    }

    fn follow(&mut self, event: &Event<'_>) {
        match event {
            Event::PeerJoined(info) => self.meet(info),
            Event::PeerLeft { peer, .. } => self.miss(*peer),
            Event::HostChanged { host, .. } => {
                let old = self.history.host;
                assert_ne!(old, *host, "{old} hosts the room already");
                assert!(self.knows(*host), "{host} hosts a room it is not in");
                self.history.host = *host;
                self.list.host = *host;
            }
            Event::Kicked { .. } => self.kicked = true,
            Event::Relay {
                kind,
                from,
                to,
                body,
                ..
            } => {
                assert_eq!(*to, self.me, "a relay for somebody else");
                self.receive(
                    *from,
                    &Payload::Relay {
                        kind: *kind,
                        from: *from,
                        body: body.get().into(),
                    },
                );
            }
            Event::Chat(message) => {
                self.receive(message.peer, &Payload::Chat(Arc::clone(message)));
            }
            Event::ModeChanged { .. } | Event::NewProducer(_) | Event::ProducerClosed { .. } => {
                unreachable!("these rooms have no media server")
            }
            Event::Joined(_) | Event::Resumed { .. } => {}
        }
    }

    fn meet(&mut self, info: &PeerInfo) {
        let (me, id) = (self.me, info.id);
        assert!(id != me, "{me} is told of its own arrival");
        assert!(!self.departed.contains(&id), "{id} joins after it left");
        assert!(!self.history.has(id), "{id} joins twice before {me}");
        self.history.peers.push(info.clone());
        if !self.list.has(id) {
            self.list.peers.push(info.clone());
        }
    }

    fn miss(&mut self, id: PeerId) {
        let me = self.me;
        assert!(self.departed.insert(id), "{id} leaves twice before {me}");
        assert!(self.history.has(id), "{id} leaves unseen before {me}");
        self.history.peers.retain(|info| info.id != id);
        self.list.peers.retain(|info| info.id != id);
    }

    fn receive(&mut self, from: PeerId, payload: &Payload) {
        let me = self.me;
        assert!(self.knows(from), "{me} hears of {from}, which is not there");
        assert_eq!(
            self.due.pop_front().as_ref(),
            Some(payload),
            "{me} gets what is not next for it"
        );
    }

    fn knows(&self, peer: PeerId) -> bool {
        peer == self.me || self.history.has(peer)
    }
}
