use super::*;

fn answer(body: &str) -> Answer {
    Answer {
        status: 202,
        body: body.to_owned(),
    }
}

async fn first(answers: &Answers, key: &str, request: &str) -> Ticket {
    match answers.begin(key.to_owned(), request.to_owned()).await {
        Ok(Begun::First(ticket)) => ticket,
        other => panic!("not the first: {other:?}"),
    }
}

async fn error(answers: &Answers, key: &str, request: &str) -> ApiError {
    let begun = answers.begin(key.to_owned(), request.to_owned()).await;
    begun.unwrap_err()
}

#[tokio::test]
async fn a_repetition_gets_the_first_answer() {
    let answers = Answers::new(None);
    let ticket = first(&answers, "k", "r").await;
    assert_eq!(error(&answers, "k", "r").await, ApiError::InProgress);
    answers.finish(ticket, answer("one")).await;
    let again = answers.begin("k".into(), "r".into()).await.unwrap();
    assert!(matches!(again, Begun::Again(given) if given == answer("one")));
    assert_eq!(error(&answers, "k", "another").await, ApiError::KeyReused);
    first(&answers, "another", "r").await;
}

#[tokio::test]
async fn what_failed_can_be_tried_again() {
    let answers = Answers::new(None);
    let ticket = first(&answers, "k", "r").await;
    answers.abandon(ticket).await;
    first(&answers, "k", "another").await;
}

#[tokio::test]
async fn of_many_at_once_one_is_the_first() {
    let answers = Answers::new(None);
    let begin = |_| answers.begin("k".into(), "r".into());
    let begun = futures_util::future::join_all((0..50).map(begin)).await;
    let firsts = begun
        .iter()
        .filter(|begun| matches!(begun, Ok(Begun::First(_))));
    assert_eq!(firsts.count(), 1);
}

#[test]
fn parts_cannot_be_moved_between_each_other_in_a_digest() {
    assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
    assert_ne!(digest(&["a", ""]), digest(&["a"]));
    assert_eq!(digest(&["a", "b"]).len(), 64);
}
