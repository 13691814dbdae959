//! One request of one peer to a media server: what the room allows, the call, and what the room
//! is to know of the answer.

use std::sync::Arc;

use serde_json::value::RawValue;
use tracing::debug;

use super::{Conn, Session, directory::RoomCell, link::Post};
use crate::{
    core::{Consumer, Direction, MediaKind, MediaSeat, Producer, Refusal, Room, Seat, Transport},
    protocol::{SfuAnswer, SfuRequest, WireError},
    services::media::{Made, Media, MediaError, MediaServer, Place},
};

/// One request of one peer.
pub(super) struct Exchange {
    pub(super) session: Arc<Session>,
    pub(super) cell: Arc<RoomCell>,
    pub(super) media: Arc<Media>,
    pub(super) server: Arc<MediaServer>,
    pub(super) seat: MediaSeat,
}

impl Exchange {
    /// Does it, and sees to what is left over.
    pub(super) async fn run(&self, request: SfuRequest) -> Result<SfuAnswer, WireError> {
        let answer = self.answer(request).await;
        self.clear_up();
        answer.map_err(|failure| {
            // Once it has a transport, the server has to know it.
            let established = self.seat.established;
            if established && matches!(failure, Failure::Media(MediaError::NotFound(_))) {
                // Perhaps it was restarted.
                let (hub, cell) = (Arc::clone(&self.session.hub), Arc::clone(&self.cell));
                let (epoch, peer) = (self.seat.epoch, self.seat.peer);
                tokio::spawn(async move { hub.check_media(&cell, epoch, &[peer]).await });
            }
            failure.into()
        })
    }

    async fn answer(&self, request: SfuRequest) -> Result<SfuAnswer, Failure> {
        match request {
            SfuRequest::Producers => self.producers().map_err(Failure::Wire),
            SfuRequest::RouterCapabilities => {
                let ask = || self.server.capabilities(self.cell.id());
                Ok(SfuAnswer::Capabilities(self.registered(ask).await?))
            }
            SfuRequest::CreateTransport { direction, sctp } => {
                self.create_transport(direction, sctp.as_deref()).await
            }
            SfuRequest::ConnectTransport { transport, dtls } => {
                self.connect(&transport, &dtls).await
            }
            SfuRequest::RestartIce { transport } => self.restart_ice(&transport).await,
            SfuRequest::Produce {
                transport,
                kind,
                rtp,
                app_data,
            } => self.produce(&transport, kind, &rtp, &app_data).await,
            SfuRequest::PauseProducer { producer, paused } => {
                self.pause_producer(&producer, paused).await
            }
            SfuRequest::CloseProducer { producer } => self.close_producer(&producer).await,
            SfuRequest::Consume {
                transport,
                producer,
                rtp_capabilities,
            } => self.consume(&transport, &producer, &rtp_capabilities).await,
            SfuRequest::ResumeConsumer { consumer } => self.resume_consumer(&consumer).await,
        }
    }

    pub(super) fn producers(&self) -> Result<SfuAnswer, WireError> {
        let producers = self.cell.look(|room| room.producers(self.room_seat()))?;
        Ok(SfuAnswer::Producers(producers))
    }

