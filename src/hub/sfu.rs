//! What a client asks of the media server that its room is on.

use std::sync::{Arc, OnceLock};

use tokio::sync::Mutex;

use super::{Hub, Session, exchange::Exchange, lane::Lane, session::Place};
use crate::{
    core::{PeerId, Refusal, Seat},
    protocol::{ErrorCode, SfuAnswer, SfuRequest, WireError},
    services::media::Media,
    telemetry::traces,
};

/// How many requests of one client run at once, of those that need no order.
const UNORDERED: usize = 16;

/// The requests of one client to the media server. Made when there is one: most clients of a mesh
/// never ask.
#[derive(Debug, Default)]
pub(super) struct Lanes(OnceLock<Box<Inner>>);

#[derive(Debug)]
struct Inner {
    ordered: Arc<Lane>,
    unordered: Arc<Lane>,
    /// As which peer the client is registered there, and in which epoch of the room's mode.
    registered: Mutex<Option<(PeerId, u64)>>,
}

impl Lanes {
    fn get(&self, request: &SfuRequest) -> &Arc<Lane> {
        if request.is_ordered() {
            &self.inner().ordered
        } else {
            &self.inner().unordered
        }
    }

    pub(super) fn registered(&self) -> &Mutex<Option<(PeerId, u64)>> {
        &self.inner().registered
    }

    fn inner(&self) -> &Inner {
        self.0.get_or_init(|| {
            Box::new(Inner {
                ordered: Lane::new(1),
                unordered: Lane::new(UNORDERED),
                registered: Mutex::default(),
            })
        })
    }
}

impl Session {
    /// Asks the media server for something, if the request could be read. What came of it is handed to `answer`, at once or
    /// later; requests that change something take effect in the order in which they were made.
    ///
    /// # Errors
    /// At once: `MEDIA_UNAVAILABLE`, `INVALID_PAYLOAD`, `NOT_IN_ROOM`, `FORBIDDEN` in a mesh,
    /// `RATE_LIMITED`. Later, as the answer: those and `MEDIA_REJECTED`.
    pub fn sfu(
        self: &Arc<Self>,
        request: Result<SfuRequest, WireError>,
        answer: impl FnOnce(Result<SfuAnswer, WireError>) + Send + 'static,
    ) -> Result<(), WireError> {
        let media = self.hub.media().ok_or_else(WireError::media_unavailable)?;
        let request = request?;
        let exchange = self.begin_exchange(media)?;
        if matches!(request, SfuRequest::Producers) {
            answer(exchange.producers());
            return Ok(());
        }
        if !exchange.server.is_available() {
            return Err(WireError::media_unavailable());
        }
        let (lane, weight) = (self.lanes.get(&request), request.weight());
        let job = async move { answer(exchange.run(request).await) };
        lane.push(traces::carry(job), weight).map_err(|_| {
            let message = "too many requests to the media server wait";
            WireError::new(ErrorCode::RateLimited, message)
        })
    }

    fn begin_exchange(self: &Arc<Self>, media: &Arc<Media>) -> Result<Exchange, WireError> {
        let place = self.place.lock();
        let Place::Seated { cell, peer } = &*place else {
            return Err(Refusal::NotInRoom.into());
        };
        let seat = Seat {
            peer: *peer,
            conn: &self.conn,
        };
        let seated = self.hub.rooms.act(cell, |room, _| room.media_seat(seat));
        let seat = match seated {
            // It may have been turned into a mesh for that very reason.
            Err(Refusal::NotSfu) if !media.is_any_available() => {
                return Err(WireError::media_unavailable());
            }
            seated => seated?,
        };
        let server = seat.server.as_deref().and_then(|name| media.server(name));
        Ok(Exchange {
            session: Arc::clone(self),
            cell: Arc::clone(cell),
            media: Arc::clone(media),
            server: Arc::clone(server.ok_or_else(WireError::media_unavailable)?),
            seat,
        })
    }
}

impl Hub {
    /// The media servers, if there are any.
    pub const fn media(&self) -> Option<&Arc<Media>> {
        self.neighbours.media.as_ref()
    }
}
