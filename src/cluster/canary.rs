//! Proves that Redis delivers, rather than only answers.
//!
//! Every second a message goes out on a channel of this process alone, and should come back. A
//! connection that is open, and even one that answers, proves less: subscriptions may be gone, or
//! not permitted, or a server may be cut off from where others publish.
//!
//! Canaries are messages like others, and counted like them. In a Cluster they take the way of
//! their channel's slot.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::telemetry;

use super::pubsub::{Channel, HandlerError, Link, Message, PubSub, PublishError, Subscription};

/// Time between two canaries: often enough to notice trouble soon, and nothing beside what a
/// gateway publishes otherwise.
pub const INTERVAL: Duration = Duration::from_secs(1);

/// How long ago the last canary that was heard may have been sent. One may be lost and the next
/// be late without the node losing its traffic; so may a short stall. Whatever lasts longer does
/// harm the clients.
pub const FRESH: Duration = Duration::from_secs(3);

/// Sends canaries and listens for them, until it is dropped or the manager shuts down.
#[derive(Debug)]
pub struct Canary {
    heard: Arc<Mutex<Option<Heard>>>,
    _stop: DropGuard,
}

/// The last canary that came back.
#[derive(Clone, Copy, Debug)]
struct Heard {
    sent: Instant,
    round_trip: Duration,
}

impl Canary {
    /// Starts; Redis need not be there. To be called on a runtime.
    #[must_use]
    pub fn start(pubsub: &PubSub) -> Self {
        let heard = Arc::new(Mutex::new(None));
        let stop = CancellationToken::new();
        let cage = Cage {
            channel: Channel::internal(&format!("canary:{}", pubsub.server_id())),
            pubsub: pubsub.clone(),
            opened: Instant::now(),
            heard: Arc::clone(&heard),
        };
        tokio::spawn(stop.clone().run_until_cancelled_owned(cage.run()));
        Self {
            heard,
            _stop: stop.drop_guard(),
        }
    }

    /// Whether Redis has delivered a canary that was sent within [`FRESH`].
    #[must_use]
    pub fn delivers(&self) -> bool {
        let heard = *self.heard.lock();
        heard.is_some_and(|heard| heard.sent.elapsed() < FRESH)
    }

    /// How long the last canary that came back was on its way; `None` before the first.
    #[must_use]
    pub fn round_trip(&self) -> Option<Duration> {
        self.heard.lock().map(|heard| heard.round_trip)
    }
}

/// Where canaries come from, and go to.
struct Cage {
    pubsub: PubSub,
    channel: Channel,
    /// A canary carries the time since then, so what is on its way need not be remembered.
    opened: Instant,
    heard: Arc<Mutex<Option<Heard>>>,
}

impl Cage {
    async fn run(self) {
        let Ok(_subscription) = self.listen().await else {
            return;
        };
        let mut link = self.pubsub.link();
        let mut due = interval(INTERVAL);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.release(&mut link) == Err(PublishError::Closed) {
                return;
            }
            tokio::select! {
                // When the link opens there is no need to wait for proof.
                Ok(()) = link.changed() => {}
                _ = due.tick() => {}
            }
        }
    }

    async fn listen(&self) -> Result<Subscription, super::pubsub::SubscribeError> {
        let (opened, heard) = (self.opened, Arc::clone(&self.heard));
        let own = self.pubsub.server_id();
        let handler = move |message: &Message| {
            if message.from == Some(own) {
                note(&heard, opened, &message.payload)?;
            }
            Ok(())
        };
        let subscribed = self.pubsub.subscribe_hearing_own(&self.channel, handler);
        subscribed.await
    }

    /// Sends a canary, unless there is no way: it would only be lost, and counted as such.
    fn release(&self, link: &mut watch::Receiver<Link>) -> Result<(), PublishError> {
        if !link.borrow_and_update().up {
            return Ok(());
        }
        let age = u64::try_from(self.opened.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let payload = Bytes::copy_from_slice(&age.to_be_bytes());
        self.pubsub.publish(&self.channel, payload)
    }
}

fn note(heard: &Mutex<Option<Heard>>, opened: Instant, payload: &[u8]) -> Result<(), HandlerError> {
    let age = payload.try_into().map(u64::from_be_bytes)?;
    let sent = opened
        .checked_add(Duration::from_nanos(age))
        .ok_or("from beyond time")?;
    let round_trip = sent.elapsed();
    telemetry::lag(round_trip);
    *heard.lock() = Some(Heard { sent, round_trip });
    Ok(())
}
