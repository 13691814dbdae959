//! What peers have in the media server that the room is on.
//!
//! The room does not talk to the server. It says what may be asked of it, and takes note of what
//! came of that: transports, producers and consumers belong to the peer that made them, and what
//! one sends the others are told of. The records of peers carry it, so that a peer keeps it
//! wherever it goes, and any node can see to it that it is closed.

use std::sync::Arc;

use super::{Refusal, Room, Seat, delivery::Cutoffs};
use crate::core::{
    Consumer, Direction, Event, Gossip, LeaveReason, MAX_CONSUMERS, MAX_PRODUCERS, MAX_TRANSPORTS,
    Member, Mode, Outbox, PeerId, PeerMedia, Producer, ProducerInfo, Transport,
    peer::{Peer, Presence},
};

/// A peer that may ask things of the media server.
#[derive(Clone, Debug)]
pub struct MediaSeat {
    /// The peer.
    pub peer: PeerId,
    /// Who is behind it.
    pub member: Arc<Member>,
    /// The media server; nothing if the room goes through one that the gateway does not know.
    pub server: Option<Arc<str>>,
    /// Since which change of the room's mode. What comes of a request that was made before a
    /// change does not count after it.
    pub epoch: u64,
    /// Whether the peer has a transport there already.
    pub established: bool,
}

impl<C: Clone + PartialEq> Room<C> {
    /// Where the requests of a peer go.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`]; [`Refusal::NotSfu`] in a mesh.
    pub fn media_seat(&mut self, seat: Seat<'_, C>) -> Result<MediaSeat, Refusal> {
        let peer = self.check(seat)?;
        let member = Arc::clone(&peer.member);
        let media = peer.media.as_ref();
        let established = media.is_some_and(|media| !media.transports.is_empty());
        if self.mode.mode != Mode::Sfu {
            return Err(Refusal::NotSfu);
        }
        Ok(MediaSeat {
            peer: seat.peer,
            member,
            server: self.mode.media.clone(),
            epoch: self.mode.epoch,
            established,
        })
    }

    /// Notes that a peer is about to be registered in the media server: from now on there may be
    /// something to close.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::MediaGone`].
    pub fn enter_media(
        &mut self,
        seat: Seat<'_, C>,
        epoch: u64,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        let peer = self.check_epoch(seat, epoch)?;
        if peer.media.is_none() {
            peer.media = Some(Arc::new(PeerMedia::new(epoch)));
            out.gossip(Gossip::Renewed(peer.record(seat.peer)));
        }
        Ok(())
    }

    /// Whether a peer may have another transport.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::TooManyTransports`].
    pub fn may_add_transport(&mut self, seat: Seat<'_, C>) -> Result<(), Refusal> {
        let media = self.check(seat)?.media.as_ref();
        match media.map_or(0, |media| media.transports.len()) {
            MAX_TRANSPORTS.. => Err(Refusal::TooManyTransports),
            _ => Ok(()),
        }
    }

    /// Notes a transport of a peer.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::MediaGone`].
    pub fn add_transport(
        &mut self,
        seat: Seat<'_, C>,
        epoch: u64,
        transport: Transport,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        self.change_media(seat, epoch, out, |media| media.transports.push(transport))
    }

    /// Checks that a transport is the peer's own and goes that way, if it matters which.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::NotOwner`], [`Refusal::WrongDirection`].
    pub fn own_transport(
        &mut self,
        seat: Seat<'_, C>,
        id: &str,
        direction: Option<Direction>,
    ) -> Result<(), Refusal> {
        let media = self.check(seat)?.media.as_ref();
        let mut transports = media.iter().flat_map(|media| &media.transports);
        let own = transports.find(|transport| *transport.id == *id);
        match (own, direction) {
            (None, _) => Err(Refusal::NotOwner),
            (Some(own), Some(wanted)) if own.direction != wanted => Err(Refusal::WrongDirection),
            _ => Ok(()),
        }
    }

    /// Whether a peer may send something more.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::TooManyProducers`].
    pub fn may_add_producer(&mut self, seat: Seat<'_, C>) -> Result<(), Refusal> {
        let media = self.check(seat)?.media.as_ref();
        match media.map_or(0, |media| media.producers.len()) {
            MAX_PRODUCERS.. => Err(Refusal::TooManyProducers),
            _ => Ok(()),
        }
    }

