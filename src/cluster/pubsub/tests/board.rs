use super::*;

#[test]
fn the_link_is_up_when_all_of_it_is() {
    let board = Board::new();
    let link = board.watch();
    let now = || (link.borrow().up, link.borrow().generation);
    board.commands(true);
    assert_eq!(now(), (false, 0));
    board.feed(1, true);
    assert_eq!(now(), (true, 1));
    board.feed(2, false);
    assert_eq!(now(), (false, 1));
    board.feed_gone(2);
    assert_eq!(now(), (true, 2));
    board.commands(false);
    board.failed(Failure::Refused, true);
    assert_eq!(now(), (false, 2));
    assert_eq!(board.health().attempts, 1);
    board.commands(true);
    assert_eq!(now(), (true, 3));
    assert_eq!(board.health().attempts, 0);
    assert_eq!(board.health().total_attempts, 1);
    assert_eq!(board.health().last_failure, Some(Failure::Refused));
}
