//! Events of Socket.IO clients.

use std::borrow::Cow;

use serde_json::{Value, value::RawValue};
use uuid::Uuid;

use super::{check_error, is_part_of};
use crate::{
    core::{Event, PeerId, RelayKind},
    protocol::{Command, Decoded, Payload, SfuRequest, decode},
};

/// The longest text of a label, as the contract has it.
const MAX_LABEL: usize = 200;

/// The most that is kept of a request to a media server besides what was sent.
const SFU_OVERHEAD: usize = 512;

/// Reads an event as the dispatcher does, and what is relayed of it as its receiver.
pub(super) fn event(data: &[u8]) {
    let Ok(frame) = std::str::from_utf8(data) else {
        return;
    };
    let (name, payload) = match decode(frame) {
        Ok(decoded) => decoded,
        Err(error) => return check_error(&error),
    };
    check_against_json(frame, &name, &payload);
    match Command::read(&name, &payload) {
        Ok(command) => check_command(&command, frame),
        Err(error) => check_error(&error),
    }
}

/// What was read is what any other reader of JSON finds: the last value of each name.
fn check_against_json(frame: &str, name: &str, payload: &Decoded<'_>) {
    // It has a bound of its own for nesting, and is stricter with texts that nobody reads.
    let Ok(Value::Array(whole)) = serde_json::from_str(frame) else {
        return;
    };
    assert_eq!(whole[0], *name);
    match (payload, whole.get(1)) {
        (Decoded::Nothing, None | Some(Value::Null)) => {}
        (Decoded::Object(fields), Some(Value::Object(object))) => {
            for (name, value) in object {
                let raw = fields.required(name).expect("every field is there");
                assert_eq!(
                    serde_json::from_str::<Value>(raw.get()).ok().as_ref(),
                    Some(value)
                );
            }
        }
        (Decoded::Other, Some(value)) => assert!(!value.is_object() && !value.is_null()),
        (read, sent) => unreachable!("{read:?} of {sent:?}"),
    }
}

fn check_command(command: &Command<'_>, frame: &str) {
    match command {
        Command::Relay { kind, body, .. } => {
            assert!(is_part_of(body.get(), frame));
            check_relay(*kind, body);
        }
        Command::Join { code } => {
            let code = code.as_str();
            assert!((1..=64).contains(&code.len()) && code.is_ascii());
            assert!(!code.contains(['/', '.', ':', '{', '}', ' ', '*']));
        }
        Command::Chat { content, client_id } => {
            assert!(content.len() <= frame.len());
            if let Some(id) = client_id {
                check_label(id);
                assert!(!id.is_empty());
            }
        }
        Command::Kick { reason, .. } => check_label(reason),
        Command::History(query) => assert!((1..=100).contains(&query.limit)),
        Command::Sfu(Err(error)) => check_error(error),
        Command::Sfu(Ok(request)) => check_request(request, frame),
        Command::Refresh { token } => assert!(token.len() <= frame.len()),
        Command::Subscribe { channel, .. } | Command::Unsubscribe { channel } => {
            assert!(channel.len() <= frame.len());
        }
        Command::Leave | Command::Heartbeat | Command::Report { .. } | Command::Appoint { .. } => {}
    }
}

fn check_label(text: &str) {
    assert!(text.chars().count() <= MAX_LABEL && !text.chars().any(char::is_control));
}

fn check_request(request: &SfuRequest, frame: &str) {
    assert!(request.weight() <= frame.len() + SFU_OVERHEAD);
    let (SfuRequest::ConnectTransport { transport: id, .. }
    | SfuRequest::RestartIce { transport: id }
    | SfuRequest::Produce { transport: id, .. }
    | SfuRequest::PauseProducer { producer: id, .. }
    | SfuRequest::CloseProducer { producer: id }
    | SfuRequest::Consume { producer: id, .. }
    | SfuRequest::ResumeConsumer { consumer: id }) = request
    else {
        return;
    };
    assert!((1..=128).contains(&id.len()) && !id.chars().any(char::is_control));
}

/// Whoever gets a relay gets the bytes that were sent, and reads from it the sender that the
/// gateway stamped: nothing in the body can take its place.
pub(crate) fn check_relay(kind: RelayKind, body: &RawValue) {
    let (from, to) = (
        PeerId::new(Uuid::from_u128(1)),
        PeerId::new(Uuid::from_u128(2)),
    );
    let event = Event::Relay {
        kind,
        from,
        sender: None,
        to,
        body: Cow::Borrowed(body),
    };
    let told = serde_json::to_string(&Payload {
        event: &event,
        ice_servers: None,
    });
    let told = told.expect("a relay can be written");
    assert!(told.contains(body.get()));
    assert!(told.len() <= body.get().len() + super::MAX_ERROR);
    let ("webrtc:offer" | "webrtc:answer" | "webrtc:ice", Ok(read)) = (
        crate::protocol::event_name(&event),
        serde_json::from_str::<Value>(&told),
    ) else {
        return;
    };
    assert_eq!(read["from"], from.to_string());
    assert_eq!(read["targetPeerId"], to.to_string());
}
