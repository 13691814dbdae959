//! How a session comes to sit in a room: by joining it, or by coming back to it.

use std::{pin::Pin, sync::Arc, time::Instant};

use tracing::debug;
use uuid::Uuid;

use super::{
    Conn, Ending, Hub, Neighbours, Session,
    directory::RoomCell,
    returning::Wish,
    session::{Place, draw_secret, unix_millis},
};
use crate::{
    cluster::{Cluster, Reserved, Unavailable},
    core::{Member, Newcomer, PeerId, Refusal, Room, RoomCode, RoomId, Seat},
    protocol::{ErrorCode, WireError},
    services::room::RoomProfile,
    telemetry::{self, Resumption},
};

/// To whoever wants a name that another peer of the same user has.
const OWN_NAME: &str =
    "this name is held by your own other connection: present its resumeToken to be that peer";

/// What takes a while because others are asked.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What becomes of the wish to join.
pub enum Joining {
    /// It is decided.
    Done(Result<(), WireError>),
    /// It is decided when others have been asked.
    Later(Later<Result<(), WireError>>),
}

impl Joining {
    /// What is decided in the end.
    ///
    /// # Errors
    /// Those of [`Session::join_as`].
    pub async fn done(self) -> Result<(), WireError> {
        match self {
            Self::Done(joined) => joined,
            Self::Later(joining) => joining.await,
        }
    }
}

impl Session {
    /// Takes the seat that this user's lost connection left, if there is one: at once if this
    /// node has it, else it takes what is returned. For a session that is in no room.
    ///
    /// `resume` is the text of a resume token. Without one it is the only seat that this user
    /// left, of those in the room `within` if that is given. [`Session::peer`] tells what came
    /// of it.
    pub fn come_back(
        self: &Arc<Self>,
        resume: Option<&str>,
        within: Option<&RoomId>,
    ) -> Option<Later<()>> {
        let cluster = self.hub.cluster().filter(|cluster| cluster.is_up());
        let wish = match (resume, cluster) {
            (Some(token), _) => Some(Wish::of(token).or_else(not_resumed)?),
            (None, None) => Some(self.hub.only_window_of(&self.member.user, within)?),
            (None, Some(_)) => None,
        };
        if let Some(wish) = &wish {
            let mut place = self.place.lock();
            if let Some((cell, peer)) = self.hub.resume_here(&self.conn, &self.member, wish) {
                self.sit(&mut place, cell, peer);
                telemetry::resumed(Resumption::Here);
                return None;
            }
        }
        let cluster = cluster.or_else(not_resumed)?;
        let (session, cluster) = (Arc::clone(self), Arc::clone(cluster));
        let within = within.cloned();
        Some(Box::pin(session.take_seat_elsewhere(cluster, wish, within)))
    }

    async fn take_seat_elsewhere(
        self: Arc<Self>,
        cluster: Arc<Cluster>,
        wish: Option<Wish>,
        within: Option<RoomId>,
    ) {
        let hub = &self.hub;
        let wish = match wish {
            Some(wish) => Some(wish),
            None => {
                let (user, within) = (&self.member.user, within.as_ref());
                let anywhere = hub.only_window_anywhere(&cluster, user, within);
                let here = || hub.only_window_of(user, within);
                anywhere.await.or_else(here)
            }
        };
        let Some(wish) = wish else { return };
        let found = hub.resume_from_elsewhere(&cluster, &self.conn, &self.member, &wish);
        let Some((cell, peer)) = found.await else {
            return telemetry::resumed(Resumption::Failed);
        };
        telemetry::resumed(Resumption::Elsewhere);
        let mut place = self.place.lock();
        if matches!(*place, Place::Closed) {
            // Lost again while it was brought here.
            self.vacate(&cell, peer, Ending::Lost);
        } else {
            hub.seated(&cell, &self.member.user);
            self.sit(&mut place, cell, peer);
        }
    }

    /// Joins the room behind `code`, after leaving any other. Joining the room that the
    /// session is in welcomes it again.
    ///
    /// Where others have to be asked it takes what is returned, and nothing else that the client
    /// wants may be done before.
    ///
    /// # Errors
    /// `ROOM_NOT_FOUND`, `SERVICE_UNAVAILABLE` if the Room Service says so, or nothing; `ROOM_FULL`;
    /// `RATE_LIMITED`; `DRAINING` while the node stops; `INTERNAL` if the system has no randomness to give.
    pub fn join(self: &Arc<Self>, code: &RoomCode) -> Joining {
        self.join_as(code, None)
    }

