//! A whole gateway among attackers: whatever they send, it lives, the rooms that they are not in hear
//! nothing of it, and in their own nobody passes for another.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

mod acl;
mod attack;
mod client;
mod node;
mod rooms;
#[path = "../support/mod.rs"]
mod support;

use std::{
    io::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
};

use attack::{Shot, shots};
use proptest::test_runner::{Config as Cases, RngAlgorithm, TestError, TestRng, TestRunner};
use rooms::Rooms;

/// How many times the attackers come, and how many messages each of them has at most.
const CASES: u32 = 40;
const MOST: usize = 40;

/// What the messages are drawn by. `HOSTILE_SEED` and `HOSTILE_CASES` make it others and more.
const SEED: u64 = 1;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Panics of the gateway do not end the test: handlers contain them.
fn count_panics() -> &'static AtomicUsize {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let shown = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // It has the threads of the runtime; those of tests are called otherwise.
        let thread = std::thread::current();
        if thread.name().is_some_and(|name| name.starts_with("tokio")) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        shown(panic);
    }));
    &PANICS
}

#[test]
fn nothing_that_attackers_send_gets_into_another_room_or_passes_for_another_s() {
    let panics = count_panics();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let rooms = runtime.block_on(Rooms::open());
    let seed = from_env("HOSTILE_SEED").unwrap_or(SEED);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let cases = from_env("HOSTILE_CASES").map_or(CASES, |cases| u32::try_from(cases).unwrap());
    let config = Cases {
        cases,
        failure_persistence: None,
        max_shrink_iters: 50,
        ..Cases::default()
    };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let sent = AtomicUsize::new(0);
    let attack = |volleys: [Vec<Shot>; 3]| {
        sent.fetch_add(volleys.iter().map(Vec::len).sum(), Ordering::Relaxed);
        let outcome = runtime.block_on(rooms.attack(&volleys));
        proptest::prop_assert_eq!(outcome, Ok(()));
        proptest::prop_assert_eq!(panics.load(Ordering::SeqCst), 0);
        Ok(())
    };
    let volleys = [shots(MOST), shots(MOST), shots(MOST)];
    match TestRunner::new_with_rng(config, rng).run(&volleys, attack) {
        Ok(()) => {}
        Err(TestError::Fail(reason, volleys)) => {
            let counts = volleys.map(|volley| volley.len());
            panic!("{reason}\nby HOSTILE_SEED={seed}, with {counts:?} messages");
        }
        Err(error) => panic!("{error}"),
    }
    // Each of three attackers had 20 at a time, more or less, and some of it was well made.
    let (sent, heard) = (sent.into_inner(), rooms.heard());
    let _ = writeln!(
        std::io::stderr(),
        "hostile input: {sent} messages by HOSTILE_SEED={seed}, of which the witness heard {heard}"
    );
    assert!(sent >= cases as usize * MOST / 2 && heard >= sent / 100);
}
