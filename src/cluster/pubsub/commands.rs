//! The connection for ordinary commands, scripts and publishing.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{Route, RoutingInfo, SingleNodeRoutingInfo, SlotAddr};
use redis::{Cmd, Pipeline, PushInfo, PushKind, RedisError, RedisFuture, Value, cmd};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::board::{Board, Member};
use crate::cluster::backoff::Backoff;
use crate::cluster::connect::{Connector, Failure};
use crate::cluster::target::{Address, Topology};

/// Checks that may fail before the connection to a Cluster is made anew. It mends itself when
/// single nodes fail; a new one is for the case that it has lost all of them.
const CLUSTER_PATIENCE: u32 = 3;

/// A way to give commands, which comes back by itself. Cheap to clone.
///
/// It is a connection as far as the `redis` crate is concerned, for commands and for scripts.
/// While Redis is away commands fail at once; none waits longer than the response timeout.
/// Commands go out in the order in which they are given, publishes among them.
#[derive(Clone)]
pub struct Commands {
    wire: Arc<RwLock<Option<Wire>>>,
    /// The server does not answer at this moment.
    stalled: Arc<AtomicBool>,
    db: i64,
}

#[derive(Clone)]
pub(super) enum Wire {
    Node(MultiplexedConnection, Address),
    Cluster(ClusterConnection),
}

impl Commands {
    pub(super) fn new(db: u16) -> Self {
        Self {
            wire: Arc::default(),
            stalled: Arc::default(),
            db: db.into(),
        }
    }

    /// Whether there is a connection at this moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.wire.read().is_some() && !self.stalled.load(Ordering::Relaxed)
    }

    fn set(&self, wire: Option<Wire>) {
        *self.wire.write() = wire;
        self.stalled.store(false, Ordering::Relaxed);
    }

    /// The connection for commands, which better fail at once than wait for a stalled server.
    fn wire(&self) -> Result<Wire, RedisError> {
        let stalled = self.stalled.load(Ordering::Relaxed);
        let wire = (!stalled).then(|| self.any_wire());
        wire.unwrap_or_else(|| Err(away()))
    }

    fn any_wire(&self) -> Result<Wire, RedisError> {
        self.wire.read().clone().ok_or_else(away)
    }

    /// Gives one command to the node of a slot, or to the only server.
    pub(super) async fn ask(&self, slot: u16, command: Cmd) -> Result<Value, RedisError> {
        match self.wire()? {
            Wire::Node(mut wire, _) => command.query_async(&mut wire).await,
            Wire::Cluster(mut wire) => {
                wire.route_command(command, RoutingInfo::SingleNode(master_of(slot)))
                    .await
            }
        }
    }

    /// Sends all commands of a pipeline to the node of a slot (or to the only server), and gives
    /// the answer to each.
    pub(super) async fn pipeline(
        &self,
        slot: u16,
        commands: Pipeline,
    ) -> Result<Vec<Value>, RedisError> {
        let count = commands.len();
        match self.any_wire()? {
            Wire::Node(mut wire, _) => wire.req_packed_commands(&commands, 0, count).await,
            Wire::Cluster(mut wire) => {
                let master = master_of(slot);
                wire.route_pipeline(commands, 0, count, master).await
            }
        }
    }
}

fn master_of(slot: u16) -> SingleNodeRoutingInfo {
    SingleNodeRoutingInfo::SpecificNode(Route::new(slot, SlotAddr::Master))
}

fn away() -> RedisError {
    std::io::Error::new(std::io::ErrorKind::NotConnected, "not connected").into()
}

impl std::fmt::Debug for Commands {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Commands")
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

impl ConnectionLike for Commands {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            match self.wire()? {
                Wire::Node(mut wire, _) => wire.req_packed_command(cmd).await,
                Wire::Cluster(mut wire) => wire.req_packed_command(cmd).await,
            }
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        commands: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            match self.wire()? {
                Wire::Node(mut wire, _) => wire.req_packed_commands(commands, offset, count).await,
                Wire::Cluster(mut wire) => wire.req_packed_commands(commands, offset, count).await,
            }
        })
    }

    fn get_db(&self) -> i64 {
        self.db
    }
}

/// Keeps the connection open.
pub(super) struct Keeper {
    pub(super) commands: Commands,
    pub(super) connector: Arc<Connector>,
    pub(super) board: Arc<Board>,
    pub(super) backoff: Backoff,
    pub(super) ping_interval: Duration,
    pub(super) cancel: CancellationToken,
}

