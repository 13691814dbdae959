use super::*;

fn offer(headers: &[&'static str]) -> Offer {
    let values = headers
        .iter()
        .map(|value| (SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(value)));
    Offer::of(&values.collect())
}

fn token(offer: &Offer) -> Option<&str> {
    offer.token.as_ref().map(|token| token.expose_secret())
}

#[test]
fn a_token_follows_bearer_among_the_subprotocols() {
    for headers in [
        &["bearer, a.b.c"][..],
        &["chat,bearer,a.b.c"],
        &["bearer", "a.b.c"],
    ] {
        let offer = offer(headers);
        assert_eq!(
            (offer.bearer, token(&offer)),
            (true, Some("a.b.c")),
            "{headers:?}"
        );
    }
}

#[test]
fn without_bearer_nothing_is_a_token_and_nothing_is_selected() {
    for headers in [&[][..], &["a.b.c"], &["Bearer, a.b.c"], &["a.b.c, chat"]] {
        let offer = offer(headers);
        assert_eq!((offer.bearer, token(&offer)), (false, None), "{headers:?}");
    }
    assert_eq!(token(&offer(&["bearer"])), None);
    assert_eq!(token(&offer(&["a.b.c, bearer"])), None);
}

#[test]
fn a_resume_token_is_decoded_and_bounded() {
    let of = |query: &str| {
        let request = Request::builder()
            .uri(format!("/ws{query}"))
            .body(Body::empty());
        resume_token(&request.unwrap())
    };
    assert_eq!(of("").as_deref(), None);
    assert_eq!(of("?resumeToken=").as_deref(), None);
    assert_eq!(
        of("?a=b&resumeToken=x-_.room_1").as_deref(),
        Some("x-_.room_1")
    );
    assert_eq!(of("?resumeToken=x.a%20b").as_deref(), Some("x.a b"));
    let long = "x".repeat(MAX_RESUME_TOKEN + 1);
    assert_eq!(of(&format!("?resumeToken={long}")).as_deref(), None);
}
