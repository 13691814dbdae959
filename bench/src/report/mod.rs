//! What came out, for people: a table in Markdown and a chart.

mod chart;
mod targets;

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, time::Duration};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use self::targets::{TARGETS, Target};
use crate::{
    machine::Machine,
    server::{House, Kind},
    workloads::{Figures, WORKLOADS},
};

/// The median latency, in microseconds, from which on a server was behind its pace.
const LATE: f64 = 3_000.0;

/// The figures of each round, by workload and server.
pub(crate) type Results = BTreeMap<String, BTreeMap<Kind, Vec<Figures>>>;

/// The results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    machine: Machine,
    rounds: usize,
    seconds: u64,
    results: Results,
}

impl Report {
    pub(crate) fn new(
        results: Results,
        rounds: usize,
        took: Duration,
        house: &House,
    ) -> Result<Self> {
        Ok(Self {
            machine: Machine::look(house)?,
            rounds,
            seconds: took.as_secs(),
            results,
        })
    }

    pub(crate) fn read(directory: &Path) -> Result<Self> {
        let text = fs::read_to_string(directory.join("results.json"))?;
        serde_json::from_str(&text).context("results.json")
    }

    /// Writes results.json, results.md and chart.svg.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        fs::create_dir_all(directory)?;
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        fs::write(directory.join("results.json"), json)?;
        fs::write(directory.join("results.md"), self.markdown())?;
        chart::draw(self, &directory.join("chart.svg"))
    }

    /// The least that was measured of something, and the median. Where messages come at a given pace,
    /// a round in which a server fell behind is left out if there are others: what is late goes
    /// many at a time, and looks cheap.
    pub(crate) fn figure(&self, workload: &str, kind: Kind, name: &str) -> Option<(f64, f64)> {
        let rounds = self.results.get(workload)?.get(&kind)?;
        let paced = WORKLOADS
            .iter()
            .any(|known| known.name == workload && known.paced());
        let in_time = |figures: &&Figures| {
            let late = |p50: &f64| *p50 > LATE;
            !(paced && figures.get("p50, µs").is_some_and(late))
        };
        let some_in_time = rounds.iter().any(|figures| in_time(&figures));
        let mut values: Vec<f64> = rounds
            .iter()
            .filter(|figures| !some_in_time || in_time(figures))
            .filter_map(|figures| figures.get(name).copied())
            .collect();
        values.sort_by(f64::total_cmp);
        let median = match values.len() {
            0 => return None,
            odd if odd % 2 == 1 => values[odd / 2],
            even => f64::midpoint(values[even / 2 - 1], values[even / 2]),
        };
        Some((*values.first()?, median))
    }

    fn ratio(&self, target: &Target) -> Option<f64> {
        let of = |workload, kind| self.figure(workload, kind, target.figure);
        let own = of(target.workload, Kind::Switchboard)?.0;
        if target.kind == Kind::Switchboard && target.against.is_none() {
            // The figure is a quotient already.
            return Some(own);
        }
        let other = target.against.unwrap_or(target.workload);
        Some(own / of(other, target.kind)?.0)
    }

    pub(crate) fn markdown(&self) -> String {
        let mut out = String::new();
        let machine = &self.machine;
        let versions: Vec<_> = machine
            .versions
            .iter()
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        let _ = writeln!(
            out,
            "<!-- Written by `make bench`. -->\n# Results\n\n{}, {} × {}, {} GiB, {}. {}. \
             {} rounds, {} min {} s in all; servers and load share the processors.\n",
            machine.date,
            machine.processors,
            machine.processor,
            machine.memory_gib,
            machine.kernel,
            versions.join(", "),
            self.rounds,
            self.seconds / 60,
            self.seconds % 60,
        );
        self.write_targets(&mut out);
        self.write_figures(&mut out);
        out
    }

    fn write_targets(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "## Targets\n\nEach is the quotient of the least that was measured of both, so smaller is better.\n\n\
             | what | of | target | measured | |\n|---|---|--:|--:|---|"
        );
        for target in TARGETS {
            let Some(ratio) = self.ratio(target) else {
                continue;
            };
            let met = if ratio <= target.at_most {
                "met"
            } else {
                "missed"
            };
            let _ = writeln!(
                out,
                "| {} | {} | {:.2} | {ratio:.2} | {met} |",
                target.what, target.of, target.at_most
            );
        }
    }

    fn write_figures(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "\n## Figures\n\nThe least of all rounds, and the median in brackets. CPU is of the server, \
             user and system, for each delivery or each of what the heading says."
        );
        for workload in WORKLOADS {
            let Some(kinds) = self.results.get(workload.name) else {
                continue;
            };
            let Some(figures) = kinds.values().next().and_then(|rounds| rounds.first()) else {
                continue;
            };
            let names: Vec<_> = figures.keys().collect();
            let _ = write!(out, "\n### `{}`: {}\n\n| |", workload.name, workload.title);
            for name in &names {
                let _ = write!(out, " {name} |");
            }
            let _ = write!(out, "\n|---|{}\n", "--:|".repeat(names.len()));
            for kind in kinds.keys() {
                let _ = write!(out, "| {kind} |");
                for name in &names {
                    let cell = self
                        .figure(workload.name, *kind, name)
                        .map(|(least, median)| {
                            if kinds[kind].len() == 1 {
                                number(least)
                            } else {
                                format!("{} ({})", number(least), number(median))
                            }
                        });
                    let _ = write!(out, " {} |", cell.unwrap_or_default());
                }
                out.push('\n');
            }
        }
    }
}

/// A number with as many places as say something.
fn number(value: f64) -> String {
    match value.abs() {
        small if small < 10.0 && value.fract() != 0.0 => format!("{value:.2}"),
        medium if medium < 100.0 && value.fract() != 0.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
