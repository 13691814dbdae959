use super::*;

fn seen(id: &str, names: &[&str]) -> Seen {
    Seen {
        id: id.into(),
        carrier: "polling",
        user: "anna".into(),
        username: "Anna".into(),
        since: 7,
        names: names.iter().map(ToString::to_string).collect(),
    }
}

fn listing(seen: impl IntoIterator<Item = Seen>) -> Listing {
    let listed = seen.into_iter().map(Listed::from);
    listed.map(|listed| (listed.id.clone(), listed)).collect()
}

#[test]
fn what_is_new_is_told_in_the_events_of_the_ui() {
    let former = listing([seen("a", &["a", "x", "y"]), seen("b", &["b"])]);
    let mut a = seen("a", &["a", "y", "z"]);
    a.carrier = "websocket";
    let now = listing([a, seen("c", &["c"])]);
    let expected = [
        ("socket_disconnected", json!(["/", "b", "left"])),
        (
            "socket_updated",
            json!([{ "id": "a", "nsp": "/", "transport": "websocket" }]),
        ),
        ("room_left", json!(["/", "x", "a"])),
        ("room_joined", json!(["/", "z", "a"])),
        ("socket_connected", json!([now["c"].to_json()])),
    ];
    let changes = changes(&former, &now);
    let changes: Vec<_> = changes
        .into_iter()
        .map(|(name, args)| (name, Value::from(args)))
        .collect();
    assert_eq!(changes, expected);
    assert!(super::changes(&now, &now).is_empty());
}

#[test]
fn a_connection_is_shown_as_the_ui_wants_it_and_without_its_request() {
    let json = Listed::from(seen("0123456789abcdef", &["0123456789abcdef", "user:anna"])).to_json();
    assert_eq!(json["clientId"], "0123456789ab");
    assert_eq!(json["nsp"], "/");
    assert_eq!(json["transport"], "polling");
    assert_eq!(json["rooms"], json!(["0123456789abcdef", "user:anna"]));
    assert_eq!(
        json["data"],
        json!({ "userId": "anna", "username": "Anna" })
    );
    assert_eq!(json["handshake"]["issued"], 7);
    assert_eq!(json["handshake"]["headers"], json!({}));
}

#[test]
fn a_connection_takes_little_whatever_its_client_chose() {
    let long = "ü".repeat(4_000);
    let many: Vec<String> = (0..100).map(|n| format!("room {n}")).collect();
    let mut seen = seen("a", &[&*long]);
    seen.names.extend(many);
    seen.user = long.clone();
    seen.username = long;
    let listed = Listed::from(seen);
    assert_eq!(listed.rooms.len(), MAX_NAMES);
    assert_eq!(listed.rooms[0], "room 0");
    assert!(listed.user.ends_with('…'));
    assert!(listed.to_json().to_string().len() < 1_024);
}
