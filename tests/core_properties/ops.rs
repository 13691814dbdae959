//! The steps that a history is made of.

use proptest::prelude::*;
use switchboard::core::RelayKind;

use crate::outbox::Health;

/// One thing that happens. Numbers pick among what there is, whatever there is by then.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Joins a room; leaves a former one first; is welcomed once more to the same one.
    Join {
        actor: u8,
        room: u8,
        health: Health,
        alias: Option<u8>,
    },
    Leave {
        actor: u8,
    },
    Relay {
        actor: u8,
        target: u8,
        kind: RelayKind,
        long: bool,
    },
    /// So much to one peer that nobody would keep it all.
    Flood {
        actor: u8,
        target: u8,
    },
    Chat {
        actor: u8,
        key: Option<u8>,
        blank: bool,
    },
    History {
        actor: u8,
        before: u8,
        limit: u8,
    },
    Kick {
        actor: u8,
        target: u8,
        as_host: bool,
    },
    Appoint {
        actor: u8,
        target: u8,
        as_host: bool,
    },
    /// The loss of the connection is reported.
    Lose {
        actor: u8,
    },
    /// The connection begins to fail, and nobody is told yet.
    Ail {
        actor: u8,
        health: Health,
    },
    Resume {
        room: u8,
        target: u8,
        proof: Proof,
        health: Health,
    },
    Expire {
        room: u8,
        target: u8,
        when: When,
    },
    Tick {
        millis: u16,
    },
    /// A connection acts for a peer that it does not speak for (any more).
    Usurp {
        pick: u8,
        deed: u8,
        target: u8,
    },
}

/// How somebody shows that it is a peer of the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    Secret,
    NoSecret,
    WrongSecret,
    SecretOfAnother,
    WrongUser,
    WrongUserNoSecret,
}

/// When a window is said to be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Now,
    JustBefore,
    OnTime,
}

impl Op {
    /// Reads a step from four random bytes.
    pub(crate) fn decode([code, a, b, c]: [u8; 4]) -> Self {
        let (actor, target) = (a, b);
        match code % 100 {
            0..=17 => Op::join(actor, b, c),
            18..=23 => Op::Leave { actor },
            24..=36 => Op::relay(actor, target, c),
            37..=40 => Op::Appoint {
                actor,
                target,
                as_host: c % 8 != 0,
            },
            41 => Op::Flood { actor, target },
            42..=53 => Op::Chat {
                actor,
                key: (b % 2 == 0).then_some(b / 2 % 2),
                blank: c < 20,
            },
            54..=56 => Op::History {
                actor,
                before: b,
                limit: c % 8,
            },
            57..=61 => Op::Kick {
                actor,
                target,
                as_host: c % 4 != 0,
            },
            62..=69 => Op::Lose { actor },
            70..=76 => Op::Ail {
                actor,
                health: health(c),
            },
            77..=86 => Op::resume(a, b, c),
            87..=91 => Op::Expire {
                room: a,
                target: b,
                when: [When::Now, When::JustBefore, When::OnTime][usize::from(c % 3)],
            },
            92..=95 => Op::Tick {
                millis: u16::from(a) * 12,
            },
            _ => Op::Usurp {
                pick: a,
                deed: b,
                target: c,
            },
        }
    }

    fn join(actor: u8, room: u8, c: u8) -> Self {
        Op::Join {
            actor,
            room,
            health: if c < 210 { Health::Open } else { health(c) },
            alias: c.is_multiple_of(3).then_some(c / 3 % 8),
        }
    }

    fn relay(actor: u8, target: u8, c: u8) -> Self {
        Op::Relay {
            actor,
            target,
            kind: [RelayKind::Offer, RelayKind::Answer, RelayKind::Ice][usize::from(c % 3)],
            long: c >= 230,
        }
    }

    fn resume(room: u8, target: u8, c: u8) -> Self {
        Op::Resume {
            room,
            target,
            proof: match c % 12 {
                0..=4 => Proof::Secret,
                5..=7 => Proof::NoSecret,
                8 => Proof::WrongSecret,
                9 => Proof::SecretOfAnother,
                10 => Proof::WrongUser,
                _ => Proof::WrongUserNoSecret,
            },
            health: if c < 170 { Health::Open } else { health(c) },
        }
    }
}

fn health(c: u8) -> Health {
    match c % 7 {
        0 | 1 => Health::Dying(0),
        2 => Health::Dying(c / 7 % 8),
        3 | 4 => Health::Clogging(0),
        5 => Health::Clogging(c / 7 % 8),
        _ => Health::Hiccup,
    }
}

/// Histories of up to so many steps, which shrink step by step.
pub(crate) fn histories(steps: usize) -> impl Strategy<Value = Vec<Op>> {
    prop::collection::vec(any::<[u8; 4]>().prop_map(Op::decode), 1..=steps)
}

/// A small generator of random numbers (splitmix64), the same on every machine.
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn op(&mut self) -> Op {
        let [a, b, c, d, ..] = self.next().to_le_bytes();
        Op::decode([a, b, c, d])
    }
}
