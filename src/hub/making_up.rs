//! What peers of nodes that are gone, or that did not hear in time, are told once more.

use std::{sync::Arc, time::Duration};

use indexmap::IndexMap;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::{Hub, directory::RoomCell};
use crate::core::{Gossip, NodeId, Outbox as _, PeerId, Waiting};

/// How long Redis may take to answer what was published, and the time between two looks whether
/// it has.
const ANSWER: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

impl Hub {
    /// Says again to a node what its peers did not get, as soon as Redis has said who got what.
    pub(super) fn make_up_in_time(
        self: &Arc<Self>,
        cell: &Arc<RoomCell>,
        for_node: NodeId,
        peers: &[(PeerId, NodeId)],
        gone: bool,
    ) {
        let Some(keys) = cell.keys() else { return };
        let last = keys.claimed(peers, &for_node, gone);
        let mut peers: Vec<PeerId> = peers.iter().map(|(peer, _)| *peer).collect();
        if keys.is_answered(last) {
            return self.make_up(cell, &for_node, &peers, gone);
        }
        let (hub, cell) = (Arc::clone(self), Arc::clone(cell));
        tokio::spawn(async move {
            let asked = Instant::now();
            let is_answered = || cell.keys().is_none_or(|keys| keys.is_answered(last));
            while !is_answered() && asked.elapsed() < ANSWER {
                sleep(LOOK_AGAIN).await;
            }
            if !gone {
                // Those that were taken over meanwhile are seen to for that reason.
                peers.retain(|peer| cell.keys().is_some_and(|keys| !keys.is_gone(*peer)));
            }
            hub.make_up(&cell, &for_node, &peers, gone);
        });
    }

    /// Says again to a node what its peers did not get from this one: those that it took over
    /// from one that is `gone`, or one that it asks for.
    fn make_up(
        self: &Arc<Self>,
        cell: &Arc<RoomCell>,
        for_node: &NodeId,
        peers: &[PeerId],
        gone: bool,
    ) {
        let Some(keys) = cell.keys() else { return };
        let mut missed: IndexMap<PeerId, Vec<Waiting>> = IndexMap::new();
        for (said, peers) in keys.missed_by(peers) {
            let Ok((_, said)) = said.read() else { continue };
            for peer in peers {
                missed.entry(peer).or_default().extend(said.for_peer(peer));
            }
        }
        missed.retain(|_, missed| !missed.is_empty());
        let (now, me) = (self.now(), self.rooms.me());
        self.rooms.act_on(cell, |state, out| {
            for (peer, missed) in missed {
                debug!(%peer, events = missed.len(), "said again, since its node was gone");
                let again = Gossip::Again { peer, gone, missed };
                if for_node == me {
                    state.room.hear(me, again, now, out);
                } else {
                    out.gossip(again);
                }
            }
        });
    }
}
