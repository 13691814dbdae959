//! Random histories of several rooms, played against the very rooms that serve.
//!
//! Whatever the order in which people come, go, talk, lose their connections and come back,
//! the promises of `switchboard::core` have to hold after every single step. `settle` and
//! `client` say which these are; `model` and `world` say what the answers have to be.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod cases;
mod client;
mod hosts;
mod media;
mod media_histories;
mod model;
mod nodes;
mod ops;
mod outbox;
mod pair;
mod play;
mod settle;
mod unsent;
mod world;

use ops::{Op, SplitMix, histories};
use proptest::prelude::*;
use world::World;

/// The most steps of one history.
const STEPS: usize = 150;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn rooms_keep_their_promises_in_any_history(history in histories(STEPS)) {
        World::play(&history);
    }
}

/// Says which seed failed, while the test unwinds.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("to replay exactly this history: SEED={}", self.0);
        }
    }
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// `SEEDS=n` plays more histories, `SEED=n` just that one and shows it.
#[test]
fn rooms_keep_their_promises_in_the_same_seeded_histories_everywhere() {
    let single = from_env("SEED");
    let seeds = single.map_or(0..from_env("SEEDS").unwrap_or(2_000), |n| n..n + 1);
    for seed in seeds {
        let guard = Seed(seed);
        let mut random = SplitMix(seed);
        let history: Vec<Op> = (0..STEPS).map(|_| random.op()).collect();
        if single.is_some() {
            eprintln!("{history:#?}");
        }
        World::play(&history);
        drop(guard);
    }
}
