//! Random histories of a room on a media server, on two nodes: whatever is lost between them,
//! once the records have been compared both have the same of it, and what each client was told
//! adds up to just that.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use switchboard::core::{
    Direction, Gossip, MediaKind, Mode, ModeReason, ModeState, NodeId, PeerRecord, Producer, Room,
    Seat, Transport,
};

use crate::{
    ops::SplitMix,
    pair::{A, B, Conn, Nodes, Said, id, peer},
};

const STEPS: usize = 60;

/// The room, the records that the nodes share, and who is still there.
struct World {
    nodes: Nodes,
    mode: Option<ModeState>,
    here: BTreeMap<u32, usize>,
    next: u32,
}

impl World {
    fn new() -> Self {
        Self {
            nodes: Nodes::new(),
            mode: None,
            here: BTreeMap::from([(1, A), (2, B)]),
            next: 3,
        }
    }

    fn act<T>(
        &mut self,
        number: u32,
        act: impl FnOnce(&mut Room<Conn>, Seat<'_, Conn>, u64, &mut Said) -> T,
    ) -> T {
        let node = self.here[&number];
        let (room, said) = (&mut self.nodes.rooms[node], &mut self.nodes.said[node]);
        let (epoch, peer) = (room.mode().epoch, peer(number));
        act(
            room,
            Seat {
                peer,
                conn: &number,
            },
            epoch,
            said,
        )
    }

    fn step(&mut self, random: &mut SplitMix) {
        let numbers: Vec<u32> = self.here.keys().copied().collect();
        let number = numbers[random.below(numbers.len())];
        let name = format!("p{number}-{}", random.below(4));
        match random.below(12) {
            0..=3 => self.produce(number, &name),
            4 => self.act(number, |room, seat, epoch, out| {
                let _ = room.close_producer(seat, epoch, &name, out);
            }),
            5 => self.act(number, |room, seat, epoch, out| {
                let _ = room.pause_producer(seat, epoch, &name, true, out);
            }),
            6 if numbers.len() > 2 => {
                self.act(number, |room, seat, _, out| room.leave(seat, out));
                self.here.remove(&number);
            }
            7 if numbers.len() < 6 => {
                let (number, node) = (self.next, random.below(2));
                self.next += 1;
                self.nodes.join(node, number);
                self.here.insert(number, node);
            }
            8 => self.change_mode(random),
            9 => {
                let node = random.below(2);
                self.nodes.lose_gossip(node);
            }
            _ => self.nodes.pass_on(),
        }
    }

    fn produce(&mut self, number: u32, name: &str) {
        let producer = Producer {
            id: name.into(),
            kind: MediaKind::Audio,
            app_data: "{}".into(),
            paused: false,
        };
        self.act(number, |room, seat, epoch, out| {
            let new = room.own_producer(seat, name).is_err();
            if room.media_seat(seat).is_err() || !new {
                return;
            }
            room.enter_media(seat, epoch, out).unwrap();
            let (id, direction) = (name.into(), Direction::Send);
            room.add_transport(seat, epoch, Transport { id, direction }, out)
                .unwrap();
            room.add_producer(seat, epoch, producer, out).unwrap();
        });
    }

    /// The records take a proposal only if it follows on what they have.
    fn change_mode(&mut self, random: &mut SplitMix) {
        let node = random.below(2);
        let room = &self.nodes.rooms[node];
        let state = match random.below(3) {
            0 => room.proposal(Mode::P2p, None, ModeReason::MediaUnavailable),
            1 => room.proposal(Mode::Sfu, Some("one".into()), ModeReason::Capacity),
            _ => room.proposal(Mode::Sfu, Some("two".into()), ModeReason::MediaMoved),
        };
        let kept = self.mode.as_ref().map_or(0, |mode| mode.epoch);
        if kept <= room.mode().epoch {
            self.mode = Some(state.clone());
            self.nodes.said[node].gossip.push(Gossip::Mode(state));
        }
    }

    /// The records as they are once both nodes have written down what they have.
    fn records(&self) -> Vec<(PeerRecord, NodeId)> {
        let of = |node: usize| {
            let own = self.nodes.rooms[node].own_records();
            own.into_iter().map(move |record| (record, id(node)))
        };
        of(A).chain(of(B)).collect()
    }

    fn compare(&mut self) {
        self.nodes.pass_on();
        for _ in 0..2 {
            for node in [A, B] {
                let doubtful = self.nodes.rooms[node].remote_peers();
                let mode = self.mode.clone();
                let records = self.records();
                let (room, said) = (&mut self.nodes.rooms[node], &mut self.nodes.said[node]);
                room.refresh_mode(mode, said);
                room.refresh(records, &doubtful, Duration::ZERO, said);
            }
            self.nodes.pass_on();
        }
    }

    /// What a client makes of all that it was told since it joined.
    fn understood(&self, number: u32) -> BTreeSet<String> {
        let mut known = BTreeSet::new();
        for told in self.nodes.told(self.here[&number], number) {
            match told.split_once(' ') {
                Some(("+producer", id)) => {
                    assert!(
                        known.insert(id.to_owned()),
                        "{number} is told twice of {id}"
                    );
                }
                Some(("-producer", id)) => {
                    assert!(known.remove(id), "{number} is told of the end of {id}");
                }
                // Whatever was there is gone.
                Some(("Sfu" | "P2p", _)) => known.clear(),
                _ => {}
            }
        }
        known
    }

    fn check(&mut self) {
        assert_eq!(self.nodes.rooms[A].mode(), self.nodes.rooms[B].mode());
        for number in self.here.clone().into_keys() {
            let node = self.here[&number];
            let seen = self.nodes.rooms[node].view(peer(number)).unwrap().producers;
            let seen: BTreeSet<String> =
                seen.iter().map(|one| one.producer.id.to_string()).collect();
            let mut all: BTreeSet<String> = BTreeSet::new();
            for (record, _) in self.records() {
                if record.id != peer(number) {
                    let media = record.media.iter();
                    all.extend(
                        media
                            .flat_map(|m| &m.producers)
                            .map(|one| one.id.to_string()),
                    );
                }
            }
            assert_eq!(seen, all, "{number} can consume something else");
            if number < 3 {
                // Those that come later find some of it in their welcome.
                assert_eq!(
                    self.understood(number),
                    seen,
                    "{number} was told something else"
                );
            }
        }
    }
}

#[test]
fn all_come_to_know_the_same_of_the_media_server_whatever_is_lost_between_nodes() {
    for seed in 0..500 {
        let mut random = SplitMix(seed);
        let mut world = World::new();
        for _ in 0..STEPS {
            world.step(&mut random);
        }
        world.compare();
        world.check();
    }
}