    /// The same, under a name by which the others reach the peer, which nobody else in the room may
    /// go by. Under another name than the one it has, a session joins the room that it is in anew.
    ///
    /// # Errors
    /// Those of [`Session::join`]; `FORBIDDEN` if the name is taken.
    pub fn join_as(self: &Arc<Self>, code: &RoomCode, alias: Option<Arc<str>>) -> Joining {
        let begun = Instant::now();
        let count = move |joined: &Result<(), WireError>| {
            let outcome = joined.as_ref().copied().map_err(|error| error.code);
            telemetry::joined(outcome, begun.elapsed());
        };
        match self.begin_to_join(code, alias) {
            Joining::Done(joined) => {
                count(&joined);
                Joining::Done(joined)
            }
            Joining::Later(joining) => Joining::Later(Box::pin(async move {
                let joined = joining.await;
                count(&joined);
                joined
            })),
        }
    }

    fn begin_to_join(self: &Arc<Self>, code: &RoomCode, alias: Option<Arc<str>>) -> Joining {
        let Neighbours { cluster, rooms, .. } = &self.hub.neighbours;
        let mut place = self.place.lock();
        let here = match &*place {
            Place::Seated { cell, .. } if rooms.is_some() => cell.look(|room| room.code() == code),
            Place::Seated { cell, .. } => *cell.id() == RoomId::from_code(code),
            Place::Nowhere | Place::Closed => false,
        };
        if here && self.rejoin_locked(&place, alias.as_deref()) {
            return Joining::Done(Ok(()));
        }
        if let Err(refused) = self.spend_room() {
            return Joining::Done(Err(refused));
        }
        if cluster.is_some() || rooms.is_some() {
            let (session, code) = (Arc::clone(self), code.clone());
            return Joining::Later(Box::pin(async move {
                let joined = session.join_later(code, alias).await;
                session.look_away();
                joined
            }));
        }
        let profile = RoomProfile::of_code(code);
        let newcomer = match self.get_up(&mut place, alias) {
            Ok(Some(newcomer)) => newcomer,
            Ok(None) => return Joining::Done(Ok(())),
            Err(error) => return Joining::Done(Err(error)),
        };
        Joining::Done(self.sit_down(&mut place, &profile, newcomer, true))
    }

    /// Joins a room that others have to be asked about.
    async fn join_later(
        self: &Arc<Self>,
        code: RoomCode,
        alias: Option<Arc<str>>,
    ) -> Result<(), WireError> {
        let profile = self.hub.profile(&code).await?;
        let newcomer = {
            let mut place = self.place.lock();
            // Other codes may lead to the same room.
            let here = match &*place {
                Place::Seated { cell, .. } => *cell.id() == profile.id,
                Place::Nowhere | Place::Closed => false,
            };
            if here && self.rejoin_locked(&place, alias.as_deref()) {
                return Ok(());
            }
            self.get_up(&mut place, alias)?
        };
        let Some(newcomer) = newcomer else {
            return Ok(());
        };
        match self.hub.cluster().cloned() {
            Some(cluster) => self.join_with_others(&cluster, &profile, newcomer).await,
            None => {
                let mut place = self.place.lock();
                if matches!(*place, Place::Closed) {
                    return Ok(()); // Nobody is left to answer.
                }
                self.sit_down(&mut place, &profile, newcomer, true)
            }
        }
    }

    /// Welcomes a peer once more in the room that it is in, unless it wants another name there.
    /// Returns whether it did.
    fn rejoin_locked(&self, place: &Place, alias: Option<&str>) -> bool {
        let Place::Seated { cell, peer } = place else {
            return false;
        };
        let seat = Seat {
            peer: *peer,
            conn: &self.conn,
        };
        self.hub.rooms.act(cell, |room, out| {
            let known = room.member(*peer).and_then(|own| own.alias.as_deref());
            (alias.is_none() || alias == known) && room.rejoin(seat, out).is_ok()
        })
    }

    /// Leaves the room that the session is in, to join another. Nothing if the client is gone.
    fn get_up(
        &self,
        place: &mut Place,
        alias: Option<Arc<str>>,
    ) -> Result<Option<Newcomer<Conn>>, WireError> {
        self.leave_locked(place);
        if matches!(*place, Place::Closed) {
            return Ok(None); // Nobody is left to answer.
        }
        if self.hub.is_draining() {
            return Err(WireError::new(ErrorCode::Draining, "this node is stopping"));
        }
        self.newcomer(alias).map(Some)
    }

    /// Takes a place in a room. If this node decides `alone`, there has to be one, and it may change
    /// the room for that; else the place is reserved.
    fn sit_down(
        &self,
        place: &mut Place,
        profile: &RoomProfile,
        newcomer: Newcomer<Conn>,
        alone: bool,
    ) -> Result<(), WireError> {
        let (hub, peer) = (&self.hub, newcomer.peer);
        let member = Arc::clone(&newcomer.member);
        let (cell, joined) = hub.rooms.enter(&profile.id, &profile.code, |room, out| {
            room.set_capacity(profile.max_peers);
            if alone {
                hub.prepare_alone(room, profile, out);
            }
            let joined = if alone {
                room.join(newcomer, out)
            } else {
                room.join_reserved(newcomer, out)
            };
            joined.map(|()| room.len())
        });
        let peers = joined.map_err(|refusal| refused(refusal, &cell, &member))?;
        telemetry::room_entered(peers);
        self.progress.joined(peers == 1);
        debug!(%peer, room = %cell.id(), "peer joined");
        hub.seated(&cell, &self.member.user);
        self.sit(place, cell, peer);
        Ok(())
    }

