//! Redis that goes away under load and comes back empty.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Result;
use tokio::{task::JoinSet, time::sleep};

use super::{Figures, Message, Pace, Setting, relay};
use crate::{
    server::{Kind, Redis, start_nodes},
    tally::Tally,
};

const RATE: f64 = 1_000.0;

/// How long Redis is away.
const AWAY: Duration = Duration::from_secs(1);

/// How closely deliveries are watched.
const STEP: Duration = Duration::from_millis(5);

/// Relays between two nodes while Redis restarts.
pub(crate) async fn run(setting: &Setting<'_>, kind: Kind) -> Result<Figures> {
    let mut redis = Redis::start(setting.scratch).await?;
    let nodes = start_nodes(setting.house, kind, &redis, 2).await?;
    let tally = Arc::new(Tally::new()?);
    let mut tasks = JoinSet::new();
    let pace = Pace::PerSecond(RATE);
    relay::start(setting, &nodes, Message::Offer, pace, (&tally, &mut tasks)).await?;
    sleep(Duration::from_secs(2)).await;
    let watched = tokio::spawn(longest_silence(Arc::clone(&tally), Duration::from_secs(8)));
    redis.restart(AWAY).await?;
    let (silence, recovered) = watched.await?;
    super::fail_if_ended(&mut tasks).await?;
    Ok(Figures::from([
        ("delivered".into(), tally.delivered() as f64),
        ("missing".into(), tally.missing() as f64),
        ("out of order".into(), tally.swapped() as f64),
        ("longest silence, ms".into(), silence.as_secs_f64() * 1e3),
        ("per second at the end".into(), recovered),
    ]))
}

/// The longest time without a delivery, and the rate of the last second.
async fn longest_silence(tally: Arc<Tally>, time: Duration) -> (Duration, f64) {
    let begun = Instant::now();
    let (mut longest, mut last, mut seen) = (Duration::ZERO, begun, tally.delivered());
    let mut before_last_second = seen;
    while begun.elapsed() < time {
        sleep(STEP).await;
        let now = tally.delivered();
        if now > seen {
            longest = longest.max(last.elapsed());
            (last, seen) = (Instant::now(), now);
        }
        if begun.elapsed() + Duration::from_secs(1) < time {
            before_last_second = now;
        }
    }
    let rate = (tally.delivered() - before_last_second) as f64;
    (longest.max(last.elapsed()), rate)
}
