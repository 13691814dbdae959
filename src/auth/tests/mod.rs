//! Whole tokens through the verifier.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use url::Url;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::signing::SigningKey;
use super::{
    AuthError, DEV_TOKEN_LIFETIME, DevIssuer, DevKeyError, DevLoginError, MAX_TOKEN_BYTES, Verifier,
};
use crate::config::{AuthConfig, KeySource};

const NOW: u64 = 1_800_000_000;

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW)
}

fn config(keys: KeySource) -> AuthConfig {
    AuthConfig {
        keys,
        issuer: None,
        audience: None,
        cookie: "access_token".to_owned(),
    }
}

fn rs256() -> Value {
    json!({"alg": "RS256", "typ": "JWT"})
}

fn claims() -> Value {
    json!({"sub": "u1", "username": "Anna", "exp": NOW + 60})
}

struct Fixture {
    key: SigningKey,
    verifier: Verifier,
}

fn fixture() -> Fixture {
    let key = SigningKey::generate().unwrap();
    let auth = config(KeySource::Pem(key.public_key().unwrap()));
    Fixture {
        key,
        verifier: Verifier::new(&auth, None).unwrap(),
    }
}

impl Fixture {
    async fn verify(&self, header: Value, claims: Value) -> Result<super::Identity, AuthError> {
        let token = self.key.sign(&header, &claims).unwrap();
        self.verifier.verify(&token, now()).await
    }

    async fn refusal(&self, token: &str) -> AuthError {
        self.verifier.verify(token, now()).await.unwrap_err()
    }
}

#[tokio::test]
async fn a_good_token_gives_the_identity() {
    let fixture = fixture();
    for header in [rs256(), json!({"alg": "RS256", "kid": "whatever"})] {
        let identity = fixture.verify(header, claims()).await.unwrap();
        assert_eq!((&*identity.user_id, &*identity.username), ("u1", "Anna"));
        assert_eq!(identity.expires_at, NOW + 60);
    }
}

#[tokio::test]
async fn no_other_algorithm_is_accepted() {
    let fixture = fixture();
    for alg in [
        "none", "None", "HS256", "RS384", "RS512", "PS256", "ES256", "EdDSA", "rs256", "",
    ] {
        let refusal = fixture
            .verify(json!({"alg": alg}), claims())
            .await
            .unwrap_err();
        assert_eq!(refusal, AuthError::Algorithm, "{alg}");
    }
    let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
    let unsigned = format!("{}.{}.", part(json!({"alg": "none"})), part(claims()));
    assert_eq!(fixture.refusal(&unsigned).await, AuthError::Algorithm);
}

#[tokio::test]
async fn the_public_key_is_no_hmac_secret() {
    let fixture = fixture();
    let public_key = fixture.key.public_key().unwrap();
    let pem = pem::encode(&pem::Pem::new("RSA PUBLIC KEY", public_key.pkcs1_der()));
    for alg in ["HS256", "RS256"] {
        let part = |json: Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let message = format!("{}.{}", part(json!({"alg": alg})), part(claims()));
        for secret in [pem.as_bytes(), public_key.pkcs1_der()] {
            let secret = EncodingKey::from_secret(secret);
            let signature =
                jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
            let refusal = fixture.refusal(&format!("{message}.{signature}")).await;
            assert!(
                matches!(refusal, AuthError::Algorithm | AuthError::Signature),
                "{refusal}"
            );
        }
    }
}

#[tokio::test]
async fn a_wrong_signature_is_refused() {
    let fixture = fixture();
    let foreign = SigningKey::generate()
        .unwrap()
        .sign(&rs256(), &claims())
        .unwrap();
    assert_eq!(fixture.refusal(&foreign).await, AuthError::Signature);

    let genuine = fixture.key.sign(&rs256(), &claims()).unwrap();
    let (message, signature) = genuine.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let mut other = claims();
    other["sub"] = json!("admin");
    let other = URL_SAFE_NO_PAD.encode(other.to_string());
    for forged in [
        format!("{header}.{other}.{signature}"),
        format!("{message}."),
    ] {
        assert_eq!(fixture.refusal(&forged).await, AuthError::Signature);
    }
}

