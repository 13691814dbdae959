//! Keeping what this node knows of others true, and what others know of it, whatever gets lost
//! on the way.
//!
//! Three things happen over and over: the node shows that it lives and clears up after those
//! that do not; when the way to Redis opens, all rooms are compared with what is there; and
//! now and then they are compared all the same.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use parking_lot::Mutex;
use serde_json::value::RawValue;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tracing::{debug, info, warn};

use super::{Hub, RoomCell, chat::Missed, session::unix_millis};
use crate::{
    cluster::{BEAT, Cluster, Pulse, Rhythm},
    core::{NodeId, Room, RoomCode, RoomId, UserId},
};

/// How many rooms are compared at once: Redis has others to serve.
pub(super) const ROOMS_AT_ONCE: usize = 32;

/// How many rooms are named in one command.
const ROOMS_A_COMMAND: usize = 256;

/// After the way has opened others may still be writing down what they have. When they have
/// had this time, what is not there is gone.
const SECOND_LOOK: Duration = Duration::from_millis(1_200);

/// How long a node must have lived steadily before it takes others for dead: if Redis was away
/// or frozen, their signs of life lapsed as well, and they need a moment to give new ones.
const JUDGEMENT: Duration = Duration::from_secs(4);

/// How long a room is kept to hear that its peers were taken over.
const ECHO: Duration = Duration::from_secs(2);

/// How often a room is tried to be written down before that is left to the next comparison, and
/// the time between.
const WRITES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(200);

/// For how long the way to Redis may have been lost before that was noticed, with what the clocks
/// of nodes may differ, in milliseconds.
const UNNOTICED_MS: u64 = 8_000;

/// How often chat that waits for Redis is tried again though the way seems open.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// Presence is renewed so many times while it lasts, so that one may fail.
const RENEWALS: u32 = 3;

/// What the beat finds necessary. It must not wait for that: a node that misses beats is taken
/// for dead.
#[derive(Debug, Default)]
struct Chores {
    due: Mutex<Due>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct Due {
    /// Everything is to be written down.
    write: bool,
    /// Nodes to clear up after.
    dead: Vec<NodeId>,
}

impl Chores {
    fn add(&self, add: impl FnOnce(&mut Due)) {
        add(&mut self.due.lock());
        self.wake.notify_one();
    }

    async fn next(&self) -> Due {
        self.wake.notified().await;
        std::mem::take(&mut self.due.lock())
    }
}

impl Hub {
    /// Keeps this node and the others in step. Runs until it is dropped.
    pub async fn keep_in_step(self: Arc<Self>) {
        let Some(cluster) = self.cluster().cloned() else {
            return;
        };
        let hub = Arc::downgrade(&self);
        let announced = cluster.hear_announcements(move |event: &str, data: &RawValue| {
            if let Some(hub) = hub.upgrade() {
                hub.announce_here(event, data);
            }
        });
        if let Err(error) = &announced {
            warn!(%error, "announcements of other nodes cannot be heard");
        }
        let bequests = self.hear_bequests(&cluster);
        if let Err(error) = &bequests {
            warn!(%error, "nodes that end cannot be heard");
        }
        let told = self.hear_told(&cluster).await;
        if let Err(error) = &told {
            warn!(%error, "what backends tell other nodes cannot be heard");
        }
        let (chores, missed) = (Chores::default(), Missed::default());
        tokio::join!(
            self.follow_link(&cluster, &missed),
            self.hear_what_was_missed(&cluster, &missed),
            self.beat(&cluster, &chores),
            self.work_off(&cluster, &chores),
            self.renew_over_and_over(&cluster),
            self.show_itself(&cluster),
            look_after_chat(&cluster)
        );
    }

