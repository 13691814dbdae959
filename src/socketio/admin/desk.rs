//! The desk at which operators look at all nodes.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use dashmap::DashMap;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use socketioxide_core::Sid;
use tokio::{
    sync::Notify,
    time::{MissedTickBehavior, interval},
};
use tracing::warn;

use super::{
    command::Command,
    report::{
        Aggregated, Listed, Listing, NAMESPACE, NamespaceSize, News, Report, ServerStats, changes,
        disconnected,
    },
    watcher::Watcher,
};
use crate::{
    cluster::{
        SubscribeError, Subscription,
        pubsub::{Channel, Message},
    },
    hub::{Census, ConnId, Hub, unix_millis},
};

/// The namespace of the Admin UI.
pub(in crate::socketio) const ADMIN: &str = "/admin";

/// All nodes listen to it.
const CHANNEL: &str = "channel:admin";

/// How often a node that somebody looks at says how it is, as the Admin UI expects.
const TICK: Duration = Duration::from_secs(2);

/// How long a node is looked at after another has said that somebody does: that comes each tick.
const WATCHED: Duration = Duration::from_secs(7);

/// After what time without a report a node is gone.
const GONE: Duration = Duration::from_secs(10);

/// The most nodes that are shown.
const MAX_NODES: usize = 256;

/// The most connections that are shown of one node, and of all.
const MAX_OF_NODE: usize = 500;
const MAX_OF_ALL: usize = 1_500;

/// The most operators who look at one node.
const MAX_WATCHERS: usize = 16;

/// What nodes say to each other.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Saying {
    /// Somebody looks.
    Watching,
    /// How a node is.
    Report(Report),
    /// What an operator asks of all nodes.
    Do(Command),
}

/// What is known of all nodes while somebody looks, and of this one while somebody does elsewhere.
pub(super) struct Desk {
    hub: Arc<Hub>,
    /// The name of this node.
    name: Box<str>,
    watchers: DashMap<Sid, Arc<Watcher>>,
    view: Mutex<View>,
    /// Until when other nodes want reports.
    wanted: Mutex<Option<Instant>>,
    /// A report is wanted now.
    nudge: Notify,
}

#[derive(Default)]
struct View {
    nodes: HashMap<String, Known>,
    /// Which of its own connections the node showed last.
    shown: HashSet<ConnId>,
    /// How many connections there were then, if it did.
    census: Option<Census>,
}

/// What is known of one node.
struct Known {
    at: Instant,
    stats: ServerStats,
    listing: Listing,
}

impl Desk {
    pub(super) fn new(hub: &Arc<Hub>, name: &str) -> Arc<Self> {
        Arc::new(Self {
            hub: Arc::clone(hub),
            name: name.into(),
            watchers: DashMap::new(),
            view: Mutex::default(),
            wanted: Mutex::default(),
            nudge: Notify::new(),
        })
    }

    /// Begins to hear the other nodes, if there can be any.
    pub(super) fn listen(self: &Arc<Self>) -> Result<Option<Subscription>, SubscribeError> {
        let Some(cluster) = self.hub.cluster() else {
            return Ok(None);
        };
        let desk = Arc::downgrade(self);
        let hear = move |message: &Message| {
            if let Some(desk) = desk.upgrade() {
                desk.hear(serde_json::from_slice(&message.payload)?);
            }
            Ok(())
        };
        let channel = Channel::internal(CHANNEL);
        cluster.pubsub().subscribe_soon(&channel, hear).map(Some)
    }

