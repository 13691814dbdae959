//! Events of backends: published to Redis, heard by all nodes, told to those who subscribed.

use std::{fmt::Write as _, sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use super::{Figures, Setting, Window};
use crate::{
    client::{Client, send},
    frames::number_in,
    server::{Kind, Redis, cpu_of_all, start_nodes},
    tally::{Batch, Ring, Tally},
};

const NODES: usize = 3;

/// Subscribers, each to a channel of its own, on the nodes in turn.
const MATCHES: usize = 60;

const RATE: usize = 10_000;

/// How often events are published; those that are due go in one pipeline.
const TICK: Duration = Duration::from_millis(2);

/// Measures processor time of all nodes for each event, and its time from the publisher to the client.
pub(crate) async fn run(setting: &Setting<'_>, kind: Kind) -> Result<Figures> {
    let redis = Redis::start(setting.scratch).await?;
    let nodes = start_nodes(setting.house, kind, &redis, NODES).await?;
    let tally = Arc::new(Tally::new()?);
    let mut tasks = JoinSet::new();
    let mut rings = Vec::new();
    for id in 0..MATCHES {
        let address = nodes[id % NODES].address;
        let mut client = Client::connect(address, None, setting.tokens.of(id)).await?;
        let subscribe = format!("420[\"subscribe\",{{\"channel\":\"match:{id}\"}}]");
        send(&client.writer, &subscribe).await?;
        client.reader.await_text(b"430").await?;
        let ring = Arc::new(Ring::new());
        rings.push(Arc::clone(&ring));
        let tally = Arc::clone(&tally);
        tasks.spawn(async move {
            let mut batch = Batch::default();
            loop {
                let note = |text: &[u8]| {
                    if let Some(number) = number_in(text) {
                        batch.note(number, ring.get(number), tally.now());
                    }
                };
                client.reader.read(note).await?;
                tally.add(&mut batch);
            }
        });
    }
    tasks.spawn(publish(redis.port(), rings, Arc::clone(&tally)));
    let window = Window::measure(setting, &tally, || cpu_of_all(&nodes)).await;
    super::fail_if_ended(&mut tasks).await?;
    window?.figures(&tally)
}

async fn publish(port: u16, rings: Vec<Arc<Ring>>, tally: Arc<Tally>) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let each = RATE * usize::try_from(TICK.as_millis())? / 1_000;
    let (mut count, mut answers) = (0, vec![0; 64 * 1024]);
    loop {
        ticks.tick().await;
        let mut pipeline = String::new();
        for _ in 0..each {
            let (id, number) = (count % MATCHES, (count / MATCHES) as u64);
            count += 1;
            rings[id].set(number, tally.now());
            let event = format!(
                "{{\"type\":\"match_updated\",\"data\":{{\"matchId\":{id},\"score\":[3,2],\"round\":\"#{number:010}\"}},\
                 \"serverId\":\"bench\",\"timestamp\":1700000000000}}"
            );
            write!(
                pipeline,
                "*3\r\n$7\r\nPUBLISH\r\n$12\r\nmatch:events\r\n${}\r\n{event}\r\n",
                event.len()
            )?;
        }
        stream.write_all(pipeline.as_bytes()).await?;
        // What has been answered so far; the rest another time.
        while stream.try_read(&mut answers).is_ok_and(|count| count > 0) {}
    }
}
