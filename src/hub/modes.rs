//! Which rooms go through a media server: those that grow beyond a mesh, those that are to, and
//! what becomes of them when the server is lost.

use std::{collections::HashSet, sync::Arc, time::Duration};

use futures_util::{StreamExt as _, stream};
use tokio::time::timeout;
use tracing::{debug, info, warn};

use super::{Conn, Hub, directory::RoomCell, link::Post};
use crate::{
    core::{Mode, ModeReason, PeerId, Room, RoomId},
    services::{
        media::{Media, MediaServer, Place},
        room::RoomProfile,
    },
};

/// How long the own word that media flows otherwise may be under way on the room's channel.
const HEARD: Duration = Duration::from_millis(1_500);

/// How often rooms are looked at while a media server is away: they may have become small.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How often they are looked at all the same: another node may have put one on a server that this
/// one does not know.
const LOOK: Duration = Duration::from_secs(10);

/// How many rooms are seen to at once.
const ROOMS_AT_ONCE: usize = 32;

/// How media is to flow.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    mode: Mode,
    server: Option<Arc<str>>,
    reason: ModeReason,
}

impl Hub {
    /// How a room that is about to be entered is to be, if it is otherwise than it is said to be
    /// by the Room Service. A room that was changed since is left as it is.
    pub(super) fn plan_as_configured(
        &self,
        room: &Room<Conn>,
        profile: &RoomProfile,
    ) -> Option<Plan> {
        let mode = room.mode();
        if profile.mode != Mode::Sfu || mode.mode == Mode::Sfu || mode.epoch > 0 {
            return None;
        }
        let server = self.media().map(|media| media.choose(&profile.id));
        match server {
            // It is somebody else's to know what it goes through.
            None => Some(Plan::sfu(None, ModeReason::Configured)),
            Some(Some(server)) => Some(Plan::sfu(Some(server), ModeReason::Configured)),
            // A mesh is better than nothing.
            Some(None) => None,
        }
    }

    /// How a room that is full is to be, if there is a way to make it larger.
    pub(super) fn plan_to_grow(&self, room: &Room<Conn>, id: &RoomId) -> Option<Plan> {
        let server = self.media().filter(|_| room.would_grow())?.choose(id)?;
        Some(Plan::sfu(Some(server), ModeReason::Capacity))
    }

    /// Makes a room of this node alone ready to be entered: as it is to be, and larger if it is
    /// full.
    pub(super) fn prepare_alone(
        &self,
        room: &mut Room<Conn>,
        profile: &RoomProfile,
        out: &mut Post<'_>,
    ) {
        if let Some(plan) = self.plan_as_configured(room, profile) {
            room.change_mode(plan.proposal(room), out);
        }
        if room.len() >= room.places()
            && let Some(plan) = self.plan_to_grow(room, &profile.id)
        {
            room.change_mode(plan.proposal(room), out);
        }
    }

    /// Lets media flow otherwise than in `epoch`, unless that has changed since. Returns when
    /// this node has it so.
    pub(super) async fn change_mode(
        self: &Arc<Self>,
        cell: &Arc<RoomCell>,
        epoch: u64,
        plan: Plan,
    ) {
        let (state, heard) = {
            let mut now = cell.state();
            if now.room.mode().epoch != epoch {
                return;
            }
            (plan.proposal(&now.room), now.shared.wait_for_mode(epoch))
        };
        if let (Some(cluster), Some(keys)) = (self.cluster(), cell.keys()) {
            let told = cluster.change_mode(keys, epoch, &state).await;
            if told.is_ok() && timeout(HEARD, heard).await.is_ok() {
                return;
            }
            if told == Ok(false) {
                debug!(room = %cell.id(), "another node has changed the mode, and how is not heard");
                return;
            }
        }
        // There are no others, or not now.
        self.rooms.act(cell, |room, out| {
            if room.mode().epoch == epoch {
                room.change_mode(state, out);
            }
        });
    }

    /// Sees to it that no room goes through a media server that is not there. Runs until it is
    /// dropped.
    pub async fn watch_media(self: Arc<Self>) {
        let Some(media) = self.media().cloned() else {
            return;
        };
        let mut changes = media.changes();
        let mut away: HashSet<Arc<str>> = HashSet::new();
        loop {
            changes.borrow_and_update();
            let before = std::mem::take(&mut away);
            let report = media.report();
            let absent = report.iter().filter(|one| !media.is_available(&one.url));
            away.extend(absent.map(|one| Arc::clone(&one.url)));
            let back: HashSet<_> = before.difference(&away).cloned().collect();
            self.see_to_rooms(&media, &back).await;
            let pause = if away.is_empty() { LOOK } else { LOOK_AGAIN };
            let _ = timeout(pause, changes.changed()).await;
        }
    }