    /// Compares everything each time the way opens.
    async fn follow_link(self: &Arc<Self>, cluster: &Arc<Cluster>, missed: &Missed) {
        let mut link = cluster.link();
        let mut lost_at = None;
        loop {
            let opened = link.wait_for(|link| link.up).await.map(|link| *link);
            let Ok(opened) = opened else { return };
            self.write_all(cluster).await;
            cluster.chat().link_opened();
            if let Some(lost_at) = lost_at {
                missed.note(lost_at);
            }
            let closed = link.wait_for(|link| link.generation != opened.generation || !link.up);
            if timeout(SECOND_LOOK, closed).await.is_err() {
                self.compare_all(cluster).await;
                // Those that could not be published just now.
                cluster.chat().link_opened();
                let closed = link.wait_for(|link| link.generation != opened.generation || !link.up);
                if closed.await.is_err() {
                    return;
                }
            }
            lost_at = Some(unix_millis().saturating_sub(UNNOTICED_MS));
            self.lose_touch();
        }
    }

    /// The way to the others is lost. What still comes may be old, and what was said last may
    /// not have arrived.
    fn lose_touch(&self) {
        for cell in self.rooms.all() {
            let mut state = cell.state();
            state.room.lose_touch();
            state.shared.lose_touch();
        }
    }

    /// Shows that this node lives, and looks whether others do.
    async fn beat(self: &Arc<Self>, cluster: &Arc<Cluster>, chores: &Chores) {
        let mut beats = interval(BEAT);
        beats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut steady_since, mut contests) = (None::<Instant>, 0);
        let mut link = cluster.link();
        loop {
            beats.tick().await;
            let rooms = self.rooms.all();
            let others = rooms.iter().flat_map(|cell| cell.look(Room::other_nodes));
            let Ok(Pulse { rhythm, dead }) = cluster.beat(&others.collect()).await else {
                steady_since = None;
                if !cluster.is_up() {
                    // As soon as the way opens: until then the others do not know this node.
                    let _ = link.wait_for(|link| link.up).await;
                    beats.reset_immediately();
                }
                continue;
            };
            if rhythm == Rhythm::Steady {
                contests = 0;
                let since = *steady_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= JUDGEMENT && !dead.is_empty() {
                    chores.add(|due| due.dead = dead);
                }
                continue;
            }
            contests += u32::from(rhythm == Rhythm::Contested);
            if contests > 1 {
                // Once is normal for a node that was started again at once.
                warn!("another process goes by the same NODE_ID: each needs its own");
            }
            info!("this node shows itself to the others");
            if steady_since.replace(Instant::now()).is_some() {
                let now = self.now();
                for cell in rooms {
                    cell.state().shared.be_patient(now);
                }
            }
            chores.add(|due| due.write = true);
        }
    }

    /// Does what the beat finds necessary, one after the other.
    async fn work_off(self: &Arc<Self>, cluster: &Arc<Cluster>, chores: &Chores) {
        loop {
            let Due { write, dead } = chores.next().await;
            if write {
                // What has lost the sign of life may have lost what was said, too.
                cluster.chat().doubt();
                self.write_all(cluster).await;
                cluster.chat().link_opened();
                self.renew_all(cluster).await;
                cluster.show(&self.status()).await;
            }
            self.clear_up(cluster, dead).await;
        }
    }

    /// Takes over what nodes leave that are gone.
    async fn clear_up(self: &Arc<Self>, cluster: &Arc<Cluster>, dead: Vec<NodeId>) {
        for node in dead {
            let Ok(Some(mut left)) = cluster.inherit(&node).await else {
                continue;
            };
            warn!(%node, rooms = left.len(), "a node is gone, this one clears up after it");
            // Those that this node knows of, should the list be incomplete.
            let shared = self.rooms.all().into_iter().filter_map(|cell| {
                let shared = cell.look(|room| room.other_nodes().contains(&node));
                shared.then(|| (cell.id().clone(), cell.look(|room| room.code().clone())))
            });
            left.extend(shared);
            left.sort_unstable();
            left.dedup_by(|one, other| one.0 == other.0);
            let done = stream::iter(left)
                .map(|(room, code)| {
                    let node = &node;
                    async move { self.adopt(cluster, room, code, node).await }
                })
                .buffer_unordered(ROOMS_AT_ONCE)
                .fold(true, async |all, one| all && one);
            if done.await {
                cluster.bury(&node).await;
            }
        }
    }