    /// Makes sure that the media server knows the peer, and makes a call. If it turns out that it
    /// knows it no more, which a restart does, that is done once more.
    async fn registered<T, F>(&self, call: impl Fn() -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, MediaError>>,
    {
        self.register().await?;
        match call().await {
            Err(MediaError::NotFound(_)) if !self.seat.established => {
                *self.session.lanes.registered().lock().await = None;
                self.register().await?;
                Ok(call().await?)
            }
            answer => Ok(answer?),
        }
    }

    /// The room notes it before: from then on somebody sees to it that it is forgotten again.
    async fn register(&self) -> Result<(), Failure> {
        let (epoch, place) = (self.seat.epoch, self.place());
        // What is asked for at once needs one registration.
        let mut known = self.session.lanes.registered().lock().await;
        if self.seat.established || *known == Some((place.peer, epoch)) {
            return Ok(());
        }
        let name = self.server.name();
        if !self.media.released(name, place.room, place.peer).await {
            return Err(MediaError::Unavailable.into());
        }
        self.act(|room, seat, out| room.enter_media(seat, epoch, out))?;
        let username = &self.seat.member.username;
        self.server.register(place, username).await?;
        *known = Some((place.peer, epoch));
        Ok(())
    }

    async fn create_transport(
        &self,
        direction: Direction,
        sctp: Option<&RawValue>,
    ) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| room.may_add_transport(seat))?;
        let (server, place) = (&self.server, self.place());
        let make = || server.create_transport(place, direction, sctp);
        let Made { id, json } = self.registered(make).await?;
        let transport = Transport { id, direction };
        self.act(|room, seat, out| room.add_transport(seat, self.seat.epoch, transport, out))?;
        Ok(SfuAnswer::Transport(json))
    }

    async fn connect(&self, transport: &str, dtls: &RawValue) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| room.own_transport(seat, transport, None))?;
        self.server.connect(self.place(), transport, dtls).await?;
        Ok(SfuAnswer::Done)
    }

    async fn restart_ice(&self, transport: &str) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| room.own_transport(seat, transport, None))?;
        let restarted = self.server.restart_ice(self.place(), transport);
        Ok(SfuAnswer::Ice(restarted.await?))
    }

    async fn produce(
        &self,
        transport: &str,
        kind: MediaKind,
        rtp: &RawValue,
        app_data: &RawValue,
    ) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| {
            room.own_transport(seat, transport, Some(Direction::Send))?;
            room.may_add_producer(seat)
        })?;
        let made = self
            .server
            .produce(self.place(), transport, kind, rtp, app_data);
        let id = made.await?;
        let producer = Producer {
            id: (*id).into(),
            kind,
            app_data: app_data.get().into(),
            paused: false,
        };
        self.act(|room, seat, out| room.add_producer(seat, self.seat.epoch, producer, out))?;
        Ok(SfuAnswer::Produced(id))
    }

    async fn pause_producer(&self, producer: &str, paused: bool) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| room.own_producer(seat, producer))?;
        let done = self.server.pause_producer(self.place(), producer, paused);
        done.await?;
        self.act(|room, seat, out| {
            room.pause_producer(seat, self.seat.epoch, producer, paused, out)
        })?;
        Ok(SfuAnswer::Done)
    }

    async fn close_producer(&self, producer: &str) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| room.own_producer(seat, producer))?;
        self.server.close_producer(self.place(), producer).await?;
        self.act(|room, seat, out| room.close_producer(seat, self.seat.epoch, producer, out))?;
        Ok(SfuAnswer::Done)
    }

    async fn consume(
        &self,
        transport: &str,
        producer: &str,
        rtp_capabilities: &RawValue,
    ) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| {
            room.own_transport(seat, transport, Some(Direction::Recv))?;
            room.reserve_consumer(seat, producer)
        })?;
        let place = self.place();
        let made = self
            .server
            .consume(place, transport, producer, rtp_capabilities);
        let made = made.await;
        self.act(|room, seat, _| match &made {
            Ok(Made { id, .. }) => {
                let (id, producer) = (id.clone(), producer.into());
                room.add_consumer(seat, self.seat.epoch, Consumer { id, producer })
            }
            Err(_) => {
                room.release_consumer(seat, producer);
                Ok(())
            }
        })?;
        Ok(SfuAnswer::Consumer(made?.json))
    }

    async fn resume_consumer(&self, consumer: &str) -> Result<SfuAnswer, Failure> {
        self.act(|room, seat, _| room.own_consumer(seat, consumer))?;
        self.server.resume_consumer(self.place(), consumer).await?;
        Ok(SfuAnswer::Done)
    }

    /// Does something in the room, if the session still sits there.
    fn act<T>(
        &self,
        action: impl FnOnce(&mut Room<Conn>, Seat<'_, Conn>, &mut Post<'_>) -> Result<T, Refusal>,
    ) -> Result<T, Failure> {
        let rooms = &self.session.hub.rooms;
        let done = rooms.act(&self.cell, |room, out| action(room, self.room_seat(), out));
        done.map_err(|refusal| Failure::Wire(refusal.into()))
    }

    fn room_seat(&self) -> Seat<'_, Conn> {
        Seat {
            peer: self.seat.peer,
            conn: &self.session.conn,
        }
    }

    fn place(&self) -> Place<'_> {
        Place {
            room: self.cell.id(),
            peer: self.seat.peer,
        }
    }

    /// A peer that has gone while it was waited for, or a room that has moved, must leave nothing
    /// behind. What was closed then may have come before what this request made.
    fn clear_up(&self) {
        let (peer, name) = (self.seat.peer, self.server.name());
        let stale = self
            .cell
            .look(|room| room.member(peer).is_none() || room.mode().media.as_ref() != Some(name));
        if stale {
            debug!(%peer, room = %self.cell.id(), "left the media server while it was asked");
            self.media.release(name, self.cell.id(), peer);
        }
    }
}

/// Why there is no answer.
enum Failure {
    /// The media server gave none, or refused.
    Media(MediaError),
    /// It may not be asked.
    Wire(WireError),
}

impl From<MediaError> for Failure {
    fn from(error: MediaError) -> Self {
        Self::Media(error)
    }
}

impl From<Failure> for WireError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Media(error) => error.into(),
            Failure::Wire(error) => error,
        }
    }
}
