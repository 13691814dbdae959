use serde_json::value::to_raw_value;
use smallvec::smallvec;

use super::*;

fn kept(number: u64, topic: &str) -> KeptEvent {
    KeptEvent {
        offset: Offset(number, 0),
        kind: "x".into(),
        data: to_raw_value(&number).unwrap(),
        about: to_raw_value(&()).unwrap(),
        topics: smallvec![topic.into(), "all".into()],
        until: None,
    }
}

fn ring(max: usize, numbers: impl IntoIterator<Item = u64>) -> Ring {
    let mut ring = Ring::new(max);
    for number in numbers {
        assert!(ring.push(kept(number, "a")).is_some());
    }
    ring
}

/// The numbers that are told, and whether that is all.
fn recovered(ring: &Ring, topic: &str, from: From) -> (Vec<u64>, bool) {
    let Recovery { events, complete } = ring.recover(topic, from, 0);
    (
        events.iter().map(|event| event.offset.0).collect(),
        complete,
    )
}

#[test]
fn what_came_after_an_event_is_told_if_all_of_it_is_known() {
    let ring = ring(3, 1..=5);
    let since = |number| recovered(&ring, "a", From::Since(Offset(number, 0)));
    assert_eq!(since(5), (vec![], true));
    assert_eq!(since(3), (vec![4, 5], true));
    assert_eq!(since(2), (vec![3, 4, 5], true));
    assert_eq!(since(1), (vec![], false), "the second is forgotten");
    assert_eq!(since(9), (vec![], false), "nobody was ever told that");
}

#[test]
fn the_last_are_told_of_ones_own_topic() {
    let mut ring = ring(10, 1..=3);
    ring.push(kept(4, "b"));
    assert_eq!(recovered(&ring, "a", From::Last(2)), (vec![2, 3], true));
    assert_eq!(recovered(&ring, "b", From::Last(2)), (vec![4], true));
    assert_eq!(recovered(&ring, "all", From::Last(2)), (vec![3, 4], true));
    let since = From::Since(Offset(1, 0));
    assert_eq!(recovered(&ring, "b", since), (vec![4], true));
}

#[test]
fn what_is_no_news_is_not_kept() {
    let mut ring = ring(10, [2, 4]);
    assert!(ring.push(kept(4, "a")).is_none());
    assert!(ring.push(kept(3, "a")).is_none());
    ring.begin_after(Offset(9, 0));
    assert!(ring.push(kept(8, "a")).is_none());
    assert_eq!(ring.last(), Offset(9, 0));
}

#[test]
fn what_is_of_no_use_any_more_is_not_told() {
    let mut ring = Ring::new(10);
    ring.push(KeptEvent {
        until: Some(100),
        ..kept(1, "a")
    });
    assert_eq!(ring.recover("a", From::Last(9), 99).events.len(), 1);
    assert_eq!(ring.recover("a", From::Last(9), 100).events.len(), 0);
}

#[test]
fn large_events_push_out_older_ones() {
    let mut ring = Ring::new(MAX_BYTES);
    let large = to_raw_value(&"x".repeat(MAX_BYTES / 3)).unwrap();
    for number in 1..=4 {
        ring.push(KeptEvent {
            data: large.clone(),
            ..kept(number, "a")
        });
    }
    assert_eq!(recovered(&ring, "a", From::Last(9)), (vec![3, 4], false));
}

#[test]
fn offsets_are_texts_that_sort_as_they_came() {
    let first = Offset::default().next(5);
    let second = first.next(5);
    let third = second.next(4);
    assert_eq!(third.to_string(), "5-2");
    assert!(first < second && second < third && third < third.next(6));
    assert_eq!("5-2".parse(), Ok(third));
    assert_eq!("5".parse(), Ok(first));
    for text in ["", "x", "5-", "-1", "5-1-1"] {
        assert_eq!(text.parse::<Offset>(), Err(BadOffset), "{text}");
    }
}
