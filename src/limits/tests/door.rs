use http::HeaderValue;

use super::*;
use crate::limits::ForwardedBy;

fn door(connections: usize, per_network: u32) -> Arc<Door> {
    let networks = vec!["10.0.0.0/8".parse().unwrap()];
    Door::new(DoorSettings {
        connections,
        per_network: Some(per_network),
        handshakes: Some(Rate::per_second(1, 2)),
        proxies: TrustedProxies::new(networks, ForwardedBy::XForwardedFor),
    })
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn crowd(entry: &Entry) -> Option<Crowd> {
    match entry {
        Entry::Open(_) => None,
        Entry::Refused(crowd, _) | Entry::Shut(crowd) => Some(*crowd),
    }
}

#[test]
fn a_network_has_its_share_and_others_have_theirs() {
    let door = door(10, 2);
    let entered = [door.enter(ip("1.1.1.1")), door.enter(ip("1.1.1.1"))];
    assert!(entered.iter().all(|entry| crowd(entry).is_none()));
    assert_eq!(crowd(&door.enter(ip("1.1.1.1"))), Some(Crowd::Network));
    assert_eq!(crowd(&door.enter(ip("2.2.2.2"))), None);
    drop(entered);
    assert_eq!(crowd(&door.enter(ip("1.1.1.1"))), None);
}

#[test]
fn the_node_has_so_many_places_and_whoever_is_refused_takes_none() {
    let door = door(3, 2);
    let entered = [door.enter(ip("1.1.1.1")), door.enter(ip("1.1.1.1"))];
    for _ in 0..10 {
        assert_eq!(crowd(&door.enter(ip("1.1.1.1"))), Some(Crowd::Network));
    }
    let last = door.enter(ip("2.2.2.2"));
    assert_eq!(crowd(&last), None);
    assert_eq!(crowd(&door.enter(ip("3.3.3.3"))), Some(Crowd::Node));
    drop((entered, last));
    assert_eq!(crowd(&door.enter(ip("3.3.3.3"))), None);
}

#[test]
fn when_too_many_are_being_refused_the_rest_is_closed() {
    let door = door(1, 1);
    let _in = door.enter(ip("1.1.1.1"));
    let refused: Vec<_> = (0..MAX_REFUSALS)
        .map(|_| door.enter(ip("2.2.2.2")))
        .collect();
    assert!(
        refused
            .iter()
            .all(|entry| matches!(entry, Entry::Refused(Crowd::Node, _)))
    );
    assert!(matches!(
        door.enter(ip("2.2.2.2")),
        Entry::Shut(Crowd::Node)
    ));
    drop(refused);
    assert!(matches!(door.enter(ip("2.2.2.2")), Entry::Refused(..)));
}

#[test]
fn behind_a_proxy_clients_are_counted_and_not_the_proxy() {
    let door = door(100, 2);
    let proxy = ip("10.1.1.1");
    let connections: Vec<_> = (0..10).map(|_| door.enter(proxy)).collect();
    assert!(connections.iter().all(|entry| crowd(entry).is_none()));
    let mut headers = HeaderMap::new();
    headers.insert(
        "x-forwarded-for",
        HeaderValue::from_static("6.6.6.6, 1.1.1.1"),
    );
    let client = door.network_of(proxy, &headers);
    assert!(client == ip("1.1.1.1").into());
    let tickets = [door.stand_for(proxy, client), door.stand_for(proxy, client)];
    assert!(tickets.iter().all(|ticket| matches!(ticket, Ok(Some(_)))));
    assert_eq!(door.stand_for(proxy, client).unwrap_err(), Crowd::Network);
    drop(tickets);
    assert!(matches!(door.stand_for(proxy, client), Ok(Some(_))));
    // Without a proxy the connection itself counts.
    assert!(matches!(door.stand_for(ip("1.1.1.1"), client), Ok(None)));
}

#[test]
fn sessions_are_opened_at_a_rate() {
    let door = door(1, 1);
    let client = ip("1.1.1.1").into();
    assert_eq!((door.begin(client), door.begin(client)), (Ok(()), Ok(())));
    let Err(Crowd::Handshakes(wait)) = door.begin(client) else {
        panic!("a third one came through");
    };
    assert!(wait <= Duration::from_secs(1));
}

#[test]
fn a_proxy_that_nobody_named_is_told_of_once() {
    let door = door(1, 1);
    let mut headers = HeaderMap::new();
    assert!(!door.meets_unknown_proxy(ip("192.168.0.1"), &headers));
    headers.insert("x-forwarded-for", HeaderValue::from_static("1.1.1.1"));
    for address in ["10.1.1.1", "203.0.113.1", "2001:db8::1"] {
        assert!(
            !door.meets_unknown_proxy(ip(address), &headers),
            "{address}"
        );
    }
    assert!(door.meets_unknown_proxy(ip("192.168.0.1"), &headers));
    assert!(!door.meets_unknown_proxy(ip("127.0.0.1"), &headers));
}
