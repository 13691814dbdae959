//! The delivery to the Chat Service.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use metrics::counter;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, Semaphore},
    time::{Instant, sleep, timeout},
};
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};
use uuid::Uuid;

use super::{
    buffer::{Away, Batch, Buffer, Claim, Removal},
    client::{ChatClient, Delivery},
};
use crate::core::RoomId;

/// How long the first message of a batch waits for others.
const LINGER: Duration = Duration::from_millis(20);

/// How many deliveries may be under way at once, of all rooms.
const AT_ONCE: usize = 16;

/// The first and the longest pause after a failure; it doubles in between.
const PAUSES: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// From so many failures in a row on it is taken to be the service that fails, and not what one
/// room has for it. When it stores again all rooms need not wait for the end of their pauses.
const OUTAGE: u32 = 4;

/// Time between two renewals of the right to deliver: one may fail.
const RENEWAL: Duration = Duration::from_secs(1);

/// How soon to look again at a room that another node delivers.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The most messages of a room that are put aside. Beyond that they stay where they are, and
/// hold up the rest.
const MAX_DEAD: usize = 1_000;

/// Brings messages to the Chat Service, each room's in order, for as long as it takes.
#[derive(Debug)]
pub struct Flusher {
    buffer: Arc<dyn Buffer>,
    client: ChatClient,
    /// The rooms that are looked after.
    rooms: Mutex<HashMap<RoomId, Care>>,
    tasks: TaskTracker,
    slots: Semaphore,
    /// The service stores again: whoever waits may try.
    recovered: Notify,
    /// Deliveries that failed since one succeeded.
    failures: AtomicU32,
    /// The node stops: nobody waits for more.
    hurry: AtomicBool,
}

/// What is known of a room that is looked after.
#[derive(Debug)]
struct Care {
    /// Whether to look once more when nothing is left.
    again: bool,
    /// How many messages wait, as far as is known: what was taken since somebody last looked is
    /// counted, what others took is not.
    messages: usize,
    /// Since when nothing of it has been stored.
    since: Instant,
}

/// What waits for the Chat Service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many messages, as far as is known.
    pub messages: usize,
    /// Of how many rooms.
    pub rooms: usize,
    /// The longest time for which nothing of a room has been stored.
    pub since: Duration,
}

/// What to do after a delivery.
enum Next {
    /// More of the same room.
    Go,
    /// Wait first: at least so long, if the service said so.
    Pause(Option<Duration>),
    /// Nothing is left.
    Rest,
    /// Look later whether another node has delivered.
    Watch(Duration),
}

/// A message that the service refuses, as it is put aside.
#[derive(Serialize)]
struct Letter<'a> {
    message: &'a RawValue,
    status: u16,
    answer: &'a str,
    /// Milliseconds since the Unix epoch.
    at: u64,
}

impl Flusher {
    /// Delivers what is in `buffer`, once it is told where.
    pub fn new(buffer: Arc<dyn Buffer>, client: ChatClient) -> Arc<Self> {
        Arc::new(Self {
            buffer,
            client,
            rooms: Mutex::default(),
            tasks: TaskTracker::new(),
            slots: Semaphore::new(AT_ONCE),
            recovered: Notify::new(),
            failures: AtomicU32::new(0),
            hurry: AtomicBool::new(false),
        })
    }

    /// The service.
    pub const fn client(&self) -> &ChatClient {
        &self.client
    }

    /// Where messages wait.
    pub fn buffer(&self) -> &dyn Buffer {
        &*self.buffer
    }

    /// Delivers what there is of a room, and returns at once. `then` is called when nothing is
    /// left, unless the room is looked after already.
    pub fn wake(self: &Arc<Self>, room: &RoomId, then: impl FnOnce() + Send + 'static) {
        let mut rooms = self.rooms.lock();
        if let Some(care) = rooms.get_mut(room) {
            care.again = true;
            care.messages += 1;
            return;
        }
        let care = Care {
            again: false,
            messages: 1,
            since: Instant::now(),
        };
        rooms.insert(room.clone(), care);
        drop(rooms);
        let (flusher, room) = (Arc::clone(self), room.clone());
        self.tasks.spawn(async move {
            flusher.look_after(&room).await;
            then();
        });
    }

    /// What waits.
    pub fn backlog(&self) -> Backlog {
        let rooms = self.rooms.lock();
        let waits = rooms.values().map(|care| care.since.elapsed());
        Backlog {
            messages: rooms.values().map(|care| care.messages).sum(),
            rooms: rooms.len(),
            since: waits.max().unwrap_or_default(),
        }
    }

    /// Takes note of how many messages of a room are left, some of them having been stored.
    fn progressed(&self, room: &RoomId, left: usize) {
        if let Some(care) = self.rooms.lock().get_mut(room) {
            care.messages = left;
            care.since = Instant::now();
        }
    }

    /// Waits until nothing is left to deliver, at most for `patience`. Returns how many rooms
    /// have something left.
    pub async fn finish(&self, patience: Duration) -> usize {
        self.hurry.store(true, Ordering::Relaxed);
        self.recovered.notify_waiters();
        self.tasks.close();
        let _ = timeout(patience, self.tasks.wait()).await;
        self.rooms.lock().len()
    }

