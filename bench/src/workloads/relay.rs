//! Relays from one peer to the other of its room: offers of 1.45 kB, or candidates of 200 bytes.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Result;
use tokio::{
    io::AsyncWriteExt as _,
    task::JoinSet,
    time::{MissedTickBehavior, interval_at},
};

use super::{Figures, Setting, Window};
use crate::{
    client::{Client, Reader, Writer},
    frames::{Template, number_in},
    server::{Server, cpu_of_all},
    tally::{Batch, Ring, Tally},
};

/// Pairs of peers; both sides of each send.
const PAIRS: usize = 20;

/// How fast to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// As fast as it goes, with a bounded number under way.
    Saturated,
    /// So many each second, of all senders together, whatever comes back.
    PerSecond(f64),
}

/// What to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Message {
    Offer,
    Candidate,
}

impl Message {
    fn template(self, target: &str) -> Template {
        let text = match self {
            Self::Offer => {
                let start = format!(
                    "42[\"webrtc:offer\",{{\"targetPeerId\":\"{target}\",\"offer\":{{\"type\":\"offer\",\"sdp\":\"\
                     v=0\\r\\no=- #0000000000 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\na=group:BUNDLE 0 1\\r\\n"
                );
                let line = "a=rtpmap:111 opus/48000/2\\r\\na=rtcp-fb:111 transport-cc\\r\\na=fmtp:111 minptime=10;useinbandfec=1\\r\\n";
                let rest: String = line.chars().cycle().take(1_440 - start.len()).collect();
                // Whatever was cut in two at the end is made whole again.
                let rest = rest.trim_end_matches(['\\', 'r', 'n']);
                format!("{start}{rest}\\r\\n\"}}}}]")
            }
            Self::Candidate => format!(
                "42[\"webrtc:ice\",{{\"targetPeerId\":\"{target}\",\"candidate\":{{\"candidate\":\
                 \"candidate:#0000000000 1 udp 2122260223 192.168.1.17 54321 typ host generation 0 ufrag abcd\",\
                 \"sdpMid\":\"0\",\"sdpMLineIndex\":0}}}}]"
            ),
        };
        Template::new(&text)
    }
}

/// One direction of a pair.
struct Flow {
    reader: Reader,
    writer: Writer,
    template: Template,
    sent: Arc<Ring>,
    tally: Arc<Tally>,
}

/// Measures relays through `servers`: the sides of each pair are on different ones, in turn.
pub(crate) async fn run(
    setting: &Setting<'_>,
    servers: &[Server],
    message: Message,
    pace: Pace,
) -> Result<Figures> {
    let tally = Arc::new(Tally::new()?);
    let mut tasks = JoinSet::new();
    start(setting, servers, message, pace, (&tally, &mut tasks)).await?;
    let window = Window::measure(setting, &tally, || cpu_of_all(servers)).await;
    super::fail_if_ended(&mut tasks).await?;
    window?.figures(&tally)
}

/// Begins to relay, on tasks that run until they are ended.
pub(crate) async fn start(
    setting: &Setting<'_>,
    servers: &[Server],
    message: Message,
    pace: Pace,
    (tally, tasks): (&Arc<Tally>, &mut JoinSet<Result<()>>),
) -> Result<()> {
    let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
    let mut flows = Vec::new();
    for pair in 0..PAIRS {
        flows.extend(connect(setting, &addresses, message, pair, tally).await?);
    }
    let count = flows.len();
    for (index, flow) in flows.into_iter().enumerate() {
        match pace {
            Pace::Saturated => drop(tasks.spawn(flow.saturate(setting.under_way))),
            Pace::PerSecond(rate) => {
                let gap = Duration::from_secs_f64(count as f64 / rate);
                let offset = gap.mul_f64(index as f64 / count as f64);
                tasks.spawn(send_paced(
                    Arc::clone(&flow.writer),
                    flow.template.clone(),
                    (Arc::clone(&flow.sent), Arc::clone(&flow.tally)),
                    (offset, gap),
                ));
                tasks.spawn(flow.receive());
            }
        }
    }
    Ok(())
}

async fn connect(
    setting: &Setting<'_>,
    addresses: &[SocketAddr],
    message: Message,
    pair: usize,
    tally: &Arc<Tally>,
) -> Result<[Flow; 2]> {
    let room = format!("relay-{pair}");
    let address = |side: usize| addresses[(pair + side) % addresses.len()];
    let tokens = setting.tokens;
    let mut a = Client::enter(address(0), None, tokens.of(2 * pair), &room).await?;
    let b = Client::enter(address(1), None, tokens.of(2 * pair + 1), &room).await?;
    // Other nodes may hear a little later who is there.
    a.await_members(2).await?;
    let flow = |from: Writer, to: Reader, target: &str| Flow {
        reader: to,
        writer: from,
        template: message.template(target),
        sent: Arc::new(Ring::new()),
        tally: Arc::clone(tally),
    };
    Ok([
        flow(a.writer, b.reader, &b.peer),
        flow(b.writer, a.reader, &a.peer),
    ])
}

impl Flow {
    /// Sends anew as much as has come.
    async fn saturate(mut self, mut credit: u64) -> Result<()> {
        let (mut number, mut out, mut batch) = (0, Vec::new(), Batch::default());
        loop {
            out.clear();
            let now = self.tally.now();
            for _ in 0..credit {
                self.sent.set(number, now);
                self.template.append(number, &mut out);
                number += 1;
            }
            if credit > 0 {
                self.writer.lock().await.write_all(&out).await?;
            }
            self.take(&mut batch).await?;
            credit = batch.count() as u64;
            self.tally.add(&mut batch);
        }
    }

    async fn receive(mut self) -> Result<()> {
        let mut batch = Batch::default();
        loop {
            self.take(&mut batch).await?;
            self.tally.add(&mut batch);
        }
    }

    async fn take(&mut self, batch: &mut Batch) -> Result<()> {
        let (sent, now) = (&self.sent, &self.tally);
        self.reader
            .read(|text| {
                if let Some(number) = number_in(text) {
                    batch.note(number, sent.get(number), now.now());
                }
            })
            .await
    }
}

async fn send_paced(
    writer: Writer,
    mut template: Template,
    (sent, tally): (Arc<Ring>, Arc<Tally>),
    (offset, gap): (Duration, Duration),
) -> Result<()> {
    let mut ticks = interval_at(tokio::time::Instant::now() + offset, gap);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut number, mut out) = (0, Vec::new());
    loop {
        ticks.tick().await;
        out.clear();
        template.append(number, &mut out);
        sent.set(number, tally.now());
        number += 1;
        writer.lock().await.write_all(&out).await?;
    }
}