    /// Notes that a peer sends something. The others are told.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::MediaGone`].
    pub fn add_producer(
        &mut self,
        seat: Seat<'_, C>,
        epoch: u64,
        producer: Producer,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        let producer = Arc::new(producer);
        let kept = Arc::clone(&producer);
        self.change_media(seat, epoch, out, |media| media.producers.push(kept))?;
        let peer = seat.peer;
        let news = Event::NewProducer(ProducerInfo { peer, producer });
        self.announce_to_others(peer, &news, out);
        Ok(())
    }

    /// Checks that a producer is the peer's own.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::NotOwner`].
    pub fn own_producer(&mut self, seat: Seat<'_, C>, id: &str) -> Result<(), Refusal> {
        let media = self.check(seat)?.media.as_ref();
        let own = media.and_then(|media| media.producer(id));
        own.map(|_| ()).ok_or(Refusal::NotOwner)
    }

    /// Notes that a peer pauses or resumes what it sends.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::MediaGone`].
    pub fn pause_producer(
        &mut self,
        seat: Seat<'_, C>,
        epoch: u64,
        id: &str,
        paused: bool,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        self.change_media(seat, epoch, out, |media| {
            let own = media.producers.iter_mut().find(|own| *own.id == *id);
            if let Some(own) = own {
                Arc::make_mut(own).paused = paused;
            }
        })
    }

    /// Notes that a peer sends something no more. The others are told.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::MediaGone`].
    pub fn close_producer(
        &mut self,
        seat: Seat<'_, C>,
        epoch: u64,
        id: &str,
        out: &mut impl Outbox<C>,
    ) -> Result<(), Refusal> {
        let mut closed = None;
        self.change_media(seat, epoch, out, |media| {
            let place = media.producers.iter().position(|own| *own.id == *id);
            closed = place.map(|place| media.producers.remove(place));
        })?;
        if let Some(closed) = closed {
            self.announce_closed(seat.peer, &closed.id, out);
        }
        Ok(())
    }

    /// Checks that a peer may receive what a producer of the room sends, and keeps a place for
    /// it: several may be asked for at once.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::NoProducer`], [`Refusal::TooManyConsumers`].
    pub fn reserve_consumer(&mut self, seat: Seat<'_, C>, producer: &str) -> Result<(), Refusal> {
        if self.check(seat)?.consumers.len() >= MAX_CONSUMERS {
            return Err(Refusal::TooManyConsumers);
        }
        let mut all = self.peers.values().filter_map(|peer| peer.media.as_ref());
        let known = all.find_map(|media| media.producer(producer));
        let producer = Arc::clone(&known.ok_or(Refusal::NoProducer)?.id);
        self.check(seat)?
            .consumers
            .push(Consumer::to_come(producer));
        Ok(())
    }

    /// Notes that a peer receives something, in the place that was kept for it. If that is gone,
    /// so is the producer, and the media server has ended it already.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::MediaGone`].
    pub fn add_consumer(
        &mut self,
        seat: Seat<'_, C>,
        epoch: u64,
        consumer: Consumer,
    ) -> Result<(), Refusal> {
        let peer = self.check_epoch(seat, epoch)?;
        if let Some(place) = peer.place_for(&consumer.producer) {
            *place = consumer;
        }
        Ok(())
    }

    /// Gives a place back that was kept for something that did not come.
    pub fn release_consumer(&mut self, seat: Seat<'_, C>, producer: &str) {
        if let Ok(peer) = self.check(seat) {
            let mut all = peer.consumers.iter();
            let place = all.position(|own| own.is_to_come() && *own.producer == *producer);
            if let Some(place) = place {
                peer.consumers.swap_remove(place);
            }
        }
    }

    /// Checks that a consumer is the peer's own.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`], [`Refusal::NotOwner`].
    pub fn own_consumer(&mut self, seat: Seat<'_, C>, id: &str) -> Result<(), Refusal> {
        let mut own = self.check(seat)?.consumers.iter();
        let own = own.any(|own| *own.id == *id && !own.is_to_come());
        own.then_some(()).ok_or(Refusal::NotOwner)
    }

    /// What the others send.
    ///
    /// # Errors
    /// [`Refusal::NotInRoom`].
    pub fn producers(&self, seat: Seat<'_, C>) -> Result<Vec<ProducerInfo>, Refusal> {
        if !self.holds(seat) {
            return Err(Refusal::NotInRoom);
        }
        Ok(self.producers_for(seat.peer))
    }

