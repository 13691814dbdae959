//! Rooms that other nodes serve too: how this node gets to know them, and hears of them.

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::time::sleep;
use tracing::{debug, warn};

use super::{
    Hub,
    directory::{Directory, RoomCell, State},
    link::Post,
    session::unix_millis,
};
use crate::{
    cluster::{Cluster, RoomKeys, Said, Snapshot, Unavailable, Undecodable},
    core::{Gossip, NewWindow, NodeId, PeerId, Room, RoomCode, RoomId, UserId},
};

/// How long a message may be under way.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// Keeps a room while it is held.
#[derive(Debug)]
pub(super) struct Hold {
    hub: Arc<Hub>,
    cell: Arc<RoomCell>,
}

impl Hold {
    pub(super) const fn cell(&self) -> &Arc<RoomCell> {
        &self.cell
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.hub.rooms.release(&self.cell);
    }
}

impl Hub {
    /// Finds the room or makes it, such that it is as the other nodes know it, and stays so.
    /// Without Redis it is as this node knows it.
    pub(super) async fn open_room(
        self: &Arc<Self>,
        cluster: &Cluster,
        id: &RoomId,
        code: &RoomCode,
    ) -> Hold {
        let hold = Hold {
            hub: Arc::clone(self),
            cell: self.rooms.hold(id, code),
        };
        if !hold.cell.state().shared.learnt {
            self.get_to_know(cluster, &hold.cell).await;
        }
        hold
    }

    /// Keeps a room for a task, if it is still there.
    pub(super) fn hold_on(self: &Arc<Self>, cell: &Arc<RoomCell>) -> Option<Hold> {
        Directory::keep(cell).then(|| Hold {
            hub: Arc::clone(self),
            cell: Arc::clone(cell),
        })
    }

    async fn get_to_know(self: &Arc<Self>, cluster: &Cluster, cell: &Arc<RoomCell>) {
        let _turn = cell.turn.lock().await;
        let Some(keys) = cell.keys() else { return };
        if cell.state().shared.learnt {
            return;
        }
        let code = cell.look(|room| room.code().clone());
        let served = [(cell.id().clone(), code)];
        tokio::join!(cluster.serves(&served), self.listen(cluster, cell, keys));
        if let Err(error) = self.read(cluster, cell, keys).await {
            debug!(room = %cell.id(), %error, "the room is not known yet");
        }
    }

    /// Subscribes to the room's channel.
    async fn listen(self: &Arc<Self>, cluster: &Cluster, cell: &Arc<RoomCell>, keys: &RoomKeys) {
        if cell.state().shared.subscription.is_some() {
            return;
        }
        let (hub, weak) = (Arc::downgrade(self), Arc::downgrade(cell));
        let hear = move |said: Said| {
            if let (Some(hub), Some(cell)) = (hub.upgrade(), weak.upgrade()) {
                hub.hear(&cell, said)?;
            }
            Ok(())
        };
        match cluster.listen(keys, hear).await {
            Ok(subscription) => cell.state().shared.subscription = Some(subscription),
            Err(error) => warn!(room = %cell.id(), %error, "the room cannot be listened to"),
        }
    }

    /// Looks at what Redis has of the room. What is said meanwhile is heard after that. Returns
    /// whether it has what this node has.
    pub(super) async fn read(
        self: &Arc<Self>,
        cluster: &Cluster,
        cell: &Arc<RoomCell>,
        keys: &RoomKeys,
    ) -> Result<bool, Unavailable> {
        let (with_chat, known, own) = {
            let mut state = cell.state();
            state.shared.begin_reading();
            let own = state.room.own_records().into_iter().map(|own| own.id);
            let own: HashSet<PeerId> = own.collect();
            (!state.shared.learnt, state.room.remote_peers(), own)
        };
        let snapshot = cluster.read(keys, with_chat).await;
        let me = self.rooms.me();
        let agrees = snapshot.as_ref().is_ok_and(|snapshot| {
            let mine = snapshot.peers.iter().filter(|(_, node)| node == me);
            let mine: HashSet<PeerId> = mine.map(|(of, _)| of.id).collect();
            let coming = cell.look(Room::arriving);
            let epoch = snapshot.mode.as_ref().map_or(0, |mode| mode.epoch);
            own.is_subset(&mine)
                && cell.look(|room| room.mode().epoch <= epoch && room.appointed() <= snapshot.host)
                && mine
                    .iter()
                    .all(|id| own.contains(id) || coming.contains(id))
        });
        self.take_in(cell, snapshot, &known, with_chat)?;
        Ok(agrees)
    }