    /// Takes over the peers of one room. Returns whether it is done.
    async fn adopt(
        self: &Arc<Self>,
        cluster: &Arc<Cluster>,
        room: RoomId,
        code: RoomCode,
        gone: &NodeId,
    ) -> bool {
        let hold = self.open_room(cluster, &room, &code).await;
        self.rooms.deliver_chat(&room);
        let Some(keys) = hold.cell().keys() else {
            return true;
        };
        let adopted = cluster.adopt(keys, gone).await;
        if let Ok(peers @ 1..) = adopted {
            info!(%room, node = %gone, peers, "peers of a lost node are waited for");
        }
        if adopted != Ok(0) {
            // Without an answer it may have been done all the same.
            tokio::spawn(async move {
                sleep(ECHO).await;
                drop(hold);
            });
        }
        adopted.is_ok()
    }

    /// Renews what lapses, and compares.
    async fn renew_over_and_over(self: &Arc<Self>, cluster: &Arc<Cluster>) {
        let mut ticks = interval(cluster.presence_ttl() / RENEWALS);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if cluster.is_up() {
                self.renew_all(cluster).await;
                self.compare_all(cluster).await;
            }
        }
    }

    async fn renew_all(self: &Arc<Self>, cluster: &Arc<Cluster>) {
        let mut users: HashSet<(RoomId, UserId)> = HashSet::new();
        let mut rooms = Vec::new();
        for cell in self.rooms.all() {
            rooms.push((cell.id().clone(), cell.look(|room| room.code().clone())));
            let here = cell.look(Room::own_records);
            users.extend(
                here.into_iter()
                    .map(|own| (cell.id().clone(), own.member.user.clone())),
            );
        }
        for some in rooms.chunks(ROOMS_A_COMMAND) {
            cluster.serves(some).await;
        }
        cluster.present(users.into_iter().collect()).await;
    }

    async fn write_all(self: &Arc<Self>, cluster: &Arc<Cluster>) {
        self.rooms.disown_again();
        self.each_room(|hub, cell| async move {
            let _turn = cell.turn.lock().await;
            let Some(keys) = cell.keys() else { return };
            for _ in 0..WRITES {
                let Err(error) = hub.write(cluster, &cell, keys).await else {
                    return;
                };
                debug!(room = %cell.id(), %error, "the room cannot be written down");
                if !cluster.is_up() {
                    return; // It will be when the way opens again.
                }
                sleep(PAUSE).await;
            }
            // The next comparison does it.
            cell.state().shared.regain_touch();
        })
        .await;
    }

    async fn compare_all(self: &Arc<Self>, cluster: &Arc<Cluster>) {
        self.each_room(|hub, cell| async move {
            if let Some(keys) = cell.keys()
                && let Err(error) = hub.compare(cluster, &cell, keys).await
            {
                debug!(room = %cell.id(), %error, "the room cannot be compared");
            }
        })
        .await;
    }

    pub(super) async fn each_room<F>(self: &Arc<Self>, task: impl Fn(Arc<Self>, Arc<RoomCell>) -> F)
    where
        F: Future<Output = ()>,
    {
        stream::iter(self.rooms.all())
            .for_each_concurrent(ROOMS_AT_ONCE, async |cell| {
                // One that was left and made again meanwhile is another.
                if let Some(hold) = self.hold_on(&cell) {
                    task(Arc::clone(self), Arc::clone(hold.cell())).await;
                }
            })
            .await;
    }

    /// Whether this node has any peers, those that it waits for included.
    pub fn has_peers(&self) -> bool {
        self.rooms.all().iter().any(|cell| cell.look(Room::has_own))
    }
}

/// Keeps chat from getting lost on the way to Redis: notes at once when the way closes, and tries
/// again what could not be sent though it seemed open.
async fn look_after_chat(cluster: &Cluster) {
    let mut ticks = interval(TRY_AGAIN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut link = cluster.link();
    let mut before = *link.borrow_and_update();
    loop {
        tokio::select! {
            changed = link.changed() => {
                if changed.is_err() {
                    return;
                }
                let now = *link.borrow_and_update();
                if before.up && (!now.up || now.generation != before.generation) {
                    cluster.chat().link_closed();
                }
                before = now;
            }
            _ = ticks.tick() => cluster.chat().catch_up(),
        }
    }
}