    pub(super) fn producers_for(&self, receiver: PeerId) -> Vec<ProducerInfo> {
        let others = self.peers.iter().filter(|(id, _)| **id != receiver);
        let producers = others.flat_map(|(id, peer)| {
            let producers = peer.media.iter().flat_map(|media| &media.producers);
            producers.map(|producer| ProducerInfo {
                peer: *id,
                producer: Arc::clone(producer),
            })
        });
        producers.collect()
    }

    /// Takes in what another node says that one of its peers has. What is new to this node its
    /// own peers are told.
    pub(super) fn learn_media(
        &mut self,
        id: PeerId,
        media: Option<Arc<PeerMedia>>,
        out: &mut impl Outbox<C>,
    ) {
        let epoch = self.mode.epoch;
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let Some(media) = media.filter(|media| media.epoch == epoch) else {
            return;
        };
        let known = peer.media.as_ref();
        // Messages and records come by different ways, and one may overtake the other.
        let news = (media.epoch, media.revision);
        if known.is_some_and(|known| (known.epoch, known.revision) >= news) {
            return;
        }
        let new = media.producers.clone();
        let before = peer.media.replace(media);
        let old = before.map_or_else(Vec::new, |before| before.producers.clone());
        let missing = |from: &[Arc<Producer>], one: &Producer| from.iter().all(|p| p.id != one.id);
        for closed in old.iter().filter(|one| missing(&new, one)) {
            self.announce_closed(id, &closed.id, out);
        }
        for producer in new.into_iter().filter(|one| missing(&old, one)) {
            let news = Event::NewProducer(ProducerInfo { peer: id, producer });
            self.announce_to_others(id, &news, out);
        }
    }

    /// Tells that somebody who is gone sends nothing more. Returns those that cannot be reached
    /// any more.
    pub(super) fn tell_closed(
        &mut self,
        gone: PeerId,
        media: Option<&PeerMedia>,
        out: &mut impl Outbox<C>,
    ) -> Cutoffs {
        let mut slow = Cutoffs::new();
        for producer in media.iter().flat_map(|media| &media.producers) {
            slow.extend(self.post_closed(gone, &producer.id, out));
        }
        slow
    }

    fn announce_closed(&mut self, peer: PeerId, producer: &Arc<str>, out: &mut impl Outbox<C>) {
        for slow in self.post_closed(peer, producer, out) {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
    }

    /// A peer sends something no more. The media server ends what others receive of it.
    fn post_closed(
        &mut self,
        peer: PeerId,
        producer: &Arc<str>,
        out: &mut impl Outbox<C>,
    ) -> Cutoffs {
        for other in self.peers.values_mut() {
            other.consumers.retain(|own| own.producer != *producer);
        }
        let producer = Arc::clone(producer);
        self.post_to_all(&[peer], &Event::ProducerClosed { peer, producer }, out)
    }

    fn announce_to_others(&mut self, peer: PeerId, event: &Event<'_>, out: &mut impl Outbox<C>) {
        for slow in self.post_to_all(&[peer], event, out) {
            self.depart(slow, LeaveReason::Disconnected, out);
        }
    }

    /// Changes what a peer has, and tells the other nodes.
    fn change_media(
        &mut self,
        seat: Seat<'_, C>,
        epoch: u64,
        out: &mut impl Outbox<C>,
        change: impl FnOnce(&mut PeerMedia),
    ) -> Result<(), Refusal> {
        let peer = self.check_epoch(seat, epoch)?;
        let media = peer
            .media
            .get_or_insert_with(|| Arc::new(PeerMedia::new(epoch)));
        let media = Arc::make_mut(media);
        change(media);
        media.revision = media.revision.saturating_add(1);
        out.gossip(Gossip::Renewed(peer.record(seat.peer)));
        Ok(())
    }

    fn check_epoch(&mut self, seat: Seat<'_, C>, epoch: u64) -> Result<&mut Peer<C>, Refusal> {
        let now = self.mode.epoch;
        let peer = self.check(seat)?;
        if now != epoch {
            return Err(Refusal::MediaGone);
        }
        // One that is asked back from another node is not this node's to change.
        if matches!(peer.presence, Presence::Arriving(_)) {
            return Err(Refusal::NotInRoom);
        }
        Ok(peer)
    }
}

impl<C> Peer<C> {
    /// A place that is kept for a consumer of `producer`.
    fn place_for(&mut self, producer: &str) -> Option<&mut Consumer> {
        let mut all = self.consumers.iter_mut();
        all.find(|own| own.is_to_come() && *own.producer == *producer)
    }
}
