//! One connection for subscriptions: kept open, checked, and brought to agree with what is wanted.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::Arc;

use parking_lot::Mutex;
use redis::{PushInfo, PushKind};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::super::board::{Board, FeedId, Member};
use super::Subscriber;
use super::dispatch::text;
use super::session::{Events, Joined, Session};
use super::topic::{Key, Verb};
use crate::cluster::backoff::Backoff;
use crate::cluster::connect::Failure;
use crate::cluster::target::Address;

pub(super) struct Feed {
    id: FeedId,
    /// The node, in a Cluster; otherwise where the server is turns out at each connection.
    node: Option<Address>,
    cancel: CancellationToken,
    /// Subscriptions about which Redis may have to be told.
    changed: Mutex<HashSet<Key>>,
    wake: Notify,
    /// Held while a message is handled: the task of a connection that has just been given up
    /// may still be at it when the next connection gets its first message.
    gate: Mutex<()>,
}

impl Feed {
    pub(super) fn new(id: FeedId, node: Option<Address>, cancel: CancellationToken) -> Self {
        Self {
            id,
            node,
            cancel,
            changed: Mutex::default(),
            wake: Notify::new(),
            gate: Mutex::default(),
        }
    }

    fn member(&self) -> Member {
        Member::Feed(self.id)
    }

    /// Notes that a subscription may have changed.
    pub(super) fn mark(&self, key: Key) {
        self.changed.lock().insert(key);
        self.wake.notify_one();
    }

    /// Notes that a subscription has moved here. What was published meanwhile was not heard, so
    /// the link goes down until it is made: when it is up again, others resynchronise.
    pub(super) fn mark_moved(&self, key: Key, board: &Board) {
        let mut changed = self.changed.lock();
        changed.insert(key);
        board.down(self.member());
        drop(changed);
        self.wake.notify_one();
    }

    /// Ends the connection and its task.
    pub(super) fn stop(&self) {
        self.cancel.cancel();
    }

    pub(super) async fn run(self: &Arc<Self>, subscriber: &Arc<Subscriber>) {
        tokio::select! {
            () = self.cancel.cancelled() => {}
            () = self.work(subscriber) => {}
        }
        subscriber.unconfirm(self.id);
        subscriber.board.gone(self.member());
    }

    /// Does not end by itself.
    async fn work(self: &Arc<Self>, subscriber: &Arc<Subscriber>) {
        let mut backoff = subscriber.backoff.clone();
        let mut session = self.connect_at_last(subscriber, &mut backoff).await;
        loop {
            let failure = self.hold(subscriber, &mut session, &mut backoff).await;
            self.down(subscriber, failure, false);
            if failure == Failure::Timeout {
                // Stalled or cut off? A server that was stalled goes on where it stopped, and
                // this connection has then missed nothing: worth keeping beside the new one.
                tokio::select! {
                    biased;
                    revived = session.revive(&subscriber.connector) => {
                        if revived {
                            continue;
                        }
                    }
                    fresh = self.connect_at_last(subscriber, &mut backoff) => {
                        let connector = &subscriber.connector;
                        if !connector.has_revived(&mut session.connection).await {
                            subscriber.unconfirm(self.id);
                            session = fresh;
                        }
                        continue;
                    }
                }
            }
            subscriber.unconfirm(self.id);
            session = self.connect_at_last(subscriber, &mut backoff).await;
        }
    }

    fn down(&self, subscriber: &Subscriber, failure: Failure, connecting: bool) {
        tracing::debug!(feed = self.id, %failure, "no connection for subscriptions");
        subscriber.board.failed(failure, connecting);
        subscriber.board.down(self.member());
        // In a Cluster another node may serve these slots now.
        subscriber.refresh.notify_one();
    }

