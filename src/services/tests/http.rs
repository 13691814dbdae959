use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any, header_regex, method, path, query_param},
};

use super::*;

async fn service(answer: ResponseTemplate) -> (Service, MockServer) {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(answer).mount(&server).await;
    (Service::new(server.uri().parse().unwrap()).unwrap(), server)
}

fn get<'a>(path: &'a [&'a str]) -> Call<'a> {
    Call {
        method: Method::GET,
        path,
        query: None,
        body: None,
        timeout: Duration::from_secs(10),
    }
}

#[test]
fn a_url_is_taken_as_a_prefix_and_holds_nothing_that_is_secret() {
    let url = |text: &str| text.parse::<ServiceUrl>().map(|url| url.to_string());
    assert_eq!(
        url("http://media:4000/").as_deref(),
        Ok("http://media:4000")
    );
    assert_eq!(url("https://h/sfu/").as_deref(), Ok("https://h/sfu"));
    assert_eq!(url("ftp://h"), Err(ServiceUrlError::Scheme));
    assert_eq!(url("http://u:p@h"), Err(ServiceUrlError::Credentials));
    assert_eq!(url("http://h/?a=1"), Err(ServiceUrlError::Query));
    assert!(matches!(url("media:"), Err(ServiceUrlError::Scheme)));
    assert!(matches!(url(""), Err(ServiceUrlError::Syntax(_))));
}

#[tokio::test]
async fn a_call_carries_an_id_and_a_trace_and_escapes_its_path() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/sfu/rooms/a%2Fb%3F%25"))
        .and(query_param("producerId", "p&q=1"))
        .and(header_regex("x-request-id", "^[0-9a-f-]{36}$"))
        .and(header_regex(
            "traceparent",
            "^00-[0-9a-f]{32}-[0-9a-f]{16}-01$",
        ))
        .respond_with(ResponseTemplate::new(200).set_body_string("{}"))
        .expect(1)
        .mount(&server)
        .await;
    let url = format!("{}/sfu/", server.uri());
    let service = Service::new(url.parse().unwrap()).unwrap();
    let call = Call {
        query: Some(("producerId", "p&q=1")),
        ..get(&["rooms", "a/b?%"])
    };
    assert_eq!(service.call(call).await.unwrap(), "{}");
}

#[tokio::test]
async fn an_id_that_would_be_a_way_through_the_tree_is_not_sent() {
    let (service, server) = service(ResponseTemplate::new(200)).await;
    for id in ["..", ".", ""] {
        let answer = service.call(get(&["rooms", id, "broadcasters"])).await;
        assert!(matches!(answer, Err(CallError::Broken(_))), "{id:?}");
    }
    assert!(server.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn failures_are_told_apart() {
    let (refusing, _one) = service(
        ResponseTemplate::new(404)
            .set_body_string(r#"{"code":"NOT_FOUND","message":"no such\nroom"}"#),
    )
    .await;
    assert!(matches!(
        refusing.call(get(&["a"])).await,
        Err(CallError::Refused { status: StatusCode::NOT_FOUND, message }) if message == "no suchroom"
    ));
    let (failing, _two) = service(ResponseTemplate::new(503)).await;
    assert!(matches!(
        failing.call(get(&["a"])).await,
        Err(CallError::Failed(StatusCode::SERVICE_UNAVAILABLE))
    ));
    let (moved, _three) =
        service(ResponseTemplate::new(302).insert_header("location", "http://127.0.0.1:9/")).await;
    assert!(matches!(
        moved.call(get(&["a"])).await,
        Err(CallError::Unexpected(StatusCode::FOUND))
    ));
    let large = "x".repeat(MAX_ANSWER + 1);
    let (talkative, _four) = service(ResponseTemplate::new(200).set_body_string(large)).await;
    assert!(matches!(
        talkative.call(get(&["a"])).await,
        Err(CallError::Broken(_))
    ));
    let slow = ResponseTemplate::new(200).set_delay(Duration::from_secs(60));
    let (slow, _five) = service(slow).await;
    let call = Call {
        timeout: Duration::from_millis(50),
        ..get(&["a"])
    };
    assert!(matches!(slow.call(call).await, Err(CallError::TimedOut)));
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unreachable() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    drop(taken);
    let service = Service::new(format!("http://{address}").parse().unwrap()).unwrap();
    assert!(matches!(
        service.call(get(&["a"])).await,
        Err(CallError::Unreachable(_))
    ));
}

#[test]
fn a_refusal_is_passed_on_in_bearable_length_and_on_one_line() {
    assert_eq!(message_of(br#"{"error":"gone"}"#), "gone");
    assert_eq!(message_of(b"<html>"), "");
    assert_eq!(message_of(br#"{"message":7,"detail":"why"}"#), "why");
    let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(1_000));
    assert_eq!(message_of(long.as_bytes()).len(), MAX_MESSAGE);
}
