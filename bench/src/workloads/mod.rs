//! What is measured, and how.

mod backend;
mod churn;
mod connect;
mod fanout;
mod relay;
mod restart;
mod storm;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::{sync::Semaphore, task::JoinSet, time::sleep};

use self::relay::Message;
pub(crate) use self::{connect::hold, relay::Pace};
use crate::{
    client::Client,
    keys::Keys,
    media::Media,
    server::{House, Kind, Redis, Server, start_nodes},
    tally::Tally,
};

/// How many connect at the same time.
const AT_ONCE: usize = 32;

/// Deliveries after which a server is warm, and how many times longer than usual one may take to get there.
const WARM: u64 = 30_000;
const MOST_WARM_UP: u32 = 8;

/// What came out, by name.
pub(crate) type Figures = BTreeMap<String, f64>;

/// The tokens of all users, made once.
pub(crate) struct Tokens(Vec<String>);

impl Tokens {
    pub(crate) fn make(keys: &Keys, count: usize) -> Result<Self> {
        let tokens = (0..count).map(|index| keys.token(&format!("user-{index:05}")));
        Ok(Self(tokens.collect::<Result<_>>()?))
    }

    pub(crate) fn read(path: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)?;
        Ok(Self(text.lines().map(str::to_owned).collect()))
    }

    pub(crate) fn write(&self, path: &std::path::Path) -> Result<()> {
        Ok(std::fs::write(path, self.0.join("\n"))?)
    }

    fn of(&self, user: usize) -> &str {
        &self.0[user % self.0.len()]
    }
}

/// What all workloads share.
pub(crate) struct Setting<'a> {
    pub(crate) house: &'a House,
    pub(crate) tokens: &'a Tokens,
    /// A directory for what servers write.
    pub(crate) scratch: &'a std::path::Path,
    pub(crate) warm_up: Duration,
    pub(crate) duration: Duration,
    /// Messages of one sender that have not come yet, when it sends as fast as it can.
    pub(crate) under_way: u64,
    /// How long connections come and go.
    pub(crate) churn: Duration,
    /// Quick runs make do with fewer connections.
    pub(crate) quick: bool,
}

/// A workload, by the name that the command line knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// Whom it is run on.
    pub(crate) kinds: &'static [Kind],
    /// At most so many times: what takes long, or varies little.
    pub(crate) rounds: usize,
    pub(crate) in_quick: bool,
}

const ALL: &[Kind] = &[Kind::Switchboard, Kind::Node, Kind::Naive, Kind::Limit];
const CLUSTERED: &[Kind] = &[Kind::Switchboard, Kind::Node];
const OWN: &[Kind] = &[Kind::Switchboard];

const fn workload(
    name: &'static str,
    title: &'static str,
    kinds: &'static [Kind],
    rounds: usize,
    in_quick: bool,
) -> Workload {
    Workload {
        name,
        title,
        kinds,
        rounds,
        in_quick,
    }
}

/// All there are, in the order in which they run.
pub(crate) const WORKLOADS: &[Workload] = &[
    workload(
        "relay",
        "relay of offers (1.45 kB), saturated",
        ALL,
        9,
        true,
    ),
    workload("relay-6k", "relay of offers at 6,000/s", ALL, 9, true),
    workload(
        "ice",
        "relay of candidates (200 B), saturated",
        ALL,
        9,
        false,
    ),
    workload(
        "fanout-10-paced",
        "chat to rooms of 10 at 10,000 deliveries/s",
        ALL,
        9,
        false,
    ),
    workload("fanout-10", "chat to rooms of 10, saturated", ALL, 9, true),
    workload(
        "fanout-100",
        "chat to rooms of 100, saturated",
        ALL,
        9,
        true,
    ),
    workload(
        "fanout-1000",
        "chat to a room of 1,000, saturated",
        ALL,
        2,
        false,
    ),
    workload("idle-5k", "5,000 connections in rooms of 2", ALL, 2, true),
    workload(
        "idle-20k",
        "as many connections as the system allows, up to 20,000",
        ALL,
        1,
        false,
    ),
    workload("cycle", "connect, join, leave, disconnect", ALL, 9, true),
    workload("join-200", "200 peers join one room at once", ALL, 9, true),
    workload(
        "join-1000",
        "1,000 peers join one SFU room at once",
        OWN,
        1,
        false,
    ),
    workload(
        "cluster-relay-2",
        "relay between 2 nodes, saturated",
        CLUSTERED,
        9,
        true,
    ),
    workload(
        "cluster-relay-4",
        "relay among 4 nodes, saturated",
        CLUSTERED,
        9,
        false,
    ),
    workload(
        "cluster-fanout-2",
        "chat to rooms of 10 over 2 nodes, saturated",
        CLUSTERED,
        9,
        false,
    ),
    workload(
        "cluster-fanout-4",
        "chat to rooms of 10 over 4 nodes, saturated",
        CLUSTERED,
        9,
        false,
    ),
    workload(
        "backend",
        "10,000 events/s of backends over 3 nodes",
        CLUSTERED,
        2,
        false,
    ),
    workload(
        "redis-restart",
        "Redis restarts under 1,000 relays/s between 2 nodes",
        OWN,
        1,
        false,
    ),
    workload("churn", "connections come and go", OWN, 1, false),
];

impl Workload {
    /// Whether messages come at a given pace, and not as fast as it goes.
    pub(crate) fn paced(&self) -> bool {
        matches!(self.name, "relay-6k" | "fanout-10-paced" | "backend")
    }

