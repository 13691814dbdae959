use super::*;
use crate::hub::MAX_QUEUED_BYTES;
use crate::websocket::house::{seat, welcome};

fn connection() -> Arc<Connection> {
    Connection::new(Dialect::Ws, MAX_QUEUED_BYTES)
}

fn hear(connection: &Connection, event: &Event<'_>) {
    assert_eq!(connection.send(&Outgoing::alone(event)), Sent::Queued);
}

fn kicked() -> Event<'static> {
    Event::Kicked {
        room: RoomId::new("room_code"),
        reason: "enough".into(),
    }
}

/// The code by which the client is told of its room.
fn code(connection: &Connection) -> Option<String> {
    connection.seat().map(|seat| seat.code.as_str().to_owned())
}

#[test]
fn a_room_is_called_as_the_client_called_it_though_it_is_removed_from_another_meanwhile() {
    let connection = connection();
    hear(&connection, &Event::Joined(welcome()));
    assert_eq!(code(&connection).as_deref(), Some("code"));
    connection.expect("CODE".parse().unwrap());
    hear(&connection, &kicked());
    assert_eq!(code(&connection), None);
    hear(&connection, &Event::Joined(welcome()));
    assert_eq!(code(&connection).as_deref(), Some("CODE"));
}

#[test]
fn a_room_that_the_client_was_not_let_into_lends_its_code_to_no_other() {
    let connection = connection();
    connection.expect("elsewhere".parse().unwrap());
    connection.expect_nothing();
    hear(&connection, &Event::Joined(welcome()));
    assert_eq!(code(&connection).as_deref(), Some("code"));
}

#[test]
fn any_spelling_of_a_room_means_it() {
    let seat = seat();
    for room in ["Code", "code", "CODE", "room_code"] {
        assert!(seat.is_called(room), "{room}");
    }
    for room in ["", "cod", "code ", "ROOM_CODE", "codé"] {
        assert!(!seat.is_called(room), "{room}");
    }
}
