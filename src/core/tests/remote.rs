use std::borrow::Cow;

use serde_json::value::RawValue;
use uuid::Uuid;

use super::*;
use crate::core::{
    CutReason, Limits, Member, Mode, Newcomer, RelayKind, ResumeSecret, RoomId, Sent,
};

const NOW: Duration = Duration::ZERO;

/// Whom the client was told about, and who is behind that peer.
#[derive(Debug, Default)]
struct Told(Vec<(PeerId, Option<String>)>);

impl Outbox<u8> for Told {
    type Prepared<'e> = Option<(PeerId, Option<String>)>;

    fn prepare<'e>(&mut self, event: &'e Event<'e>, _: usize) -> Self::Prepared<'e> {
        let (peer, member) = match event {
            Event::Relay { from, sender, .. } => (from, sender),
            Event::PeerLeft { peer, member, .. } => (peer, member),
            _ => return None,
        };
        let user = member.as_ref().map(|member| member.user.to_string());
        Some((*peer, user))
    }

    fn send(&mut self, _: &u8, event: &Self::Prepared<'_>) -> Sent {
        self.0.extend(event.clone());
        Sent::Queued
    }

    fn reclaim(&mut self, _: &u8) -> Vec<Event<'static>> {
        Vec::new()
    }

    fn cut(&mut self, _: &u8, _: CutReason) {}

    fn release_media(&mut self, _: &str, _: PeerId) {}

    fn gossip(&mut self, _: Gossip<'_>) {}
}

fn peer(number: u8) -> PeerId {
    PeerId::new(Uuid::from_u128(u128::from(number)))
}

fn newcomer(number: u8) -> Newcomer<u8> {
    Newcomer {
        peer: peer(number),
        secret: ResumeSecret::new([number; 16]),
        member: Arc::new(Member {
            user: format!("user {number}").as_str().into(),
            username: "name".into(),
            alias: None,
        }),
        conn: number,
        now: 0,
    }
}

fn empty(node: &str) -> Room<u8> {
    let limits = Limits {
        max_p2p_peers: 9,
        max_sfu_peers: 9,
        reconnect_window: Duration::from_secs(5),
    };
    let (id, code) = (RoomId::new("r"), "r".parse().unwrap());
    Room::new(id, code, Mode::P2p, limits, node.into())
}

/// Peer 1 is connected here, at the node `me`; peer 2 is at the node `away`.
fn room() -> Room<u8> {
    let mut away = empty("away");
    away.join(newcomer(2), &mut Told::default()).unwrap();
    let mut room = empty("me");
    room.join(newcomer(1), &mut Told::default()).unwrap();
    for record in away.own_records() {
        let joined = Gossip::Joined(record);
        room.hear(&"away".into(), joined, NOW, &mut Told::default());
    }
    room
}

#[test]
fn a_relay_for_another_peer_is_not_told_to_one_that_it_is_said_again_to() {
    let (mut room, mut told) = (room(), Told::default());
    let body: Cow<'_, RawValue> = Cow::Owned(RawValue::from_string("1".into()).unwrap());
    let relay = |to| {
        let (kind, from, body) = (RelayKind::Ice, peer(2), body.clone());
        let relay = Gossip::Relay {
            kind,
            from,
            to,
            body,
        };
        relay.for_peer(to).unwrap()
    };
    let again = Gossip::Again {
        peer: peer(1),
        gone: true,
        missed: vec![relay(peer(9)), relay(peer(1)), relay(peer(2))],
    };
    room.hear(&"away".into(), again, NOW, &mut told);
    assert_eq!(told.0, [(peer(2), Some("user 2".to_owned()))]);
}

#[test]
fn a_relay_that_is_said_again_tells_who_is_behind_its_sender() {
    let (mut room, mut told) = (room(), Told::default());
    let body: Cow<'_, RawValue> = Cow::Owned(RawValue::from_string("1".into()).unwrap());
    let relay = |from, to| Gossip::Relay {
        kind: RelayKind::Ice,
        from,
        to,
        body: body.clone(),
    };
    let again = Gossip::Again {
        peer: peer(1),
        gone: true,
        missed: [peer(2), peer(9)]
            .iter()
            .filter_map(|from| relay(*from, peer(1)).for_peer(peer(1)))
            .collect(),
    };
    room.hear(&"away".into(), again, NOW, &mut told);
    let known = (peer(2), Some("user 2".to_owned()));
    assert_eq!(told.0, [known, (peer(9), None)]);
}

#[test]
fn who_is_gone_when_a_peer_is_had_back_is_told_with_who_was_behind_it() {
    let (mut room, mut told) = (room(), Told::default());
    let (me, other) = (NodeId::from("me"), NodeId::from("other"));
    room.hear(&other, Gossip::Adopted(vec![peer(1)]), NOW, &mut told);
    let left = Gossip::Left {
        peer: peer(2),
        reason: LeaveReason::Left,
        note: "".into(),
    };
    room.hear(&"away".into(), left, NOW, &mut told);
    let claim = Gossip::Claim {
        peer: peer(1),
        from: other.clone(),
        user: "user 1".into(),
        secret: None,
    };
    room.hear(&me, claim, NOW, &mut told);
    assert_eq!(told.0, [], "it is on its way");
    let handover = Gossip::Handover {
        to: me,
        peer: peer(1),
        missed: Vec::new(),
        known: vec![peer(1)],
        host: None,
        consumers: Vec::new(),
        said: None,
    };
    room.hear(&other, handover, NOW, &mut told);
    assert_eq!(told.0, [(peer(2), Some("user 2".to_owned()))]);
}
