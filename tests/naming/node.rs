//! Nodes without a transport: their clients are sessions whose events nobody reads.

use std::{sync::Arc, time::Duration};

use switchboard::cluster::chat::ChatKeeping;
use switchboard::cluster::{Cluster, ClusterSettings, KeyPrefix, RedisTarget};
use switchboard::core::channels::Channels;
use switchboard::core::{CutReason, Event, Limits, Member, PeerId, Sent};
use switchboard::hub::{
    ChatSettings, ClientLimits, CloseReason, Hub, Joining, Link, Neighbours, Notice, Outgoing,
    Session,
};
use switchboard::protocol::{IceServers, WireError};
use tokio::task::JoinHandle;

use crate::support::redis::PATIENCE;

/// How long a lost peer is waited for: longer than a busy machine takes to look.
const WINDOW: Duration = Duration::from_secs(8);

/// How many find a place in a room.
pub(crate) const PLACES: usize = 12;

#[derive(Debug)]
struct Deaf;

impl Link for Deaf {
    fn send(&self, _: &Outgoing<'_>) -> Sent {
        Sent::Queued
    }

    fn reclaim(&self) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn forget(&self) {}

    fn cut(&self, _: CutReason) {}

    fn announce_drain(&self, _: Duration) {}

    fn notify(&self, _: &Notice<'_>) {}

    fn announce_expiry(&self, _: u64) {}

    fn announce_ice_servers(&self, _: &IceServers) {}

    fn close(&self, _: CloseReason) {}
}

pub(crate) struct Node {
    hub: Arc<Hub>,
    keeping: JoinHandle<()>,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

impl Node {
    pub(crate) async fn start(redis: &str, number: usize) -> Self {
        let settings = ClusterSettings {
            redis: RedisTarget::parse(redis).unwrap(),
            prefix: KeyPrefix::default(),
            node: format!("n{number}"),
            presence_ttl: Duration::from_secs(3),
            chat: ChatKeeping::Ring,
        };
        let cluster = Cluster::start(settings).await.unwrap();
        let mut link = cluster.link();
        let up = link.wait_for(|link| link.up);
        tokio::time::timeout(PATIENCE, up).await.unwrap().unwrap();
        let limits = Limits {
            max_p2p_peers: PLACES,
            max_sfu_peers: PLACES,
            reconnect_window: WINDOW,
        };
        let neighbours = Neighbours {
            cluster: Some(cluster),
            ..Neighbours::default()
        };
        let chat = ChatSettings {
            service: None,
            buffer_max: 1_000,
        };
        let hub = Hub::new(
            limits,
            neighbours,
            chat,
            Channels::default(),
            ClientLimits::default(),
        );
        let keeping = tokio::spawn(Arc::clone(&hub).keep_in_step());
        Self { hub, keeping }
    }

    /// A client of a user, who does not come back.
    pub(crate) fn open(&self, user: &str) -> Arc<Session> {
        let none = Some("no token of a peer");
        self.hub
            .open(Arc::new(Deaf), member(user), u64::MAX, none)
            .0
    }

    /// A client of a user that says later where it comes to.
    pub(crate) fn admit(&self, user: &str) -> Arc<Session> {
        self.hub.admit(Arc::new(Deaf), member(user), u64::MAX)
    }

    /// How many rooms it has.
    pub(crate) fn rooms(&self) -> usize {
        self.hub.room_count()
    }

    /// A client that comes back.
    pub(crate) async fn come_back(&self, user: &str, token: &str) -> Arc<Session> {
        let link = Arc::new(Deaf);
        let (session, returning) = self.hub.open(link, member(user), u64::MAX, Some(token));
        if let Some(returning) = returning {
            returning.await;
        }
        session
    }
}

fn member(user: &str) -> Arc<Member> {
    Arc::new(Member {
        user: user.into(),
        username: user.into(),
        alias: None,
    })
}

pub(crate) async fn join(session: &Arc<Session>, alias: Option<&str>) -> Result<(), WireError> {
    join_room(session, "r", alias).await
}

pub(crate) async fn join_room(
    session: &Arc<Session>,
    code: &str,
    alias: Option<&str>,
) -> Result<(), WireError> {
    match session.join_as(&code.parse().unwrap(), alias.map(Into::into)) {
        Joining::Done(done) => done,
        Joining::Later(later) => later.await,
    }
}

pub(crate) fn peer_of(session: &Session) -> PeerId {
    session.view().expect("in a room").peer
}

/// What another peer is called, as a session sees it.
pub(crate) fn alias_of(session: &Session, peer: PeerId) -> Option<Arc<str>> {
    let view = session.view().expect("in a room");
    let other = view.peers.into_iter().find(|info| info.id == peer)?;
    other.member.alias.clone()
}
