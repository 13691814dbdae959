//! The connections of all clients, and what rooms put into them.

use std::collections::{BTreeSet, VecDeque};

use switchboard::core::{CutReason, Event, Gossip, Outbox, PeerId, Sent};

pub(crate) type ConnId = usize;

/// How a connection takes what it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Everything arrives at once.
    Open,
    /// Everything waits in the queue of the node.
    Stalled,
    /// The queue is full.
    Clogged,
    /// The client is gone. The node has not noticed, or only that sending fails.
    Lost { failing: bool },
    /// Both know that it is over.
    Closed,
}

#[derive(Debug)]
pub(crate) struct Conn {
    pub(crate) client: usize,
    pub(crate) node: usize,
    pub(crate) line: Line,
    pub(crate) unsent: VecDeque<Event<'static>>,
    /// For which peer of which room it speaks, or wants to.
    pub(crate) seat: Option<(usize, PeerId)>,
}

/// Where the rooms of all nodes put what they say, until it is taken out.
#[derive(Debug, Default)]
pub(crate) struct Post {
    pub(crate) conns: Vec<Conn>,
    pub(crate) sent: Vec<(ConnId, Event<'static>)>,
    pub(crate) said: Vec<Gossip<'static>>,
    pub(crate) cuts: Vec<ConnId>,
    /// Peers that did not read what they were sent.
    pub(crate) slow: BTreeSet<PeerId>,
}

impl Post {
    pub(crate) fn open(&mut self, client: usize, node: usize, seat: (usize, PeerId)) -> ConnId {
        self.conns.push(Conn {
            client,
            node,
            line: Line::Open,
            unsent: VecDeque::new(),
            seat: Some(seat),
        });
        self.conns.len() - 1
    }

    pub(crate) fn is_alive(&self, conn: ConnId) -> bool {
        matches!(
            self.conns[conn].line,
            Line::Open | Line::Stalled | Line::Clogged
        )
    }
}

impl Outbox<ConnId> for Post {
    type Prepared<'e> = &'e Event<'e>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _receivers: usize) -> Self::Prepared<'e> {
        event
    }

    fn send(&mut self, to: &ConnId, event: &Self::Prepared<'_>) -> Sent {
        let conn = &mut self.conns[*to];
        match conn.line {
            Line::Open => self.sent.push((*to, (*event).clone().into_owned())),
            Line::Stalled | Line::Lost { failing: false } => {
                conn.unsent.push_back((*event).clone().into_owned());
            }
            Line::Clogged => return Sent::Full,
            Line::Lost { failing: true } => return Sent::Gone,
            Line::Closed => unreachable!("a closed connection is written to: {event:?}"),
        }
        Sent::Queued
    }

    fn reclaim(&mut self, conn: &ConnId) -> Vec<Event<'static>> {
        self.conns[*conn].unsent.drain(..).collect()
    }

    /// These rooms are meshes.
    fn release_media(&mut self, _media: &str, _peer: PeerId) {}

    fn gossip(&mut self, message: Gossip<'_>) {
        self.said.push(message.into_owned());
    }

    fn cut(&mut self, conn: &ConnId, reason: CutReason) {
        if let (CutReason::SlowReader, Some((_, peer))) = (reason, self.conns[*conn].seat) {
            self.slow.insert(peer);
        }
        self.cuts.push(*conn);
    }
}