#[tokio::test]
async fn garbage_is_refused_as_malformed() {
    let fixture = fixture();
    let genuine = fixture.key.sign(&rs256(), &claims()).unwrap();
    let (message, _) = genuine.rsplit_once('.').unwrap();
    for token in [
        "",
        ".",
        "..",
        "...",
        "a.b.c",
        "null",
        "{}",
        "\u{0}",
        "ü.ü.ü",
        "e30.e30.e30",
        message,
        &format!("{genuine}.x"),
        &format!(" {genuine}"),
        &format!("{message}.=="),
    ] {
        assert_eq!(
            fixture.refusal(token).await,
            AuthError::Malformed,
            "{token:?}"
        );
    }
    for claims in [json!([]), json!("sub"), json!(null), json!(7)] {
        let refusal = fixture.verify(rs256(), claims.clone()).await.unwrap_err();
        assert!(
            matches!(refusal, AuthError::Malformed | AuthError::MissingClaim(_)),
            "{claims}"
        );
    }
}

#[tokio::test]
async fn the_length_is_checked_before_anything_else() {
    let fixture = fixture();
    assert_eq!(
        fixture.refusal(&"x".repeat(MAX_TOKEN_BYTES + 1)).await,
        AuthError::TooLong
    );
    assert_eq!(
        fixture.refusal(&"x".repeat(MAX_TOKEN_BYTES)).await,
        AuthError::Malformed
    );
}

#[tokio::test]
async fn demanded_extensions_are_refused() {
    let header = json!({"alg": "RS256", "crit": ["b64"], "b64": false});
    let refusal = fixture().verify(header, claims()).await.unwrap_err();
    assert_eq!(refusal, AuthError::CriticalHeader);
}

#[tokio::test]
async fn claims_count_only_with_a_good_signature() {
    let fixture = fixture();
    let expired = json!({"sub": "u1", "exp": NOW - 30});
    let refusal = fixture.verify(rs256(), expired.clone()).await.unwrap_err();
    assert_eq!(refusal, AuthError::Expired);
    let foreign = SigningKey::generate()
        .unwrap()
        .sign(&rs256(), &expired)
        .unwrap();
    assert_eq!(fixture.refusal(&foreign).await, AuthError::Signature);
}

#[tokio::test]
async fn a_clock_before_the_epoch_lets_nobody_in() {
    let fixture = fixture();
    let token = fixture.key.sign(&rs256(), &claims()).unwrap();
    let broken = UNIX_EPOCH - Duration::from_secs(1);
    assert_eq!(
        fixture.verifier.verify(&token, broken).await,
        Err(AuthError::Expired)
    );
}

