//! The routes as a whole, of a node without Redis.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use http::{HeaderMap, Request, StatusCode};
use secrecy::SecretString;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::{
    core::{Limits, channels::Channels},
    events::FeedSettings,
    hub::{ChatSettings, ClientLimits, Neighbours},
};

const KEY: &str = "0123456789abcdef";

fn app(keys: &[&str]) -> Router {
    let limits = Limits {
        max_p2p_peers: 10,
        max_sfu_peers: 10,
        reconnect_window: Duration::from_secs(5),
    };
    let chat = ChatSettings {
        service: None,
        buffer_max: 10,
    };
    let hub = Hub::new(
        limits,
        Neighbours::default(),
        chat,
        Channels::default(),
        ClientLimits::default(),
    );
    let settings = FeedSettings {
        max_bytes: 1_000,
        server: "n1".into(),
    };
    let feed = Feed::start(&hub, settings).unwrap();
    let keys = keys.iter().map(|key| ApiKey {
        name: (*key).into(),
        key: SecretString::from(*key),
    });
    let settings = ApiSettings {
        keys: keys.collect(),
        limited: true,
        node: "n1".into(),
    };
    routes(&feed, settings)
}

async fn ask(app: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Value) {
    let (parts, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    if !parts.status.is_success() {
        assert_eq!(parts.headers["content-type"], "application/problem+json");
        assert_eq!(body["status"], parts.status.as_u16());
        assert!(
            body["code"].is_string() && body["detail"].is_string(),
            "{body}"
        );
    }
    (parts.status, parts.headers, body)
}

fn request(method: &str, path: &str) -> http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    request.header("authorization", format!("Bearer {KEY}"))
}

async fn get(app: &Router, path: &str) -> (StatusCode, Value) {
    let (status, _, body) = ask(app, request("GET", path).body(Body::empty()).unwrap()).await;
    (status, body)
}

async fn post(app: &Router, path: &str, body: Value) -> (StatusCode, HeaderMap, Value) {
    let request = request("POST", path).header("content-type", "application/json; charset=utf-8");
    ask(app, request.body(Body::from(body.to_string())).unwrap()).await
}

