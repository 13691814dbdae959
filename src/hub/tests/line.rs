use super::*;

fn receipt(number: u128) -> Receipt {
    Receipt {
        id: Uuid::from_u128(number),
        timestamp: 0,
    }
}

#[derive(Clone, Default)]
struct Client(Arc<Mutex<Vec<Result<u128, ErrorCode>>>>);

impl Client {
    fn answer(&self) -> Answer {
        let answers = Arc::clone(&self.0);
        Box::new(move |outcome| {
            let outcome = outcome.map(|receipt| receipt.id.as_u128());
            answers.lock().push(outcome.map_err(|error| error.code));
        })
    }

    fn got(&self) -> Vec<Result<u128, ErrorCode>> {
        self.0.lock().clone()
    }
}

#[test]
fn answers_go_out_in_the_order_of_the_messages_whenever_they_are_known() {
    let (line, client) = (Arc::new(Line::default()), Client::default());
    let mut tickets: Vec<Ticket> = (0..4)
        .map(|_| line.enter(client.answer()).ok().unwrap())
        .collect();
    let (last, third) = (tickets.pop().unwrap(), tickets.pop().unwrap());
    let (second, first) = (tickets.pop().unwrap(), tickets.pop().unwrap());
    third.settle(Ok(receipt(3)));
    second.settle(Err(WireError::new(ErrorCode::ServiceUnavailable, "full")));
    assert_eq!(client.got(), []);
    first.settle(Ok(receipt(1)));
    let so_far = [Ok(1), Err(ErrorCode::ServiceUnavailable), Ok(3)];
    assert_eq!(client.got(), so_far);
    let next = line.enter(client.answer()).ok().unwrap();
    next.settle(Ok(receipt(5)));
    assert_eq!(client.got().len(), 3);
    last.settle(Ok(receipt(4)));
    assert_eq!(client.got()[3..], [Ok(4), Ok(5)]);
}

#[test]
fn a_client_that_is_too_far_ahead_is_told_so() {
    let (line, client) = (Arc::new(Line::default()), Client::default());
    let tickets: Vec<Ticket> = (0..MAX_UNANSWERED)
        .map(|_| line.enter(client.answer()).ok().unwrap())
        .collect();
    assert!(line.enter(client.answer()).is_err());
    for (number, ticket) in tickets.into_iter().enumerate() {
        ticket.settle(Ok(receipt(number as u128)));
    }
    assert_eq!(client.got().len(), MAX_UNANSWERED);
    assert!(line.enter(client.answer()).is_ok());
}

#[test]
fn an_answer_that_is_forgotten_holds_up_nothing() {
    let (line, client) = (Arc::new(Line::default()), Client::default());
    let forgotten = line.enter(client.answer()).ok().unwrap();
    let next = line.enter(client.answer()).ok().unwrap();
    next.settle(Ok(receipt(2)));
    drop(forgotten);
    assert_eq!(client.got(), [Err(ErrorCode::Internal), Ok(2)]);
}
