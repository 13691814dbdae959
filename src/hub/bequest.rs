//! Whom a node still waits for when it ends: others wait for them from then on, with what it has
//! kept for them.
//!
//! It asks other nodes to claim them, as if they had come back there. So nothing that is said to
//! them meanwhile is lost or comes twice. Who cannot be handed on is taken over as from a node that
//! has died, without what was kept.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::{Hub, mending::ROOMS_AT_ONCE};
use crate::{
    cluster::{Cluster, SubscribeError, Subscription, Unavailable},
    core::{NodeId, Room, RoomCode, RoomId},
};

/// How long a node takes at most to hand on whom it waits for. Where nothing is wrong it takes a
/// moment.
const HAND_ON: Duration = Duration::from_secs(4);

/// How long those that were asked get before others are: they may be about to end as well.
const ASK_OTHERS: Duration = Duration::from_millis(800);

/// How often to look whether all are taken over.
const POLL: Duration = Duration::from_millis(20);

/// The most rooms that are named in one message.
const ROOMS_A_MESSAGE: usize = 256;

impl Hub {
    /// Has other nodes wait for whom this one still waits for. Takes no longer than a few seconds,
    /// and no time where there is no other node, or no way to it.
    pub async fn hand_on(&self) {
        let Some(cluster) = self.cluster().filter(|_| self.has_peers()) else {
            return;
        };
        let _ = timeout(HAND_ON, self.ask_until_taken(cluster)).await;
        if self.has_peers() {
            warn!("some that are away are handed on to nobody: what is kept for them is lost");
        } else {
            info!("those that are away were handed on");
        }
    }

    async fn ask_until_taken(&self, cluster: &Cluster) {
        // Who is handed on takes along what was said: the others must not hear that later.
        while cluster.chat().waiting() > 0 {
            sleep(POLL).await;
        }
        for turn in 0.. {
            let asked = Instant::now();
            match others(cluster).await {
                Ok(others) if others.is_empty() => return,
                Ok(mut others) => {
                    others.rotate_left(turn % others.len());
                    self.ask(cluster, others).await;
                }
                Err(Unavailable) if !cluster.is_up() => return,
                Err(Unavailable) => {}
            }
            while asked.elapsed() < ASK_OTHERS {
                if !self.has_peers() {
                    return;
                }
                sleep(POLL).await;
            }
        }
    }

    /// Asks nodes to take over whom this one waits for, each for some rooms.
    async fn ask(&self, cluster: &Cluster, mut nodes: VecDeque<NodeId>) {
        let rooms = self.rooms.all().into_iter();
        let rooms = rooms.filter(|cell| cell.look(Room::has_own));
        let rooms: Vec<_> = rooms
            .map(|cell| (cell.id().clone(), cell.look(|room| room.code().clone())))
            .collect();
        let share = rooms.len().div_ceil(nodes.len().max(1));
        for some in rooms.chunks(share.clamp(1, ROOMS_A_MESSAGE)) {
            while let Some(node) = nodes.pop_front() {
                if cluster.bequeath(&node, some).await {
                    nodes.push_back(node);
                    break;
                }
            }
        }
    }

    /// Hears what other nodes ask that are about to end, until the subscription is dropped.
    pub(super) fn hear_bequests(
        self: &Arc<Self>,
        cluster: &Cluster,
    ) -> Result<Subscription, SubscribeError> {
        let hub = Arc::downgrade(self);
        cluster.hear_bequests(move |from, rooms| {
            // One that is about to end itself would only hand them on.
            if let Some(hub) = hub.upgrade().filter(|hub| !hub.is_draining()) {
                tokio::spawn(async move { hub.take_over(&from, rooms).await });
            }
        })
    }

    /// Takes over whom a node waits for that is about to end.
    async fn take_over(self: &Arc<Self>, ending: &NodeId, rooms: Vec<(RoomId, RoomCode)>) {
        let Some(cluster) = self.cluster() else {
            return;
        };
        debug!(node = %ending, rooms = rooms.len(), "a node ends, its peers are asked for");
        stream::iter(rooms)
            .for_each_concurrent(ROOMS_AT_ONCE, async |(room, code)| {
                let hold = self.open_room(cluster, &room, &code).await;
                self.rooms
                    .act(hold.cell(), |room, out| room.claim_all_of(ending, out));
            })
            .await;
    }
}

/// The other nodes that live.
async fn others(cluster: &Cluster) -> Result<VecDeque<NodeId>, Unavailable> {
    let nodes = cluster.all_nodes().await?.into_iter();
    let others = nodes.filter(|node| node.alive && node.node != *cluster.me());
    Ok(others.map(|node| node.node).collect())
}
