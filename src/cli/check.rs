//! `switchboard check-config`: the configuration as a start would find it.

use std::ffi::OsString;

use clap::Command;

use super::{Failure, print};
use crate::config::{self, Config, Environment, LoadError, Setting};

pub(super) const NAME: &str = "check-config";

/// What is shown in place of a value that is not set.
const NOTHING: &str = "–";

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Check the configuration, and print it without its secrets")
        .override_usage("switchboard check-config [--flag <value>]...")
        .after_help(
            "Takes the flags and variables that the gateway takes, and reads the files that they name.\n\
             All mistakes are told at once, on standard error, with exit code 64. Nothing is connected to.",
        )
        .args(config::arguments())
}

/// Checks, and prints each setting with where it came from.
pub(super) fn run(args: Vec<OsString>, environment: &Environment) -> Result<(), Failure> {
    let mut args = args.into_iter();
    let program = args.next();
    args.next();
    let own = command().version(crate::VERSION);
    let loaded = Config::load_by(&own, program.into_iter().chain(args), environment);
    let (config, settings) = loaded.map_err(|error| match error {
        LoadError::Invalid(mistakes) => {
            let count = mistakes.mistakes().len();
            let noun = if count == 1 { "mistake" } else { "mistakes" };
            Failure::Usage(format!("{mistakes}\n{count} {noun}."))
        }
        info @ LoadError::Info(_) => info.into(),
    })?;
    print(table(&settings));
    for warning in warnings(&config) {
        print(format!("Note: {warning}"));
    }
    print("The configuration is in order.");
    Ok(())
}

/// One line for each setting: name, value, source.
pub(super) fn table(settings: &[Setting]) -> String {
    let value = |setting: &Setting| setting.value.clone().unwrap_or_else(|| NOTHING.to_owned());
    let width = |length: &dyn Fn(&Setting) -> usize| settings.iter().map(length).max().unwrap_or(0);
    let name_width = width(&|setting| setting.name.len());
    let source_width = width(&|setting| setting.source.name().len());
    let lines = settings.iter().map(|setting| {
        format!(
            "{:name_width$}  {:source_width$}  {}",
            setting.name,
            setting.source.name(),
            value(setting)
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What is allowed, and not what one wants in production.
fn warnings(config: &Config) -> Vec<&'static str> {
    let mut warnings = Vec::new();
    if config.dev {
        warnings.push("DEV is on: anybody may log in under any name.");
    }
    if !config.clients.limited {
        warnings.push("RATE_LIMITS is off: one client may use up what is there for all.");
    }
    if config.cluster.is_none() {
        warnings.push("There is no Redis: this node knows of no others, and all is in its memory.");
    }
    warnings
}
