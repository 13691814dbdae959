use std::net::{IpAddr, Ipv4Addr};

use super::*;

const SECOND: u64 = 1_000_000_000;

fn network(number: u32) -> Network {
    Network::from(IpAddr::V4(Ipv4Addr::from(number)))
}

#[test]
fn each_network_has_a_rate_of_its_own_and_is_told_when_to_come_again() {
    let handshakes = Handshakes::new(Rate::per_second(2, 3));
    for _ in 0..3 {
        assert_eq!(handshakes.spend_at(network(1), 0), Ok(()));
    }
    let wait = Err(Duration::from_millis(500));
    assert_eq!(handshakes.spend_at(network(1), 0), wait);
    assert_eq!(handshakes.spend_at(network(2), 0), Ok(()));
    assert_eq!(handshakes.spend_at(network(1), SECOND / 2), Ok(()));
}

#[test]
fn networks_are_bounded_and_newcomers_then_share_what_there_is() {
    let handshakes = Handshakes::new(Rate::per_second(1, 1));
    let (most, now) = (MAX_NETWORKS as u32, 10 * SECOND);
    for number in 0..most {
        assert_eq!(handshakes.spend_at(network(number), now), Ok(()));
    }
    let late =
        (most..most + 100).filter(|number| handshakes.spend_at(network(*number), now).is_ok());
    assert_eq!(late.count(), OTHERS as usize);
    assert_eq!(handshakes.networks.len(), MAX_NETWORKS);
    // Those that were there before are not held up by it.
    assert_eq!(handshakes.spend_at(network(0), now + SECOND), Ok(()));
}

#[test]
fn those_that_have_been_quiet_make_place() {
    let handshakes = Handshakes::new(Rate::per_second(1, 1));
    for number in 0..MAX_NETWORKS as u32 {
        let _ = handshakes.spend_at(network(number), 10 * SECOND);
    }
    assert_eq!(handshakes.spend_at(network(u32::MAX), 20 * SECOND), Ok(()));
    assert_eq!(handshakes.networks.len(), 1);
}