    /// Runs it on servers of this kind, which are started for it.
    pub(crate) async fn run(&self, setting: &Setting<'_>, kind: Kind) -> Result<Figures> {
        let alone = async || -> Result<[Server; 1]> { Ok([setting.house.start(kind, &[]).await?]) };
        let large = async |media: &Media| -> Result<[Server; 1]> {
            let media = [("MEDIA_SERVICE_URL", media.url())];
            Ok([setting.house.start(kind, &media).await?])
        };
        let media = Media::start().await?;
        let (offers, full) = (Message::Offer, Pace::Saturated);
        match self.name {
            "relay" => relay::run(setting, &alone().await?, offers, full).await,
            "relay-6k" => {
                relay::run(setting, &alone().await?, offers, Pace::PerSecond(6_000.0)).await
            }
            "ice" => relay::run(setting, &alone().await?, Message::Candidate, full).await,
            "fanout-10-paced" => {
                fanout::run(
                    setting,
                    &alone().await?,
                    (10, 10),
                    Pace::PerSecond(10_000.0),
                )
                .await
            }
            "fanout-10" => fanout::run(setting, &alone().await?, (10, 10), full).await,
            "fanout-100" => fanout::run(setting, &alone().await?, (2, 100), full).await,
            "fanout-1000" => fanout::run(setting, &large(&media).await?, (1, 1_000), full).await,
            "idle-5k" => connect::idle(setting, &alone().await?[0], 5_000).await,
            "idle-20k" => connect::idle_outside(setting, &alone().await?[0], 20_000).await,
            "cycle" => connect::cycles(setting, &alone().await?[0]).await,
            "join-200" => storm::run(setting, &large(&media).await?[0], 200).await,
            "join-1000" => storm::in_sfu_room(setting, 1_000).await,
            "churn" => {
                let window = [("RECONNECT_WINDOW_MS", churn::WINDOW_MS.to_string())];
                churn::run(setting, &setting.house.start(kind, &window).await?).await
            }
            "redis-restart" => restart::run(setting, kind).await,
            "backend" => backend::run(setting, kind).await,
            _ => self.run_on_nodes(setting, kind).await,
        }
    }

    async fn run_on_nodes(&self, setting: &Setting<'_>, kind: Kind) -> Result<Figures> {
        let count = if self.name.ends_with('4') { 4 } else { 2 };
        let redis = Redis::start(setting.scratch).await?;
        let nodes = start_nodes(setting.house, kind, &redis, count).await?;
        let before = redis.cpu()?;
        let mut figures = if self.name.starts_with("cluster-relay") {
            relay::run(setting, &nodes, Message::Offer, Pace::Saturated).await?
        } else {
            fanout::run(setting, &nodes, (10, 10), Pace::Saturated).await?
        };
        figures.insert("redis CPU, s".into(), redis.cpu()? - before);
        Ok(figures)
    }
}

/// A time in which something was counted.
pub(crate) struct Window {
    elapsed: Duration,
    cpu: f64,
    count: u64,
}

impl Window {
    /// Warms up, then measures for the time that is set.
    pub(crate) async fn measure(
        setting: &Setting<'_>,
        tally: &Tally,
        cpu: impl Fn() -> Result<f64>,
    ) -> Result<Self> {
        Self::warm_up(setting, tally).await;
        tally.measure(true);
        let (begun, cpu_before, count) = (Instant::now(), cpu()?, tally.delivered());
        sleep(setting.duration).await;
        let window = Self {
            elapsed: begun.elapsed(),
            cpu: cpu()? - cpu_before,
            count: tally.delivered() - count,
        };
        tally.measure(false);
        Ok(window)
    }

    /// Just-in-time compilers need not time but repetition.
    async fn warm_up(setting: &Setting<'_>, tally: &Tally) {
        let begun = Instant::now();
        sleep(setting.warm_up).await;
        while tally.delivered() < WARM && begun.elapsed() < setting.warm_up * MOST_WARM_UP {
            sleep(setting.warm_up / 10).await;
        }
    }

    /// What it comes to for each delivery.
    pub(crate) fn figures(&self, tally: &Tally) -> Result<Figures> {
        if self.count == 0 {
            bail!("nothing was delivered");
        }
        let count = self.count as f64;
        Ok(Figures::from([
            ("CPU, µs".into(), self.cpu * 1e6 / count),
            ("per second".into(), count / self.elapsed.as_secs_f64()),
            ("p50, µs".into(), tally.quantile(50.0)),
            ("p99, µs".into(), tally.quantile(99.0)),
            ("p99.9, µs".into(), tally.quantile(99.9)),
            ("out of order".into(), tally.swapped() as f64),
            ("missing".into(), tally.missing() as f64),
        ]))
    }
}

/// Tasks that run as long as all is well: one that has ended tells why.
async fn fail_if_ended(tasks: &mut JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = tasks.try_join_next() {
        ended?.context("a client ended while measuring")?;
    }
    tasks.shutdown().await;
    Ok(())
}

/// Lets `count` users enter one room, in no order, on `servers` in turn, until all know of all.
async fn enter_all(
    setting: &Setting<'_>,
    servers: &[Server],
    first: usize,
    room: &str,
    count: usize,
) -> Result<Vec<Client>> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut entering = JoinSet::new();
    for index in 0..count {
        let (token, room) = (setting.tokens.of(first + index).to_owned(), room.to_owned());
        let (address, places) = (servers[index % servers.len()].address, Arc::clone(&places));
        entering.spawn(async move {
            let place = places.acquire_owned().await?;
            let mut client = Client::enter(address, None, &token, &room).await?;
            drop(place);
            client.await_members(count).await?;
            Ok::<_, anyhow::Error>(client)
        });
    }
    let mut clients = Vec::with_capacity(count);
    while let Some(entered) = entering.join_next().await {
        clients.push(entered??);
    }
    Ok(clients)
}
