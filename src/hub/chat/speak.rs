//! What becomes of a client's message.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::sleep;
use tracing::debug;
use uuid::Uuid;

use super::{
    Answer, Receipt,
    line::{Ticket, Turn},
};
use crate::{
    cluster::{
        Unavailable,
        chat::{Sent, Stamp},
    },
    core::{ChatMessage, Spoken, Utterance},
    hub::{Session, directory::RoomCell, session::unix_millis, sharing::Hold},
    protocol::{ErrorCode, WireError},
    telemetry::traces::Trace,
};

/// How long a re-send waits for another node that is about to say it. Longer than such an
/// announcement counts.
const PATIENCE: Duration = Duration::from_secs(7);

/// Time between two looks whether it has.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What a client wants to say.
pub(in crate::hub) struct Wish {
    utterance: Utterance,
    cell: Arc<RoomCell>,
    /// Keeps the room while the wish waits.
    hold: Option<Hold>,
    ticket: Ticket,
    /// What it was said in.
    trace: Trace,
    /// Only other nodes can tell whether it is a re-send.
    asks: bool,
}

/// What others know of a wish.
enum Asked {
    /// It is to be said; with this stamp, if it is known under that.
    Say(Option<Stamp>),
    /// It was said before.
    Said(Stamp),
}

impl Wish {
    /// Whether others have to be asked first.
    pub(super) const fn has_to_ask(&self) -> bool {
        self.asks
    }
}

impl Session {
    /// Says something in the room that the session is in. The answer comes when the message is
    /// kept, and after the answers to what the client said before.
    ///
    /// It is refused with `NOT_IN_ROOM`, `INVALID_PAYLOAD`, `RATE_LIMITED`, and, while no more
    /// can be kept, `SERVICE_UNAVAILABLE`.
    pub fn chat(self: &Arc<Self>, content: &str, client_id: Option<&str>, answer: Answer) {
        let ticket = match self.line.enter(answer) {
            Ok(ticket) => ticket,
            Err(answer) => return answer(Err(too_many())),
        };
        match self.utter(content, client_id) {
            Ok((cell, utterance)) => self.wish(cell, utterance, ticket),
            Err(error) => ticket.settle(Err(error)),
        }
    }

    fn utter(
        &self,
        content: &str,
        client_id: Option<&str>,
    ) -> Result<(Arc<RoomCell>, Utterance), WireError> {
        self.in_room(|cell, seat| {
            let utter = self
                .hub
                .rooms
                .act(cell, |room, _| room.utter(seat, content, client_id));
            Ok((Arc::clone(cell), utter?))
        })
    }

    fn wish(self: &Arc<Self>, cell: Arc<RoomCell>, utterance: Utterance, ticket: Ticket) {
        let hub = &self.hub;
        let up = hub
            .cluster()
            .is_some_and(|cluster| cluster.was_up_of_late());
        let asks = up && utterance.client_id.is_some() && self.before(&cell, &utterance).is_none();
        // It may have to wait, and its client may leave meanwhile.
        let hold = hub.cluster().and_then(|_| hub.hold_on(&cell));
        let wish = Wish {
            utterance,
            cell,
            hold,
            ticket,
            trace: Trace::current(),
            asks,
        };
        match self.line.queue(wish) {
            Turn::Now(wish) => self.say(wish, None),
            Turn::First => drop(tokio::spawn(Arc::clone(self).say_what_waits())),
            Turn::Later => {}
        }
    }

    /// Says what waits, one after the other.
    async fn say_what_waits(self: Arc<Self>) {
        while let Some(wish) = self.line.next() {
            match self.ask(&wish).await {
                Ok(Asked::Say(stamp)) => self.say(wish, stamp),
                Ok(Asked::Said(stamp)) => wish.ticket.settle(Ok(stamp.into())),
                Err(error) => wish.ticket.settle(Err(error)),
            }
        }
    }

