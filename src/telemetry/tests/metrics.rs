use super::*;
use crate::protocol::CLIENT_EVENTS;

#[test]
fn every_event_of_the_contract_has_a_label_of_its_own() {
    for event in CLIENT_EVENTS {
        assert_eq!(EventKind::of(event.name).label(), event.name);
        if let Some(alias) = event.alias {
            assert_eq!(EventKind::of(alias), EventKind::of(event.name), "{alias}");
        }
    }
}

#[test]
fn what_clients_make_up_is_one_event() {
    for made_up in ["", "unknown", "webrtc:offer2", "x{y=\"z\"}", "\u{0}"] {
        assert_eq!(EventKind::of(made_up), EventKind::UNKNOWN, "{made_up:?}");
    }
}

#[test]
fn figures_are_shown_with_what_they_mean() {
    let metrics = Metrics::start().unwrap();
    client_event(Protocol::Ws, EventKind::of("chat"), Ok(()));
    let mut snapshot = Snapshot::default();
    snapshot.connection(Protocol::EngineIo4, Carrier::Polling, 100);
    snapshot.connection(Protocol::EngineIo4, Carrier::Polling, 250);
    snapshot.room(true, 12);
    let shown = metrics.render(&snapshot);
    let lines = [
        "# TYPE switchboard_client_events_total counter",
        "switchboard_connections{protocol=\"engineio4\",transport=\"polling\"} 2",
        "switchboard_queue_bytes 350",
        "switchboard_queue_max_bytes 250",
        "switchboard_rooms{mode=\"sfu\"} 1",
        "switchboard_rooms_by_size{peers=\"11-50\"} 1",
    ];
    for line in lines {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    let helped = |name: &str| shown.contains(&format!("# HELP {name} "));
    let types = shown
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    for name in types.filter_map(|line| line.split(' ').next()) {
        assert!(helped(name), "{name} says not what it means");
        assert!(name.starts_with("switchboard_"), "{name}");
    }
}