impl Keeper {
    pub(super) async fn run(self) {
        tokio::select! {
            () = self.cancel.cancelled() => {}
            () = self.work() => {}
        }
        self.commands.set(None);
        self.board.down(Member::Commands);
    }

    /// Does not end by itself.
    async fn work(&self) {
        let mut backoff = self.backoff.clone();
        let mut wire = self.connect_at_last(&mut backoff).await;
        loop {
            backoff.reset();
            self.commands.set(Some(wire.1.clone()));
            self.board.up(Member::Commands);
            let failure = self.hold(&mut wire).await;
            tracing::debug!(%failure, "no connection for commands");
            self.board.failed(failure, false);
            self.board.down(Member::Commands);
            if failure == Failure::Timeout
                && let (_, Wire::Node(stalled, _)) = &mut wire
            {
                // A stalled server goes on where it stopped: what is published meanwhile waits
                // in this connection, and is not lost unless a new one comes about before.
                self.commands.stalled.store(true, Ordering::Relaxed);
                tokio::select! {
                    biased;
                    revived = self.connector.revive(stalled) => {
                        if revived {
                            continue;
                        }
                    }
                    fresh = self.connect_at_last(&mut backoff) => {
                        if !self.connector.has_revived(stalled).await {
                            wire = fresh;
                        }
                        continue;
                    }
                }
            }
            self.commands.set(None);
            wire = self.connect_at_last(&mut backoff).await;
        }
    }

    /// Tries until there is a connection.
    async fn connect_at_last(&self, backoff: &mut Backoff) -> (Arc<Notify>, Wire) {
        loop {
            let lost = Arc::new(Notify::new());
            match self.connect(&lost).await {
                Ok(wire) => return (lost, wire),
                Err(failure) => self.board.failed(failure, true),
            }
            tokio::time::sleep(backoff.pause()).await;
        }
    }

    /// Keeps an eye on the connection until it fails.
    async fn hold(&self, (lost, wire): &mut (Arc<Notify>, Wire)) -> Failure {
        let patience = match wire {
            Wire::Node(..) => 1,
            Wire::Cluster(_) => CLUSTER_PATIENCE,
        };
        let mut checks = interval(self.ping_interval);
        checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut calls = self.board.calls();
        let mut failed = 0;
        loop {
            tokio::select! {
                () = lost.notified() => return Failure::Closed,
                () = self.moved(wire) => return Failure::NoMaster,
                Ok(()) = calls.changed() => {}
                _ = checks.tick() => {}
            }
            let call = *calls.borrow();
            match self.check(wire).await {
                Ok(()) => {
                    failed = 0;
                    self.board.answered(Member::Commands, call);
                }
                Err(failure) => {
                    failed += 1;
                    if failed >= patience {
                        return failure;
                    }
                }
            }
        }
    }

    async fn connect(&self, lost: &Arc<Notify>) -> Result<Wire, Failure> {
        if let Topology::Cluster(seeds) = &self.connector.target().topology {
            return Ok(Wire::Cluster(self.connector.open_cluster(seeds).await?));
        }
        let lost = Arc::clone(lost);
        let push = move |push: PushInfo| -> Result<(), Infallible> {
            if push.kind == PushKind::Disconnection {
                lost.notify_one();
            }
            Ok(())
        };
        let server = self.connector.server().await?;
        let connection = self.connector.open(&server, push).await?;
        Ok(Wire::Node(connection, server))
    }

    async fn moved(&self, wire: &Wire) {
        match wire {
            Wire::Node(_, address) => self.connector.moved_from(address).await,
            Wire::Cluster(_) => std::future::pending().await,
        }
    }

    async fn check(&self, wire: &mut Wire) -> Result<(), Failure> {
        let asked = Instant::now();
        match wire {
            Wire::Node(wire, _) => self.connector.check(wire).await?,
            Wire::Cluster(wire) => {
                let within = self.connector.timeouts().response;
                let any = RoutingInfo::SingleNode(SingleNodeRoutingInfo::RandomPrimary);
                timeout(within, wire.route_command(cmd("PING"), any)).await??;
            }
        }
        self.board.round_trip(asked.elapsed());
        Ok(())
    }
}
