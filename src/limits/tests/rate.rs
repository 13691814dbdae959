use proptest::prelude::*;

use super::*;

#[test]
fn a_burst_passes_and_what_is_beyond_it_waits() {
    let (rate, meter) = (Rate::per_second(10, 5), Meter::default());
    for _ in 0..5 {
        assert_eq!(meter.spend(rate, 7), Ok(()));
    }
    assert_eq!(meter.spend(rate, 7), Err(Duration::from_millis(100)));
}

#[test]
fn after_the_wait_that_was_told_it_passes_and_not_before() {
    let (rate, meter) = (Rate::per_second(3, 2), Meter::default());
    while meter.spend(rate, 0).is_ok() {}
    let wait = meter.spend(rate, 0).unwrap_err().as_nanos() as u64;
    assert!(meter.spend(rate, wait - 1).is_err());
    assert_eq!(meter.spend(rate, wait), Ok(()));
    assert!(meter.spend(rate, wait).is_err());
}

#[test]
fn a_refusal_costs_nothing() {
    let (rate, meter) = (Rate::per_second(1, 1), Meter::default());
    assert_eq!(meter.spend(rate, 0), Ok(()));
    for _ in 0..100 {
        assert_eq!(meter.spend(rate, 0), Err(Duration::from_secs(1)));
    }
    assert_eq!(meter.spend(rate, SECOND), Ok(()));
}

#[test]
fn what_was_spent_can_be_carried_over() {
    let (rate, meter) = (Rate::per_second(10, 5), Meter::default());
    while meter.spend(rate, SECOND).is_ok() {}
    let next = Meter::begin(meter.spent());
    assert!(next.spend(rate, SECOND).is_err());
    assert_eq!(next.spend(rate, 2 * SECOND), Ok(()));
}

#[test]
fn times_at_the_end_of_the_clock_do_not_wrap() {
    let (rate, meter) = (
        Rate::new(1, Duration::MAX, u32::MAX),
        Meter::begin(u64::MAX),
    );
    assert_eq!(meter.spend(rate, u64::MAX), Ok(()));
    assert!(meter.spend(Rate::per_second(1, 1), 0).is_err());
}

#[test]
fn rates_add_up() {
    let both = Rate::per_second(100, 5).and(Rate::per_second(300, 20));
    assert_eq!(both, Rate::per_second(400, 25));
    // Slow ones count for one each second.
    let slow = Rate::new(1, Duration::from_secs(60), 2);
    assert_eq!(slow.and(slow), Rate::per_second(2, 4));
}

#[test]
fn a_pace_is_kept_for_a_burst_and_not_beyond_it() {
    let pace = Pace::new(Rate::new(1, Duration::from_secs(3_600), 10));
    assert!(pace.keeps(4) && pace.keeps(6));
    assert!(!pace.keeps(1));
}

proptest! {
    /// Whatever the pace, no stretch of time sees more than the burst and the rate of it.
    #[test]
    fn no_more_passes_than_the_rate_allows(
        count in 1_u32..2_000,
        burst in 1_u32..500,
        steps in prop::collection::vec(0_u64..5_000_000, 1..2_000),
    ) {
        let (rate, meter) = (Rate::per_second(count, burst), Meter::default());
        let (mut now, mut passed) = (0, 0_u64);
        for step in steps {
            now += step;
            passed += u64::from(meter.spend(rate, now).is_ok());
            let most = u64::from(burst) + now * u64::from(count) / SECOND + 1;
            prop_assert!(passed <= most, "{passed} of {most} at {now}");
        }
    }
}
