use std::{str::FromStr as _, time::Duration};

use parking_lot::Mutex;
use secrecy::SecretString;

use super::*;
use crate::{
    config::{TurnConfig, TurnUri},
    core::{CutReason, Event, Limits, Member, RoomCode, Sent, channels::Channels},
    hub::{
        ChatSettings, ClientLimits, CloseReason, Ending, Joining, Link, Neighbours, Notice,
        Outgoing,
    },
};

const TTL: u64 = 3_600;

fn issuer(ttl: u64) -> Arc<Issuer> {
    Arc::new(Issuer::new(&TurnConfig {
        uris: vec![TurnUri::from_str("turn:a").unwrap()],
        secret: SecretString::from("north"),
        ttl: Duration::from_secs(ttl),
    }))
}

/// What a client was given: with a room, and later.
#[derive(Debug, Default)]
struct Given {
    welcomes: Mutex<Vec<Option<String>>>,
    renewals: Mutex<Vec<String>>,
}

impl Link for Given {
    fn send(&self, event: &Outgoing<'_>) -> Sent {
        let username = event.ice_servers().map(|servers| servers.username.clone());
        if matches!(event.event(), Event::Joined(_) | Event::Resumed { .. }) {
            let json = serde_json::to_value(event.payload()).unwrap();
            assert_eq!(json.get("iceServers").is_some(), username.is_some());
            self.welcomes.lock().push(username);
        } else {
            assert_eq!(username, None);
        }
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
    fn announce_ice_servers(&self, servers: &IceServers) {
        self.renewals.lock().push(servers.username.clone());
    }
    fn close(&self, _: CloseReason) {}
}

fn hub(turn: Option<Arc<Issuer>>) -> Arc<Hub> {
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 10,
        reconnect_window: Duration::from_secs(5),
    };
    let neighbours = Neighbours {
        turn,
        ..Neighbours::default()
    };
    let chat = ChatSettings {
        service: None,
        buffer_max: 10,
    };
    Hub::new(
        limits,
        neighbours,
        chat,
        Channels::default(),
        ClientLimits::default(),
    )
}

fn open(hub: &Arc<Hub>, resume: Option<&str>) -> (Arc<Session>, Arc<Given>) {
    let given = Arc::new(Given::default());
    let member = Arc::new(Member {
        user: UserId::from("ann"),
        username: "Ann".into(),
        alias: None,
    });
    let link = Arc::clone(&given) as Arc<dyn Link>;
    let (session, _) = hub.open(link, member, u64::MAX, resume);
    (session, given)
}

fn join(session: &Arc<Session>) {
    let code: RoomCode = "r".parse().unwrap();
    assert!(matches!(session.join(&code), Joining::Done(Ok(()))));
}

fn later(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(seconds)
}

#[tokio::test]
async fn credentials_come_with_the_room_and_are_renewed_before_they_expire() {
    let hub = hub(Some(issuer(TTL)));
    let (session, given) = open(&hub, None);
    join(&session);
    let first = given.welcomes.lock().pop().flatten().unwrap();
    assert!(first.ends_with(":ann"));
    hub.renew_ice_servers(later(TTL / 2));
    assert!(given.renewals.lock().is_empty());
    hub.renew_ice_servers(later(TTL - TTL / 10));
    hub.renew_ice_servers(later(TTL - TTL / 10));
    let renewals = given.renewals.lock().clone();
    assert_eq!(renewals.len(), 1);
    assert!(renewals[0] > first);
    // And those in turn.
    hub.renew_ice_servers(later(2 * TTL));
    assert_eq!(given.renewals.lock().len(), 2);
}

#[tokio::test]
async fn nobody_outside_of_a_room_gets_credentials() {
    let hub = hub(Some(issuer(TTL)));
    let (session, given) = open(&hub, None);
    hub.renew_ice_servers(later(2 * TTL));
    join(&session);
    session.leave();
    hub.renew_ice_servers(later(2 * TTL));
    assert!(given.renewals.lock().is_empty());
    join(&session);
    hub.renew_ice_servers(later(2 * TTL));
    assert_eq!(given.renewals.lock().len(), 1);
}

#[tokio::test]
async fn who_comes_back_gets_new_credentials() {
    let hub = hub(Some(issuer(TTL)));
    let (session, _) = open(&hub, None);
    join(&session);
    let token = session.view().unwrap().resume.to_string();
    session.close(Ending::Lost);
    let (_again, given) = open(&hub, Some(&token));
    assert!(matches!(&given.welcomes.lock()[..], [Some(_)]));
    hub.renew_ice_servers(later(TTL));
    assert_eq!(given.renewals.lock().len(), 1);
}

#[tokio::test]
async fn without_servers_nothing_is_said_of_them() {
    let hub = hub(None);
    let (session, given) = open(&hub, None);
    join(&session);
    hub.renew_ice_servers(later(2 * TTL));
    assert_eq!(*given.welcomes.lock(), [None]);
    assert!(session.ice_servers().is_none());
    assert!(given.renewals.lock().is_empty());
}

#[test]
fn renewals_are_early_enough_and_spread() {
    let at = |ttl, conn| earliness(ttl, ConnId::new(conn));
    for conn in 1..1_000 {
        assert!((360..=540).contains(&at(3_600, conn)));
        assert!((60..=90).contains(&at(300, conn)));
        assert!((5..=7).contains(&at(10, conn)));
    }
    let few: std::collections::HashSet<u64> = (1..=100).map(|conn| at(3_600, conn)).collect();
    assert!(few.len() > 50);
}
