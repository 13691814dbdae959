//! Plays histories in a world, and brings a world to its end.

use std::time::Duration;

use switchboard::core::{PeerId, RelayKind};

use crate::{
    model::{Away, Claim, WINDOW},
    ops::{Op, Proof, When},
    outbox::{Conn, Health},
    world::{ACTORS, World, member},
};

impl World {
    /// Plays a history to its end and beyond.
    pub(crate) fn play<'o>(history: impl IntoIterator<Item = &'o Op>) {
        let mut world = Self::new();
        for op in history {
            world.apply(op);
        }
        world.end();
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        match *op {
            Op::Tick { millis } => self.now += Duration::from_millis(millis.into()),
            Op::Join {
                actor,
                room,
                health,
                alias,
            } => {
                let (actor, room) = (usize::from(actor) % ACTORS, usize::from(room) % 3);
                self.come(actor, room, health, alias);
            }
            Op::Expire { room, target, when } => self.elapse(usize::from(room) % 3, target, when),
            Op::Resume {
                room,
                target,
                proof,
                health,
            } => self.come_back(usize::from(room) % 3, target, proof, health),
            Op::Usurp { pick, deed, target } => self.usurp(pick, deed, target),
            Op::Leave { actor }
            | Op::Relay { actor, .. }
            | Op::Flood { actor, .. }
            | Op::Chat { actor, .. }
            | Op::History { actor, .. }
            | Op::Kick { actor, .. }
            | Op::Appoint { actor, .. }
            | Op::Lose { actor }
            | Op::Ail { actor, .. } => {
                if let Some(claim) = self.claim(usize::from(actor) % ACTORS) {
                    self.act(usize::from(actor) % ACTORS, claim, op);
                }
            }
        }
    }

    /// What somebody does who is in a room.
    fn act(&mut self, actor: usize, by: Claim, op: &Op) {
        match *op {
            Op::Leave { .. } => self.go(actor, by),
            Op::Relay {
                target, kind, long, ..
            } => {
                let to = self.target(by.room, target);
                self.relay(by, to, kind, if long { 480_000 } else { 10 });
            }
            Op::Flood { target, .. } => {
                let to = self.target(by.room, target);
                for _ in 0..6 {
                    self.relay(by, to, RelayKind::Ice, 60_000);
                }
            }
            Op::Chat { key, blank, .. } => {
                let key = key.map(|key| format!("key-{key}"));
                self.chat(by, if blank { " \n" } else { " Hello. " }, key.as_deref());
            }
            Op::History { before, limit, .. } => {
                let before = (before < 200).then(|| u128::from(before) * 2);
                self.history(by, before, limit.into());
            }
            Op::Kick {
                target, as_host, ..
            } => {
                let by = self.host_of(by).filter(|_| as_host).unwrap_or(by);
                let target = self.target(by.room, target);
                self.kick(by, target);
            }
            Op::Appoint {
                target, as_host, ..
            } => {
                let by = self.host_of(by).filter(|_| as_host).unwrap_or(by);
                let target = self.target(by.room, target);
                self.appoint(by, target);
            }
            Op::Lose { .. } if matches!(self.away(by), Some(Away::No | Away::Noticed)) => {
                self.lose(by);
            }
            Op::Ail { health, .. } if self.away(by) == Some(Away::No) => {
                self.out.ail(by.conn, health);
            }
            _ => {}
        }
    }

    /// The host of the room that somebody is in.
    fn host_of(&self, by: Claim) -> Option<Claim> {
        let place = &self.places[by.room];
        Some(place.claim(place.find(place.host?)?))
    }

    fn come(&mut self, actor: usize, room: usize, health: Health, alias: Option<u8>) {
        match self.claim(actor) {
            Some(by) if by.room == room => return self.rejoin(by),
            Some(by) => self.go(actor, by),
            None => {}
        }
        let conn = self.idle[actor].take();
        let conn = conn.unwrap_or_else(|| self.out.open(health));
        // Some want to be called what a user is.
        let alias = alias.map(|name| format!("user-{name}"));
        self.join_as(actor, room, conn, alias.as_deref());
        if self.claim(actor).is_none() && !self.out.has_failed(conn) {
            self.idle[actor] = Some(conn);
        }
    }

    /// Leaves, and keeps the connection for another room if it still serves.
    fn go(&mut self, actor: usize, by: Claim) {
        let open = self.away(by) == Some(Away::No) && !self.out.is_dying(by.conn);
        self.leave(by);
        self.idle[actor] = open.then_some(by.conn);
    }

    fn elapse(&mut self, room: usize, target: u8, when: When) {
        let place = &self.places[room];
        let Some(stay) = place.pick_away(target).or(place.pick(target)) else {
            return;
        };
        let (peer, away) = (stay.peer, stay.away);
        match (when, away) {
            (When::JustBefore, Away::Until(until)) if self.now < until => {
                self.now = until - Duration::from_nanos(1);
            }
            (When::OnTime, Away::Until(until)) => self.now = self.now.max(until),
            _ => {}
        }
        self.expire(room, peer, self.now);
    }

    fn come_back(&mut self, room: usize, target: u8, proof: Proof, health: Health) {
        let place = &self.places[room];
        let away = place.pick_away(target).map(|stay| stay.peer);
        let peer = away.unwrap_or_else(|| self.target(room, target));
        let another = place.stays.iter().find(|stay| stay.peer != peer);
        let another = another.map(|stay| stay.secret);
        let (actor, own) = place
            .find(peer)
            .map_or((0, None), |stay| (stay.actor, Some(stay.secret)));
        let wrong = switchboard::core::ResumeSecret::new([7; 16]);
        let (user, secret) = match proof {
            Proof::Secret => (actor, own.or(Some(wrong))),
            Proof::NoSecret => (actor, None),
            Proof::WrongSecret => (actor, Some(wrong)),
            Proof::SecretOfAnother => (actor, another.or(Some(wrong))),
            Proof::WrongUser => (actor + 1, own),
            Proof::WrongUserNoSecret => (actor + 1, None),
        };
        let conn = self.out.open(health);
        self.resume((room, peer), &member(user).user, secret, conn);
    }

    /// Lets a connection act for a peer that it does not, or no longer, speak for.
    fn usurp(&mut self, pick: u8, deed: u8, target: u8) {
        let former = self.void.get(usize::from(pick) % self.void.len().max(1));
        let Some(by) = former
            .copied()
            .filter(|_| !deed.is_multiple_of(4))
            .or_else(|| {
                let place = &self.places[usize::from(pick) % 3];
                let (peer, other) = (
                    place.pick(pick / 3)?,
                    self.claim(usize::from(target) % ACTORS)?,
                );
                Some(Claim {
                    conn: other.conn,
                    ..place.claim(peer)
                })
            })
        else {
            return;
        };
        if self.places[by.room].check(by).is_ok() {
            return;
        }
        let to = self.target(by.room, target);
        match deed / 4 % 8 {
            0 => self.relay(by, to, RelayKind::Offer, 10),
            1 => self.chat(by, "Boo.", None),
            2 => self.kick(by, to),
            3 => self.leave(by),
            4 => self.lose(by),
            5 => self.rejoin(by),
            6 => self.appoint(by, to),
            _ => self.history(by, None, 5),
        }
    }

    /// Somebody to address: mostly in the room, else in another one, gone, or nobody ever.
    fn target(&self, room: usize, n: u8) -> PeerId {
        let nobody = PeerId::new(uuid::Uuid::max());
        let place = &self.places[room];
        let stay = match n % 10 {
            0 => self.places[(room + 1) % 3].pick(n / 10),
            1 => None,
            _ => place.pick(n / 10),
        };
        let gone = self.void.get(usize::from(n));
        stay.map(|stay| stay.peer)
            .or(gone.map(|claim| claim.peer))
            .unwrap_or(nobody)
    }

    /// Reports every loss, brings some back, lets every window pass, and empties the rooms.
    fn end(&mut self) {
        for by in self.everybody() {
            let lost = match self.away(by) {
                Some(Away::Noticed) => true,
                Some(Away::No) => self.out.is_dying(by.conn),
                Some(Away::Until(_)) | None => false,
            };
            if lost {
                self.lose(by);
            }
        }
        for (n, by) in self.everybody().into_iter().enumerate() {
            if n % 2 == 0 {
                self.recover(by);
            }
        }
        for by in self.everybody() {
            if let Some(Away::Until(until)) = self.away(by) {
                self.expire(by.room, by.peer, until - Duration::from_nanos(1));
            }
        }
        self.now += WINDOW;
        for by in self.everybody() {
            if matches!(self.away(by), Some(Away::Until(_))) {
                assert!(self.expire(by.room, by.peer, self.now));
                self.recover(by);
            }
        }
        self.part();
    }

    fn everybody(&self) -> Vec<Claim> {
        let places = self.places.iter();
        places
            .flat_map(|place| place.stays.iter().map(|stay| place.claim(stay)))
            .collect()
    }

    /// Tries to be somebody again who is away, with every proof there is.
    pub(crate) fn recover(&mut self, by: Claim) -> Option<Conn> {
        let conn = self.out.open(Health::Open);
        let Some(stay) = self.places[by.room].find(by.peer) else {
            let nobody = (by.room, by.peer);
            for actor in 0..ACTORS {
                self.resume(nobody, &member(actor).user, None, conn);
            }
            return None;
        };
        if stay.away == Away::No {
            return None;
        }
        let (user, secret) = (stay.member.user.clone(), stay.secret);
        self.resume((by.room, by.peer), &user, Some(secret), conn);
        Some(conn)
    }

    /// Everybody says a word and leaves.
    fn part(&mut self) {
        for by in self.everybody() {
            self.chat(by, "Bye.", None);
        }
        for by in self.everybody() {
            self.leave(by);
        }
        for place in &self.places {
            assert!(place.stays.is_empty(), "somebody stays");
            assert!(place.room.is_empty());
            assert_eq!(place.room.host(), None);
        }
    }
}
