//! The clock, and everything that is on it.

use std::{collections::BTreeMap, time::Duration};

use switchboard::core::{Limits, PeerId};

use crate::{
    client::Client,
    faults::OUTAGE,
    gossip::Delivery,
    ledger::Ledger,
    link::Arrival,
    node::{Node, Then},
    post::{ConnId, Post},
    random::Random,
    redis::{Redis, Reply},
};

/// When the last trouble begins, on the virtual clock, in milliseconds.
const TROUBLES: u64 = 15_000;

/// How long everything has to come to rest, when people do no more.
const REST: u64 = 30_000;

/// How long nodes take, after they could not reach each other, to agree again: they find each
/// other dead, wait for each other's peers, and look after their records.
const MENDING: u64 = 15_000;

/// For how long people go on when all is well again.
const AFTERMATH: u64 = 5_000;

/// How long a lost peer is waited for.
pub(crate) const WINDOW: Duration = Duration::from_secs(5);

/// How large a history is, and what happens in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    pub(crate) nodes: usize,
    pub(crate) rooms: usize,
    pub(crate) clients: usize,
    pub(crate) places: usize,
    /// The pause between two moves of a client, at most.
    pub(crate) pace: u64,
    /// The usual delay of a message, at most.
    pub(crate) delay: u64,
    pub(crate) crashes: bool,
    /// Whether nodes and Redis lose each other.
    pub(crate) losses: bool,
}

impl Shape {
    /// When people stop doing things.
    fn quiet(&self) -> u64 {
        let longer = if self.losses {
            OUTAGE + MENDING + AFTERMATH
        } else {
            0
        };
        TROUBLES + longer
    }