    /// Joins a room that may have peers on other nodes: there has to be a place in all of it.
    async fn join_with_others(
        &self,
        cluster: &Arc<Cluster>,
        profile: &RoomProfile,
        newcomer: Newcomer<Conn>,
    ) -> Result<(), WireError> {
        let (hub, peer) = (&self.hub, newcomer.peer);
        let member = Arc::clone(&newcomer.member);
        let hold = hub.open_room(cluster, &profile.id, &profile.code).await;
        let cell = hold.cell();
        let _reservation = Reservation {
            cluster,
            cell,
            peer,
            alias: member.alias.as_deref(),
        };
        // Without Redis the room goes on with what this node knows.
        let reserved = hub
            .reserve(cluster, cell, profile, peer, member.alias.as_deref())
            .await;
        match reserved {
            Ok(Reserved::Full) => return Err(Refusal::RoomFull.into()),
            Ok(Reserved::NameTaken) => return Err(refused(Refusal::NameTaken, cell, &member)),
            Ok(Reserved::Done) | Err(Unavailable) => {}
        }
        {
            let mut place = self.place.lock();
            if matches!(*place, Place::Closed) {
                return Ok(()); // Nobody is left to answer.
            }
            self.sit_down(&mut place, profile, newcomer, reserved.is_err())?;
        }
        if let Some(keys) = cell.keys() {
            // Whoever joins on another node after this one was answered has to find it there.
            cluster.settle(keys).await;
        }
        Ok(())
    }

    fn newcomer(&self, alias: Option<Arc<str>>) -> Result<Newcomer<Conn>, WireError> {
        let secret = draw_secret()
            .ok_or_else(|| WireError::new(ErrorCode::Internal, "no randomness to be had"))?;
        let member = match alias {
            Some(_) => Arc::new(Member {
                alias,
                ..Member::clone(&self.member)
            }),
            None => Arc::clone(&self.member),
        };
        Ok(Newcomer {
            peer: PeerId::new(Uuid::new_v4()),
            secret,
            member,
            conn: self.conn.clone(),
            now: unix_millis(),
        })
    }
}

impl Hub {
    /// Takes a place in all of a room for a peer that is about to join, and its name if it has one,
    /// after making the room as it is to be, and larger if it is full.
    async fn reserve(
        self: &Arc<Self>,
        cluster: &Cluster,
        cell: &Arc<RoomCell>,
        profile: &RoomProfile,
        peer: PeerId,
        alias: Option<&str>,
    ) -> Result<Reserved, Unavailable> {
        let keys = cell.keys().ok_or(Unavailable)?;
        let (plan, epoch) = {
            let room = &mut cell.state().room;
            room.set_capacity(profile.max_peers);
            (self.plan_as_configured(room, profile), room.mode().epoch)
        };
        if let Some(plan) = plan {
            self.change_mode(cell, epoch, plan).await;
        }
        let places = || cell.look(Room::places);
        let before = places();
        let reserved = cluster.reserve(keys, peer, alias, before).await?;
        if reserved != Reserved::Full {
            return Ok(reserved);
        }
        let (plan, epoch) = cell.look(|room| {
            let plan = self.plan_to_grow(room, cell.id());
            (plan, room.mode().epoch)
        });
        if let Some(plan) = plan {
            self.change_mode(cell, epoch, plan).await;
        }
        // It may have been made larger by somebody else, even before this one could.
        if places() == before {
            return Ok(Reserved::Full);
        }
        cluster.reserve(keys, peer, alias, places()).await
    }
}

/// A client came with the wish to be a peer again, and cannot be.
fn not_resumed<T>() -> Option<T> {
    telemetry::resumed(Resumption::Failed);
    None
}

/// Why somebody may not join. Whoever held the name may be who asks for it, before its loss is
/// noticed: it is told how to come back.
fn refused(refusal: Refusal, cell: &RoomCell, member: &Member) -> WireError {
    let is_own = |alias| cell.look(|room| room.is_named(alias, &member.user));
    if refusal == Refusal::NameTaken && member.alias.as_deref().is_some_and(is_own) {
        return WireError::new(ErrorCode::Forbidden, OWN_NAME);
    }
    refusal.into()
}

/// A place in a room, and a name: given back if nobody takes it, whatever happens.
struct Reservation<'a> {
    cluster: &'a Cluster,
    cell: &'a RoomCell,
    peer: PeerId,
    alias: Option<&'a str>,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let taken = self.cell.look(|room| room.member(self.peer).is_some());
        if !taken && let Some(keys) = self.cell.keys() {
            self.cluster.vacate(keys, self.peer, self.alias);
        }
    }
}
