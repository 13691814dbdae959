use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::telemetry::traces::kept::on;

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|kept| kept.key.as_str() == key);
    found.map(|kept| kept.value.to_string())
}

#[test]
fn names_of_spans_have_no_rooms_and_nodes_in_them() {
    for (channel, template, name) in [
        ("channel:room:{room_a}", "room:{roomId}", Some("room_a")),
        ("channel:node:{n1}", "node:{nodeId}", None),
        ("canary:0b5c", "canary", None),
        ("channel:tell", "channel:tell", None),
    ] {
        let (found, which) = destination(channel);
        assert_eq!((&*found, which.as_deref()), (template, name), "{channel}");
    }
}

#[test]
fn one_trace_goes_from_an_event_over_another_node_to_clients_and_services() {
    let kept = on();
    let (trace, message) = {
        let handling = handling(Protocol::EngineIo4);
        handling.asks_for(EventKind::of("chat_message"));
        let trace = current().unwrap().trace_id();
        let message = publishing("channel:room:{secret-room}", 7)
            .unwrap()
            .carried();
        (trace, message)
    };
    assert!(current().is_none(), "the span has ended with its event");
    let header = {
        let _entered = receiving("channel:room:{secret-room}", message).unwrap();
        let carried = carry_boxed::<Option<String>>(Box::pin(async { parent() }));
        futures_util::FutureExt::now_or_never(carried)
            .flatten()
            .unwrap()
    };
    let spans = kept.of(trace);
    let names: Vec<&str> = spans.iter().map(|span| &*span.name).collect();
    let expected = [
        "publish room:{roomId}",
        "process chat_message",
        "process room:{roomId}",
    ];
    assert_eq!(names, expected);
    let [publish, event, process] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(publish.parent_span_id, event.span_context.span_id());
    assert_eq!(process.parent_span_id, publish.span_context.span_id());
    assert_eq!(process.links.len(), 1);
    assert_eq!(
        attribute(publish, DESTINATION).as_deref(),
        Some("secret-room")
    );
    let span = process.span_context.span_id();
    assert_eq!(header, format!("00-{trace}-{span}-01"));
}

#[test]
fn what_is_not_recorded_is_not_carried() {
    on();
    let unsampled = SpanContext::new(
        opentelemetry::TraceId::from_bytes([1; 16]),
        opentelemetry::SpanId::from_bytes([2; 8]),
        opentelemetry::TraceFlags::NOT_SAMPLED,
        true,
        opentelemetry::trace::TraceState::NONE,
    );
    let _entered = receiving("channel:tell", Carried::of(&unsampled));
    assert!(publishing("channel:tell", 1).is_none());
    assert!(parent().is_none());
}

#[test]
fn refusals_are_marked_and_so_is_how_many_were_told() {
    let kept = on();
    let trace = {
        let handling = handling(Protocol::Ws);
        handling.asks_for(EventKind::of("kick"));
        refused("forbidden");
        let mut telling = telling(
            &Event::PeerLeft {
                peer: crate::core::PeerId::new(Uuid::nil()),
                member: None,
                reason: crate::core::LeaveReason::Kicked,
            },
            2,
        )
        .unwrap();
        telling.told(Sent::Queued);
        telling.told(Sent::Gone);
        current().unwrap().trace_id()
    };
    let spans = kept.of(trace);
    let [told, event] = &spans[..] else {
        panic!("{spans:?}")
    };
    assert_eq!(attribute(told, COUNT).as_deref(), Some("1"));
    assert_eq!(told.links.len(), 1);
    assert_eq!(attribute(event, "error.type").as_deref(), Some("forbidden"));
}

#[test]
fn chat_is_brought_to_its_service_in_the_trace_in_which_it_was_said() {
    let kept = on();
    let ids = [Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3)];
    let places = ids.map(|id| {
        let _handling = handling(Protocol::EngineIo4);
        let place = current().unwrap();
        CHATS.remember(id, place.clone());
        place
    });
    drop(storing("/internal/messages", &ids));
    let spans = kept.of(places[0].trace_id());
    let call = spans
        .iter()
        .find(|span| span.name == "POST /internal/messages")
        .unwrap();
    assert_eq!(call.parent_span_id, places[0].span_id());
    let linked: Vec<_> = call
        .links
        .iter()
        .map(|link| link.span_context.span_id())
        .collect();
    assert_eq!(linked, [places[1].span_id(), places[2].span_id()]);
    assert!(storing("/internal/messages", &[Uuid::nil()]).0.is_none());
}
