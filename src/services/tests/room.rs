use std::sync::atomic::{AtomicUsize, Ordering};

use wiremock::{Mock, MockServer, ResponseTemplate, matchers::path};

use super::*;
use crate::core::{Mode, RoomId};

fn code(text: &str) -> RoomCode {
    text.parse().unwrap()
}

async fn asked(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

async fn service(answer: ResponseTemplate) -> (Arc<RoomService>, MockServer) {
    let server = MockServer::builder().start().await;
    let there = Mock::given(path("/internal/rooms/Team-1"));
    there.respond_with(answer).mount(&server).await;
    let service = RoomService::new(server.uri().parse().unwrap(), None).unwrap();
    (service, server)
}

fn team() -> ResponseTemplate {
    let body = r#"{"id":"r-7","code":"Team-1","mode":"sfu","maxPeers":50,"more":[]}"#;
    ResponseTemplate::new(200).set_body_string(body)
}

#[tokio::test]
async fn a_room_is_as_the_service_says() {
    let (rooms, _server) = service(team()).await;
    let profile = rooms.find(&code("Team-1")).await.unwrap();
    let expected = RoomProfile {
        id: RoomId::new("r-7"),
        code: code("Team-1"),
        mode: Mode::Sfu,
        max_peers: Some(50),
    };
    assert_eq!(*profile, expected);
    let read = RoomProfile::read(profile.to_json().as_bytes(), &code("other"));
    assert_eq!(read.unwrap(), expected);
}

#[tokio::test]
async fn questions_for_one_room_are_one_question_however_many_ask() {
    let slow = team().set_delay(Duration::from_millis(100));
    let (rooms, server) = service(slow).await;
    let answered = AtomicUsize::new(0);
    let (code, all) = (code("Team-1"), 0..50);
    futures_util::future::join_all(all.map(async |_| {
        rooms.find(&code).await.unwrap();
        answered.fetch_add(1, Ordering::Relaxed);
    }))
    .await;
    assert_eq!((answered.into_inner(), asked(&server).await), (50, 1));
}

#[tokio::test]
async fn an_absent_room_is_not_asked_for_again_at_once() {
    let (rooms, server) = service(team()).await;
    for _ in 0..3 {
        assert_eq!(rooms.find(&code("nope")).await, Err(RoomError::NotFound));
    }
    assert_eq!(asked(&server).await, 1);
}

#[tokio::test]
async fn what_was_known_serves_while_the_service_is_away_and_nothing_else_does() {
    let (rooms, server) = service(team()).await;
    rooms.find(&code("Team-1")).await.unwrap();
    drop(server);
    rooms.recent.invalidate(&code("Team-1")).await;
    // As if the answer were old.
    let (profile, _) = rooms.known.get(&code("Team-1")).await.unwrap();
    let old = Instant::now()
        .checked_sub(FRESH)
        .unwrap_or_else(Instant::now);
    rooms.known.insert(code("Team-1"), (profile, old)).await;
    assert!(rooms.find(&code("Team-1")).await.is_ok());
    assert_eq!(
        rooms.find(&code("other")).await,
        Err(RoomError::Unavailable)
    );
}

#[tokio::test]
async fn answers_that_make_no_sense_are_no_rooms() {
    for body in [
        "{}",
        "not JSON",
        r#"{"id":"r","mode":"mesh"}"#,
        r#"{"id":"","mode":"p2p"}"#,
        r#"{"id":"..","mode":"p2p"}"#,
        r#"{"id":"a/b","mode":"p2p"}"#,
        r#"{"id":"{x}","mode":"p2p"}"#,
        r#"{"id":"r","mode":"p2p","code":"no code"}"#,
        r#"{"id":"r","mode":"p2p","maxPeers":0}"#,
        r#"{"id":"r","mode":"p2p","maxPeers":-1}"#,
    ] {
        let (rooms, _server) = service(ResponseTemplate::new(200).set_body_string(body)).await;
        let found = rooms.find(&code("Team-1")).await;
        assert_eq!(found, Err(RoomError::Unavailable), "{body}");
    }
}

#[tokio::test]
async fn a_service_that_fails_once_is_asked_once_more() {
    let server = MockServer::start().await;
    let failed = Mock::given(path("/internal/rooms/Team-1"));
    let failed = failed.respond_with(ResponseTemplate::new(500));
    failed.up_to_n_times(1).mount(&server).await;
    let there = Mock::given(path("/internal/rooms/Team-1"));
    there.respond_with(team()).mount(&server).await;
    let rooms = RoomService::new(server.uri().parse().unwrap(), None).unwrap();
    assert!(rooms.find(&code("Team-1")).await.is_ok());
}
