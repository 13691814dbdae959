use super::*;

#[test]
fn room_codes_outside_the_alphabet_are_refused() {
    for bad in ["", "a b", "é", "a/b", "a\n", &"x".repeat(65)] {
        assert_eq!(bad.parse::<RoomCode>(), Err(InvalidRoomCode), "{bad:?}");
    }
    assert!("A-z_09".parse::<RoomCode>().is_ok());
    assert!("x".repeat(64).parse::<RoomCode>().is_ok());
}

#[test]
fn codes_that_differ_in_case_lead_to_one_room() {
    let lower: RoomCode = "team-1".parse().unwrap();
    let upper: RoomCode = "TEAM-1".parse().unwrap();
    assert_eq!(RoomId::from_code(&lower), RoomId::from_code(&upper));
    assert_eq!(RoomId::from_code(&lower).as_str(), "room_team-1");
}

#[test]
fn a_resume_token_survives_the_wire_even_with_dots_in_the_room_id() {
    let token = ResumeToken {
        peer: PeerId(Uuid::from_u128(7)),
        secret: ResumeSecret([9; 16]),
        room: RoomId::new("eu.room.1"),
    };
    let back: ResumeToken = token.to_string().parse().unwrap();
    assert_eq!(back.peer, token.peer);
    assert_eq!(back.room, token.room);
    assert!(back.secret.matches(&token.secret));
}

#[test]
fn mangled_resume_tokens_are_refused() {
    for bad in [
        "",
        ".",
        "abc.room",
        "AAAA",
        "!!!!.room",
        &format!("{}.", "A".repeat(43)),
    ] {
        assert!(bad.parse::<ResumeToken>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_secret_does_not_show_in_debug_output() {
    assert_eq!(
        format!("{:?}", ResumeSecret([1; 16])),
        "ResumeSecret(redacted)"
    );
}
