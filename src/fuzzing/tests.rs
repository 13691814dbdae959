//! Replays the corpora, and what can be made of them.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

use super::{
    TARGETS, Target,
    recipe::{Larder, recipes},
};

/// How many inputs are made of the corpora, in all. `HOSTILE_INPUTS` makes it another number.
const INPUTS: usize = 112_000;

/// What the inputs are drawn by. With `HOSTILE_TARGET` only one target gets any. `HOSTILE_SEED` makes it another number.
const SEED: u64 = 1;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Says something past the harness, which keeps what tests print to itself.
fn say(what: &str) {
    let _ = writeln!(std::io::stderr(), "hostile inputs: {what}");
}

fn corpus(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(folder)
}

/// The files of a folder, by name, if there is one.
fn inputs(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let Ok(files) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = fs::read(&path).unwrap();
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

/// Says which input it was, if a promise is broken.
struct Running<'a>(&'a Path);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input is {}", self.0.display());
        }
    }
}

#[test]
fn the_inputs_that_once_broke_something_and_the_corpora_break_nothing() {
    let mut count = 0;
    for (name, target) in TARGETS {
        let seeds = inputs(&corpus(name));
        assert!(seeds.len() >= 3, "{name} has a corpus");
        let once = inputs(&corpus("regressions").join(name));
        for (path, input) in seeds.iter().chain(&once) {
            let running = Running(path);
            target(input);
            drop(running);
            count += 1;
        }
    }
    say(&format!("{count} inputs of the corpora replayed"));
}

#[test]
fn every_folder_of_the_corpora_is_a_target_s() {
    let known = |path: &Path| TARGETS.iter().any(|(name, _)| path.ends_with(name));
    for folder in [corpus(""), corpus("regressions")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            assert!(known(&path) || path.ends_with("regressions"), "{path:?}");
        }
    }
}

#[test]
fn what_is_made_of_the_corpora_breaks_nothing() {
    let inputs = from_env("HOSTILE_INPUTS").map_or(INPUTS, |inputs| inputs as usize);
    let seed = from_env("HOSTILE_SEED").unwrap_or(SEED);
    let done = AtomicUsize::new(0);
    // Two threads, since there is nothing to wait for.
    std::thread::scope(|scope| {
        for half in TARGETS.chunks(TARGETS.len() / 2) {
            let done = &done;
            scope.spawn(move || {
                let only = std::env::var("HOSTILE_TARGET").ok();
                let chosen = |name: &str| only.as_deref().is_none_or(|only| only == name);
                for (name, target) in half.iter().filter(|(name, _)| chosen(name)) {
                    done.fetch_add(
                        mutate(name, *target, inputs / TARGETS.len(), seed),
                        Ordering::Relaxed,
                    );
                }
            });
        }
    });
    let done = done.into_inner();
    say(&format!("{done} inputs made by HOSTILE_SEED={seed}"));
}

/// Gives a target so many inputs; the simplest of those that break it is shown.
fn mutate(name: &str, target: Target, count: usize, seed: u64) -> usize {
    let seeds = inputs(&corpus(name)).into_iter();
    let larder = Larder::new(seeds.map(|(_, input)| input).collect());
    let config = Config {
        cases: u32::try_from(count).unwrap(),
        failure_persistence: None,
        max_shrink_iters: 500,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let done = AtomicUsize::new(0);
    let outcome = TestRunner::new_with_rng(config, rng).run(&recipes(), |recipe| {
        target(&larder.make(&recipe));
        done.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    if let Err(TestError::Fail(reason, recipe)) = outcome {
        let input = larder.make(&recipe);
        panic!(
            "{name}: {reason}\nby HOSTILE_SEED={seed}, and the input b\"{}\"",
            input.escape_ascii()
        );
    }
    assert!(!larder.seeds().is_empty());
    done.into_inner()
}
