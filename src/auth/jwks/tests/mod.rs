//! The cache against a real HTTP server, with a clock of our own.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::document::{KeySet, MAX_KEYS};
use super::fetch::MAX_DOCUMENT_BYTES;
use super::{FetchError, JwksCache, MAX_AGE, MAX_IDLE_AGE, MIN_REFRESH_INTERVAL};
use crate::auth::AuthError;

/// Any number will do as a modulus as long as it is odd and of the right size.
fn jwk(kid: &str) -> Value {
    let mut modulus = [0xff_u8; 256];
    for (place, byte) in modulus.iter_mut().skip(1).zip(kid.bytes()) {
        *place = byte;
    }
    json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid,
        "n": URL_SAFE_NO_PAD.encode(modulus), "e": "AQAB",
    })
}

fn set(kids: &[&str]) -> Value {
    json!({"keys": kids.iter().map(|kid| jwk(kid)).collect::<Vec<_>>()})
}

fn at(after: Duration) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_800_000_000) + after
}

const START: Duration = Duration::ZERO;

struct Issuer {
    server: MockServer,
    cache: JwksCache,
}

impl Issuer {
    async fn serving(response: ResponseTemplate) -> Self {
        let server = MockServer::start().await;
        let url = Url::parse(&server.uri())
            .unwrap()
            .join("/jwks.json")
            .unwrap();
        let issuer = Self {
            server,
            cache: JwksCache::new(url).unwrap(),
        };
        issuer.now_serves(response).await;
        issuer
    }

    async fn with_keys(kids: &[&str]) -> Self {
        Self::serving(ResponseTemplate::new(200).set_body_json(set(kids))).await
    }

    async fn now_serves(&self, response: ResponseTemplate) {
        self.server.reset().await;
        let get = Mock::given(method("GET")).and(path("/jwks.json"));
        get.respond_with(response).mount(&self.server).await;
    }

    async fn rotates_to(&self, kids: &[&str]) {
        self.now_serves(ResponseTemplate::new(200).set_body_json(set(kids)))
            .await;
    }

    async fn fails(&self) {
        self.now_serves(ResponseTemplate::new(503)).await;
    }

    async fn fetches(&self) -> usize {
        self.server.received_requests().await.unwrap().len()
    }

    async fn asks(&self, kid: &str, after: Duration) -> Result<(), AuthError> {
        self.cache.key(Some(kid), at(after)).await.map(|_| ())
    }

    /// Waits for a fetch in the background: the lock is free once it has ended.
    async fn settle(&self) {
        drop(self.cache.flight.lock().await);
    }
}

#[tokio::test]
async fn one_fetch_serves_many_tokens() {
    let issuer = Issuer::with_keys(&["a", "b"]).await;
    for kid in ["a", "b", "a"] {
        assert_eq!(issuer.asks(kid, START).await, Ok(()));
    }
    assert_eq!(issuer.fetches().await, 1);
}

#[tokio::test]
async fn concurrent_tokens_share_one_fetch() {
    let slow = ResponseTemplate::new(200)
        .set_body_json(set(&["a"]))
        .set_delay(Duration::from_millis(100));
    let issuer = Issuer::serving(slow).await;
    let asking = (0..50).map(|_| {
        let cache = issuer.cache.clone();
        tokio::spawn(async move { cache.key(Some("a"), at(START)).await.is_ok() })
    });
    for answer in asking.collect::<Vec<_>>() {
        assert!(answer.await.unwrap());
    }
    assert_eq!(issuer.fetches().await, 1);
}

#[tokio::test]
async fn unknown_keys_cause_few_fetches() {
    let issuer = Issuer::with_keys(&["a"]).await;
    for attempt in 0..100 {
        let kid = format!("invented-{attempt}");
        assert_eq!(issuer.asks(&kid, START).await, Err(AuthError::UnknownKey));
    }
    assert_eq!(issuer.fetches().await, 1);
    assert!(issuer.asks("invented", MIN_REFRESH_INTERVAL).await.is_err());
    assert_eq!(issuer.fetches().await, 2);
}

#[tokio::test]
async fn a_rotation_is_followed_and_withdrawn_keys_are_refused() {
    let issuer = Issuer::with_keys(&["old"]).await;
    assert_eq!(issuer.asks("old", START).await, Ok(()));

    issuer.rotates_to(&["old", "new"]).await;
    let overlap = START + MIN_REFRESH_INTERVAL;
    assert_eq!(issuer.asks("new", overlap).await, Ok(()));
    assert_eq!(issuer.asks("old", overlap).await, Ok(()));

    issuer.rotates_to(&["new"]).await;
    let later = overlap + MAX_AGE;
    assert_eq!(
        issuer.asks("old", later).await,
        Ok(()),
        "the token that notices is still served"
    );
    issuer.settle().await;
    assert_eq!(issuer.asks("old", later).await, Err(AuthError::UnknownKey));
    assert_eq!(issuer.asks("new", later).await, Ok(()));
}

#[tokio::test]
async fn known_keys_serve_through_an_outage() {
    let issuer = Issuer::with_keys(&["a"]).await;
    assert_eq!(issuer.asks("a", START).await, Ok(()));
    issuer.fails().await;
    for minutes in 1..180 {
        assert_eq!(
            issuer.asks("a", Duration::from_secs(60 * minutes)).await,
            Ok(())
        );
        issuer.settle().await;
    }
    let after = Duration::from_secs(60 * 180);
    assert_eq!(issuer.asks("b", after).await, Err(AuthError::UnknownKey));

    issuer.rotates_to(&["b"]).await;
    let recovered = after + MIN_REFRESH_INTERVAL;
    assert_eq!(issuer.asks("b", recovered).await, Ok(()));
    assert_eq!(
        issuer.asks("a", recovered).await,
        Err(AuthError::UnknownKey)
    );
}