#[tokio::test]
async fn a_key_set_verifies_the_tokens_of_its_keys() {
    let (key, other) = (
        SigningKey::generate().unwrap(),
        SigningKey::generate().unwrap(),
    );
    let server = MockServer::start().await;
    let set = json!({"keys": [key.jwk("a"), other.jwk("b")]});
    let answer = ResponseTemplate::new(200).set_body_json(set);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let auth = config(KeySource::Jwks(Url::parse(&server.uri()).unwrap()));
    let verifier = Verifier::new(&auth, None).unwrap();
    verifier.preload(now()).await.unwrap();

    for (header, refusal) in [
        (json!({"alg": "RS256", "kid": "a"}), None),
        (
            json!({"alg": "RS256", "kid": "b"}),
            Some(AuthError::Signature),
        ),
        (
            json!({"alg": "RS256", "kid": "c"}),
            Some(AuthError::UnknownKey),
        ),
        (
            json!({"alg": "RS256", "kid": ""}),
            Some(AuthError::UnknownKey),
        ),
        (
            json!({"alg": "RS256", "kid": 7}),
            Some(AuthError::Malformed),
        ),
        (json!({"alg": "RS256"}), Some(AuthError::UnknownKey)),
        (
            json!({"alg": "RS256", "jwk": key.jwk("x"), "kid": "x"}),
            Some(AuthError::UnknownKey),
        ),
    ] {
        let token = key.sign(&header, &claims()).unwrap();
        assert_eq!(
            verifier.verify(&token, now()).await.err(),
            refusal,
            "{header}"
        );
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn dev_tokens_pass_beside_those_of_the_configured_key() {
    let key = SigningKey::generate().unwrap();
    let mut auth = config(KeySource::Pem(key.public_key().unwrap()));
    auth.issuer = Some("https://id.example".to_owned());
    auth.audience = Some("calls".to_owned());
    let issuer = DevIssuer::new(&auth, None).unwrap();
    let verifier = Verifier::new(&auth, Some(&issuer)).unwrap();

    let (token, identity) = issuer.issue(" Anna ", now()).unwrap();
    assert_eq!((&*identity.user_id, &*identity.username), ("Anna", "Anna"));
    assert_eq!(identity.expires_at, NOW + DEV_TOKEN_LIFETIME.as_secs());
    assert_eq!(
        verifier.verify(token.expose_secret(), now()).await,
        Ok(identity)
    );

    let mut real = claims();
    real["iss"] = json!("https://id.example");
    real["aud"] = json!(["calls"]);
    let real = key.sign(&rs256(), &real).unwrap();
    assert!(verifier.verify(&real, now()).await.is_ok());

    let without_dev = Verifier::new(&auth, None).unwrap();
    let refusal = without_dev.verify(token.expose_secret(), now()).await;
    assert_eq!(refusal, Err(AuthError::Signature));
}

#[tokio::test]
async fn with_the_dev_key_alone_no_other_key_is_known() {
    let auth = config(KeySource::Dev);
    let issuer = DevIssuer::new(&auth, None).unwrap();
    let verifier = Verifier::new(&auth, Some(&issuer)).unwrap();
    let (token, _) = issuer.issue("anna", now()).unwrap();
    assert!(verifier.verify(token.expose_secret(), now()).await.is_ok());

    let (former, _) = DevIssuer::new(&auth, None)
        .unwrap()
        .issue("anna", now())
        .unwrap();
    let refusal = verifier.verify(former.expose_secret(), now()).await;
    assert_eq!(refusal, Err(AuthError::UnknownKey));
}

#[tokio::test]
async fn dev_issuers_that_share_a_file_know_each_others_tokens() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    let auth = config(KeySource::Dev);
    let issuers = std::thread::scope(|scope| {
        let start = || DevIssuer::new(&auth, Some(&file)).unwrap();
        let starts = [(); 3].map(|()| scope.spawn(start));
        starts.map(|start| start.join().unwrap())
    });
    let (token, _) = issuers[0].issue("anna", now()).unwrap();
    let restarted = DevIssuer::new(&auth, Some(&file)).unwrap();
    for issuer in issuers.iter().chain([&restarted]) {
        let verifier = Verifier::new(&auth, Some(issuer)).unwrap();
        assert!(verifier.verify(token.expose_secret(), now()).await.is_ok());
    }
    let left: Vec<_> = std::fs::read_dir(&directory).unwrap().collect();
    assert_eq!(left.len(), 1, "no draft stays");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_dev_key_file_with_anything_else_is_refused_and_left_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("key.pem");
    let auth = config(KeySource::Dev);
    for content in [
        "",
        "text",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        std::fs::write(&file, content).unwrap();
        let refusal = DevIssuer::new(&auth, Some(&file)).unwrap_err();
        assert!(matches!(refusal, DevKeyError::Content), "{refusal}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), content);
    }
    let nowhere = directory.path().join("missing/key.pem");
    let refusal = DevIssuer::new(&auth, Some(&nowhere)).unwrap_err();
    assert!(matches!(refusal, DevKeyError::File(_)), "{refusal}");
}

#[test]
fn dev_logins_need_a_usable_name() {
    let issuer = DevIssuer::new(&config(KeySource::Dev), None).unwrap();
    for name in ["", "  ", "a\nb", &"x".repeat(257)] {
        let refusal = issuer.issue(name, now()).map(|_| ()).unwrap_err();
        assert_eq!(refusal, DevLoginError::Username, "{name:?}");
    }
    assert!(issuer.issue("Zoë Ω 🎥", now()).is_ok());
}
