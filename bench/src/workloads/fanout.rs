//! Chat: what one says goes to all of the room.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use tokio::{
    io::AsyncWriteExt as _,
    sync::Mutex,
    task::JoinSet,
    time::{MissedTickBehavior, interval_at},
};

use super::{Figures, Pace, Setting, Window};
use crate::{
    client::{Reader, Writer},
    frames::{Template, number_in},
    server::{Server, cpu_of_all},
    tally::{Batch, Ring, Tally},
};

/// One room with one who speaks.
struct Room {
    size: u64,
    voice: Mutex<Voice>,
    writer: Writer,
    sent: Ring,
    /// How many have got a message, by its number.
    heard: Ring,
    next: AtomicU64,
    tally: Arc<Tally>,
}

struct Voice {
    template: Template,
    out: Vec<u8>,
}

/// Measures rooms of `size` on `servers`, the members of each on different ones in turn.
pub(crate) async fn run(
    setting: &Setting<'_>,
    servers: &[Server],
    (rooms, size): (usize, usize),
    pace: Pace,
) -> Result<Figures> {
    let tally = Arc::new(Tally::new()?);
    let mut tasks = JoinSet::new();
    for room in 0..rooms {
        let (room, readers) = gather(setting, servers, room, size, &tally).await?;
        for reader in readers {
            let respond = matches!(pace, Pace::Saturated);
            tasks.spawn(listen(Arc::clone(&room), reader, respond));
        }
        match pace {
            Pace::Saturated => room.say(setting.under_way).await?,
            Pace::PerSecond(deliveries) => {
                let gap = (rooms * size) as f64 / deliveries;
                tasks.spawn(Room::keep_saying(room, Duration::from_secs_f64(gap)));
            }
        }
    }
    let window = Window::measure(setting, &tally, || cpu_of_all(servers)).await;
    super::fail_if_ended(&mut tasks).await?;
    window?.figures(&tally)
}

async fn gather(
    setting: &Setting<'_>,
    servers: &[Server],
    room: usize,
    size: usize,
    tally: &Arc<Tally>,
) -> Result<(Arc<Room>, Vec<Reader>)> {
    let code = format!("fan-{room}");
    let clients = super::enter_all(setting, servers, room * size, &code, size).await?;
    let text = format!(
        "42[\"chat_message\",{{\"content\":\"#0000000000 {}\"}}]",
        "What one says is heard by all who are there. ".repeat(4)
    );
    let writer = Arc::clone(&clients[0].writer);
    let room = Room {
        size: size as u64,
        voice: Mutex::new(Voice {
            template: Template::new(&text),
            out: Vec::new(),
        }),
        writer,
        sent: Ring::new(),
        heard: Ring::new(),
        next: AtomicU64::new(0),
        tally: Arc::clone(tally),
    };
    let readers = clients.into_iter().map(|client| client.reader).collect();
    Ok((Arc::new(room), readers))
}

impl Room {
    async fn say(&self, count: u64) -> Result<()> {
        let mut voice = self.voice.lock().await;
        let Voice { template, out } = &mut *voice;
        out.clear();
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        let now = self.tally.now();
        for number in first..first + count {
            self.sent.set(number, now);
            self.heard.set(number, 0);
            template.append(number, out);
        }
        self.writer.lock().await.write_all(out).await?;
        Ok(())
    }

    async fn keep_saying(self: Arc<Self>, gap: Duration) -> Result<()> {
        let mut ticks = interval_at(tokio::time::Instant::now() + gap, gap);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        loop {
            ticks.tick().await;
            self.say(1).await?;
        }
    }
}

/// Hears; whoever is the last to hear something has the next said, if `respond`.
async fn listen(room: Arc<Room>, mut reader: Reader, respond: bool) -> Result<()> {
    let mut batch = Batch::default();
    loop {
        let mut complete = 0;
        reader
            .read(|text| {
                let Some(number) = number_in(text) else {
                    return;
                };
                batch.note(number, room.sent.get(number), room.tally.now());
                complete += u64::from(room.heard.count(number) == room.size);
            })
            .await?;
        room.tally.add(&mut batch);
        if respond && complete > 0 {
            room.say(complete).await?;
        }
    }
}