    /// Tries until there is a connection.
    async fn connect_at_last(
        self: &Arc<Self>,
        subscriber: &Arc<Subscriber>,
        backoff: &mut Backoff,
    ) -> Session {
        loop {
            match self.connect(subscriber).await {
                Ok(session) => return session,
                Err(failure) => self.down(subscriber, failure, true),
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    async fn connect(self: &Arc<Self>, subscriber: &Arc<Subscriber>) -> Result<Session, Failure> {
        let address = match &self.node {
            Some(node) => node.clone(),
            None => subscriber.connector.server().await?,
        };
        let events = Arc::new(Events::default());
        let push = self.receiver(subscriber, &events);
        let connection = subscriber.connector.open(&address, push).await?;
        Ok(Session::new(connection, address, events))
    }

    /// What the connection does with that which Redis pushes.
    fn receiver(
        self: &Arc<Self>,
        subscriber: &Arc<Subscriber>,
        events: &Arc<Events>,
    ) -> impl Fn(PushInfo) -> Result<(), Infallible> + Send + Sync + use<> {
        let (feed, subscriber) = (Arc::clone(self), Arc::clone(subscriber));
        let events = Arc::clone(events);
        move |push| {
            let verb = match push.kind {
                PushKind::Message => Verb::Plain,
                PushKind::SMessage => Verb::Shard,
                PushKind::PMessage => Verb::Pattern,
                PushKind::SUnsubscribe => {
                    events.unsubscribed(text(push.data.into_iter().next()));
                    return Ok(());
                }
                PushKind::Disconnection => {
                    events.lost();
                    return Ok(());
                }
                _ => return Ok(()),
            };
            let _in_order = feed.gate.lock();
            if !events.is_given_up() {
                subscriber.dispatch(verb, push.data);
            }
            Ok(())
        }
    }

    /// Subscribes to everything and keeps it so, until the connection fails.
    async fn hold(
        &self,
        subscriber: &Arc<Subscriber>,
        session: &mut Session,
        backoff: &mut Backoff,
    ) -> Failure {
        // Not in one expression: nobody may take the lock of all subscriptions under this one.
        let homed = subscriber.homed(self.id);
        // What it holds already may not be wanted any more.
        self.changed
            .lock()
            .extend(homed.into_iter().chain(session.held()));
        if let Err(failure) = self.agree(subscriber, session).await {
            return failure;
        }
        backoff.reset();
        let mut checks = interval(subscriber.ping_interval);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // A call from before this was answered by the first check, which is due at once.
        let mut calls = subscriber.board.calls();
        loop {
            let step = tokio::select! {
                () = session.ended() => Err(Failure::Closed),
                () = subscriber.connector.moved_from(&session.address) => Err(Failure::NoMaster),
                () = self.wake.notified() => self.agree(subscriber, session).await,
                Ok(()) = calls.changed() => self.check(subscriber, session).await,
                _ = checks.tick() => self.check(subscriber, session).await,
            };
            if let Err(failure) = step {
                return failure;
            }
        }
    }

    /// A stalled server keeps its connections: only an answer shows that it is there.
    async fn check(&self, subscriber: &Subscriber, session: &mut Session) -> Result<(), Failure> {
        let call = *subscriber.board.calls().borrow();
        let asked = Instant::now();
        subscriber.connector.check(&mut session.connection).await?;
        subscriber.board.round_trip(asked.elapsed());
        subscriber.board.answered(self.member(), call);
        let refused = session.take_refused();
        if !refused.is_empty() {
            self.changed.lock().extend(refused);
            self.wake.notify_one();
        }
        Ok(())
    }

    /// What has changed. If that is nothing, Redis agrees with what is wanted, and the connection
    /// is up: said under the lock, so that nothing can move here unnoticed in between.
    fn changes(&self, board: &Board) -> Option<HashSet<Key>> {
        let mut changed = self.changed.lock();
        if changed.is_empty() {
            board.up(self.member());
            return None;
        }
        Some(std::mem::take(&mut *changed))
    }

    /// Tells Redis about what has changed, until nothing more has.
    async fn agree(&self, subscriber: &Subscriber, session: &mut Session) -> Result<(), Failure> {
        loop {
            let Some(changed) = self.changes(&subscriber.board) else {
                return Ok(());
            };
            let (wanted, unwanted) = subscriber.sort(self.id, changed);
            session.leave(unwanted).await?;
            if session.join(&wanted).await? == Joined::Moved {
                subscriber.refresh.notify_one();
            }
            // Also what was held all the time, as it was wanted again before it was ended.
            subscriber.confirm(self.id, wanted.iter().filter(|key| session.holds(key)));
        }
    }
}
