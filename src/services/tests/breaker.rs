use super::*;

const T: Duration = Duration::from_secs(1);

fn closed() -> Breaker {
    let mut breaker = Breaker::new(Duration::ZERO);
    breaker.probe_begins();
    assert!(breaker.probe_ended(true, Duration::ZERO));
    breaker
}

#[test]
fn nothing_goes_through_before_the_first_probe_has_passed() {
    let mut breaker = Breaker::new(Duration::ZERO);
    assert_eq!(breaker.permit(), None);
    breaker.probe_begins();
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
    assert_eq!(breaker.permit(), None);
    breaker.probe_ended(true, T);
    assert!(breaker.permit().is_some());
    assert_eq!(breaker.since(), T);
}

#[test]
fn one_failed_call_opens_it_once() {
    let mut breaker = closed();
    let (one, other) = (breaker.permit().unwrap(), breaker.permit().unwrap());
    assert!(breaker.call_failed(one, T));
    assert!(!breaker.call_failed(other, T * 2));
    assert_eq!((breaker.state(), breaker.since()), (BreakerState::Open, T));
}

#[test]
fn a_failed_probe_opens_it_and_keeps_it_open() {
    let mut breaker = closed();
    breaker.probe_begins();
    assert_eq!(breaker.state(), BreakerState::Closed);
    assert!(breaker.probe_ended(false, T));
    breaker.probe_begins();
    assert!(!breaker.probe_ended(false, T * 2));
    assert_eq!((breaker.state(), breaker.since()), (BreakerState::Open, T));
}

#[test]
fn a_call_from_before_it_last_closed_does_not_open_it() {
    let mut breaker = closed();
    let (slow, slower) = (breaker.permit().unwrap(), breaker.permit().unwrap());
    breaker.call_failed(slow, T);
    breaker.probe_begins();
    breaker.probe_ended(true, T);
    assert!(!breaker.call_failed(slower, T));
    assert_eq!(breaker.state(), BreakerState::Closed);
}

#[test]
fn a_probe_that_began_before_it_opened_does_not_close_it() {
    let mut breaker = closed();
    breaker.probe_begins();
    let permit = breaker.permit().unwrap();
    breaker.call_failed(permit, T);
    assert!(!breaker.probe_ended(true, T));
    assert_eq!(breaker.state(), BreakerState::Open);
}
