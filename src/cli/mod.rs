//! The command line: `switchboard` serves, `switchboard COMMAND` does something else.
//!
//! | command | what it does |
//! |---|---|
//! | `check-config` | checks the configuration as a start would, and prints it without secrets |
//! | `health` | asks a running gateway whether it is well: for containers without curl |
//! | `token` | makes a token that a gateway in development mode accepts |
//! | `completions` | prints a completion script for a shell |
//!
//! Exit codes: 0 when it went well, 1 when it did not, 64 ([`EX_USAGE`]) when the command line or
//! the configuration is wrong.

mod check;
mod health;
mod token;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::Shell;

use crate::config::{self, Config, ConfigErrors, EX_USAGE, Environment, LoadError};

/// What is to be done after the command line has been read.
#[derive(Debug)]
pub enum Start {
    /// Serve.
    Serve(Box<Config>),
    /// It has been done, with this outcome.
    Done(ExitCode),
}

/// Reads the command line, and does what it asks for unless that is serving.
///
/// `args` has the program's name first. What is asked for goes to standard output, what is wrong to
/// standard error.
#[must_use]
pub fn start(args: impl IntoIterator<Item = OsString>, environment: &Environment) -> Start {
    let args: Vec<OsString> = args.into_iter().collect();
    match command_of(&args) {
        None => match Config::load_by(&command(), args, environment) {
            Ok((config, _)) => Start::Serve(Box::new(config)),
            Err(error) => Start::Done(report(&Failure::from(error))),
        },
        Some(name) => Start::Done(match perform(&name, args, environment) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => report(&failure),
        }),
    }
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
enum Failure {
    /// The command line or the configuration is wrong.
    Usage(String),
    /// Something else is.
    Failed(String),
    /// Nothing is: a help text was asked for.
    Asked(String),
}

impl From<LoadError> for Failure {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Info(text) => Self::Asked(text),
            LoadError::Invalid(mistakes) => mistakes.into(),
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(mistakes: ConfigErrors) -> Self {
        Self::Usage(mistakes.to_string())
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        let text = error.to_string().trim_end().to_owned();
        if error.use_stderr() {
            Self::Usage(text)
        } else {
            Self::Asked(text)
        }
    }
}

fn report(failure: &Failure) -> ExitCode {
    match failure {
        Failure::Asked(text) => {
            print(text);
            ExitCode::SUCCESS
        }
        Failure::Usage(text) => {
            complain(text);
            ExitCode::from(EX_USAGE)
        }
        Failure::Failed(text) => {
            complain(text);
            ExitCode::FAILURE
        }
    }
}

/// Writes a line to standard output. Whoever reads it may have gone, as `head` does.
fn print(text: impl fmt::Display) {
    let _ = writeln!(io::stdout(), "{text}");
}

/// Writes a line to standard error.
fn complain(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The command that is asked for, if it is not to serve. Any other word is left to the flags, which
/// do not quote it: it may be a part of a secret.
fn command_of(args: &[OsString]) -> Option<String> {
    let first = args.get(1)?.to_str()?;
    let known = first == "help" || command().find_subcommand(first).is_some();
    known.then(|| first.to_owned())
}

fn perform(name: &str, args: Vec<OsString>, environment: &Environment) -> Result<(), Failure> {
    // Not by clap, which would stop at the first mistake.
    if name == check::NAME {
        return check::run(args, environment);
    }
    let matches = command().try_get_matches_from(args)?;
    match matches.subcommand() {
        Some((health::NAME, given)) => health::run(given, environment),
        Some((token::NAME, given)) => token::run(given, environment),
        Some((COMPLETIONS, given)) => complete(given),
        _ => Err(Failure::Usage("there is no such command".to_owned())),
    }
}

/// The whole command line, for `--help` and for completions.
fn command() -> Command {
    config::command()
        .override_usage("switchboard [--flag <value>]...\n       switchboard <command>")
        .about(
            "Socket.IO-compatible event gateway for WebRTC signalling, chat and rooms\n\n\
             Without a command it serves, until SIGTERM or Ctrl-C.",
        )
        .subcommand_help_heading("Commands, with a --help of their own")
        .subcommand(check::command())
        .subcommand(health::command())
        .subcommand(token::command())
        .subcommand(completions())
}

const COMPLETIONS: &str = "completions";
const SHELL: &str = "shell";

fn completions() -> Command {
    Command::new(COMPLETIONS)
        .about("Print a completion script for a shell")
        .after_help(
            "bash: switchboard completions bash > /etc/bash_completion.d/switchboard\n\
             zsh:  switchboard completions zsh > \"${fpath[1]}/_switchboard\"\n\
             fish: switchboard completions fish > ~/.config/fish/completions/switchboard.fish",
        )
        .arg(
            Arg::new(SHELL)
                .required(true)
                .value_parser(value_parser!(Shell))
                .help("Which shell"),
        )
}

fn complete(given: &ArgMatches) -> Result<(), Failure> {
    let shell = given.get_one::<Shell>(SHELL).copied();
    let shell = shell.ok_or_else(|| Failure::Usage("which shell?".to_owned()))?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "switchboard", &mut script);
    io::stdout()
        .write_all(&script)
        .map_err(|error| Failure::Failed(format!("the script cannot be written: {error}")))
}
