use super::*;

fn rule(json: &str) -> ChannelRule {
    serde_json::from_str(json).unwrap()
}

fn envelope(kind: &str, data: &str, more: &str) -> String {
    format!(r#"{{"type":"{kind}","data":{data},"serverId":"s","timestamp":1000{more}}}"#)
}

/// What becomes of an envelope on a channel of every gateway.
fn read(channel: &str, envelope: &str) -> Result<Audience, InvalidEvent> {
    let channels = Channels::default();
    let event = channels.get(channel).unwrap().read(envelope.as_bytes())?;
    assert_eq!(event.server, "s");
    Ok(event.audience)
}

fn topics(names: &[&str]) -> Audience {
    Audience::Topics(names.iter().map(|name| Topic::from(*name)).collect())
}

#[test]
fn each_event_is_for_those_that_its_channel_says() {
    let update = envelope("leaderboard_update", "[1,2]", "");
    assert_eq!(
        read("leaderboard:updates", &update),
        Ok(topics(&["leaderboard:updates"]))
    );
    for id in ["42", r#""42""#] {
        let started = envelope("match_started", &format!(r#"{{"matchId":{id}}}"#), "");
        let both = topics(&["match:42", "match:events"]);
        assert_eq!(read("match:events", &started), Ok(both));
    }
    let invite = envelope("match_invite", r#"{"userId":"anna"}"#, "");
    let anna = Audience::User("anna".into());
    assert_eq!(read("player:notifications", &invite), Ok(anna));
}

#[test]
fn what_is_no_event_of_the_channel_is_refused_for_a_reason() {
    let cases = [
        ("", InvalidEvent::Envelope),
        ("[]", InvalidEvent::Envelope),
        (r#"{"type":"match_started"}"#, InvalidEvent::Envelope),
        (
            r#"{"type":7,"data":{},"serverId":"s","timestamp":1}"#,
            InvalidEvent::Envelope,
        ),
        (
            &envelope("rank_changed", r#"{"matchId":1}"#, ""),
            InvalidEvent::Type,
        ),
        (&envelope("match_started", "{}", ""), InvalidEvent::Audience),
        (
            &envelope("match_started", r#"{"matchId":null}"#, ""),
            InvalidEvent::Audience,
        ),
        (
            &envelope("match_started", r#"{"matchId":""}"#, ""),
            InvalidEvent::Audience,
        ),
        (&envelope("match_started", "7", ""), InvalidEvent::Audience),
        (
            r#"{"type":"match_started","data":{"matchId":1},"serverId":"s","timestamp":null}"#,
            InvalidEvent::Timestamp,
        ),
        (
            r#"{"type":"match_started","data":{"matchId":1},"serverId":"s","timestamp":"2026-01-01","ttlMs":5}"#,
            InvalidEvent::Timestamp,
        ),
    ];
    for (envelope, reason) in cases {
        assert_eq!(read("match:events", envelope), Err(reason), "{envelope}");
    }
}

#[test]
fn an_event_may_say_how_long_it_is_of_use() {
    let channels = Channels::default();
    let system = channels.get(SYSTEM_CHANNEL).unwrap();
    let until = |more| {
        let envelope = envelope("health_check", "{}", more);
        system.read(envelope.as_bytes()).unwrap().until
    };
    assert_eq!(until(""), None);
    assert_eq!(until(r#","ttlMs":500"#), Some(1_500));
    let text = r#"{"type":"health_check","data":{},"serverId":"s","timestamp":"2026-01-01"}"#;
    assert_eq!(system.read(text.as_bytes()).unwrap().until, None);
}

#[test]
fn clients_may_subscribe_to_public_channels_and_to_parts_of_them() {
    let channels = Channels::with(vec![
        rule(r#"{"name":"inner","types":["x"],"audience":"subscribers","public":false}"#),
        rule(r#"{"name":"orders","types":["paid"],"audience":{"topic":"order/{id}"}}"#),
    ])
    .unwrap();
    let topic = |name: &str| match channels.wanted(name) {
        Some(Wanted::Topic(rule)) => Some(rule.name.to_string()),
        _ => None,
    };
    assert_eq!(topic("match:42").as_deref(), Some("match:events"));
    assert_eq!(topic("match:events").as_deref(), Some("match:events"));
    assert_eq!(topic("order/7").as_deref(), Some("orders"));
    for name in ["inner", "nothing", "", "match:", "order/", "match:\n"] {
        assert_eq!(channels.wanted(name), None, "{name:?}");
    }
    let own = channels.wanted("player:notifications");
    assert!(matches!(own, Some(Wanted::Own(_))));
}

#[test]
fn a_channel_of_ones_own_may_take_the_place_of_a_usual_one() {
    let private =
        rule(r#"{"name":"system:events","types":["x"],"audience":"subscribers","public":false}"#);
    let channels = Channels::with(vec![private]).unwrap();
    assert_eq!(channels.wanted(SYSTEM_CHANNEL), None);
    assert_eq!(channels.all().len(), Channels::default().all().len());
}

#[test]
fn channels_that_cannot_be_are_refused() {
    let with = |json: &str| Channels::with(vec![rule(json)]).map(drop);
    let channel = |name: &str, types: &str| {
        let types: Vec<&str> = types.split(' ').filter(|kind| !kind.is_empty()).collect();
        let types = serde_json::to_string(&types).unwrap();
        with(&format!(
            r#"{{"name":"{name}","types":{types},"audience":"subscribers"}}"#
        ))
    };
    for name in ["", "a b", "a*", "{a}", &"x".repeat(MAX_NAME + 1)] {
        assert_eq!(channel(name, "x"), Err(ChannelError::Name(name.into())));
    }
    for types in ["", "connect", "room:joined", "ok sfu_x"] {
        assert_eq!(channel("a", types), Err(ChannelError::Types("a".into())));
    }
    let kept = r#"{"name":"a","types":["x"],"audience":"subscribers","replay":10001}"#;
    assert_eq!(with(kept), Err(ChannelError::Replay("a".into())));
    let users = r#"{"name":"a","types":["x"],"audience":{"user":"id"},"replay":1}"#;
    assert_eq!(with(users), Err(ChannelError::Replay("a".into())));
    let twice = rule(r#"{"name":"a","types":["x"],"audience":"subscribers"}"#);
    let twice = Channels::with(vec![twice.clone(), twice]);
    assert_eq!(twice.map(drop), Err(ChannelError::Twice("a".into())));
    for json in [
        r#"{"name":"a","types":["x"],"audience":{"topic":"match:a:{id}"},"public":false}"#,
        r#"{"name":"match:a","types":["x"],"audience":"subscribers"}"#,
    ] {
        assert!(
            matches!(with(json), Err(ChannelError::Overlap(_))),
            "{json}"
        );
    }
    let rated =
        r#"{"name":"a","types":["x"],"audience":"subscribers","replay":1,"ratePerSecond":1}"#;
    assert_eq!(with(rated), Err(ChannelError::Replay("a".into())));
    for template in ["match", "{id}", "match:{}", "match:{a}{b}"] {
        assert_eq!(Template::try_from(template.to_owned()), Err(BadTemplate));
    }
}
