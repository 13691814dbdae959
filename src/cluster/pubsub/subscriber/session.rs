//! The talk over one connection for subscriptions, from its start to its end.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join_all;
use parking_lot::Mutex;
use redis::aio::MultiplexedConnection;
use redis::{RedisError, cmd};
use tokio::sync::Notify;

use super::topic::{Key, Verb};
use crate::cluster::connect::{Connector, Failure};
use crate::cluster::target::Address;

/// Names in one command: enough to be worth the round trip, few enough to not hold up Redis.
const NAMES_PER_COMMAND: usize = 256;

/// Commands on their way at one time.
const COMMANDS_AT_ONCE: usize = 64;

/// One connection.
pub(super) struct Session {
    pub(super) connection: MultiplexedConnection,
    /// Where it leads to.
    pub(super) address: Address,
    events: Arc<Events>,
    /// What Redis has confirmed.
    held: HashSet<Key>,
    /// What Redis has refused, to be tried again.
    refused: HashSet<Key>,
}

/// Whether subscribing showed that slots have moved to other nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    AsExpected,
    Moved,
}

/// What a connection tells by itself.
#[derive(Default)]
pub(super) struct Events {
    /// Set when the connection has been given up: nothing more is taken from it.
    given_up: AtomicBool,
    lost: Notify,
    /// Sharded subscriptions that are being ended by us.
    leaving: Mutex<HashSet<Arc<str>>>,
}

impl Events {
    pub(super) fn is_given_up(&self) -> bool {
        self.given_up.load(Ordering::Acquire)
    }

    /// The connection has ended.
    pub(super) fn lost(&self) {
        self.lost.notify_one();
    }

    /// A sharded subscription has ended. When we did not ask for it, its slot moves away; the
    /// answers on this connection are then off by one, so a new connection is the way out.
    pub(super) fn unsubscribed(&self, channel: Option<String>) {
        let expected = channel.is_some_and(|channel| self.leaving.lock().remove(&*channel));
        if !expected {
            self.lost();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.events.given_up.store(true, Ordering::Release);
    }
}

impl Session {
    pub(super) fn new(
        connection: MultiplexedConnection,
        address: Address,
        events: Arc<Events>,
    ) -> Self {
        Self {
            connection,
            address,
            events,
            held: HashSet::new(),
            refused: HashSet::new(),
        }
    }

    /// Waits for the end of the connection.
    pub(super) async fn ended(&self) {
        self.events.lost.notified().await;
    }

    pub(super) fn holds(&self, key: &Key) -> bool {
        self.held.contains(key)
    }

    /// All that Redis has confirmed.
    pub(super) fn held(&self) -> impl Iterator<Item = Key> {
        self.held.iter().cloned()
    }

    /// Asks until the server answers; `false` when the connection has ended.
    pub(super) async fn revive(&mut self, connector: &Connector) -> bool {
        let events = Arc::clone(&self.events);
        tokio::select! {
            () = events.lost.notified() => false,
            revived = connector.revive(&mut self.connection) => revived,
        }
    }

    pub(super) fn take_refused(&mut self) -> HashSet<Key> {
        std::mem::take(&mut self.refused)
    }

    /// Subscribes to what is not yet subscribed to.
    pub(super) async fn join(&mut self, keys: &[Key]) -> Result<Joined, Failure> {
        let new = keys.iter().filter(|key| !self.held.contains(key)).cloned();
        let commands = group(new.collect());
        let mut joined = Joined::AsExpected;
        for some in commands.chunks(COMMANDS_AT_ONCE) {
            let answers = join_all(some.iter().map(|keys| self.send(keys, Action::Join))).await;
            for (keys, answer) in some.iter().zip(answers) {
                match answer {
                    Ok(()) => self.held.extend(keys.iter().cloned()),
                    Err(error) if is_fatal(&error) => return Err(error.into()),
                    Err(_) => joined = self.join_each(keys, joined).await?,
                }
            }
        }
        Ok(joined)
    }

    /// One by one, after the command for all was refused: one name that the user has no
    /// permission for must not keep the others out.
    async fn join_each(&mut self, keys: &[Key], mut joined: Joined) -> Result<Joined, Failure> {
        for key in keys {
            let Err(error) = self.send(std::slice::from_ref(key), Action::Join).await else {
                self.held.insert(key.clone());
                continue;
            };
            if is_fatal(&error) {
                return Err(error.into());
            }
            let failure = Failure::from(error);
            if failure == Failure::Slot {
                joined = Joined::Moved;
            } else {
                tracing::warn!(name = %key.wire, %failure, "Redis refuses a subscription");
            }
            self.refused.insert(key.clone());
        }
        Ok(joined)
    }

    /// Ends what is subscribed to.
    pub(super) async fn leave(&mut self, keys: Vec<Key>) -> Result<(), Failure> {
        for key in &keys {
            self.refused.remove(key);
        }
        let held = keys.into_iter().filter(|key| self.held.contains(key));
        for keys in group(held.collect()) {
            let sharded = keys.iter().filter(|key| key.verb == Verb::Shard);
            let sharded = sharded.map(|key| Arc::clone(&key.wire));
            self.events.leaving.lock().extend(sharded);
            self.send(&keys, Action::Leave).await?;
            for key in &keys {
                self.held.remove(key);
            }
        }
        Ok(())
    }

    /// Sends one command and waits until Redis has confirmed all of it.
    fn send(
        &self,
        keys: &[Key],
        action: Action,
    ) -> impl Future<Output = Result<(), RedisError>> + use<> {
        let mut connection = self.connection.clone();
        let verb = keys.first().map_or(Verb::Plain, |key| key.verb);
        let names: Vec<_> = keys.iter().map(|key| Arc::clone(&key.wire)).collect();
        async move {
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            // The methods, as a command made by hand would take the first confirmation for all.
            // (A sharded one has only one.)
            match (verb, action) {
                (Verb::Plain, Action::Join) => connection.subscribe(names).await,
                (Verb::Plain, Action::Leave) => connection.unsubscribe(names).await,
                (Verb::Pattern, Action::Join) => connection.psubscribe(names).await,
                (Verb::Pattern, Action::Leave) => connection.punsubscribe(names).await,
                (Verb::Shard, Action::Join) => {
                    cmd("SSUBSCRIBE")
                        .arg(names)
                        .exec_async(&mut connection)
                        .await
                }
                (Verb::Shard, Action::Leave) => {
                    cmd("SUNSUBSCRIBE")
                        .arg(names)
                        .exec_async(&mut connection)
                        .await
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Action {
    Join,
    Leave,
}

/// Whether an error means that the connection is of no more use.
fn is_fatal(error: &RedisError) -> bool {
    error.is_unrecoverable_error() || error.is_timeout()
}

/// Sorts subscriptions into commands. Sharded ones go alone: a command may name one slot only.
fn group(keys: Vec<Key>) -> Vec<Vec<Key>> {
    let mut commands = Vec::new();
    let mut open = HashMap::<Verb, Vec<Key>>::new();
    for key in keys {
        let verb = key.verb;
        let command = open.entry(verb).or_default();
        command.push(key);
        if verb == Verb::Shard || command.len() == NAMES_PER_COMMAND {
            commands.push(std::mem::take(command));
        }
    }
    commands.extend(open.into_values().filter(|command| !command.is_empty()));
    commands
}

#[cfg(test)]
#[path = "tests/session.rs"]
mod tests;
