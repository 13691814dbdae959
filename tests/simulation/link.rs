//! A node's connection to Redis: commands in order, what becomes of them when it is lost, and
//! what is done when it is back.

use switchboard::core::Gossip;

use crate::{
    node::Then,
    redis::{Command, Reply},
    world::{Action, World},
};

/// For how long a message is tried to be sent, in milliseconds.
const PERSISTENCE: u64 = 700;

/// For how long after its connection is back a node does not say that others are dead.
pub(crate) const HESITATION: u64 = 5_000;

/// An answer that takes longer tells that Redis stood still, in milliseconds.
const PROMPT: u64 = 1_000;

/// A command on its way to Redis.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) node: usize,
    pub(crate) room: usize,
    pub(crate) link: u64,
    pub(crate) serial: u64,
    pub(crate) command: Command,
}

/// A command that was not answered yet.
#[derive(Debug)]
pub(crate) struct Issued {
    serial: u64,
    room: usize,
    at: u64,
    /// What is to be sent again, if it is not answered.
    said: Option<Gossip<'static>>,
    then: Then,
}

#[derive(Debug, Default)]
pub(crate) struct Link {
    /// The number of the connection, if there is one.
    pub(crate) number: Option<u64>,
    /// Connections that are broken, noticed or not, and whether what was sent on them arrives.
    pub(crate) broken: Vec<(u64, bool)>,
    sent_until: u64,
    answered_until: u64,
    issued: Vec<Issued>,
    /// From when on the node may say that others are dead.
    pub(crate) judges_from: u64,
}

impl Link {
    pub(crate) fn new() -> Self {
        Self {
            number: Some(0),
            ..Self::default()
        }
    }

    fn arrives(&self, link: u64) -> bool {
        let broken = self.broken.iter().find(|(number, _)| *number == link);
        broken.is_none_or(|(_, arrives)| *arrives)
    }

    fn is_whole(&self, link: u64) -> bool {
        self.number == Some(link) && self.broken.iter().all(|(number, _)| *number != link)
    }
}

impl World {
    /// Sends a command; commands of one node arrive in order.
    pub(crate) fn command(&mut self, node: usize, room: usize, command: Command, then: Then) {
        let said = match &command {
            Command::Publish(said) => Some(said.clone()),
            _ => None,
        };
        if let Some(Gossip::Chat(_)) = &said
            && self.keep_chat(node, room, said.as_ref())
        {
            return;
        }
        let serial = self.draw();
        let at = self.now;
        let link = self.nodes[node].link.number;
        if link.is_none() && said.is_none() {
            let delay = self.random.between(1, 500);
            self.after(
                delay,
                Action::Fail {
                    node,
                    room,
                    then: Box::new(then),
                },
            );
            return;
        }
        self.nodes[node].link.issued.push(Issued {
            serial,
            room,
            at,
            said,
            then,
        });
        if let Some(link) = link {
            self.send(Arrival {
                node,
                room,
                link,
                serial,
                command,
            });
        }
    }

    fn send(&mut self, arrival: Arrival) {
        let delay = self.delay();
        let link = &mut self.nodes[arrival.node].link;
        link.sent_until = link.sent_until.max(self.now + delay);
        let at = link.sent_until;
        self.at(at, Action::Arrive(Box::new(arrival)));
    }

    pub(crate) fn arrive_at_redis(&mut self, arrival: Arrival) {
        if !self.nodes[arrival.node].link.arrives(arrival.link) || self.now < self.redis.down_until
        {
            return;
        }
        if self.now < self.redis.frozen_until || !self.redis.waiting.is_empty() {
            self.redis.waiting.push_back(arrival);
            return;
        }
        self.run_command(arrival);
    }

    pub(crate) fn thaw(&mut self) {
        if self.now >= self.redis.frozen_until {
            for arrival in std::mem::take(&mut self.redis.waiting) {
                self.run_command(arrival);
            }
        }
    }

