use super::*;

#[test]
fn few_connections_are_closed_soon() {
    let pace = Pace::new(3, Duration::from_secs(10));
    assert!(pace.slot(2) <= HEAD_START + MAX_GAP * 2);
}

#[test]
fn many_connections_fit_into_the_grace_time() {
    let grace = Duration::from_secs(10);
    let pace = Pace::new(100_000, grace);
    assert!(pace.slot(99_999) <= grace * 4 / 5);
}

#[test]
fn a_grace_time_of_nothing_closes_at_once() {
    assert_eq!(Pace::new(10, Duration::ZERO).slot(9), HEAD_START);
}
