//! The command line.
//!
//! Clap neither reads the environment (it could only read the process's own) nor checks anything:
//! it stops at its first mistake, and all of them are to be reported at once. So every value is
//! plain text to it, flags may repeat, and it only sees flags that exist.

use std::ffi::OsString;

use clap::builder::ValueParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command};

use super::vars::{Kind, VARS, Var, flag_name};
use super::{LoadError, Mistake};

/// What a mistake is about that concerns no particular flag.
const COMMAND_LINE: &str = "command line";

/// Longest unknown flag that is quoted, in bytes. Ours have less than 25.
const MAX_QUOTED_BYTES: usize = 40;

/// What the command line says: the values of the known flags, and what is wrong with the rest.
pub(super) struct Flags {
    matches: ArgMatches,
    pub(super) mistakes: Vec<Mistake>,
}

impl Flags {
    /// Parses the arguments, the program's name first, by `command`, which has all the flags.
    pub(super) fn parse(
        command: &Command,
        args: impl IntoIterator<Item = OsString>,
    ) -> Result<Self, LoadError> {
        let (known, mut mistakes) = without_unknown(args);
        let command = || command.clone();
        let matches = match command().try_get_matches_from(&known) {
            Ok(matches) => matches,
            Err(info)
                if matches!(
                    info.kind(),
                    ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
                ) =>
            {
                return Err(LoadError::Info(info.to_string().trim_end().to_owned()));
            }
            Err(error) => {
                // Only the kind: clap's full message may quote a value.
                mistakes.push(mistake(COMMAND_LINE, error.kind().to_string()));
                command().ignore_errors(true).get_matches_from(&known)
            }
        };
        Ok(Self { matches, mistakes })
    }

    /// The values given for a variable, in their order.
    pub(super) fn values(&self, variable: &str) -> impl Iterator<Item = &OsString> {
        self.matches.get_many(variable).into_iter().flatten()
    }
}

/// What an argument without hyphens in front would be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    Nothing,
    /// For a switch, which does without.
    OptionalValue,
    Value,
    /// The value may begin with hyphens all the same.
    PemValue,
    ValueOfUnknown,
}

/// Takes out the flags that do not exist, each together with its value.
fn without_unknown(args: impl IntoIterator<Item = OsString>) -> (Vec<OsString>, Vec<Mistake>) {
    let mut args = args.into_iter();
    let mut known: Vec<OsString> = args.next().into_iter().collect();
    let mut mistakes = Vec::new();
    let mut expected = Expected::Nothing;
    for arg in args {
        let text = arg.to_string_lossy();
        if expected == Expected::PemValue || !text.starts_with('-') {
            match std::mem::replace(&mut expected, Expected::Nothing) {
                Expected::OptionalValue | Expected::Value | Expected::PemValue => known.push(arg),
                Expected::ValueOfUnknown => {}
                // Not quoted: it may be a part of a secret that lacks its quotes.
                Expected::Nothing => {
                    mistakes.push(mistake(
                        COMMAND_LINE,
                        "a value stands alone, without its flag",
                    ));
                }
            }
            continue;
        }
        known.extend(stand_in(expected));
        let (name, has_value) = text
            .split_once('=')
            .map_or((&*text, false), |(n, _)| (n, true));
        let kind = kind_of(name);
        expected = match kind {
            _ if has_value => Expected::Nothing,
            Some(Kind::Pem) => Expected::PemValue,
            Some(Kind::Switch) => Expected::OptionalValue,
            Some(Kind::Value) => Expected::Value,
            None => Expected::ValueOfUnknown,
        };
        match kind {
            Some(_) => known.push(arg),
            None => mistakes.push(mistake(
                quotable(name),
                "there is no such flag (see --help)",
            )),
        }
    }
    known.extend(stand_in(expected));
    (known, mistakes)
}

/// What stands in for a value that is missing: the empty text, which the reader reports. Clap would
/// stop there, or take the next flag for the value.
fn stand_in(expected: Expected) -> Option<OsString> {
    matches!(expected, Expected::Value | Expected::PemValue).then(OsString::new)
}

/// The name of an unknown flag if it looks like one; it may be anything, such as a key in PEM.
fn quotable(name: &str) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let is_name = name.len() <= MAX_QUOTED_BYTES && name.chars().all(plain);
    if is_name { name } else { COMMAND_LINE }
}

/// How the flag takes its value, if there is such a flag.
fn kind_of(flag: &str) -> Option<Kind> {
    if matches!(flag, "-h" | "--help" | "-V" | "--version") {
        return Some(Kind::Switch);
    }
    let name = flag.strip_prefix("--")?;
    VARS.iter()
        .find(|var| flag_name(var.name) == name)
        .map(|var| var.kind)
}

fn mistake(subject: &str, problem: impl Into<String>) -> Mistake {
    Mistake {
        subject: subject.to_owned(),
        problem: problem.into(),
    }
}

/// Where the sections of `--help` begin: at which variable, and what they are called.
const SECTIONS: &[(&str, &str)] = &[
    ("HOST", "Listeners"),
    ("ADMIN_UI_USER", "Admin UI"),
    ("CLIENT_URL", "Who may connect"),
    ("SOCKET_PARSER", "Protocol"),
    ("DEV", "Development"),
    ("REDIS_URL", "Redis and other nodes"),
    ("ROOM_SERVICE_URL", "Services and backends"),
    ("TURN_URIS", "TURN servers"),
    ("MAX_P2P_PEERS", "Rooms, times and limits"),
    ("LOG_FORMAT", "Logs"),
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "Traces"),
];

/// The gateway's own command: all the flags, and nothing else.
pub(crate) fn command() -> Command {
    Command::new("switchboard")
        .version(crate::VERSION)
        .about("Socket.IO-compatible event gateway for WebRTC signalling, chat and rooms")
        .override_usage("switchboard [--flag <value>]...")
        .after_help(
            "Each flag can be given as the environment variable in angle brackets; the flag wins.\n\
             RUST_LOG sets the log levels. A wrong configuration ends with exit code 64.",
        )
        .args(arguments())
}

/// The flag of each variable, under the headings of `--help`.
pub(crate) fn arguments() -> impl Iterator<Item = Arg> {
    let mut heading = "Flags";
    VARS.iter().map(move |var| {
        if let Some((_, begins)) = SECTIONS.iter().find(|(first, _)| *first == var.name) {
            heading = begins;
        }
        argument(var).help_heading(heading)
    })
}

fn argument(var: &Var) -> Arg {
    let default = var
        .default
        .map(|value| format!(" [default: {value}]"))
        .unwrap_or_default();
    let arg = Arg::new(var.name)
        .long(flag_name(var.name))
        .value_name(var.name)
        .value_parser(ValueParser::os_string())
        .action(ArgAction::Append)
        .help(format!("{}{default}", var.help));
    match var.kind {
        Kind::Value => arg.num_args(1),
        Kind::Switch => arg.num_args(0..=1).default_missing_value("true"),
        Kind::Pem => arg.num_args(1).allow_hyphen_values(true),
    }
}
