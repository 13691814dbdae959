//! What attackers send: anything. Most of it has the shape of what clients send, with names, ids and
//! tokens of others in any place.

use proptest::{collection::vec, option::weighted, prelude::*, sample::Index};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::client::Protocol;

/// A message, before it is known who is there.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    template: Index,
    words: Vec<Index>,
    extra: Vec<(Index, Index)>,
    ack: Option<u8>,
    damage: Vec<(Index, u8)>,
    cut: Option<Index>,
    noise: Option<Vec<u8>>,
}

pub(crate) fn shots(most: usize) -> impl Strategy<Value = Vec<Shot>> {
    let index = any::<Index>;
    let damage = prop_oneof![3 => Just(Vec::new()), 1 => vec((index(), any::<u8>()), 1..4)];
    let shot = (
        index(),
        vec(index(), 6),
        vec((index(), index()), 0..3),
        any::<Option<u8>>(),
        damage,
        weighted(0.05, index()),
        weighted(0.05, vec(any::<u8>(), 0..64)),
    );
    let shot = shot.prop_map(|(template, words, extra, ack, damage, cut, noise)| Shot {
        template,
        words,
        extra,
        ack,
        damage,
        cut,
        noise,
    });
    vec(shot, 1..most)
}

/// Fields by which a message could pass for another's.
const TELLING: [&str; 12] = [
    "from",
    "sender",
    "senderId",
    "peerId",
    "userId",
    "username",
    "roomId",
    "room",
    "targetPeerId",
    "targetId",
    "recipient",
    "id",
];

/// The name of a message and its payload. `$` stands for somebody or something known, `#` for what
/// must not get to others.
type Template = (&'static str, Value);

fn templates(protocol: Protocol) -> Vec<Template> {
    match protocol {
        Protocol::SocketIo => socket_io(),
        Protocol::Signal => signal(),
        Protocol::Ws => ws(),
    }
}

fn sdp() -> Value {
    json!({ "type": "offer", "sdp": "#" })
}

fn socket_io() -> Vec<Template> {
    vec![
        (
            "webrtc:offer",
            json!({ "targetPeerId": "$", "offer": sdp() }),
        ),
        (
            "webrtc:answer",
            json!({ "targetPeerId": "$", "answer": "#" }),
        ),
        (
            "webrtc:ice",
            json!({ "targetPeerId": "$", "candidate": "#" }),
        ),
        (
            "webrtc_ice",
            json!({ "targetPeerId": "$", "candidate": { "candidate": "#" } }),
        ),
        (
            "chat_message",
            json!({ "content": "#", "clientMessageId": "$" }),
        ),
        ("chat_history", json!({ "before": "$", "limit": 5 })),
        ("peer:kick", json!({ "targetPeerId": "$", "reason": "#" })),
        ("host:change", json!({ "targetPeerId": "$" })),
        ("auth:refresh", json!({ "token": "$" })),
        ("subscribe", json!({ "channel": "$", "last": 5 })),
        ("unsubscribe", json!({ "channel": "$" })),
        (
            "sfu_consume",
            json!({ "transportId": "$", "producerId": "$", "rtpCapabilities": {} }),
        ),
        ("leave:room", json!({})),
        ("join:room", json!({ "roomCode": "alpha" })),
        ("peer:left", json!({ "peerId": "$", "reason": "left" })),
        ("room:kicked", json!({ "roomId": "$", "reason": "#" })),
    ]
}

fn signal() -> Vec<Template> {
    vec![
        (
            "sdp",
            json!({ "senderId": "$", "targetId": "$", "sdp": sdp() }),
        ),
        ("sdp", json!({ "senderId": "$", "sdp": sdp() })),
        (
            "ice",
            json!({ "senderId": "$", "targetId": "$", "candidate": "#" }),
        ),
        ("chat", json!({ "senderId": "$", "content": "#" })),
        (
            "kick",
            json!({ "senderId": "$", "targetId": "$", "reason": "#" }),
        ),
        ("host-change", json!({ "senderId": "$", "hostId": "$" })),
        ("resume", json!({ "resumeToken": "$" })),
        ("auth", json!({ "token": "$" })),
        ("subscribe", json!({ "channel": "$" })),
    ]
}

fn ws() -> Vec<Template> {
    vec![
        (
            "offer",
            json!({ "room": "$", "sender": "$", "recipient": "$", "payload": sdp() }),
        ),
        (
            "answer",
            json!({ "room": "alpha", "sender": "mal", "recipient": "$", "payload": "#" }),
        ),
        (
            "ice-candidate",
            json!({ "room": "alpha", "sender": "$", "payload": "#" }),
        ),
        (
            "chat",
            json!({ "room": "$", "sender": "mal", "payload": "#" }),
        ),
        (
            "kick",
            json!({ "room": "$", "sender": "$", "recipient": "$", "payload": "#" }),
        ),
        (
            "host-change",
            json!({ "room": "alpha", "sender": "mal", "recipient": "$" }),
        ),
        ("leave", json!({ "room": "alpha", "sender": "mal" })),
        (
            "join",
            json!({ "room": "alpha", "sender": "$", "payload": { "resumeToken": "$" } }),
        ),
        ("resume", json!({ "resumeToken": "$" })),
        ("subscribe", json!({ "channel": "$" })),
    ]
}

impl Shot {
    /// The message as it is sent, with what is `known`, and the `mark` by which it is told.
    pub(crate) fn message(&self, protocol: Protocol, known: &[String], mark: &str) -> Message {
        if let Some(noise) = &self.noise {
            return Message::binary(noise.clone());
        }
        let templates = templates(protocol);
        let (name, mut payload) = self.template.get(&templates).clone();
        let mut words = self.words.iter().map(|word| word.get(known).clone());
        fill(&mut payload, &mut words, mark);
        for (field, word) in &self.extra {
            payload[*field.get(&TELLING)] = word.get(known).clone().into();
        }
        let text = match protocol {
            Protocol::SocketIo => {
                let ack = self.ack.map(|ack| ack.to_string()).unwrap_or_default();
                format!("42{ack}{}", json!([name, payload]))
            }
            Protocol::Signal | Protocol::Ws => {
                payload["type"] = name.into();
                payload.to_string()
            }
        };
        Message::text(self.damaged(text))
    }

    fn damaged(&self, text: String) -> String {
        let mut bytes = text.into_bytes();
        for (at, byte) in &self.damage {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        if let Some(cut) = &self.cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn fill(value: &mut Value, words: &mut impl Iterator<Item = String>, mark: &str) {
    match value {
        Value::String(text) if text == "$" => *text = words.next().unwrap_or_default(),
        Value::String(text) if text == "#" => mark.clone_into(text),
        Value::Object(fields) => fields
            .values_mut()
            .for_each(|field| fill(field, words, mark)),
        _ => {}
    }
}