    fn run_command(&mut self, arrival: Arrival) {
        let Arrival {
            node,
            room,
            link,
            serial,
            command,
        } = arrival;
        self.note_command(node, room, &command);
        let ids: Vec<_> = self.nodes.iter().map(|node| node.id.clone()).collect();
        let (at, places) = ((node, room, self.now), self.shape.places);
        let before = self.redis.rooms[room].hash.len();
        let (reply, news) = self.redis.run(at, &ids, places, command);
        if let Some(Gossip::Left { peer, reason, .. }) = &news
            && self.redis.rooms[room].hash.len() < before
        {
            self.note_left(room, *peer, *reason);
        }
        if let Some(news) = news {
            self.fan_out(node, room, &news);
        }
        if self.nodes[node].link.is_whole(link) {
            let delay = self.delay();
            let link = &mut self.nodes[node].link;
            link.answered_until = link.answered_until.max(self.now + delay);
            let at = link.answered_until;
            self.at(
                at,
                Action::Answer {
                    node,
                    serial,
                    reply,
                },
            );
        }
    }

    pub(crate) fn answer(&mut self, node: usize, serial: u64, reply: Reply) {
        let link = &mut self.nodes[node].link;
        let Some(place) = link
            .issued
            .iter()
            .position(|issued| issued.serial == serial)
        else {
            return;
        };
        let issued = link.issued.remove(place);
        if self.now - issued.at > PROMPT {
            link.judges_from = link.judges_from.max(self.now + HESITATION);
        }
        self.go_on(node, issued.room, reply, issued.then);
    }

    /// A node finds that its connection is lost.
    pub(crate) fn lose_link(&mut self, node: usize, number: u64) {
        if !self.nodes[node].up || self.nodes[node].link.number != Some(number) {
            return;
        }
        self.tell(|_| format!("n{node} lost its link {number}"));
        let link = &mut self.nodes[node].link;
        link.number = None;
        if link.broken.iter().all(|(broken, _)| *broken != number) {
            link.broken.push((number, false));
        }
        let mut kept = Vec::new();
        for issued in std::mem::take(&mut link.issued) {
            match &issued.said {
                // It may have arrived, and nobody may get it twice.
                Some(Gossip::Relay { .. }) => {}
                Some(Gossip::Chat(said)) => {
                    self.ledger.repeat(said.content.parse().unwrap());
                    self.keep_chat(node, issued.room, issued.said.as_ref());
                }
                Some(_) => kept.push(issued),
                None => {
                    let (room, then) = (issued.room, Box::new(issued.then));
                    self.after(0, Action::Fail { node, room, then });
                }
            }
        }
        self.nodes[node].link.issued = kept;
        self.go_deaf(node);
        self.try_link_later(node);
    }

    pub(crate) fn try_link_later(&mut self, node: usize) {
        let longest = self.random.pick(&[200, 1_000, 4_000, 9_000]).unwrap();
        let pause = self.random.between(1, longest);
        self.after(pause, Action::LinkUp(node));
    }

    pub(crate) fn link_up(&mut self, node: usize) {
        if !self.nodes[node].up || self.nodes[node].link.number.is_some() {
            return;
        }
        if self.now < self.redis.down_until.max(self.redis.frozen_until) {
            self.try_link_later(node);
            return;
        }
        let (number, now) = (self.draw(), self.now);
        self.tell(|_| format!("n{node} has a new link {number}"));
        self.nodes[node].ears = true;
        let link = &mut self.nodes[node].link;
        link.number = Some(number);
        link.sent_until = 0;
        link.answered_until = 0;
        link.judges_from = now + HESITATION;
        // What is too old is lost.
        let (kept, lost) = std::mem::take(&mut link.issued)
            .into_iter()
            .partition(|issued| now - issued.at < PERSISTENCE);
        link.issued = kept;
        let lost: Vec<Issued> = lost;
        for issued in lost {
            if let Some(Gossip::Handover { peer, .. }) = issued.said {
                self.ledger.excuse(peer, u64::MAX);
            }
        }
        let link = &mut self.nodes[node].link;
        let again: Vec<_> = link
            .issued
            .iter()
            .filter_map(|issued| Some((issued.serial, issued.room, issued.said.clone()?)))
            .collect();
        for (serial, room, said) in again {
            let (link, command) = (number, Command::Publish(said));
            self.send(Arrival {
                node,
                room,
                link,
                serial,
                command,
            });
        }
        self.listen_again(node);
        self.command(node, 0, Command::Beat, Then::Judge);
    }
}
