use tokio_tungstenite::tungstenite::{
    error::{CapacityError, ProtocolError},
    protocol::frame::coding::CloseCode,
};

use super::*;

fn answer(code: CloseCode) -> Close {
    Close::answer(Some(&CloseFrame {
        code,
        reason: "bye".into(),
    }))
}

#[test]
fn only_code_1000_says_that_a_client_is_done() {
    assert_eq!(answer(CloseCode::Normal).ending, Ending::Intended);
    for code in [1001, 1002, 1011, 3000, 4000] {
        assert_eq!(answer(code.into()).ending, Ending::Lost, "{code}");
    }
    assert_eq!(Close::answer(None).ending, Ending::Lost);
}

#[test]
fn a_client_is_answered_with_its_own_code() {
    assert_eq!(answer(4000.into()).frame[..], [0x88, 2, 0x0f, 0xa0]);
    assert_eq!(Close::answer(None).frame[..], [0x88, 0]);
}

#[test]
fn what_is_wrong_with_a_message_decides_the_code() {
    let too_long = CapacityError::MessageTooLong {
        size: 2,
        max_size: 1,
    };
    for (error, code) in [
        (Error::Capacity(too_long), 1009),
        (Error::Utf8("x".to_owned()), 1007),
        (Error::Protocol(ProtocolError::NonZeroReservedBits), 1002),
        (
            Error::Protocol(ProtocolError::UnmaskedFrameFromClient),
            1002,
        ),
    ] {
        let close = Close::over(&error).unwrap();
        assert_eq!((close.code, close.ending), (code, Ending::Lost), "{error}");
    }
}

#[test]
fn a_connection_that_just_ended_is_not_answered() {
    let reset = Error::Protocol(ProtocolError::ResetWithoutClosingHandshake);
    assert!(Close::over(&reset).is_none());
    let broken = Error::Io(std::io::ErrorKind::ConnectionReset.into());
    assert!(Close::over(&broken).is_none());
}

#[test]
fn a_room_that_may_be_had_later_is_refused_with_a_code_that_says_so() {
    for (code, close) in [
        (ErrorCode::RoomNotFound, 1008),
        (ErrorCode::RoomFull, 1008),
        (ErrorCode::ServiceUnavailable, 1013),
        (ErrorCode::Draining, 1012),
        (ErrorCode::Internal, 1011),
    ] {
        assert_eq!(Close::refused(&WireError::new(code, "")).code, close);
    }
}
