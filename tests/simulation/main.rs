//! Whole clusters, simulated: nodes, their clients and their Redis on one virtual clock.
//!
//! The rooms are the very ones that serve. Everything around them is a model: `redis` keeps
//! the records and the channels, `node`, `link`, `gossip`, `resume` and `sync` behave as the runtime does,
//! `client` and `eyes` are the people, `faults` is bad luck. All chance comes from one seed, so that a
//! history that breaks a promise can be played again exactly.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod checks;
mod client;
mod ears;
mod eyes;
mod faults;
mod gossip;
mod ledger;
mod link;
mod node;
mod post;
mod random;
mod redis;
mod resume;
mod sync;
mod world;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use world::World;

/// Says which seed failed, while the test unwinds.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("to replay exactly this history: SEED={}", self.0);
        }
    }
}

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn play(seed: u64, aloud: bool) {
    let guard = Seed(seed);
    World::new(seed, aloud).play();
    drop(guard);
}

/// `SEEDS=n` plays more histories, `SEED=n` just that one and shows it.
#[test]
fn rooms_keep_their_promises_across_nodes_whatever_fails() {
    if let Some(seed) = from_env("SEED") {
        play(seed, true);
        return;
    }
    let (seeds, next) = (from_env("SEEDS").unwrap_or(2_000), AtomicU64::new(0));
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds {
                        return;
                    }
                    play(seed, false);
                }
            });
        }
    });
}
