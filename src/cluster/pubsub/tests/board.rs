use super::*;

/// One connection for commands and two for subscriptions.
struct Way {
    board: Board,
    link: watch::Receiver<Link>,
}

impl Way {
    fn new() -> Self {
        let board = Board::new();
        let link = board.watch();
        Self { board, link }
    }

    /// All that are up ask Redis and get an answer.
    fn answer_all(&self) {
        let call = *self.board.calls().borrow();
        for member in [Member::Commands, Member::Feed(1), Member::Feed(2)] {
            self.board.answered(member, call);
        }
    }

    fn now(&self) -> (bool, u64) {
        let link = self.link.borrow();
        (link.up, link.generation)
    }
}

#[test]
fn the_link_is_up_when_all_of_it_is() {
    let way = Way::new();
    way.board.up(Member::Commands);
    way.answer_all();
    assert_eq!(way.now(), (false, 0));
    way.board.up(Member::Feed(1));
    way.answer_all();
    assert_eq!(way.now(), (true, 1));
    way.board.down(Member::Feed(2));
    way.answer_all();
    assert_eq!(way.now(), (false, 1));
    way.board.gone(Member::Feed(2));
    way.answer_all();
    assert_eq!(way.now(), (true, 2));
    way.board.down(Member::Commands);
    way.board.failed(Failure::Refused, true);
    assert_eq!(way.now(), (false, 2));
    assert_eq!(way.board.health().attempts, 1);
    way.board.up(Member::Commands);
    way.answer_all();
    assert_eq!(way.now(), (true, 3));
    let health = way.board.health();
    assert_eq!((health.attempts, health.total_attempts), (0, 1));
    assert_eq!(health.last_failure, Some(Failure::Refused));
    assert_eq!((health.commands_up, health.subscribers), (true, (1, 1)));
}

#[test]
fn a_connection_that_was_up_before_has_to_answer_again() {
    let way = Way::new();
    way.board.up(Member::Commands);
    way.board.up(Member::Feed(1));
    way.answer_all();
    assert_eq!(way.now(), (true, 1));
    // Redis restarts. The other connection has not noticed yet.
    way.board.down(Member::Commands);
    let before = *way.board.calls().borrow();
    way.board.up(Member::Commands);
    let call = *way.board.calls().borrow();
    way.board.answered(Member::Commands, call);
    way.board.answered(Member::Feed(1), before);
    assert_eq!(way.now(), (false, 1));
    // Now it has.
    way.board.down(Member::Feed(1));
    way.board.answered(Member::Feed(1), call);
    way.board.up(Member::Feed(1));
    assert_eq!(way.now(), (false, 1));
    way.answer_all();
    assert_eq!(way.now(), (true, 2));
}

#[test]
fn an_open_link_stays_so_whatever_is_said_twice() {
    let way = Way::new();
    way.board.up(Member::Commands);
    way.board.up(Member::Feed(1));
    way.answer_all();
    way.board.up(Member::Feed(1));
    way.board.up(Member::Commands);
    assert_eq!(way.now(), (true, 1));
}