    fn draw(random: &mut Random, seed: u64) -> Self {
        // Most are small: what goes wrong takes few. Some are wide, some have a crowd.
        let (nodes, rooms, people, places, pace) = match seed % 500 {
            249 => (50, (40, 40), (40, 60), (40, 80), (8_000, 12_000)),
            499 => (50, (1, 1), (200, 250), (200, 300), (8_000, 12_000)),
            _ => (8, (1, 3), (4, 10), (4, 12), (300, 3_000)),
        };
        let mut draw = |(low, high)| random.between(low, high);
        let nodes = draw((3, nodes)) as usize;
        let rooms = draw(rooms) as usize;
        Self {
            nodes,
            rooms,
            clients: rooms * draw(people) as usize,
            places: draw(places) as usize,
            pace: draw(pace),
            delay: random.pick(&[2, 20, 100, 300]).unwrap_or(20),
            crashes: random.chance(50),
            losses: random.chance(60),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Action {
    /// A command reaches Redis.
    Arrive(Box<Arrival>),
    /// Its answer reaches the node.
    Answer {
        node: usize,
        serial: u64,
        reply: Reply,
    },
    /// A node gives up on an answer.
    Fail {
        node: usize,
        room: usize,
        then: Box<Then>,
    },
    Deliver(Box<Delivery>),
    /// A client does something.
    Move(usize),
    /// A node finds that a connection is lost.
    Notice(ConnId),
    /// A stalled connection goes on.
    Drain(ConnId),
    Expire {
        node: usize,
        room: usize,
        peer: PeerId,
    },
    GiveUp {
        node: usize,
        room: usize,
        conn: ConnId,
    },
    Beat(usize),
    Check(usize),
    CheckAgain {
        node: usize,
        room: usize,
    },
    SecondLook {
        node: usize,
        room: usize,
    },
    Trouble,
    /// Redis goes on.
    Thaw,
    /// A node finds that its connection to Redis is lost.
    LoseLink {
        node: usize,
        link: u64,
    },
    LinkUp(usize),
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) now: u64,
    pub(crate) shape: Shape,
    pub(crate) redis: Redis,
    pub(crate) nodes: Vec<Node>,
    pub(crate) clients: Vec<Client>,
    pub(crate) post: Post,
    pub(crate) ledger: Ledger,
    pub(crate) drawn: u64,
    queue: BTreeMap<(u64, u64), Action>,
    serial: u64,
    aloud: bool,
}

impl World {
    pub(crate) fn new(seed: u64, aloud: bool) -> Self {
        let mut random = Random(seed);
        let shape = Shape::draw(&mut random, seed);
        let mut world = Self {
            random,
            now: 0,
            shape,
            redis: Redis::new(shape.rooms),
            nodes: Vec::new(),
            clients: (0..shape.clients).map(Client::new).collect(),
            post: Post::default(),
            ledger: Ledger::default(),
            drawn: 0,
            queue: BTreeMap::new(),
            serial: 0,
            aloud,
        };
        world.tell(|_| format!("{shape:?}"));
        (0..shape.nodes).for_each(|_| world.start_node());
        for client in 0..shape.clients {
            let at = world.random.between(0, 3_000);
            world.after(at, Action::Move(client));
        }
        world.after(2_000, Action::Trouble);
        world
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            max_p2p_peers: self.shape.places,
            max_sfu_peers: 1_000,
            reconnect_window: WINDOW,
        }
    }

    /// Adds a line to the printed history.
    pub(crate) fn tell(&self, line: impl FnOnce(&Self) -> String) {
        if self.aloud {
            eprintln!("{:6} {}", self.now, line(self));
        }
    }

    /// Whether no more trouble is made.
    pub(crate) fn is_calm(&self) -> bool {
        self.now >= TROUBLES
    }

    /// Whether people do no more but come back.
    pub(crate) fn is_quiet(&self) -> bool {
        self.now >= self.shape.quiet()
    }

    /// Whether the nodes of a room could not reach each other lately.
    pub(crate) fn is_apart(&self, room: usize) -> bool {
        self.ledger.is_apart(room, self.now)
    }

    /// The nodes of a room cannot reach each other, or have only just begun to again.
    pub(crate) fn set_apart(&mut self, room: usize) {
        self.ledger.set_apart(room, self.now, self.now + MENDING);
    }

    pub(crate) fn at(&mut self, time: u64, action: Action) {
        self.serial += 1;
        self.queue.insert((time.max(self.now), self.serial), action);
    }

    pub(crate) fn after(&mut self, delay: u64, action: Action) {
        self.at(self.now + delay, action);
    }

    /// How long a message is under way.
    pub(crate) fn delay(&mut self) -> u64 {
        match self.random.below(100) {
            0 => self.random.between(0, self.shape.delay * 4),
            1..30 => self.random.between(0, self.shape.delay),
            _ => self.random.between(0, self.shape.delay / 2),
        }
    }

    pub(crate) fn play(&mut self) {
        while let Some(((time, _), action)) = self.queue.pop_first() {
            if time > self.shape.quiet() + REST {
                break;
            }
            self.now = time;
            self.step(action);
        }
        self.check_rest();
    }

    fn step(&mut self, action: Action) {
        match action {
            Action::Arrive(arrival) => self.arrive_at_redis(*arrival),
            Action::Answer {
                node,
                serial,
                reply,
            } => self.answer(node, serial, reply),
            Action::Fail { node, room, then } => {
                if self.nodes[node].up {
                    self.go_on(node, room, Reply::Failed, *then);
                }
            }
            Action::Deliver(delivery) => self.deliver(*delivery),
            Action::Move(client) => self.move_client(client),
            Action::Notice(conn) => self.notice(conn),
            Action::Drain(conn) => self.drain(conn),
            Action::Expire { node, room, peer } => self.expire(node, room, peer),
            Action::GiveUp { node, room, conn } => self.give_up(node, room, conn),
            Action::Beat(node) => self.beat(node),
            Action::Check(node) => self.check_all_records(node),
            Action::CheckAgain { node, room } => {
                self.check_records_of(node, room, Then::CheckAgain);
            }
            Action::SecondLook { node, room } => self.second_look(node, room),
            Action::Trouble => self.trouble(),
            Action::Thaw => self.thaw(),
            Action::LoseLink { node, link } => self.lose_link(node, link),
            Action::LinkUp(node) => self.link_up(node),
        }
    }
}
