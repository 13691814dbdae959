//! What is looked up when somebody asks for the figures.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use metrics::{counter, gauge};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use super::{
    labels::{Carrier, Protocol},
    table,
};

/// The sizes by which rooms are counted: up to so many peers, and the label.
const CLASSES: [(usize, &str); 7] = [
    (1, "0-1"),
    (2, "2"),
    (4, "3-4"),
    (10, "5-10"),
    (50, "11-50"),
    (200, "51-200"),
    (usize::MAX, "201+"),
];

/// How the node is at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Whether it is about to stop.
    pub draining: bool,
    connections: [[u64; 2]; 4],
    queued: usize,
    most_queued: usize,
    rooms: [u64; 2],
    sizes: [u64; CLASSES.len()],
    peers: BTreeMap<&'static str, u64>,
    /// The way to Redis, if there is to be one.
    pub redis: Option<Traffic>,
    /// What waits for the Chat Service: messages, rooms, and for how long.
    pub chat: (usize, usize, Duration),
    /// What was taken and is not in Redis yet.
    pub unwritten: usize,
}

/// How the way to Redis is, and what went over it since the start.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Whether it is open.
    pub up: bool,
    /// Whether it delivers.
    pub delivers: bool,
    /// How often it has opened.
    pub generation: u64,
    /// Failed attempts to connect.
    pub failures: u64,
    /// Messages and bytes that wait.
    pub queued: (usize, usize),
    /// What was published, by outcome.
    pub published: [(&'static str, u64); 4],
    /// Bytes of it.
    pub published_bytes: u64,
    /// What was received, by outcome.
    pub received: [(&'static str, u64); 6],
    /// Bytes of it.
    pub received_bytes: u64,
}

impl Snapshot {
    /// Counts a connection for which so many bytes wait.
    pub fn connection(&mut self, protocol: Protocol, carrier: Carrier, queued: usize) {
        self.connections[protocol as usize][carrier as usize] += 1;
        self.queued += queued;
        self.most_queued = self.most_queued.max(queued);
    }

    /// Counts a room with so many peers.
    pub fn room(&mut self, sfu: bool, size: usize) {
        self.rooms[usize::from(sfu)] += 1;
        let class = CLASSES.iter().position(|(most, _)| size <= *most);
        if let Some(count) = class.and_then(|class| self.sizes.get_mut(class)) {
            *count += 1;
        }
    }

    /// Counts peers that are in that state.
    pub fn peers(&mut self, state: &'static str, count: usize) {
        *self.peers.entry(state).or_default() += count as u64;
    }

    pub(super) fn show(&self) {
        for protocol in Protocol::ALL {
            for carrier in Carrier::ALL {
                let raw = matches!(protocol, Protocol::Signal | Protocol::Ws);
                if raw && carrier == Carrier::Polling {
                    continue;
                }
                let count = self.connections[protocol as usize][carrier as usize];
                gauge!(table::CONNECTIONS, "protocol" => protocol.label(), "transport" => carrier.label())
                    .set(count as f64);
            }
        }
        gauge!(table::QUEUE_BYTES).set(self.queued as f64);
        gauge!(table::QUEUE_BYTES_MAX).set(self.most_queued as f64);
        for (mode, count) in ["p2p", "sfu"].into_iter().zip(self.rooms) {
            gauge!(table::ROOMS, "mode" => mode).set(count as f64);
        }
        for ((_, class), count) in CLASSES.into_iter().zip(self.sizes) {
            gauge!(table::ROOMS_BY_SIZE, "peers" => class).set(count as f64);
        }
        for state in ["online", "away", "arriving", "remote"] {
            let count = self.peers.get(state).copied().unwrap_or_default();
            gauge!(table::PEERS, "state" => state).set(count as f64);
        }
        gauge!(table::DRAINING).set(f64::from(u8::from(self.draining)));
        gauge!(table::BUILD, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        self.show_chat();
        if let Some(redis) = &self.redis {
            redis.show();
        }
    }

    fn show_chat(&self) {
        let (messages, rooms, age) = self.chat;
        gauge!(table::CHAT_OUTBOX).set(messages as f64);
        gauge!(table::CHAT_ROOMS).set(rooms as f64);
        gauge!(table::CHAT_AGE).set(age);
        gauge!(table::CHAT_FOR_REDIS).set(self.unwritten as f64);
    }
}

impl Traffic {
    fn show(&self) {
        gauge!(table::REDIS_UP).set(f64::from(u8::from(self.up)));
        gauge!(table::REDIS_DELIVERS).set(f64::from(u8::from(self.delivers)));
        gauge!(table::REDIS_GENERATION).set(self.generation as f64);
        counter!(table::REDIS_FAILURES).absolute(self.failures);
        let (messages, bytes) = self.queued;
        gauge!(table::PUBSUB_QUEUE).set(messages as f64);
        gauge!(table::PUBSUB_QUEUE_BYTES).set(bytes as f64);
        for (outcome, count) in self.published {
            counter!(table::PUBSUB_OUT, "outcome" => outcome).absolute(count);
        }
        counter!(table::PUBSUB_OUT_BYTES).absolute(self.published_bytes);
        for (outcome, count) in self.received {
            counter!(table::PUBSUB_IN, "outcome" => outcome).absolute(count);
        }
        counter!(table::PUBSUB_IN_BYTES).absolute(self.received_bytes);
    }
}

/// The runtime, as it was when somebody last asked.
#[derive(Debug, Default)]
pub(super) struct Runtime(Mutex<Option<(Instant, Duration)>>);

impl Runtime {
    /// Shows the runtime that this is called on, if it is on one.
    pub(super) fn show(&self) {
        let Ok(handle) = Handle::try_current() else {
            return;
        };
        let runtime = handle.metrics();
        let workers = runtime.num_workers();
        gauge!(table::WORKERS).set(workers as f64);
        gauge!(table::TASKS).set(runtime.num_alive_tasks() as f64);
        gauge!(table::INJECTED).set(runtime.global_queue_depth() as f64);
        let busy = (0..workers).map(|worker| runtime.worker_total_busy_duration(worker));
        let (now, busy) = (Instant::now(), busy.sum::<Duration>());
        let before = self.0.lock().replace((now, busy));
        if let Some((then, before)) = before {
            let passed = now.saturating_duration_since(then).as_secs_f64() * workers as f64;
            if passed > 0.0 {
                let share = busy.saturating_sub(before).as_secs_f64() / passed;
                gauge!(table::BUSY).set(share.min(1.0));
            }
        }
    }
}
