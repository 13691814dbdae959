//! What the figures were taken on.

use std::{fs, process::Command};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::server::House;

/// The machine and the versions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// Day of the run, UTC.
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) processors: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// Name and version of what was measured.
    pub(crate) versions: Vec<(String, String)>,
}

impl Machine {
    pub(crate) fn look(house: &House) -> Result<Self> {
        let of = |path: &str, field: &str| {
            let text = fs::read_to_string(path).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(field));
            let value = line.and_then(|line| line.split_once(':'));
            value.map_or_else(String::new, |(_, value)| value.trim().to_owned())
        };
        let memory = of("/proc/meminfo", "MemTotal");
        let kib: u64 = memory
            .split_whitespace()
            .next()
            .and_then(|kib| kib.parse().ok())
            .unwrap_or(0);
        let node_modules = house.node.with_file_name("node_modules");
        let package = |name: &str| {
            let text = fs::read_to_string(node_modules.join(name).join("package.json"));
            let json: serde_json::Value =
                serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
            json["version"].as_str().unwrap_or_default().to_owned()
        };
        let switchboard = answer(&house.switchboard.to_string_lossy(), &["--version"]);
        Ok(Self {
            date: answer("date", &["-u", "+%Y-%m-%d"]),
            processor: of("/proc/cpuinfo", "model name"),
            processors: std::thread::available_parallelism()?.get(),
            memory_gib: kib.div_ceil(1 << 20),
            kernel: answer("uname", &["-sr"]),
            versions: vec![
                (
                    "Switchboard".into(),
                    switchboard.replace("switchboard ", ""),
                ),
                ("Node".into(), answer("node", &["--version"])),
                ("socket.io".into(), package("socket.io")),
                ("ws".into(), package("ws")),
                ("bufferutil".into(), package("bufferutil")),
                ("socketioxide".into(), locked("socketioxide")),
                ("axum".into(), locked("axum")),
                ("tokio-tungstenite".into(), locked("tokio-tungstenite")),
                (
                    "Redis".into(),
                    answer("redis-server", &["--version"])
                        .split("v=")
                        .nth(1)
                        .and_then(|rest| rest.split(' ').next())
                        .unwrap_or_default()
                        .to_owned(),
                ),
            ],
        })
    }
}

/// The first line that a program writes.
fn answer(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output();
    let text = out.map(|out| String::from_utf8_lossy(&out.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// The version of a library that this program was built with.
fn locked(name: &str) -> String {
    let wanted = format!("name = \"{name}\"");
    let mut lines = include_str!("../Cargo.lock").lines();
    let found = lines.by_ref().any(|line| line == wanted);
    let version = lines.next().filter(|_| found).unwrap_or_default();
    version
        .trim_start_matches("version = ")
        .trim_matches('"')
        .to_owned()
}
