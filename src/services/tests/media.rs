use uuid::Uuid;
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{method, path, path_regex},
};

use super::*;

/// A server of its own, which is gone when it is dropped: others are used again.
async fn healthy() -> MockServer {
    let server = MockServer::builder().start().await;
    let well = ResponseTemplate::new(200);
    Mock::given(path("/readyz"))
        .respond_with(well)
        .mount(&server)
        .await;
    server
}

async fn media_at(servers: &[&MockServer]) -> Arc<Media> {
    let urls: Vec<ServiceUrl> = servers.iter().map(|s| s.uri().parse().unwrap()).collect();
    Media::start(&urls).await.unwrap()
}

fn room(number: usize) -> RoomId {
    RoomId::new(&format!("room_{number}"))
}

const PEER: PeerId = PeerId::new(Uuid::from_u128(7));

#[tokio::test]
async fn it_is_known_at_once_whether_a_server_is_there() {
    let server = healthy().await;
    let media = media_at(&[&server]).await;
    assert!(media.is_any_available());
    assert_eq!(media.report()[0].state, BreakerState::Closed);
    let absent = Media::start(&["http://127.0.0.1:9".parse().unwrap()])
        .await
        .unwrap();
    assert!(!absent.is_any_available());
    assert_eq!(absent.choose(&room(1)), None);
}

#[tokio::test]
async fn a_server_without_a_health_check_is_there_and_one_that_fails_is_not() {
    let bare = MockServer::start().await;
    assert!(media_at(&[&bare]).await.is_any_available());
    let failing = MockServer::start().await;
    let failed = ResponseTemplate::new(503);
    Mock::given(path("/readyz"))
        .respond_with(failed)
        .mount(&failing)
        .await;
    assert!(!media_at(&[&failing]).await.is_any_available());
}

#[tokio::test]
async fn rooms_spread_over_the_servers_and_only_those_of_a_lost_one_move() {
    let (one, two, three) = (healthy().await, healthy().await, healthy().await);
    let all = media_at(&[&one, &two, &three]).await;
    let fewer = media_at(&[&three, &one]).await;
    let mut counts = [0; 3];
    for number in 0..300 {
        let chosen = all.choose(&room(number)).unwrap();
        let place = [&one, &two, &three]
            .iter()
            .position(|s| s.uri() == *chosen)
            .unwrap();
        counts[place] += 1;
        if place != 1 {
            assert_eq!(fewer.choose(&room(number)).unwrap(), chosen);
        }
    }
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}

#[tokio::test]
async fn once_it_is_unreachable_it_is_not_called() {
    let server = healthy().await;
    let media = media_at(&[&server]).await;
    let one = Arc::clone(media.server(&server.uri()).unwrap());
    let mut changes = media.changes();
    changes.borrow_and_update();
    drop(server);
    assert_eq!(one.knows(&room(1)).await, Err(MediaError::Unavailable));
    changes.changed().await.unwrap();
    assert!(!media.is_any_available());
    assert_eq!(one.knows(&room(1)).await, Err(MediaError::Unavailable));
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_no_answer() {
    let server = healthy().await;
    for (route, body) in [
        ("/rooms/room_1", "[1]"),
        ("/rooms/room_2", "{"),
        ("/rooms/room_3", "<html>"),
    ] {
        let answer = ResponseTemplate::new(200).set_body_string(body);
        Mock::given(path(route))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let nameless = ResponseTemplate::new(200).set_body_string(r#"{"id":7}"#);
    Mock::given(method("POST"))
        .respond_with(nameless)
        .mount(&server)
        .await;
    let media = media_at(&[&server]).await;
    let one = media.server(&server.uri()).unwrap();
    for number in 1..=3 {
        let answer = one.capabilities(&room(number)).await;
        assert_eq!(answer.unwrap_err(), MediaError::Unavailable);
    }
    let (room, peer) = (&room(1), PEER);
    let made = one.create_transport(Place { room, peer }, crate::core::Direction::Send, None);
    assert_eq!(made.await.unwrap_err(), MediaError::Unavailable);
}

#[tokio::test]
async fn a_peer_that_is_there_already_is_registered_and_one_that_is_not_is_closed() {
    let server = healthy().await;
    let there = ResponseTemplate::new(409);
    Mock::given(method("POST"))
        .respond_with(there)
        .mount(&server)
        .await;
    let media = media_at(&[&server]).await;
    let one = media.server(&server.uri()).unwrap();
    let (room, peer) = (&room(1), PEER);
    assert_eq!(one.register(Place { room, peer }, "Ann").await, Ok(false));
    // What nothing is mounted for is not found.
    assert_eq!(one.close(Place { room, peer }).await, Ok(()));
}

#[tokio::test]
async fn what_is_to_be_closed_is_tried_until_it_is_and_waited_for() {
    let server = healthy().await;
    let place = || Mock::given(method("DELETE")).and(path_regex("^/rooms/room_1/broadcasters/"));
    let failed = ResponseTemplate::new(500);
    place()
        .respond_with(failed)
        .up_to_n_times(2)
        .expect(2)
        .mount(&server)
        .await;
    let done = ResponseTemplate::new(200);
    place().respond_with(done).expect(1).mount(&server).await;
    let media = media_at(&[&server]).await;
    media.release(&server.uri(), &room(1), PEER);
    media.released(&server.uri(), &room(1), PEER).await;
    media.flush(Duration::from_secs(10)).await;
    server.verify().await;
}

#[tokio::test]
async fn a_good_status_with_nonsense_is_no_answer_even_where_nothing_is_to_be_said() {
    let server = healthy().await;
    for (room, body) in [("room_1", ""), ("room_2", "{}"), ("room_3", "<html>")] {
        let answer = ResponseTemplate::new(200).set_body_string(body);
        let route = format!("/rooms/{room}/broadcasters/{PEER}/producers/p/pause");
        Mock::given(path(route))
            .respond_with(answer)
            .mount(&server)
            .await;
    }
    let media = media_at(&[&server]).await;
    let one = media.server(&server.uri()).unwrap();
    let answers = [Ok(()), Ok(()), Err(MediaError::Unavailable)];
    for (number, expected) in (1..).zip(answers) {
        let (room, peer) = (&room(number), PEER);
        let paused = one.pause_producer(Place { room, peer }, "p", true).await;
        assert_eq!(paused, expected, "{room}");
    }
}
