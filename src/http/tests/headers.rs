use axum::{Router, routing::get};
use http::header::CONTENT_TYPE;
use tower::ServiceExt as _;

use super::*;

fn app() -> App {
    let page = [(CONTENT_SECURITY_POLICY, "default-src 'self'")];
    let routes = Router::new()
        .route("/data", get(|| async { "data" }).post(|| async {}))
        .route("/page", get(move || async move { (page, "page") }))
        .route("/socket", get(|| async { StatusCode::SWITCHING_PROTOCOLS }));
    with_common(routes)
}

async fn ask(method: &str, path: &str) -> Response {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(HOST, "x");
    let answer = app().oneshot(request.body(Body::empty()).unwrap()).await;
    answer.unwrap_or_else(|never| match never {})
}

#[tokio::test]
async fn every_answer_has_the_common_headers_unless_it_says_otherwise() {
    for path in ["/data", "/page", "/nowhere"] {
        let headers = ask("GET", path).await.headers().clone();
        for (name, _) in COMMON {
            assert!(headers.contains_key(&name), "{path} has {name}");
        }
    }
    let page = ask("GET", "/page").await;
    assert_eq!(
        page.headers()[CONTENT_SECURITY_POLICY],
        "default-src 'self'"
    );
    let socket = ask("GET", "/socket").await;
    assert!(!socket.headers().contains_key(X_FRAME_OPTIONS));
}

#[tokio::test]
async fn a_request_names_its_host_once() {
    let with = |hosts: &[&str], version| {
        let request = Request::builder().uri("/data").version(version);
        let request = hosts
            .iter()
            .fold(request, |request, host| request.header(HOST, *host));
        request.body(Body::empty()).unwrap()
    };
    for (hosts, version, status) in [
        (&["x"][..], Version::HTTP_11, StatusCode::OK),
        (&[], Version::HTTP_10, StatusCode::OK),
        (&[], Version::HTTP_11, StatusCode::BAD_REQUEST),
        (&["x", "x"], Version::HTTP_11, StatusCode::BAD_REQUEST),
        (&["x", "y"], Version::HTTP_10, StatusCode::BAD_REQUEST),
    ] {
        let answer = app().oneshot(with(hosts, version)).await;
        let answer = answer.unwrap_or_else(|never| match never {});
        assert_eq!(answer.status(), status, "{hosts:?} {version:?}");
        let closes = answer.headers().contains_key(CONNECTION);
        assert_eq!(closes, status == StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn options_says_what_a_resource_can() {
    for (path, allow) in [
        ("/data", "GET,HEAD,POST,OPTIONS"),
        ("/page", "GET,HEAD,OPTIONS"),
        ("*", "GET,HEAD,POST,OPTIONS"),
    ] {
        let answer = ask("OPTIONS", path).await;
        assert_eq!(answer.status(), StatusCode::NO_CONTENT, "{path}");
        assert_eq!(answer.headers()[ALLOW], allow, "{path}");
        assert!(!answer.headers().contains_key(CONTENT_TYPE), "{path}");
    }
    let nowhere = ask("OPTIONS", "/nowhere").await;
    assert_eq!(nowhere.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_method_that_a_resource_has_not_is_refused_with_those_that_it_has() {
    for method in ["PUT", "DELETE", "TRACE"] {
        let answer = ask(method, "/data").await;
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED, "{method}");
        assert_eq!(answer.headers()[ALLOW], "GET,HEAD,POST", "{method}");
    }
}