    /// Writes down what this node has of the room, and takes in what else there is.
    pub(super) async fn write(
        self: &Arc<Self>,
        cluster: &Cluster,
        cell: &Arc<RoomCell>,
        keys: &RoomKeys,
    ) -> Result<(), Unavailable> {
        let (written, known) = {
            let mut state = cell.state();
            state.shared.begin_reading();
            let deaf = state.shared.regain_touch();
            let known = state.room.remote_peers();
            // Queued under the lock: what the room says from now on comes after it.
            let own = state.room.own_records();
            let (mode, host) = (state.room.mode(), state.room.appointed());
            let written = cluster.sync(keys, &own, &known, mode, host, deaf);
            (written, known)
        };
        let snapshot = match written {
            Ok(answer) => answer.await,
            Err(unavailable) => Err(unavailable),
        };
        if snapshot.is_err() {
            cell.state().shared.lose_touch();
        }
        self.take_in(cell, snapshot, &known, false)
    }

    /// Compares what this node has of the room with what Redis has. If that differs for more
    /// than a moment, which a message under way does, it is put right.
    pub(super) async fn compare(
        self: &Arc<Self>,
        cluster: &Cluster,
        cell: &Arc<RoomCell>,
        keys: &RoomKeys,
    ) -> Result<(), Unavailable> {
        let _turn = cell.turn.lock().await;
        if self.read(cluster, cell, keys).await? {
            return Ok(());
        }
        sleep(UNDER_WAY).await;
        if self.read(cluster, cell, keys).await? {
            return Ok(());
        }
        debug!(room = %cell.id(), "Redis does not have what this node has");
        self.write(cluster, cell, keys).await
    }

    /// Takes in what Redis has, and then what was said meanwhile.
    fn take_in(
        self: &Arc<Self>,
        cell: &Arc<RoomCell>,
        snapshot: Result<Snapshot, Unavailable>,
        known: &[PeerId],
        with_chat: bool,
    ) -> Result<(), Unavailable> {
        let (now, me) = (self.now(), self.rooms.me());
        let (outcome, result) = self.rooms.act_on(cell, |state, out| {
            let mut outcome = Outcome {
                changed: true,
                ..Outcome::default()
            };
            let result = snapshot.map(|snapshot| {
                let there: HashSet<PeerId> = snapshot.peers.iter().map(|(of, _)| of.id).collect();
                let missing = known.iter().filter(|id| !there.contains(id)).copied();
                let doubtful = state.shared.long_missing(missing, now);
                state.room.refresh_mode(snapshot.mode, out);
                state.room.change_host(snapshot.host, out);
                let opened = state.room.refresh(snapshot.peers, &doubtful, now, out);
                outcome.open(state, opened);
                if with_chat {
                    state.room.recall(snapshot.chat);
                    state.shared.learnt = true;
                    state.shared.learnt_at = unix_millis();
                }
            });
            for said in state.shared.end_reading() {
                // What cannot be read is skipped.
                let _ = hear_in(state, me, &said, now, out, &mut outcome);
            }
            (outcome, result)
        });
        self.follow_up(cell, outcome);
        result
    }

    /// Hears what was said on the room's channel.
    fn hear(self: &Arc<Self>, cell: &Arc<RoomCell>, said: Said) -> Result<(), Undecodable> {
        let (now, me) = (self.now(), self.rooms.me());
        let outcome = self.rooms.act_on(cell, |state, out| {
            let mut outcome = Outcome::default();
            if let Some(said) = state.shared.wait_or_hear(said) {
                hear_in(state, me, &said, now, out, &mut outcome)?;
            }
            Ok(outcome)
        })?;
        self.follow_up(cell, outcome);
        Ok(())
    }

    /// Sees to the peers that this node has had since it heard something.
    fn follow_up(self: &Arc<Self>, cell: &Arc<RoomCell>, outcome: Outcome) {
        if outcome.changed
            && let Some(keys) = cell.keys()
        {
            keys.expect(cell.look(Room::other_nodes));
        }
        for (claimer, peer, of) in outcome.claimed {
            self.make_up_in_time(cell, claimer, &[(peer, of)], false);
        }
        for (adopter, peers) in outcome.adopted {
            self.make_up_in_time(cell, adopter, &peers, true);
        }
        for window in outcome.windows {
            self.wait_for(cell, window.peer, &window.user, window.until);
        }
    }