fn code(body: &Value) -> &str {
    body["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn without_keys_there_is_no_api_but_its_document() {
    let app = app(&[]);
    for path in [
        "/api/v1/nodes",
        "/api/v1/publish",
        "/api/v1",
        "/api/v1/other",
    ] {
        let (status, body) = get(&app, path).await;
        assert_eq!(
            (status, code(&body)),
            (StatusCode::NOT_FOUND, "NOT_FOUND"),
            "{path}"
        );
    }
    let (status, document) = get(&app, "/openapi.json").await;
    assert_eq!(
        (status, &document["openapi"]),
        (StatusCode::OK, &json!("3.1.0"))
    );
}

#[tokio::test]
async fn without_a_key_nothing_is_told_not_even_what_there_is() {
    let app = app(&[KEY]);
    for path in ["/api/v1/nodes", "/api/v1/other"] {
        let (status, headers, _) = ask(&app, Request::get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert_eq!(headers["www-authenticate"], "Bearer");
    }
    let (status, body) = get(&app, "/api/v1/other").await;
    assert_eq!((status, code(&body)), (StatusCode::NOT_FOUND, "NOT_FOUND"));
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let app = app(&[KEY]);
    let delete = request("DELETE", "/api/v1/publish")
        .body(Body::empty())
        .unwrap();
    let (status, headers, body) = ask(&app, delete).await;
    assert_eq!(
        (status, code(&body)),
        (StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED")
    );
    assert_eq!(headers["allow"], "POST");
}

#[tokio::test]
async fn each_backend_is_held_to_a_rate_of_its_own() {
    let other = "fedcba9876543210";
    let app = app(&[KEY, other]);
    let mut answered = 0;
    let limited = loop {
        let nodes = request("GET", "/api/v1/nodes").body(Body::empty()).unwrap();
        let (status, headers, body) = ask(&app, nodes).await;
        if status != StatusCode::OK {
            assert_eq!(code(&body), "RATE_LIMITED");
            break headers;
        }
        answered += 1;
        assert!(answered < 100_000);
    };
    assert!(answered >= 500);
    assert_eq!(limited["retry-after"], "1");
    let nodes = Request::get("/api/v1/nodes").header("authorization", format!("Bearer {other}"));
    let (status, ..) = ask(&app, nodes.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn bodies_that_are_wrong_are_told_apart() {
    let app = app(&[KEY]);
    let send = async |kind: &str, body: String| {
        let request = request("POST", "/api/v1/disconnect").header("content-type", kind);
        let (status, _, body) = ask(&app, request.body(Body::from(body)).unwrap()).await;
        (status.as_u16(), code(&body).to_owned())
    };
    let json = "application/json";
    let wrong = |status, code: &str| (status, code.to_owned());
    assert_eq!(
        send("text/plain", "{}".into()).await,
        wrong(415, "UNSUPPORTED_MEDIA_TYPE")
    );
    assert_eq!(send(json, "{".into()).await, wrong(400, "INVALID_PAYLOAD"));
    assert_eq!(
        send(json, String::new()).await,
        wrong(400, "INVALID_PAYLOAD")
    );
    assert_eq!(
        send(json, r#"{"user":""}"#.into()).await,
        wrong(400, "INVALID_PAYLOAD")
    );
    assert_eq!(
        send(json, r#"{"user":"u","x":1}"#.into()).await,
        wrong(400, "INVALID_PAYLOAD")
    );
    let huge = format!(r#"{{"user":"{}"}}"#, "x".repeat(128 * 1024));
    assert_eq!(send(json, huge).await, wrong(413, "PAYLOAD_TOO_LARGE"));
    assert_eq!(send(json, r#"{"user":"u"}"#.into()).await, wrong(202, ""));
}

#[tokio::test]
async fn events_that_cannot_be_are_told_apart() {
    let app = app(&[KEY]);
    let send = async |body: Value| {
        let (status, _, body) = post(&app, "/api/v1/publish", body).await;
        (status.as_u16(), code(&body).to_owned())
    };
    let result = |status, code: &str| (status, code.to_owned());
    for reserved in [
        "connect",
        "disconnect",
        "error",
        "room:joined",
        "chat_message",
        "sfu_new_producer",
    ] {
        let body = json!({ "room": "r", "event": reserved, "data": 1 });
        assert_eq!(
            send(body).await,
            result(422, "EVENT_RESERVED"),
            "{reserved}"
        );
    }
    let on = |channel: &str, event: &str, data: Value| json!({ "channel": channel, "event": event, "data": data });
    let unknown = on("no:channel", "e", json!(1));
    assert_eq!(send(unknown).await, result(404, "CHANNEL_NOT_FOUND"));
    for refused in [
        on("match:events", "rank_changed", json!({ "matchId": 1 })),
        on("match:events", "match_started", json!({})),
        on(
            "match:events",
            "match_started",
            json!({ "matchId": 1, "x": "x".repeat(1_000) }),
        ),
    ] {
        assert_eq!(send(refused).await, result(422, "EVENT_REFUSED"));
    }
    let good = on("match:events", "match_started", json!({ "matchId": 1 }));
    assert_eq!(send(good).await, result(202, ""));
}

#[tokio::test]
async fn a_key_lets_an_event_through_once() {
    let app = app(&[KEY]);
    let body =
        |data: i32| json!({ "user": "u", "event": "e", "data": data, "idempotencyKey": "k" });
    let (status, headers, first) = post(&app, "/api/v1/publish", body(1)).await;
    assert_eq!(
        (status, first),
        (
            StatusCode::ACCEPTED,
            json!({ "published": true, "delivered": 0 })
        )
    );
    assert!(!headers.contains_key("idempotency-replayed"));
    let (status, headers, _) = post(&app, "/api/v1/publish", body(1)).await;
    assert_eq!(
        (status, &headers["idempotency-replayed"]),
        (StatusCode::ACCEPTED, &"true".parse().unwrap())
    );
    let (status, _, other) = post(&app, "/api/v1/publish", body(2)).await;
    assert_eq!(
        (status.as_u16(), code(&other)),
        (422, "IDEMPOTENCY_KEY_REUSED")
    );
    // What was refused did not use up its key.
    let mut refused = body(1);
    refused["idempotencyKey"] = "other".into();
    refused["event"] = "connect".into();
    assert_eq!(
        post(&app, "/api/v1/publish", refused.clone())
            .await
            .0
            .as_u16(),
        422
    );
    refused["event"] = "e".into();
    assert_eq!(
        post(&app, "/api/v1/publish", refused).await.0,
        StatusCode::ACCEPTED
    );
}

#[tokio::test]
async fn a_node_that_is_alone_says_what_it_has() {
    let app = app(&[KEY]);
    let (_, nodes) = get(&app, "/api/v1/nodes").await;
    assert_eq!(nodes["nodes"][0]["id"], "n1");
    assert_eq!(nodes["nodes"][0]["connections"], 0);
    assert_eq!(get(&app, "/api/v1/rooms").await.1, json!({ "rooms": [] }));
    let (status, body) = get(&app, "/api/v1/rooms/none").await;
    assert_eq!(
        (status, code(&body)),
        (StatusCode::NOT_FOUND, "ROOM_NOT_FOUND")
    );
    assert_eq!(
        get(&app, "/api/v1/pubsub").await.1["health"]["configured"],
        false
    );
    let reset = request("POST", "/api/v1/pubsub/reset-stats")
        .body(Body::empty())
        .unwrap();
    assert_eq!(ask(&app, reset).await.0, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn pages_that_cannot_be_are_refused() {
    let app = app(&[KEY]);
    for query in ["limit=0", "limit=1001", "limit=x", "limit=-1", "other=1"] {
        let (status, _) = get(&app, &format!("/api/v1/rooms?{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(
        get(&app, "/api/v1/rooms?limit=1000&cursor=x").await.0,
        StatusCode::OK
    );
    assert_eq!(
        get(&app, "/api/v1/rooms/%ff").await.0,
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn the_document_says_all_that_is_served() {
    let (_, document) = get(&app(&[]), "/openapi.json").await;
    let paths = document["paths"].as_object().unwrap();
    let names: Vec<_> = paths.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "/api/v1/disconnect",
            "/api/v1/nodes",
            "/api/v1/publish",
            "/api/v1/pubsub",
            "/api/v1/pubsub/reset-stats",
            "/api/v1/rooms",
            "/api/v1/rooms/{id}"
        ]
    );
    let targets = &document["components"]["schemas"]["PublishRequest"]["oneOf"];
    assert_eq!(targets.as_array().map(Vec::len), Some(3));
    assert_eq!(document["security"], json!([{ "apiKey": [] }]));
    let errors = &document["paths"]["/api/v1/publish"]["post"]["responses"];
    for status in [
        "400", "401", "404", "408", "409", "413", "415", "422", "429", "500", "503",
    ] {
        assert!(
            errors[status]["content"]["application/problem+json"].is_object(),
            "{status}"
        );
    }
}
