//! Measures the gateway beside a Socket.IO server in Node, a naive one in Rust, and the near-limit of a
//! raw WebSocket server. All take turns in one run, so what else the machine does hits all of them;
//! processor time is what the kernel accounts to each server.

mod client;
mod frames;
mod keys;
mod machine;
mod media;
mod report;
mod server;
mod tally;
mod workloads;

use std::{
    collections::BTreeMap,
    io::Write as _,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Parser, Subcommand};

use crate::{
    keys::Keys,
    report::{Report, Results},
    server::{House, Kind},
    workloads::{Setting, Tokens, WORKLOADS, Workload},
};

/// Users that there are.
const USERS: usize = 5_000;

#[derive(Parser)]
#[command(about = "Measures the gateway and what it is compared with")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run workloads, and write a table and a chart.
    Run(Run),
    /// Hold connections: for the program itself, which may have only so many.
    Hold(Hold),
    /// Write the table and the chart anew from results.json.
    Report {
        /// Where the results are.
        #[arg(long, default_value = "results")]
        results: PathBuf,
    },
}

#[derive(Args)]
struct Run {
    /// The gateway's binary.
    #[arg(long, default_value = "../target/release/switchboard")]
    switchboard: PathBuf,
    /// The server in Node.
    #[arg(long, default_value = "node/server.js")]
    node: PathBuf,
    /// Where to write; nothing is written for single workloads.
    #[arg(long, default_value = "results")]
    results: PathBuf,
    /// Workloads by name, separated by commas; all if none is given.
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// Servers by name, separated by commas; all if none is given.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// How often to measure each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long to measure, in seconds.
    #[arg(long, default_value_t = 2.5)]
    seconds: f64,
    /// Messages of one sender that have not come yet, when it sends as fast as it can: the more, the
    /// more go in one write.
    #[arg(long, default_value_t = 4)]
    under_way: u64,
    /// How long connections come and go in all, in seconds.
    #[arg(long, default_value_t = 120.0)]
    churn: f64,
    /// The selection that takes three minutes.
    #[arg(long)]
    quick: bool,
}

#[derive(Args)]
struct Hold {
    #[arg(long)]
    server: SocketAddr,
    #[arg(long)]
    tokens: PathBuf,
    #[arg(long)]
    first: usize,
    #[arg(long)]
    count: usize,
    #[arg(long)]
    from: IpAddr,
}

#[tokio::main]
async fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Run(run) => run.run().await,
        Command::Hold(hold) => {
            let users = hold.first..hold.first + hold.count;
            workloads::hold(hold.server, &hold.tokens, users, hold.from).await
        }
        Command::Report { results } => Report::read(&results)?.write(&results),
    }
}

impl Run {
    async fn run(self) -> Result<()> {
        let chosen = self.chosen()?;
        let scratch = tempfile::tempdir()?;
        let keys = Keys::generate()?;
        let key_file = scratch.path().join("key.pem");
        std::fs::write(&key_file, keys.public_pem()?)?;
        let house = House {
            switchboard: self.switchboard.clone(),
            node: self.node.clone(),
            own: std::env::current_exe()?
                .parent()
                .context("no directory")?
                .to_owned(),
            key_file,
        };
        let tokens = Tokens::make(&keys, USERS)?;
        let setting = Setting {
            house: &house,
            tokens: &tokens,
            scratch: scratch.path(),
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs_f64(self.seconds),
            under_way: self.under_way,
            churn: Duration::from_secs_f64(self.churn),
            quick: self.quick,
        };
        let begun = Instant::now();
        let (results, failures) = self.measure(&chosen, &setting).await?;
        let report = Report::new(results, self.rounds, begun.elapsed(), &house)?;
        writeln!(std::io::stdout(), "{}", report.markdown())?;
        if self.workload.is_empty() && self.only.is_empty() {
            report.write(&self.results)?;
        }
        ensure!(failures.is_empty(), "failed: {}", failures.join("; "));
        Ok(())
    }

    fn chosen(&self) -> Result<Vec<Workload>> {
        for name in &self.workload {
            let known = WORKLOADS.iter().any(|workload| workload.name == *name);
            let names: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
            ensure!(known, "no workload {name}; there are {}", names.join(", "));
        }
        let wanted = |workload: &&Workload| {
            if self.workload.is_empty() {
                !self.quick || workload.in_quick
            } else {
                self.workload.iter().any(|name| workload.name == name)
            }
        };
        Ok(WORKLOADS.iter().filter(wanted).copied().collect())
    }

    /// Round after round, workload after workload, one server after the other. What fails is told, and
    /// the rest is measured nevertheless.
    async fn measure(
        &self,
        chosen: &[Workload],
        setting: &Setting<'_>,
    ) -> Result<(Results, Vec<String>)> {
        let (mut results, mut failures) = (Results::new(), Vec::new());
        for round in 0..self.rounds {
            for workload in chosen.iter().filter(|workload| round < workload.rounds) {
                let mut kinds: Vec<_> = workload.kinds.to_vec();
                kinds.retain(|kind| self.wants(*kind));
                let turn = round % kinds.len().max(1);
                kinds.rotate_left(turn);
                for kind in kinds {
                    let begun = Instant::now();
                    let figures = match workload.run(setting, kind).await {
                        Ok(figures) => figures,
                        Err(error) => {
                            failures.push(format!("{} with {kind}: {error:#}", workload.name));
                            continue;
                        }
                    };
                    let told: Vec<_> = figures
                        .iter()
                        .map(|(name, value)| format!("{name} {value:.1}"))
                        .collect();
                    writeln!(
                        std::io::stderr(),
                        "round {} {} {kind} ({:.1} s): {}",
                        round + 1,
                        workload.name,
                        begun.elapsed().as_secs_f64(),
                        told.join(", ")
                    )?;
                    let of_workload = results.entry(workload.name.to_owned()).or_default();
                    let of_kind: &mut Vec<_> = BTreeMap::entry(of_workload, kind).or_default();
                    of_kind.push(figures);
                }
            }
        }
        Ok((results, failures))
    }

    fn wants(&self, kind: Kind) -> bool {
        let name = format!("{kind:?}").to_lowercase();
        self.only.is_empty() || self.only.contains(&name)
    }
}
