#![expect(
    clippy::needless_pass_by_value,
    reason = "values are made where they are passed"
)]

use serde_json::json;

use super::*;

/// What a JSON value is in MessagePack.
fn packed(value: serde_json::Value) -> Vec<u8> {
    rmp_serde::to_vec(&value).unwrap()
}

fn message(packet: serde_json::Value, options: serde_json::Value) -> Vec<u8> {
    packed(json!(["emitter", packet, options]))
}

fn event(data: serde_json::Value) -> serde_json::Value {
    json!({ "type": 2, "data": data, "nsp": "/" })
}

fn names(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| Box::from(*name)).collect()
}

#[test]
fn an_event_keeps_its_arguments_and_says_whom_it_is_for() {
    let options = json!({ "rooms": ["a", 5], "except": ["b"], "flags": { "volatile": true } });
    let packet = read_packet(
        &message(event(json!(["hi", { "z": 1, "a": [] }, 2])), options),
        None,
    );
    let packet = packet.unwrap();
    assert_eq!(&*packet.name, "hi");
    let args: Vec<_> = packet.args.iter().map(|arg| arg.get()).collect();
    assert_eq!(args, [r#"{"a":[],"z":1}"#, "2"]);
    assert_eq!(packet.to.rooms, names(&["a", "5"]));
    assert_eq!(packet.to.except, names(&["b"]));
    assert!(packet.volatile);
}

#[test]
fn older_emitters_and_ports_leave_things_out_or_write_empty_texts() {
    let bare = json!({ "type": 2, "data": ["hi"] });
    for options in [json!({}), json!({ "rooms": "", "flags": "" }), json!(null)] {
        let packet = read_packet(&message(bare.clone(), options), None).unwrap();
        assert_eq!((packet.to, packet.volatile), (Selection::default(), false));
        assert!(packet.args.is_empty());
    }
    let packet = read_packet(&packed(json!(["emitter", bare])), Some("a")).unwrap();
    assert_eq!(packet.to.rooms, names(&["a"]));
}

#[test]
fn of_several_publications_for_several_rooms_nobody_hears_two() {
    let options = json!({ "rooms": ["a", "b", "c"], "except": ["x"] });
    let for_b = read_packet(&message(event(json!(["hi"])), options), Some("b")).unwrap();
    assert_eq!(for_b.to.rooms, names(&["b"]));
    assert_eq!(for_b.to.except, names(&["x", "a"]));
}

#[test]
fn what_is_no_event_is_refused_with_the_reason() {
    let nothing = || json!({});
    let cases = [
        (packed(json!("text")), Unusable::Malformed),
        (packed(json!([])), Unusable::Malformed),
        (message(json!([]), nothing()), Unusable::Malformed),
        (message(event(json!([])), nothing()), Unusable::Malformed),
        (message(event(json!([{}])), nothing()), Unusable::Malformed),
        (
            message(event(json!(["hi"])), json!({ "rooms": [{}] })),
            Unusable::Malformed,
        ),
        (
            message(json!({ "type": 3, "data": ["hi"] }), nothing()),
            Unusable::Malformed,
        ),
        (
            message(json!({ "type": 5, "data": ["hi"] }), nothing()),
            Unusable::Binary,
        ),
        (
            message(json!({ "type": 2, "data": ["hi"], "nsp": "/x" }), nothing()),
            Unusable::Namespace,
        ),
        (
            message(event(json!(["disconnect"])), nothing()),
            Unusable::Reserved,
        ),
        (vec![0xc1], Unusable::Malformed),
        (vec![0x93, 0x01], Unusable::Malformed),
        (vec![0xdd, 0xff, 0xff, 0xff, 0xff], Unusable::Malformed),
        (vec![0x91; 10_000], Unusable::Malformed),
        (vec![0; MAX_BYTES + 1], Unusable::TooLong),
    ];
    for (bytes, reason) in cases {
        let beginning = &bytes[..bytes.len().min(40)];
        assert_eq!(
            read_packet(&bytes, None).unwrap_err(),
            reason,
            "{beginning:x?}"
        );
    }
}

#[test]
fn what_follows_an_event_makes_it_unusable() {
    let mut bytes = message(event(json!(["hi"])), json!({}));
    bytes.push(0xc0);
    assert_eq!(read_packet(&bytes, None).unwrap_err(), Unusable::Malformed);
}

fn request(request: &serde_json::Value) -> Result<Request, Unusable> {
    read_request(request.to_string().as_bytes())
}

#[test]
fn requests_say_what_is_to_be_done_with_whom() {
    let opts = json!({ "rooms": ["a", 1], "except": ["b"] });
    let who = || Selection {
        rooms: names(&["a", "1"]),
        except: names(&["b"]),
    };
    assert_eq!(
        request(&json!({ "type": 2, "opts": opts, "rooms": ["c", 2] })),
        Ok(Request::Join {
            who: who(),
            rooms: names(&["c", "2"])
        })
    );
    assert_eq!(
        request(&json!({ "type": 3, "opts": opts, "rooms": ["c"] })),
        Ok(Request::Leave {
            who: who(),
            rooms: names(&["c"])
        })
    );
    assert_eq!(
        request(&json!({ "type": 4, "opts": opts, "close": true })),
        Ok(Request::Disconnect {
            who: who(),
            whole: true
        })
    );
    assert_eq!(
        request(&json!({ "type": 4, "opts": { "rooms": [], "except": [] } })),
        Ok(Request::Disconnect {
            who: Selection::default(),
            whole: false
        })
    );
}

#[test]
fn a_request_that_does_not_say_for_whom_disconnects_nobody() {
    for bad in [
        json!({ "type": 4, "close": true }),
        json!({ "type": 4, "opts": null }),
        json!({ "type": 4, "opts": { "rooms": "a" } }),
        json!({ "type": 4, "opts": { "rooms": [null] } }),
        json!({ "type": 2, "opts": {} }),
        json!({ "type": "4", "opts": {} }),
        json!({ "opts": {} }),
    ] {
        assert_eq!(request(&bad), Err(Unusable::Malformed), "{bad}");
    }
}

#[test]
fn what_servers_ask_each_other_is_not_answered() {
    for kind in [0, 1, 5, 6, 7] {
        assert_eq!(
            request(&json!({ "type": kind, "requestId": "x" })),
            Err(Unusable::Unsupported)
        );
    }
    assert_eq!(
        read_request(&packed(json!({ "type": 7 }))),
        Err(Unusable::Unsupported)
    );
}
