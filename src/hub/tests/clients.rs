//! Clients of a hub, for tests.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use crate::{
    core::{CutReason, Event, Limits, Member, Sent, channels::Channels},
    hub::{
        ChatSettings, ClientLimits, CloseReason, Emission, Hub, Joining, Link, Neighbours, Notice,
        Outgoing, Session,
    },
    protocol::IceServers,
};

/// A client that notes what backends tell it.
#[derive(Debug, Default)]
pub(super) struct Ears {
    heard: Mutex<Vec<String>>,
    pub(super) dismissed: Mutex<Option<bool>>,
}

impl Link for Ears {
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
    fn emit(&self, emission: &Emission<'_>) {
        self.heard.lock().push(emission.name().to_owned());
    }
    fn announce_expiry(&self, _: u64) {}
    fn announce_ice_servers(&self, _: &IceServers) {}
    fn close(&self, reason: CloseReason) {
        if let CloseReason::Dismissed { whole } = reason {
            *self.dismissed.lock() = Some(whole);
        }
    }
}

pub(super) struct Client {
    pub(super) ears: Arc<Ears>,
    pub(super) session: Arc<Session>,
}

impl Client {
    pub(super) fn enter(hub: &Arc<Hub>, user: &str) -> Self {
        let ears = Arc::new(Ears::default());
        let member = Arc::new(Member {
            user: user.into(),
            username: user.into(),
            alias: None,
        });
        let link = Arc::clone(&ears) as Arc<dyn Link>;
        let session = hub.admit(link, member, u64::MAX);
        Self { ears, session }
    }

    pub(super) fn join(self, code: &str) -> Self {
        let joined = self.session.join(&code.parse().unwrap());
        assert!(matches!(joined, Joining::Done(Ok(()))));
        self
    }

    pub(super) fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.ears.heard.lock())
    }
}

pub(super) fn hub() -> Arc<Hub> {
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 10,
        reconnect_window: Duration::from_secs(5),
    };
    let chat = ChatSettings {
        service: None,
        buffer_max: 10,
    };
    Hub::new(
        limits,
        Neighbours::default(),
        chat,
        Channels::default(),
        ClientLimits::default(),
    )
}
