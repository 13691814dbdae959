use bytes::Bytes;
use serde_json::json;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{body_json, header, method, path, query_param},
};

use uuid::Uuid;

use super::*;

fn client(server: &MockServer, prefix: &str) -> ChatClient {
    let base = format!("{}{prefix}", server.uri()).parse().unwrap();
    ChatClient::new(base).unwrap()
}

fn batch() -> Batch {
    let id = Uuid::from_u128(1);
    Batch::new([Bytes::from(format!(r#"{{"id":"{id}"}}"#))])
}

async fn delivery(answer: ResponseTemplate) -> Delivery {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    client(&server, "").store(&RoomId::new("r"), &batch()).await
}

#[tokio::test]
async fn a_batch_is_posted_with_its_key_below_the_base() {
    let server = MockServer::start().await;
    let room = RoomId::new("r");
    Mock::given(method("POST"))
        .and(path("/chat/internal/messages"))
        .and(header("idempotency-key", batch().key(&room)))
        .and(header("content-type", "application/json"))
        .and(body_json(
            json!({ "messages": [{ "id": Uuid::from_u128(1) }] }),
        ))
        .respond_with(ResponseTemplate::new(201))
        .expect(2)
        .mount(&server)
        .await;
    for prefix in ["/chat", "/chat/"] {
        let delivery = client(&server, prefix).store(&room, &batch()).await;
        assert!(matches!(delivery, Delivery::Stored), "{delivery:?}");
    }
}

#[tokio::test]
async fn what_passes_is_told_from_what_does_not() {
    for status in [500, 502, 503, 408, 429, 302] {
        let delivery = delivery(ResponseTemplate::new(status)).await;
        assert!(matches!(delivery, Delivery::Failed(_, None)), "{status}");
    }
    for status in [400, 404, 409, 413, 422] {
        let answer = ResponseTemplate::new(status).set_body_string("no".repeat(4_000));
        match delivery(answer).await {
            Delivery::Refused {
                status: got,
                answer,
            } => {
                assert_eq!((got, answer.len()), (status, MAX_REASON));
            }
            other => panic!("{status}: {other:?}"),
        }
    }
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "7");
    let wish = Some(Duration::from_secs(7));
    assert!(matches!(delivery(busy).await, Delivery::Failed(_, got) if got == wish));
    let absurd = ResponseTemplate::new(503).insert_header("retry-after", "999999");
    let wish = Some(MAX_RETRY_AFTER);
    assert!(matches!(delivery(absurd).await, Delivery::Failed(_, got) if got == wish));
}

#[tokio::test]
async fn nobody_there_is_a_failure_that_passes() {
    let gone = ChatClient::new("http://127.0.0.1:9".parse().unwrap()).unwrap();
    let delivery = gone.store(&RoomId::new("r"), &batch()).await;
    assert!(
        matches!(delivery, Delivery::Failed(_, None)),
        "{delivery:?}"
    );
}

fn stored(number: u128) -> serde_json::Value {
    json!({
        "id": Uuid::from_u128(number), "roomId": "a b/c", "senderId": "u", "content": "x",
        "timestamp": number,
    })
}

#[tokio::test]
async fn a_page_is_asked_for_by_room_and_read_in_either_form() {
    let query = HistoryQuery {
        before: Some(Uuid::from_u128(9)),
        limit: 5,
    };
    let list = json!([stored(1), { "id": "no message" }, stored(2)]);
    for body in [json!({ "messages": list }), list.clone()] {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .and(path("/internal/rooms/a%20b%2Fc/messages"))
            .and(query_param("before", Uuid::from_u128(9).to_string()))
            .and(query_param("limit", "5"))
            .respond_with(ResponseTemplate::new(200).set_body_json(body))
            .mount(&server)
            .await;
        let (client, room) = (client(&server, ""), RoomId::new("a b/c"));
        let page = client.history(&room, query).await.unwrap();
        let ids: Vec<u128> = page.iter().map(|message| message.id.as_u128()).collect();
        assert_eq!(ids, [1, 2]);
    }
}

#[tokio::test]
async fn a_page_that_is_none_is_an_error() {
    let query = HistoryQuery {
        before: None,
        limit: 5,
    };
    let answers = [
        ResponseTemplate::new(404),
        ResponseTemplate::new(200).set_body_string("<html>"),
        ResponseTemplate::new(200).set_body_string("x".repeat(MAX_ANSWER + 1)),
    ];
    for answer in answers {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let page = client(&server, "").history(&RoomId::new("r"), query).await;
        assert!(page.is_err());
    }
}
