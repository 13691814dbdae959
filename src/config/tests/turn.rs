//! TURN servers and what signs for them.

use std::{io::Write as _, str::FromStr as _};

use secrecy::ExposeSecret as _;

use super::super::*;
use super::{load, mistakes, subjects};

const URIS: (&str, &str) = ("TURN_URIS", "turn:turn.example");
const SECRET: (&str, &str) = ("TURN_SECRET", "north");

fn turn(vars: &[(&str, &str)]) -> Option<TurnConfig> {
    let vars: Vec<_> = vars.iter().copied().chain([("DEV", "true")]).collect();
    load(&vars, &[]).unwrap().turn
}

fn wrong(vars: &[(&str, &str)]) -> Vec<String> {
    let vars: Vec<_> = vars.iter().copied().chain([("DEV", "true")]).collect();
    mistakes(&vars, &[])
}

#[test]
fn there_are_no_servers_unless_some_are_named() {
    assert!(turn(&[]).is_none());
    assert!(turn(&[("TURN_TTL_S", "60")]).is_none());
    let config = turn(&[URIS, SECRET]).unwrap();
    assert_eq!(config.ttl, Duration::from_secs(3_600));
    assert_eq!(config.secret.expose_secret(), "north");
}

#[test]
fn addresses_are_those_of_the_rfcs() {
    let list = "turn:turn.example, TURNS:Turn.Example:443?transport=TCP,stun:192.0.2.1:3478,\
        stuns:s_1.example,turn:[2001:db8::1]:3478?transport=udp,turn:turn.example";
    let config = turn(&[("TURN_URIS", list), SECRET]).unwrap();
    let uris: Vec<&str> = config.uris.iter().map(TurnUri::as_str).collect();
    assert_eq!(
        uris,
        [
            "turn:turn.example",
            "turns:turn.example:443?transport=tcp",
            "stun:192.0.2.1:3478",
            "stuns:s_1.example",
            "turn:[2001:db8::1]:3478?transport=udp",
        ]
    );
    let relays: Vec<bool> = config.uris.iter().map(TurnUri::is_relay).collect();
    assert_eq!(relays, [true, true, false, false, true]);
}

#[test]
fn what_is_no_address_is_refused_with_a_reason() {
    let cases = [
        ("", TurnUriError::Scheme),
        ("turn.example", TurnUriError::Scheme),
        ("turn.example:3478", TurnUriError::Scheme),
        ("https://turn.example", TurnUriError::Scheme),
        ("turn://turn.example", TurnUriError::Slashes),
        ("turn:user:hunter2@turn.example", TurnUriError::Credentials),
        ("turn:", TurnUriError::Host),
        ("turn::3478", TurnUriError::Host),
        ("turn:turn..example", TurnUriError::Host),
        ("turn:turn example", TurnUriError::Host),
        ("turn:1.2.3.4.5", TurnUriError::Host),
        ("turn:2001:db8::1", TurnUriError::Host),
        ("turn:turn.example:1:2", TurnUriError::Port),
        ("turn:[turn.example]", TurnUriError::Host),
        ("turn:[::1", TurnUriError::Host),
        ("turn:[::1]3478", TurnUriError::Host),
        ("turn:turn.example/path", TurnUriError::Host),
        ("turn:a:", TurnUriError::Port),
        ("turn:a:0", TurnUriError::Port),
        ("turn:a:65536", TurnUriError::Port),
        ("turn:a:+1", TurnUriError::Port),
        ("turn:a?transport=sctp", TurnUriError::Query),
        ("turn:a?", TurnUriError::Query),
        ("turn:a?transport=udp&x=1", TurnUriError::Query),
        ("stun:a?transport=udp", TurnUriError::Query),
    ];
    for (text, expected) in cases {
        assert_eq!(TurnUri::from_str(text), Err(expected), "{text}");
    }
}

#[test]
fn addresses_and_secret_need_each_other() {
    assert_eq!(subjects(&[("DEV", "1"), URIS], &[]), ["TURN_SECRET"]);
    assert_eq!(subjects(&[("DEV", "1"), SECRET], &[]), ["TURN_URIS"]);
    let stun_alone = wrong(&[("TURN_URIS", "stun:stun.example"), SECRET]);
    assert!(stun_alone[0].contains("no turn: or turns: entry"));
}

#[test]
fn every_mistake_is_told_and_none_shows_a_secret() {
    let uris = "turn:a,http://u:hunter2@b,turn:u:hunter2@c";
    let all = wrong(&[
        ("TURN_URIS", uris),
        ("TURN_SECRET", "hunter2,,hunter2"),
        ("TURN_TTL_S", "9"),
    ]);
    let expected = [
        "TURN_TTL_S: must be a number from 10 to 604800",
        "TURN_URIS: entry 2 must begin with turn:",
        "TURN_URIS: entry 3 must not hold a user name",
        "TURN_SECRET: must be one secret, or 2",
        "TURN_SECRET: secret 2 is blank",
        "TURN_SECRET: secret 3 is the same",
    ];
    assert_eq!(all.len(), expected.len(), "{all:#?}");
    for (told, expected) in all.iter().zip(expected) {
        assert!(told.starts_with(expected), "{told} instead of {expected}");
    }
    assert!(!all.join("\n").contains("hunter2"));
    let many: Vec<String> = (0..17).map(|n| format!("turn:t{n}")).collect();
    let many = wrong(&[("TURN_URIS", &many.join(",")), SECRET]);
    assert_eq!(many, ["TURN_URIS: must have at most 16 entries"]);
}

#[test]
fn of_two_secrets_the_first_signs() {
    let config = turn(&[URIS, ("TURN_SECRET", "south, north")]).unwrap();
    assert_eq!(config.secret.expose_secret(), "south");
    assert!(!format!("{config:?}").contains("south"));
}

#[test]
fn a_secret_may_come_from_a_file() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"south,north\n").unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let config = turn(&[URIS, ("TURN_SECRET_FILE", &path)]).unwrap();
    assert_eq!(config.secret.expose_secret(), "south");
    file.write_all(b"east\n").unwrap();
    let lines = wrong(&[URIS, ("TURN_SECRET_FILE", &path)]);
    assert!(lines[0].starts_with("TURN_SECRET_FILE: secret 2 has a control character"));
    let long = "x".repeat(257);
    let long = wrong(&[URIS, ("TURN_SECRET", &long)]);
    assert_eq!(long, ["TURN_SECRET: secret 1 is longer than 256 bytes"]);
}
