use uuid::Uuid;

use super::*;

fn pair(number: u128) -> Pair {
    let peer = |number| PeerId::new(Uuid::from_u128(number));
    (peer(number), peer(number + 1_000_000))
}

#[test]
fn an_answer_is_to_the_last_offer_of_its_pair() {
    let (mut offers, start) = (Offers::default(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(offers.offered(pair(1), at(0)), Displaced::default());
    assert!(offers.offered(pair(1), at(2)).replaced);
    assert_eq!(offers.answered(pair(2), at(3)), None);
    assert_eq!(
        offers.answered(pair(1), at(3)),
        Some(Duration::from_secs(1))
    );
    assert_eq!(offers.answered(pair(1), at(4)), None);
}

#[test]
fn offers_without_an_answer_are_forgotten_after_a_minute() {
    let (mut offers, start) = (Offers::default(), Instant::now());
    let at = |seconds| start + Duration::from_secs(seconds);
    offers.offered(pair(1), at(0));
    offers.offered(pair(2), at(0));
    offers.answered(pair(2), at(1));
    offers.offered(pair(3), at(30));
    assert_eq!(offers.forget_old(at(60)), 0);
    assert_eq!(offers.offered(pair(4), at(61)).unanswered, 1);
    assert_eq!(offers.len(), 2);
}

#[test]
fn no_more_than_so_many_are_remembered() {
    let (mut offers, now) = (Offers::default(), Instant::now());
    let more = MAX_PENDING + 10;
    let unanswered: u64 = (0..more)
        .map(|number| offers.offered(pair(number as u128), now).unanswered)
        .sum();
    assert_eq!(unanswered, 10);
    assert_eq!(offers.len(), MAX_PENDING);
    // The same pair over and over takes the place of others in the order, not more of it.
    for _ in 0..more {
        offers.offered(pair(7), now);
    }
    assert!(offers.order.len() <= MAX_PENDING);
}
