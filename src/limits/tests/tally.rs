use super::*;

#[test]
fn each_key_has_so_many_and_no_more() {
    let tally = Tally::new(2);
    let _tickets = [tally.enter("a").unwrap(), tally.enter("a").unwrap()];
    assert!(tally.enter("a").is_none());
    assert!(tally.enter("b").is_some());
}

#[test]
fn whoever_goes_makes_place() {
    let tally = Tally::new(1);
    let ticket = tally.enter("a").unwrap();
    assert!(tally.enter("a").is_none());
    drop(ticket);
    assert!(tally.enter("a").is_some());
}

#[test]
fn nothing_is_kept_for_those_that_are_gone() {
    let tally = Tally::new(3);
    for key in 0..1_000 {
        drop((tally.enter(key), tally.enter(key)));
    }
    assert!(tally.counts.is_empty());
}

#[test]
fn threads_that_come_and_go_lose_no_count() {
    let tally = Tally::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    assert!(tally.enter("a").is_some());
                }
            });
        }
    });
    assert!(tally.counts.is_empty());
}
