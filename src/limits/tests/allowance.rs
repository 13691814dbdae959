use super::*;

const SECOND: u64 = 1_000_000_000;

fn limits() -> Spending {
    let rate = |class| match class {
        Class::Relay => Rate::per_second(100, 10),
        _ => Rate::per_second(1, 2),
    };
    let rooms = Rate::new(60, Duration::from_secs(60), 1);
    Spending::new(rate, rooms, Rate::per_second(1, 3))
}

fn fill(allowance: &Allowance, class: Class) -> usize {
    let spent = (0..).take_while(|_| allowance.spend(&limits(), class, 0) == Spent::Yes);
    spent.count()
}

#[test]
fn each_class_has_a_rate_of_its_own() {
    let allowance = Allowance::default();
    assert_eq!(fill(&allowance, Class::Chat), 2);
    assert_eq!(fill(&allowance, Class::Relay), 10);
    assert_eq!(fill(&allowance, Class::Other), 2);
}

#[test]
fn a_refusal_says_how_long_to_wait() {
    let allowance = Allowance::default();
    fill(&allowance, Class::Chat);
    let refused = allowance.spend(&limits(), Class::Chat, SECOND / 2);
    assert_eq!(refused, Spent::Wait(Duration::from_millis(500)));
    assert_eq!(allowance.spend(&limits(), Class::Chat, SECOND), Spent::Yes);
}

#[test]
fn rooms_are_counted_beside_the_events_that_ask_for_them() {
    let allowance = Allowance::default();
    assert_eq!(allowance.join(&limits(), 0), Spent::Yes);
    let refused = allowance.join(&limits(), 0);
    assert_eq!(refused, Spent::Wait(Duration::from_secs(1)));
    assert_eq!(fill(&allowance, Class::Join), 2);
}

#[test]
fn who_is_refused_again_and_again_is_sent_away_once() {
    let allowance = Allowance::default();
    fill(&allowance, Class::Relay);
    let mut answers = (0..5).map(|_| allowance.spend(&limits(), Class::Relay, 0));
    assert!(matches!(answers.next(), Some(Spent::Wait(_))));
    assert!(matches!(answers.next(), Some(Spent::Wait(_))));
    assert_eq!(answers.next(), Some(Spent::TooMuch));
    assert_eq!(answers.next(), Some(Spent::Ignored));
    // Not even what would have been allowed is done any more.
    assert_eq!(allowance.spend(&limits(), Class::Chat, 0), Spent::Ignored);
}

#[test]
fn who_waits_as_told_is_never_sent_away() {
    let (allowance, mut now) = (Allowance::default(), 0);
    for _ in 0..1_000 {
        match allowance.spend(&limits(), Class::Chat, now) {
            Spent::Yes => {}
            Spent::Wait(wait) => now += wait.as_nanos() as u64,
            spent => panic!("{spent:?}"),
        }
    }
}

#[test]
fn frames_that_cannot_be_read_are_forgiven_for_a_while() {
    let allowance = Allowance::default();
    let answers: Vec<_> = (0..5).map(|_| allowance.stumble(&limits(), 0)).collect();
    assert_eq!(answers[..2], [Spent::Yes, Spent::Yes]);
    assert!(matches!(answers[2], Spent::Wait(_)), "{answers:?}");
    assert_eq!(answers[3..], [Spent::TooMuch, Spent::Ignored]);
}

#[test]
fn it_is_small() {
    assert!(size_of::<Allowance>() <= 72);
}