    async fn see_to_rooms(self: &Arc<Self>, media: &Arc<Media>, back: &HashSet<Arc<str>>) {
        stream::iter(self.rooms.all())
            .for_each_concurrent(ROOMS_AT_ONCE, async |cell| {
                let on = cell.look(|room| room.mode().media.clone());
                let (Some(server), Some(hold)) = (on, self.hold_on(&cell)) else {
                    return;
                };
                if !media.is_available(&server) {
                    self.do_without(media, hold.cell(), &server).await;
                } else if back.contains(&server) {
                    let (epoch, known) =
                        cell.look(|room| (room.mode().epoch, room.established_peers()));
                    self.check_media(hold.cell(), epoch, &known).await;
                }
            })
            .await;
    }

    /// A room's media server is lost: another one takes it, or the room does without if it is
    /// small enough. Else it waits.
    async fn do_without(self: &Arc<Self>, media: &Media, cell: &Arc<RoomCell>, lost: &Arc<str>) {
        let (epoch, small, still) = cell.look(|room| {
            let mode = room.mode();
            let still = mode.media.as_ref() == Some(lost);
            (mode.epoch, room.is_small_for_sfu(), still)
        });
        let plan = match media.choose(cell.id()) {
            _ if !still => return,
            Some(server) => Plan::sfu(Some(server), ModeReason::MediaMoved),
            None if small => Plan {
                mode: Mode::P2p,
                server: None,
                reason: ModeReason::MediaUnavailable,
            },
            None => return,
        };
        warn!(room = %cell.id(), mode = ?plan.mode, "the room's media server is lost");
        self.change_mode(cell, epoch, plan).await;
    }

    /// Finds out whether a room's media server still has what `suspects` had there when the room
    /// was in `epoch`, and lets all begin anew if not.
    pub(super) async fn check_media(
        self: &Arc<Self>,
        cell: &Arc<RoomCell>,
        epoch: u64,
        suspects: &[PeerId],
    ) {
        let mode = cell.look(|room| room.mode().clone());
        let Some(name) = mode.media.filter(|_| mode.epoch == epoch) else {
            return;
        };
        let Some(server) = self.media().and_then(|media| media.server(&name)) else {
            return;
        };
        for peer in suspects {
            if self.is_lost(cell, server, *peer).await {
                info!(room = %cell.id(), "the media server has lost the room");
                let plan = Plan::sfu(Some(name), ModeReason::MediaMoved);
                return self.change_mode(cell, epoch, plan).await;
            }
        }
    }

    /// Whether a media server does not know a peer that it should. Others may have made the room
    /// again since: it is the peer that counts.
    async fn is_lost(&self, cell: &RoomCell, server: &MediaServer, peer: PeerId) -> bool {
        let member = cell.look(|room| room.member(peer).cloned());
        let Some(member) = member else { return false };
        let room = cell.id();
        let lost = match server.knows(room).await {
            Ok(true) => {
                let place = Place { room, peer };
                server.register(place, &member.username).await == Ok(true)
            }
            known => known == Ok(false),
        };
        if lost && cell.look(|room| room.member(peer).is_none()) {
            // It left meanwhile, and was closed there: that says nothing of the others.
            if let Some(media) = self.media() {
                media.release(server.name(), room, peer);
            }
            return false;
        }
        lost
    }

    /// Closes what the peers of this node have on media servers: they are about to be forgotten.
    pub fn give_up_media(&self) {
        let Some(media) = self.media() else { return };
        for cell in self.rooms.all() {
            let (server, own) = cell.look(|room| (room.mode().media.clone(), room.own_records()));
            let Some(server) = server else { continue };
            for record in own.iter().filter(|record| record.media.is_some()) {
                media.release(&server, cell.id(), record.id);
            }
        }
    }
}

impl Plan {
    const fn sfu(server: Option<Arc<str>>, reason: ModeReason) -> Self {
        Self {
            mode: Mode::Sfu,
            server,
            reason,
        }
    }

    fn proposal(self, room: &Room<Conn>) -> crate::core::ModeState {
        room.proposal(self.mode, self.server, self.reason)
    }
}
