//! Rooms, people and time: each method plays one step on a real room and on its model, and
//! holds the answer and everything that was sent against each other.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use serde_json::value::RawValue;
use switchboard::core::{
    ChatDraft, ChatMessage, Event, HistoryQuery, LeaveReason, Member, Newcomer, PeerId, PeerInfo,
    Refusal, RelayKind, ResumeSecret, Resumed, Sent, UserId,
};
use uuid::Uuid;

use crate::{
    client::Payload,
    model::{Away, Claim, Effect, Place, WINDOW},
    outbox::{Conn, FakeOutbox, Sending},
    settle::settle,
};

/// How many people there are. Some are the same user twice.
pub(crate) const ACTORS: usize = 12;
const USERS: usize = 8;

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) places: Vec<Place>,
    pub(crate) out: FakeOutbox,
    /// The open connections of those that are in no room.
    pub(crate) idle: [Option<Conn>; ACTORS],
    /// Claims that were true once.
    pub(crate) void: Vec<Claim>,
    /// How often what happened.
    pub(crate) seen: BTreeMap<String, u32>,
    serial: u128,
}

pub(crate) fn member(actor: usize) -> Arc<Member> {
    let user = actor % USERS;
    Arc::new(Member {
        user: format!("user-{user}").as_str().into(),
        username: format!("User {user}").into(),
        alias: None,
    })
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            now: Duration::ZERO,
            places: vec![
                Place::new(0, "Small", Some(3)),
                Place::new(1, "Middle", Some(6)),
                Place::new(2, "Any", None),
            ],
            out: FakeOutbox::default(),
            idle: [None; ACTORS],
            void: Vec::new(),
            seen: BTreeMap::new(),
            serial: 0,
        }
    }

    fn serial(&mut self) -> u128 {
        self.serial += 1;
        self.serial
    }

    /// The claim of somebody who is in a room, or was until its connection was lost.
    pub(crate) fn claim(&self, actor: usize) -> Option<Claim> {
        self.places.iter().find_map(|place| {
            let stay = place.stays.iter().find(|stay| stay.actor == actor)?;
            Some(place.claim(stay))
        })
    }

    pub(crate) fn away(&self, claim: Claim) -> Option<Away> {
        let stay = self.places[claim.room].check(claim).ok()?;
        Some(stay.away)
    }

    fn saw(&mut self, what: &str) {
        *self.seen.entry(what.into()).or_default() += 1;
    }

    fn settle(&mut self, room: usize, effect: &Effect) {
        let void = settle(&mut self.places[room], &mut self.out, effect);
        if void.len() > usize::from(effect.gone.is_some()) {
            self.saw("a slow reader or an overflow");
        }
        if let Some((_, reason)) = effect.gone {
            self.saw(&format!("{reason:?}"));
        }
        self.void.extend(void);
    }

    pub(crate) fn join(&mut self, actor: usize, room: usize, conn: Conn) -> PeerId {
        self.join_as(actor, room, conn, None)
    }

    pub(crate) fn join_as(
        &mut self,
        actor: usize,
        room: usize,
        conn: Conn,
        alias: Option<&str>,
    ) -> PeerId {
        let serial = self.serial();
        let peer = PeerId::new(Uuid::from_u128(serial));
        let secret = ResumeSecret::new((!serial).to_be_bytes());
        let member = Arc::new(Member {
            alias: alias.map(Into::into),
            ..Member::clone(&member(actor))
        });
        let place = &mut self.places[room];
        let newcomer = Newcomer {
            peer,
            secret,
            member: Arc::clone(&member),
            conn,
            now: 0,
        };
        let full = place.is_full();
        let taken = alias.is_some_and(|alias| {
            let others = place.stays.iter().map(|stay| &stay.member);
            others
                .flat_map(|other| [Some(other.user.as_str()), other.alias.as_deref()])
                .any(|name| name == Some(alias))
        });
        let expected = match (taken, full) {
            (true, _) => Err(Refusal::NameTaken),
            (false, true) => Err(Refusal::RoomFull),
            (false, false) => Ok(()),
        };
        if expected.is_ok() {
            place.admit(actor, PeerInfo { id: peer, member }, secret, conn);
        }
        let got = place.room.join(newcomer, &mut self.out);
        assert_eq!(got, expected);
        self.settle(room, &Effect::none_if(expected.is_err()));
        match expected {
            Err(Refusal::NameTaken) => self.saw("a name that is taken"),
            Err(_) => self.saw("a full room"),
            Ok(()) => {}
        }
        peer
    }

    pub(crate) fn rejoin(&mut self, by: Claim) {
        let place = &mut self.places[by.room];
        place.hear_of(by);
        let expected = place.check(by).map(|_| ());
        let silent = place.check(by).map_or(true, |stay| stay.away != Away::No);
        assert_eq!(place.room.rejoin(by.seat(), &mut self.out), expected);
        let is_welcome = |sending: &&Sending| matches!(sending.event, Event::Joined(_));
        let welcomes = self.out.sendings.iter().filter(is_welcome).count();
        assert_eq!(welcomes, usize::from(!silent), "welcomes");
        self.settle(by.room, &Effect::none_if(silent));
    }

    pub(crate) fn leave(&mut self, by: Claim) {
        let place = &mut self.places[by.room];
        let here = place.check(by).is_ok();
        assert_eq!(place.room.leave(by.seat(), &mut self.out), here);
        let effect = if here {
            Effect::gone(by.peer, LeaveReason::Left)
        } else {
            Effect::none_if(true)
        };
        self.settle(by.room, &effect);
    }

    pub(crate) fn relay(&mut self, by: Claim, to: PeerId, kind: RelayKind, bytes: usize) {
        let text = format!(
            "{{\"n\":{},\"x\":\"{}\"}}",
            self.serial(),
            "x".repeat(bytes)
        );
        let Ok(body) = RawValue::from_string(text) else {
            unreachable!("valid JSON")
        };
        let place = &mut self.places[by.room];
        place.hear_of(by);
        let expected = place.check(by).and(place.require(to)).map(|_| ());
        if expected.is_ok() {
            let body = body.get().into();
            let from = by.peer;
            place.expect(to, Payload::Relay { kind, from, body });
        }
        let got = place.room.relay(by.seat(), to, kind, &body, &mut self.out);
        assert_eq!(got, expected);
        self.settle(by.room, &Effect::none_if(expected.is_err()));
    }

    pub(crate) fn chat(&mut self, by: Claim, content: &str, client_id: Option<&str>) {
        let id = Uuid::from_u128(self.serial());
        let timestamp = u64::try_from(self.now.as_millis()).unwrap_or(u64::MAX);
        let draft = ChatDraft {
            id,
            timestamp,
            content,
            client_id,
        };
        let place = &mut self.places[by.room];
        place.hear_of(by);
        let author = place.check(by).map(|stay| Arc::clone(&stay.member));
        let mut heard = false;
        let expected = author.and_then(|author| {
            let content = draft.text()?.into();
            let first = place.said.iter().find(|said| {
                client_id.is_some()
                    && said.client_id.as_deref() == client_id
                    && said.author.user == author.user
            });
            if let Some(first) = first {
                return Ok(Arc::clone(first));
            }
            heard = true;
            Ok(Arc::new(ChatMessage {
                id,
                room: place.id.clone(),
                peer: by.peer,
                author,
                content,
                timestamp,
                client_id: client_id.map(Into::into),
            }))
        });
        if let (true, Ok(message)) = (heard, &expected) {
            place.said.push(Arc::clone(message));
            place.expect_all(message);
        }
        let got = place.room.chat(by.seat(), &draft, &mut self.out);
        assert_eq!(got, expected);
        self.settle(by.room, &Effect::none_if(!heard));
        if got.is_ok() && !heard {
            self.saw("a re-sent message");
        }
    }

    /// Asks for what was said before the moment of a serial number.
    pub(crate) fn history(&mut self, by: Claim, before: Option<u128>, limit: usize) {
        let before = before.map(Uuid::from_u128);
        let place = &mut self.places[by.room];
        let said = &place.said;
        let end = before.map_or(said.len(), |id| said.partition_point(|m| m.id < id));
        let page = said[end.saturating_sub(limit)..end].to_vec();
        let expected = place.check(by).map(|_| page);
        let got = place
            .room
            .history(by.seat(), HistoryQuery { before, limit });
        assert_eq!(got, expected);
        self.settle(by.room, &Effect::none_if(true));
    }

    pub(crate) fn kick(&mut self, by: Claim, target: PeerId) {
        let place = &mut self.places[by.room];
        place.hear_of(by);
        let expected = place.check(by).and_then(|_| {
            if place.host != Some(by.peer) {
                return Err(Refusal::NotHost);
            }
            if target == by.peer {
                return Err(Refusal::SelfKick);
            }
            place.require(target)
        });
        let farewells = usize::from(expected.is_ok_and(|stay| stay.away == Away::No));
        let expected = expected.map(|_| ());
        let got = place.room.kick(by.seat(), target, "enough", &mut self.out);
        assert_eq!(got, expected);
        let told = self.out.sendings.iter().filter(|sending| {
            matches!(&sending.event, Event::Kicked { reason, .. }
                if &**reason == "enough")
        });
        assert_eq!(told.count(), farewells, "farewells");
        let effect = if expected.is_ok() {
            Effect::gone(target, LeaveReason::Kicked)
        } else {
            Effect::none_if(true)
        };
        self.settle(by.room, &effect);
    }

    pub(crate) fn appoint(&mut self, by: Claim, target: PeerId) {
        let place = &mut self.places[by.room];
        place.hear_of(by);
        let expected = place.check(by).and_then(|_| {
            if place.host != Some(by.peer) {
                return Err(Refusal::NotHost);
            }
            place.require(target)
        });
        let expected = expected.map(|_| ());
        let changes = expected.is_ok() && target != by.peer;
        if changes {
            place.host = Some(target);
        }
        let got = place.room.appoint(by.seat(), target, &mut self.out);
        assert_eq!(got, expected);
        self.settle(by.room, &Effect::none_if(!changes));
        if changes {
            self.saw("another host");
        }
    }

    /// Reports a loss; each connection's is reported once.
    pub(crate) fn lose(&mut self, by: Claim) {
        let deadline = self.now + WINDOW;
        let place = &mut self.places[by.room];
        let expected = place.check(by).is_ok().then_some(deadline);
        assert_eq!(
            place.room.lose(by.seat(), self.now, &mut self.out),
            expected
        );
        if let (Some(_), Some(stay)) = (expected, place.find_mut(by.peer)) {
            stay.away = Away::Until(deadline);
        }
        self.settle(by.room, &Effect::none_if(true));
    }

    pub(crate) fn expire(&mut self, room: usize, peer: PeerId, at: Duration) -> bool {
        let place = &mut self.places[room];
        let stay = place.find(peer);
        let over = stay.is_some_and(|s| matches!(s.away, Away::Until(until) if until <= at));
        assert_eq!(place.room.expire(peer, at, &mut self.out), over);
        let effect = if over {
            Effect::gone(peer, LeaveReason::Disconnected)
        } else {
            Effect::none_if(true)
        };
        self.settle(room, &effect);
        over
    }

    pub(crate) fn resume(
        &mut self,
        (room, peer): (usize, PeerId),
        user: &UserId,
        secret: Option<ResumeSecret>,
        conn: Conn,
    ) {
        // Connections are numbered: no two resumptions draw the same secret.
        let fresh = ResumeSecret::new((conn as u128).to_be_bytes());
        let claim = switchboard::core::Claim {
            user,
            secret: secret.as_ref(),
            fresh,
        };
        let place = &mut self.places[room];
        let before = place.require(peer).map(|stay| (stay.conn, stay.away));
        let expected = place.require(peer).and_then(|stay| {
            let away = stay.away != Away::No;
            let proven = secret.map_or(away, |secret| stay.is_proof(&secret));
            let owner = stay.member.user == *user;
            (owner && proven)
                .then_some(!away)
                .ok_or(Refusal::PeerNotFound)
        });
        if let (Ok(_), Some(stay)) = (expected, place.find_mut(peer)) {
            stay.conn = conn;
            stay.away = Away::No;
            stay.former_secret = Some(secret.unwrap_or(stay.secret));
            stay.secret = fresh;
            stay.client.reconnect();
        }
        let got = place.room.resume(peer, claim, &conn, &mut self.out);
        assert_eq!(got.map(|resumed| resumed.replaced), expected);
        self.check_replay(conn, got.ok());
        self.saw(match got {
            Err(_) => "a refused resumption",
            Ok(resumed) if resumed.replaced => "a live takeover",
            Ok(resumed) if resumed.missed > 0 => "a replay",
            Ok(_) => "a resumption",
        });
        let mut effect = Effect::none_if(expected.is_err());
        if let (Ok(replaced), Ok((old, _))) = (expected, before) {
            effect.replaced = (replaced && old != conn).then_some(old);
            if old != conn {
                self.void.push(Claim {
                    room,
                    peer,
                    conn: old,
                });
            }
        }
        self.settle(room, &effect);
    }

    /// What was missed follows at once, exactly as many events as were promised, unless the
    /// new connection fails meanwhile.
    fn check_replay(&self, conn: Conn, resumed: Option<Resumed>) {
        let sent = || {
            self.out
                .sendings
                .iter()
                .filter(|sending| sending.to == conn)
        };
        let failed = sent().any(|sending| sending.answer != Sent::Queued);
        let Some(resumed) = resumed else { return };
        let first = sent().next().map(|sending| &sending.event);
        assert!(
            matches!(first, Some(Event::Resumed { missed, .. }) if *missed == resumed.missed),
            "{first:?} answers {resumed:?}"
        );
        assert!(failed || sent().count() == resumed.missed + 1);
        assert!(resumed.missed == 0 || !resumed.replaced);
    }
}
