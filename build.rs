//! Rebuilds when the demo that is embedded was built anew, or appears for the first time, and says
//! which commit a release is built from.

use std::{env, path::Path, process::Command};

/// Digits of a commit that are shown: enough to be unique for long.
const SHOWN: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=web-demo/dist");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=SWITCHBOARD_GIT_HASH");
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let release = env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let build = match given_commit() {
        Some(commit) => Some(commit),
        // A debug build is not made anew for each commit, so it could only name an older one.
        None if !release => Some("debug build".to_owned()),
        None => commit_of_checkout(),
    };
    let shown = build.map_or(version.clone(), |build| format!("{version} ({build})"));
    println!("cargo::rustc-env=SWITCHBOARD_VERSION={shown}");
}

/// The commit as whoever builds says it, where there is no repository: in a container.
fn given_commit() -> Option<String> {
    shortened(&env::var("SWITCHBOARD_GIT_HASH").ok()?)
}

/// The commit that is checked out; nothing without git, or in sources that are no repository.
fn commit_of_checkout() -> Option<String> {
    let root = env::var("CARGO_MANIFEST_DIR").ok()?;
    // Sources within somebody else's repository have a commit that means nothing.
    if !Path::new(&root).join(".git").exists() {
        return None;
    }
    // This log has a line for each commit, checkout and reset.
    if let Some(log) = git(&root, &["rev-parse", "--git-path", "logs/HEAD"])
        && Path::new(&root).join(&log).exists()
    {
        println!("cargo::rerun-if-changed={log}");
    }
    shortened(&git(&root, &["rev-parse", "HEAD"])?)
}

fn git(root: &str, args: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .current_dir(root)
        .args(args)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The first digits of what looks like a commit.
fn shortened(commit: &str) -> Option<String> {
    let is_commit = commit.len() >= 7 && commit.chars().all(|c| c.is_ascii_hexdigit());
    is_commit.then(|| commit.chars().take(SHOWN).collect())
}
