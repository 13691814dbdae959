//! How much clients may have.

use super::*;

fn dev<'a>(vars: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("DEV", "true")], vars].concat()
}

#[test]
fn a_rate_is_so_many_each_second_and_so_many_at_once() {
    let wrong = [
        "10",
        "10:",
        ":10",
        "0:5",
        "5:0",
        "-1:5",
        "10:1000001",
        "a:b",
        "1:2:3",
    ];
    for value in wrong {
        for name in ["RATE_CHAT", "RATE_REFUSED", "HANDSHAKES_PER_IP_PER_S"] {
            let mistakes = mistakes(&dev(&[(name, value)]), &[]);
            let start = format!("{name}: must be RATE:BURST");
            assert!(mistakes[0].starts_with(&start), "{value}: {mistakes:?}");
            assert_eq!(mistakes.len(), 1);
        }
    }
    assert!(load(&dev(&[("RATE_CHAT", " 5 : 1000000 ")]), &[]).is_ok());
}

#[test]
fn numbers_out_of_range_are_told_all_at_once() {
    let vars = dev(&[
        ("MAX_CONNECTIONS", "0"),
        ("MAX_CONNECTIONS_PER_IP", "-1"),
        ("MAX_CONNECTIONS_PER_USER", "many"),
        ("ROOMS_PER_MIN", "0"),
        ("MAX_QUEUED_BYTES", "1000"),
        ("HEADER_TIMEOUT_MS", "0"),
        ("BODY_TIMEOUT_MS", "0"),
        ("KEEP_ALIVE_TIMEOUT_MS", "0"),
        ("CONNECT_TIMEOUT_MS", "0"),
    ]);
    let mut told = subjects(&vars, &[]);
    let mut expected: Vec<_> = vars[1..]
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
}

#[test]
fn rate_limits_off_lifts_the_limits_of_single_clients_and_no_others() {
    let config = load(&dev(&[("RATE_LIMITS", "off")]), &[]).unwrap();
    let (clients, door) = (config.clients, config.door);
    assert!(!clients.limited && clients.spending.is_none() && clients.connections.is_none());
    assert!(door.per_ip.is_none() && door.handshakes.is_none());
    assert_eq!(door.connections, 100_000);
    let config = load(&dev(&[]), &[]).unwrap();
    assert!(config.clients.spending.is_some() && config.door.handshakes.is_some());
    assert_eq!(config.clients.connections, Some(200));
    assert_eq!(config.door.per_ip, Some(5_000));
}

#[test]
fn proxies_are_addresses_and_ranges() {
    let vars = dev(&[(
        "TRUSTED_PROXIES",
        "10.1.2.3/8, 192.0.2.1 ,2001:db8::/32,::1",
    )]);
    let proxies = load(&vars, &[]).unwrap().door.proxies;
    for trusted in [
        "10.9.9.9",
        "192.0.2.1",
        "::ffff:10.0.0.1",
        "2001:db8::9",
        "::1",
    ] {
        assert!(proxies.trust(trusted.parse().unwrap()), "{trusted}");
    }
    for stranger in ["11.0.0.1", "192.0.2.2", "2001:db9::1", "127.0.0.1"] {
        assert!(!proxies.trust(stranger.parse().unwrap()), "{stranger}");
    }
    let nobody = load(&dev(&[]), &[]).unwrap().door.proxies;
    assert!(!nobody.trust("127.0.0.1".parse().unwrap()));
}

#[test]
fn what_is_no_proxy_is_told_by_its_place_and_not_quoted() {
    let vars = dev(&[("TRUSTED_PROXIES", "10.0.0.0/8,proxy.example,10.0.0.0/33,")]);
    let told = mistakes(&vars, &[]);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].starts_with("TRUSTED_PROXIES: entry 2 must be an IP address"));
    let many = vec!["10.0.0.1"; 65].join(",");
    let told = mistakes(&dev(&[("TRUSTED_PROXIES", &many)]), &[]);
    assert!(told[0].contains("at most 64"), "{told:?}");
    let told = mistakes(&dev(&[("TRUSTED_PROXY_HEADER", "x-real-ip")]), &[]);
    assert!(told[0].starts_with("TRUSTED_PROXY_HEADER"), "{told:?}");
}