    /// Delivers until nothing is left.
    async fn look_after(self: &Arc<Self>, room: &RoomId) {
        let token = Uuid::new_v4().to_string();
        loop {
            if !self.hurry.load(Ordering::Relaxed) {
                sleep(LINGER).await;
            }
            self.deliver_all(room, &token).await;
            let mut rooms = self.rooms.lock();
            match rooms.get_mut(room) {
                Some(care) if care.again => care.again = false,
                _ => {
                    rooms.remove(room);
                    return;
                }
            }
        }
    }

    async fn deliver_all(&self, room: &RoomId, token: &str) {
        let mut pauses = pauses();
        loop {
            match self.deliver(room, token).await {
                Next::Go => pauses = self::pauses(),
                Next::Rest => return,
                Next::Watch(left) => sleep(left.min(LOOK_AGAIN)).await,
                Next::Pause(wish) => {
                    let pause = pauses.next().unwrap_or(PAUSES.1);
                    if let Some(wish) = wish {
                        sleep(wish.max(pause)).await;
                    } else {
                        // Sooner, if another room finds that the service is back.
                        let _ = timeout(pause, self.recovered.notified()).await;
                    }
                }
            }
        }
    }

    /// Delivers one batch.
    async fn deliver(&self, room: &RoomId, token: &str) -> Next {
        // Before the lease is taken, which runs out while one waits.
        let Ok(_slot) = self.slots.acquire().await else {
            return Next::Rest;
        };
        let batch = match self.buffer.claim(room, token).await {
            Ok(Claim::Nothing) => return Next::Rest,
            Ok(Claim::Taken(left)) => return Next::Watch(left),
            Ok(Claim::Batch(batch)) => {
                if let Some(care) = self.rooms.lock().get_mut(room) {
                    care.messages = care.messages.max(batch.len());
                }
                batch
            }
            Err(Away) => return Next::Pause(None),
        };
        match self.store(room, token, &batch).await {
            Delivery::Stored => self.stored(room, token, &batch).await,
            Delivery::Failed(error, wish) => {
                counter!("switchboard_chat_deliveries_failed_total").increment(1);
                let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
                // In an outage with many rooms the log gets a line now and then.
                if failures.is_power_of_two() {
                    warn!(%room, failures, %error, "the Chat Service does not store");
                } else {
                    debug!(%room, failures, %error, "the Chat Service does not store");
                }
                Next::Pause(wish)
            }
            Delivery::Refused { status, answer } => {
                self.refused(room, token, &batch, status, &answer).await
            }
        }
    }

    /// Sends a batch, and keeps the right to do so meanwhile.
    async fn store(&self, room: &RoomId, token: &str, batch: &Batch) -> Delivery {
        let mut sending = pin!(self.client.store(room, batch));
        loop {
            match timeout(RENEWAL, &mut sending).await {
                Ok(delivery) => return delivery,
                Err(_) => self.buffer.renew(room, token).await,
            }
        }
    }

    async fn stored(&self, room: &RoomId, token: &str, batch: &Batch) -> Next {
        let messages = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        counter!("switchboard_chat_delivered_total").increment(messages);
        if self.failures.swap(0, Ordering::Relaxed) >= OUTAGE {
            self.recovered.notify_waiters();
        }
        debug!(%room, messages, "chat delivered");
        match self.buffer.done(room, token, batch).await {
            Ok(Removal::Done { left }) => {
                self.progressed(room, left);
                if left == 0 { Next::Rest } else { Next::Go }
            }
            Ok(_) => Next::Go,
            // It is sent once more, under the same key.
            Err(Away) => Next::Pause(None),
        }
    }

    /// Finds out which message the service does not want, and puts it aside.
    async fn refused(
        &self,
        room: &RoomId,
        token: &str,
        batch: &Batch,
        status: u16,
        answer: &str,
    ) -> Next {
        if batch.len() > 1 {
            debug!(%room, status, messages = batch.len(), "refused, and tried in halves");
            return match self.buffer.shrink(room, token, batch.len() / 2).await {
                Ok(()) => Next::Go,
                Err(Away) => Next::Pause(None),
            };
        }
        let first = batch.first();
        let message = serde_json::from_slice::<&RawValue>(&first).unwrap_or(RawValue::NULL);
        let letter = Letter {
            message,
            status,
            answer,
            at: unix_millis(),
        };
        let letter = serde_json::to_vec(&letter).unwrap_or_default();
        match self
            .buffer
            .bury(room, token, batch, &letter, MAX_DEAD)
            .await
        {
            Ok(Removal::Done { left }) => {
                counter!("switchboard_chat_dead_letters_total").increment(1);
                for id in batch.ids() {
                    error!(%id, %room, status, "the Chat Service refuses a message: it is put aside");
                }
                self.progressed(room, left);
                if left == 0 { Next::Rest } else { Next::Go }
            }
            Ok(Removal::Overtaken) => Next::Go,
            Ok(Removal::Full) => {
                error!(%room, "no more refused messages can be put aside: look at chat:dead");
                Next::Pause(None)
            }
            Err(Away) => Next::Pause(None),
        }
    }
}

/// The pauses between attempts that fail: exponential, with jitter, without end.
fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_jitter()
        .without_max_times()
        .build()
}

fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}