    /// A user is in a room of this node now.
    pub(super) fn seated(self: &Arc<Self>, cell: &Arc<RoomCell>, user: &UserId) {
        if let Some(cluster) = self.cluster().cloned() {
            let here = vec![(cell.id().clone(), user.clone())];
            self.errands
                .spawn(async move { cluster.present(here).await });
        }
    }

    /// A user of this node gave a sign of life. If Redis has forgotten it, it has forgotten more:
    /// then the room is written down again.
    pub(super) async fn renew(self: Arc<Self>, cell: Arc<RoomCell>, user: UserId) {
        let Some(cluster) = self.cluster().cloned() else {
            return;
        };
        if cluster.renew(cell.id(), &user).await == Ok(false)
            && let Some(hold) = self.hold_on(&cell)
            && let Some(keys) = cell.keys()
        {
            cluster.present(vec![(cell.id().clone(), user)]).await;
            if let Err(error) = self.compare(&cluster, hold.cell(), keys).await {
                debug!(room = %cell.id(), %error, "the room cannot be compared");
            }
        }
    }

    /// A user has no more to do with a room of this node, unless through another peer.
    pub(super) fn absent(self: &Arc<Self>, cell: &Arc<RoomCell>, user: &UserId) {
        let Some(cluster) = self.cluster().cloned() else {
            return;
        };
        if cell.look(|room| room.has_user(user)) {
            return;
        }
        let (cell, user) = (Arc::clone(cell), user.clone());
        self.errands.spawn(async move {
            // It may have come back at once.
            if !cell.look(|room| room.has_user(&user)) {
                cluster.absent(cell.id(), &user).await;
            }
        });
    }
}

/// A peer that this node just began to wait for.
#[derive(Debug)]
struct Window {
    peer: PeerId,
    user: UserId,
    until: Duration,
}

/// What comes of hearing something, beside what is said to clients.
#[derive(Debug, Default)]
struct Outcome {
    windows: Vec<Window>,
    /// By which node a peer was asked for, and which node has it.
    claimed: Vec<(NodeId, PeerId, NodeId)>,
    /// By which node peers were taken over, each with the node that had it.
    adopted: Vec<(NodeId, Vec<(PeerId, NodeId)>)>,
    /// Whether other nodes may serve the room than before.
    changed: bool,
}

impl Outcome {
    fn open(&mut self, state: &State, windows: Vec<NewWindow>) {
        for (peer, until) in windows {
            if let Some(member) = state.room.member(peer) {
                let user = member.user.clone();
                self.windows.push(Window { peer, user, until });
            }
        }
    }
}

/// Applies what a node said.
fn hear_in(
    state: &mut State,
    me: &NodeId,
    said: &Said,
    now: Duration,
    out: &mut Post<'_>,
    outcome: &mut Outcome,
) -> Result<(), Undecodable> {
    let repeated = said.is_repeated();
    let (from, said) = said.read()?;
    // Of what this node says itself only the place of these among the rest matters.
    let heard_by_all = matches!(
        said,
        Gossip::Claim { .. } | Gossip::Adopted(_) | Gossip::Mode(_)
    );
    if from == *me && !heard_by_all {
        return Ok(());
    }
    if let (true, Gossip::Chat(message)) = (repeated, &said) {
        let (since, now) = (state.shared.learnt_at, (now, unix_millis()));
        let message = Arc::clone(message);
        state.room.hear_late([message], since, now, out);
        return Ok(());
    }
    match &said {
        Gossip::Claim { peer, from: of, .. } => {
            (outcome.claimed).push((from.clone(), *peer, of.clone()));
        }
        Gossip::Adopted(peers) => {
            let had = |peer: &PeerId| Some((*peer, state.room.node_of(*peer)?.clone()));
            let peers = peers.iter().filter_map(had).collect();
            outcome.adopted.push((from.clone(), peers));
        }
        _ => {}
    }
    let changes = !matches!(said, Gossip::Relay { .. } | Gossip::Chat(_));
    let windows = state.room.hear(&from, said, now, out);
    outcome.open(state, windows);
    outcome.changed |= changes;
    Ok(())
}