    /// Says how the node is to whoever looks. Runs until it is dropped.
    pub(super) async fn keep_up(self: Arc<Self>) {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.nudge.notified() => {}
            }
            self.turn();
        }
    }

    /// Lets an operator look. Returns whether there is a place.
    pub(super) fn enter(&self, watcher: Arc<Watcher>) -> bool {
        let mut view = self.view.lock();
        if self.watchers.len() >= MAX_WATCHERS {
            return false;
        }
        if self.watchers.is_empty() {
            // What was known when the last one left is old.
            view.nodes.clear();
        }
        // Whatever is new from now on comes after this.
        let sockets = view.nodes.values().flat_map(|node| node.listing.values());
        let (name, args) = all_sockets(sockets);
        watcher.tell(name, &args);
        for node in view.nodes.values() {
            watcher.tell("server_stats", &[to_json(&node.stats)]);
        }
        self.watchers.insert(watcher.id(), watcher);
        drop(view);
        self.turn();
        true
    }

    /// An operator looks no more.
    pub(super) fn leave(&self, id: Sid) {
        self.watchers.remove(&id);
    }

    /// Does what an operator asks, on all nodes.
    pub(super) fn carry_out(&self, command: Command) {
        command.carry_out(&self.hub);
        self.say(&Saying::Do(command));
    }

    fn hear(&self, said: Saying) {
        match said {
            Saying::Watching => {
                let until = Instant::now() + WATCHED;
                if self.wanted.lock().replace(until).is_none() {
                    self.nudge.notify_one();
                }
            }
            Saying::Report(report) if !self.watchers.is_empty() => self.show(report),
            Saying::Report(_) => {}
            Saying::Do(command) => command.carry_out(&self.hub),
        }
    }

    fn turn(&self) {
        let wanted = {
            let mut wanted = self.wanted.lock();
            *wanted = wanted.filter(|until| *until > Instant::now());
            wanted.is_some()
        };
        let watched = !self.watchers.is_empty();
        if !watched && !wanted {
            *self.view.lock() = View::default();
            return;
        }
        let report = self.report();
        if wanted {
            self.say(&Saying::Report(report.clone()));
        }
        if watched {
            self.say(&Saying::Watching);
            self.show(report);
            self.forget_the_gone();
        }
    }

    /// How this node is.
    fn report(&self) -> Report {
        let shown = std::mem::take(&mut self.view.lock().shown);
        let seen = self.hub.seen(&shown, MAX_OF_NODE);
        let census = self.hub.census();
        let mut view = self.view.lock();
        view.shown = seen.iter().map(|(id, _)| *id).collect();
        let former = view.census.replace(census);
        drop(view);
        Report {
            stats: self.stats(census, former),
            sockets: seen.into_iter().map(|(_, seen)| seen.into()).collect(),
        }
    }

    fn stats(&self, census: Census, former: Option<Census>) -> ServerStats {
        let size = |name: &str, sockets_count| NamespaceSize {
            name: name.to_owned(),
            sockets_count,
        };
        ServerStats {
            server_id: self.name.to_string(),
            hostname: self.name.to_string(),
            pid: std::process::id(),
            uptime: self.hub.uptime().as_secs(),
            clients_count: census.now + self.watchers.len(),
            polling_clients_count: census.polling,
            aggregated_events: former.map_or_else(Vec::new, |former| happened(former, census)),
            namespaces: vec![
                size(NAMESPACE, census.now),
                size(ADMIN, self.watchers.len()),
            ],
        }
    }

    /// Shows what is new on a node.
    fn show(&self, Report { stats, sockets }: Report) {
        let mut view = self.view.lock();
        let former = view.nodes.remove(&stats.server_id);
        if former.is_none() && view.nodes.len() >= MAX_NODES {
            return;
        }
        let others: usize = view.nodes.values().map(|node| node.listing.len()).sum();
        let room = MAX_OF_ALL.saturating_sub(others).min(MAX_OF_NODE);
        let sockets = sockets.into_iter().take(room);
        let listing: Listing = sockets.map(|socket| (socket.id.clone(), socket)).collect();
        let former = former.map(|former| former.listing).unwrap_or_default();
        let mut news = if others == 0 && former.is_empty() && !listing.is_empty() {
            // The UI shows nothing of a namespace before it has got a list with sockets of it.
            vec![all_sockets(listing.values())]
        } else {
            changes(&former, &listing)
        };
        news.push(("server_stats", vec![to_json(&stats)]));
        self.tell(&news);
        let name = stats.server_id.clone();
        let at = Instant::now();
        view.nodes.insert(name, Known { at, stats, listing });
    }

    fn forget_the_gone(&self) {
        let mut view = self.view.lock();
        let gone = view
            .nodes
            .extract_if(|_, node| node.at.elapsed() > GONE)
            .flat_map(|(_, node)| node.listing.into_keys());
        let news: Vec<News> = gone.map(|id| disconnected(&id, "node lost")).collect();
        self.tell(&news);
    }

    fn tell(&self, news: &[News]) {
        for watcher in &self.watchers {
            for (name, args) in news {
                watcher.tell(name, args);
            }
        }
    }

    fn say(&self, saying: &Saying) {
        let Some(cluster) = self.hub.cluster() else {
            return;
        };
        // Plain data can always be written.
        let message = Bytes::from(serde_json::to_vec(saying).unwrap_or_default());
        let channel = Channel::internal(CHANNEL);
        if let Err(error) = cluster.pubsub().publish(&channel, message) {
            warn!(%error, "what concerns operators does not reach the other nodes");
        }
    }
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk")
            .field("watchers", &self.watchers.len())
            .finish_non_exhaustive()
    }
}

/// What happened between two looks.
fn happened(former: Census, now: Census) -> Vec<Aggregated> {
    let came = now.ever.saturating_sub(former.ever);
    let went = (came + former.now as u64).saturating_sub(now.now as u64);
    let timestamp = unix_millis() / 1_000 * 1_000;
    let event = |(kind, count): (&str, u64)| Aggregated {
        timestamp,
        kind: kind.to_owned(),
        count,
    };
    [("rawConnection", came), ("rawDisconnection", went)]
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(event)
        .collect()
}

fn all_sockets<'l>(sockets: impl Iterator<Item = &'l Listed>) -> News {
    let sockets = sockets.map(Listed::to_json).collect();
    ("all_sockets", vec![Value::Array(sockets)])
}

fn to_json(stats: &ServerStats) -> Value {
    // Plain data can always be written.
    serde_json::to_value(stats).unwrap_or_default()
}