#[tokio::test]
async fn after_an_idle_night_the_token_waits_for_the_fetch() {
    let issuer = Issuer::with_keys(&["a"]).await;
    assert_eq!(issuer.asks("a", START).await, Ok(()));
    issuer.rotates_to(&["b"]).await;
    assert_eq!(
        issuer.asks("a", MAX_IDLE_AGE).await,
        Err(AuthError::UnknownKey)
    );
}

#[tokio::test]
async fn without_any_set_the_keys_are_unavailable_until_it_comes() {
    let issuer = Issuer::serving(ResponseTemplate::new(503)).await;
    assert_eq!(
        issuer.asks("a", START).await,
        Err(AuthError::KeysUnavailable)
    );
    issuer.rotates_to(&["a"]).await;
    assert_eq!(
        issuer.asks("a", START).await,
        Err(AuthError::KeysUnavailable),
        "too early"
    );
    assert_eq!(issuer.asks("a", MIN_REFRESH_INTERVAL).await, Ok(()));
}

#[tokio::test]
async fn a_token_that_gives_up_does_not_cancel_the_fetch() {
    let slow = ResponseTemplate::new(200)
        .set_body_json(set(&["a"]))
        .set_delay(Duration::from_millis(100));
    let issuer = Issuer::serving(slow).await;
    let impatient = issuer.cache.key(Some("a"), at(START));
    assert!(
        tokio::time::timeout(Duration::from_millis(10), impatient)
            .await
            .is_err()
    );
    assert_eq!(issuer.asks("a", START).await, Ok(()));
    assert_eq!(issuer.fetches().await, 1);
}

#[tokio::test]
async fn a_clock_set_back_does_not_stop_the_refresh() {
    let issuer = Issuer::with_keys(&["a"]).await;
    let day = Duration::from_secs(24 * 60 * 60);
    assert_eq!(issuer.asks("a", day).await, Ok(()));
    issuer.rotates_to(&["b"]).await;
    assert_eq!(issuer.asks("b", START).await, Ok(()));
}

#[tokio::test]
async fn a_token_without_kid_needs_a_set_of_one() {
    let one = Issuer::with_keys(&["a"]).await;
    assert!(one.cache.key(None, at(START)).await.is_ok());
    let two = Issuer::with_keys(&["a", "b"]).await;
    let refusal = two.cache.key(None, at(START)).await.map(|_| ());
    assert_eq!(refusal, Err(AuthError::UnknownKey));
}

#[tokio::test]
async fn only_a_plain_answer_with_a_key_set_counts() {
    let many = vec![jwk("a"); MAX_KEYS + 1];
    let huge = " ".repeat(MAX_DOCUMENT_BYTES + 1);
    for (response, part) in [
        (ResponseTemplate::new(404), "answered 404"),
        (
            ResponseTemplate::new(302).insert_header("location", "/other"),
            "answered 302",
        ),
        (
            ResponseTemplate::new(200).set_body_string("<html>"),
            "not a JSON Web Key Set",
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({"key": 1})),
            "not a JSON Web Key Set",
        ),
        (
            ResponseTemplate::new(200).set_body_json(json!({"keys": many})),
            "more than 64 keys",
        ),
        (
            ResponseTemplate::new(200).set_body_string(huge),
            "larger than",
        ),
    ] {
        let issuer = Issuer::serving(response).await;
        let error = issuer
            .cache
            .refresh(at(START))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn an_unreachable_issuer_is_described_without_its_url() {
    let url = Url::parse("http://127.0.0.1:1/jwks?key=hush").unwrap();
    let error = JwksCache::new(url)
        .unwrap()
        .refresh(at(START))
        .await
        .unwrap_err();
    assert!(matches!(error, FetchError::Http(_)));
    assert!(!error.to_string().contains("hush"), "{error}");
}

#[test]
fn keys_for_other_purposes_are_passed_over() {
    let with = |field: &str, value: Value| {
        let mut key = jwk("a");
        key[field] = value;
        KeySet::parse(json!({"keys": [key]}).to_string().as_bytes())
            .unwrap()
            .len()
    };
    for (field, value, usable) in [
        ("alg", Value::Null, 1),
        ("use", Value::Null, 1),
        ("x5c", json!(["anything"]), 1),
        ("key_ops", json!(["verify"]), 1),
        (
            "n",
            json!(URL_SAFE_NO_PAD.encode([&[0][..], &[0xff; 256]].concat())),
            1,
        ),
        ("e", json!("AQAB="), 1),
        ("use", json!("enc"), 0),
        ("key_ops", json!(["sign"]), 0),
        ("alg", json!("RS512"), 0),
        ("alg", json!("PS256"), 0),
        ("kty", json!("EC"), 0),
        ("kid", json!(7), 0),
        ("n", json!(URL_SAFE_NO_PAD.encode([0xff; 128])), 0),
        ("n", json!("***"), 0),
        ("n", json!(""), 0),
        ("e", json!(""), 0),
    ] {
        assert_eq!(with(field, value.clone()), usable, "{field} {value}");
    }
}

#[test]
fn a_broken_key_does_not_spoil_the_others() {
    let keys = json!({"keys": [null, 7, {}, {"kty": "EC", "crv": "P-256"}, jwk("a")]});
    let keys = KeySet::parse(keys.to_string().as_bytes()).unwrap();
    assert!(keys.len() == 1 && keys.find(Some("a")).is_some());
}
