use secrecy::SecretString;

use super::*;

const OLD: &str = "old-0123456789abcdef";
const NEW: &str = "new-0123456789abcdef";

fn ring(limited: bool) -> KeyRing {
    let key = |name: &str, key: &str| ApiKey {
        name: name.into(),
        key: SecretString::from(key),
    };
    let keys = [
        key("shop", OLD),
        key("shop", NEW),
        key("game", "game-0123456789abcdef"),
    ];
    KeyRing::new(&keys, limited)
}

fn with(values: &[&str]) -> HeaderMap {
    let values = values
        .iter()
        .map(|value| (AUTHORIZATION, value.parse().unwrap()));
    values.collect()
}

fn who(ring: &KeyRing, values: &[&str]) -> Option<String> {
    let backend = ring.identify(&with(values)).ok();
    backend.map(|backend| backend.name.to_string())
}

#[test]
fn each_key_says_who_has_it() {
    let ring = ring(true);
    for key in [OLD, NEW] {
        assert_eq!(
            who(&ring, &[&format!("Bearer {key}")]).as_deref(),
            Some("shop")
        );
        assert_eq!(
            who(&ring, &[&format!("bEARER  {key}")]).as_deref(),
            Some("shop")
        );
    }
    let game = who(&ring, &["Bearer game-0123456789abcdef"]);
    assert_eq!(game.as_deref(), Some("game"));
}

#[test]
fn what_is_no_key_says_nothing() {
    let ring = ring(false);
    let (bearer, basic) = (format!("Bearer {OLD}"), format!("Basic {OLD}"));
    let (longer, shorter) = (format!("{bearer}x"), &bearer[..bearer.len() - 1]);
    let wrong: [&[&str]; 8] = [
        &[],
        &[""],
        &["Bearer"],
        &["Bearer "],
        &[&basic],
        &[&longer],
        &[shorter],
        &[&bearer, &bearer],
    ];
    for values in wrong {
        assert_eq!(who(&ring, values), None, "{values:?}");
    }
}

#[test]
fn nobody_has_a_key_of_no_keys() {
    let none = KeyRing::new(&[], true);
    assert!(none.is_empty());
    assert_eq!(who(&none, &["Bearer "]), None);
}

#[test]
fn the_keys_of_one_backend_share_its_rate_and_leave_others_theirs() {
    let ring = ring(true);
    let identify = |key: &str| ring.identify(&with(&[&format!("Bearer {key}")])).unwrap();
    let (old, new) = (identify(OLD), identify(NEW));
    let limited = (0..10 * BURST).find_map(|_| old.count().err());
    let Some(ApiError::RateLimited(wait)) = limited else {
        panic!("{limited:?}");
    };
    assert!(wait > Duration::ZERO && wait < Duration::from_secs(1));
    // A little may have come back meanwhile; it is the same little.
    assert!((0..10 * BURST).any(|_| new.count().is_err()));
    assert_eq!(identify("game-0123456789abcdef").count(), Ok(()));
}

#[test]
fn wrong_keys_are_limited_and_right_ones_are_not() {
    let ring = ring(true);
    let wrong = |_| ring.identify(&HeaderMap::new()).unwrap_err();
    assert_eq!(wrong(0), ApiError::Unauthorized);
    assert!(
        (0..10 * WRONG_BURST)
            .map(wrong)
            .any(|error| error != ApiError::Unauthorized)
    );
    assert!(who(&ring, &[&format!("Bearer {NEW}")]).is_some());
}
