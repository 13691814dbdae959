use super::*;

#[test]
fn what_opens_a_session_is_told_from_what_goes_on_with_one() {
    let opens =
        |method: &str, uri: &str| opens_a_session(&method.parse().unwrap(), &uri.parse().unwrap());
    for uri in [
        "/socket.io/?EIO=4&transport=polling",
        "/socket.io/?EIO=4&transport=websocket",
        "/socket.io",
        "/ws",
        "/ws?resumeToken=x",
        "/signal/room",
        "/turn-credentials",
    ] {
        assert!(opens("GET", uri), "{uri}");
    }
    for uri in [
        "/socket.io/?EIO=4&transport=polling&sid=abc",
        "/socket.io/?sid=abc&transport=websocket",
        "/demo/index.html",
        "/",
    ] {
        assert!(!opens("GET", uri), "{uri}");
    }
    assert!(!opens("POST", "/socket.io/?EIO=4&sid=abc"));
    assert!(opens("POST", "/dev/login"));
}

#[test]
fn a_refusal_says_when_to_come_again_and_ends_the_connection() {
    let wait = Duration::from_millis(1_001);
    for (crowd, status, after) in [
        (Crowd::Node, 503, "5"),
        (Crowd::Network, 429, "5"),
        (Crowd::User, 429, "5"),
        (Crowd::Handshakes(wait), 429, "2"),
        (Crowd::Handshakes(Duration::ZERO), 429, "1"),
    ] {
        let response = refuse(crowd);
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[RETRY_AFTER], after);
        assert_eq!(response.headers()[CONNECTION], "close");
    }
}