    /// Finds out whether something was said before, on whichever node.
    async fn ask(&self, wish: &Wish) -> Result<Asked, WireError> {
        let (Some(cluster), Some(client_id)) = (self.hub.cluster(), &wish.utterance.client_id)
        else {
            return Ok(Asked::Say(None));
        };
        let room = wish.cell.id();
        let stamp = Stamp {
            id: wish.cell.look(|room| room.next_chat_id(Uuid::now_v7())),
            timestamp: unix_millis(),
        };
        if !self.hub.chat.has_place(room, Some(cluster)) {
            return Err(self.no_place(wish));
        }
        let user = &wish.utterance.author.user;
        let began = Instant::now();
        while cluster.was_up_of_late() && self.before(&wish.cell, &wish.utterance).is_none() {
            match cluster.announce_chat(room, user, client_id, stamp).await {
                Ok(Sent::Never(stamp)) => return Ok(Asked::Say(Some(stamp))),
                Ok(Sent::As(stamp)) => return Ok(Asked::Said(stamp)),
                Ok(Sent::Soon) if began.elapsed() < PATIENCE => sleep(LOOK_AGAIN).await,
                Ok(Sent::Soon) => {
                    let message = "the same message is being sent elsewhere";
                    return Err(WireError::new(ErrorCode::ServiceUnavailable, message));
                }
                // Without Redis this node alone decides; while it is there it has to be heard.
                Err(Unavailable) if !cluster.was_up_of_late() => {
                    debug!(%room, "Redis cannot tell whether a message was sent before");
                    break;
                }
                Err(Unavailable) if began.elapsed() < PATIENCE => sleep(LOOK_AGAIN).await,
                Err(Unavailable) => {
                    let message = "it cannot be told whether this was sent before";
                    return Err(WireError::new(ErrorCode::ServiceUnavailable, message));
                }
            }
        }
        Ok(Asked::Say(None))
    }

    /// The message that this node knows the utterance to be a re-send of.
    fn before(&self, cell: &RoomCell, utterance: &Utterance) -> Option<Arc<ChatMessage>> {
        let client_id = utterance.client_id.as_deref()?;
        let user = &utterance.author.user;
        let sent = self
            .hub
            .chat
            .sent(cell.id(), user, client_id, self.hub.now());
        sent.or_else(|| cell.look(|room| room.said_before(user, client_id)))
    }

    /// Says it, unless it was said before; with a certain stamp, if it was announced with that.
    fn say(&self, wish: Wish, stamp: Option<Stamp>) {
        let _entered = wish.trace.enter();
        let hub = &self.hub;
        let room = wish.cell.id();
        let before = self.before(&wish.cell, &wish.utterance);
        if before.is_none() && !hub.chat.has_place(room, hub.cluster()) {
            let error = self.no_place(&wish);
            return wish.ticket.settle(Err(error));
        }
        let Wish {
            utterance,
            cell,
            hold,
            ticket,
            ..
        } = wish;
        let spoken = before.map(Spoken::Again).unwrap_or_else(|| {
            hub.rooms.act(&cell, |room, out| {
                let Stamp { id, timestamp } = stamp.unwrap_or_else(|| Stamp {
                    id: room.next_chat_id(Uuid::now_v7()),
                    timestamp: unix_millis(),
                });
                let spoken = room.say(utterance, id, timestamp, out);
                if let Spoken::New(message) = &spoken {
                    hub.chat.note(message, hub.now());
                }
                spoken
            })
        });
        let message = spoken.message();
        let receipt = Receipt {
            id: message.id,
            timestamp: message.timestamp,
        };
        match hub.cluster() {
            Some(cluster) => {
                let kept = Box::new(move |sent_as: Option<Stamp>| {
                    ticket.settle(Ok(sent_as.map_or(receipt, Receipt::from)));
                });
                cluster.chat().when_kept(cell.id(), receipt.id, kept);
            }
            None => {
                ticket.settle(Ok(receipt));
                hub.rooms.deliver_chat(cell.id());
            }
        }
        drop(hold);
    }

    /// Refuses what cannot be kept. The service may have come back: somebody should look.
    fn no_place(&self, wish: &Wish) -> WireError {
        self.hub.rooms.deliver_chat(wish.cell.id());
        let message = "chat cannot be stored at this moment";
        WireError::new(ErrorCode::ServiceUnavailable, message)
    }
}

fn too_many() -> WireError {
    WireError::new(ErrorCode::RateLimited, "too many messages wait to be kept")
}
