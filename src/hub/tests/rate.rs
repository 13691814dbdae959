use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn a_burst_and_then_a_steady_pace() {
    let rate = Rate::new(3.0, 2.0);
    let at = |now| (0..5).filter(|_| rate.take(now)).count();
    assert_eq!(at(ms(1_000)), 3);
    assert_eq!(at(ms(1_400)), 0);
    assert_eq!(at(ms(1_500)), 1);
    assert_eq!(at(ms(2_500)), 2);
    assert_eq!(at(ms(60_000)), 3);
    // A clock that seems to go back gives nothing away.
    assert_eq!(at(ms(10)), 0);
    assert_eq!(at(ms(60_000)), 0);
}
