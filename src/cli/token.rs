//! `switchboard token`: a token for a gateway in development mode.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::{Arg, ArgMatches, Command, ValueHint, value_parser};
use secrecy::ExposeSecret as _;

use super::{Failure, complain, print};
use crate::auth::{DevIssuer, DevKeyError, DevToken};
use crate::config::{AuthConfig, Environment, KeySource};

pub(super) const NAME: &str = "token";

const SUBJECT: &str = "sub";
const USERNAME: &str = "username";
const LIFETIME: &str = "ttl";
const KEY: &str = "key";

/// Longest lifetime that can be asked for: a year. What is to live longer is no token of development.
const MAX_LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Make a token that a gateway in development mode accepts")
        .after_help(
            "The gateway has to be given the same key: DEV=true DEV_KEY_FILE=<key> switchboard.\n\
             A missing file is made. JWT_ISSUER and JWT_AUDIENCE go into the token, if they are set.",
        )
        .arg(
            Arg::new(SUBJECT)
                .long(SUBJECT)
                .value_name("USER")
                .required(true)
                .help("The user's id"),
        )
        .arg(
            Arg::new(USERNAME)
                .long(USERNAME)
                .value_name("NAME")
                .help("The name that others see [default: the id]"),
        )
        .arg(
            Arg::new(LIFETIME)
                .long(LIFETIME)
                .value_name("TIME")
                .default_value("12h")
                .value_parser(lifetime)
                .help("How long it is valid, from 1s to 365d"),
        )
        .arg(
            Arg::new(KEY)
                .long(KEY)
                .value_name("FILE")
                .value_hint(ValueHint::FilePath)
                .value_parser(value_parser!(PathBuf))
                .help("The key pair of development (PEM) [default: DEV_KEY_FILE]"),
        )
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let lifetime = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    if (Duration::from_secs(1)..=MAX_LIFETIME).contains(&lifetime) {
        Ok(lifetime)
    } else {
        Err("it must be from 1s to 365d".to_owned())
    }
}

/// Prints the token, and nothing else, on standard output.
pub(super) fn run(given: &ArgMatches, environment: &Environment) -> Result<(), Failure> {
    let text = |name: &str| given.get_one::<String>(name).map(String::as_str);
    let key = match given.get_one::<PathBuf>(KEY) {
        Some(path) => path.clone(),
        None => environment.var("DEV_KEY_FILE").map(PathBuf::from).ok_or_else(|| {
            Failure::Usage(
                "give --key or DEV_KEY_FILE: a gateway without a key file makes a key of its own at each start"
                    .to_owned(),
            )
        })?,
    };
    let is_new = !key.exists();
    let issuer = DevIssuer::new(&expectations(environment)?, Some(&key))
        .map_err(|error| Failure::Failed(told(&key, &error)))?;
    if is_new {
        complain(format!("made a new key pair: {}", key.display()));
    }
    let wanted = DevToken {
        subject: text(SUBJECT).unwrap_or_default(),
        username: text(USERNAME),
        lifetime: given.get_one(LIFETIME).copied().unwrap_or(MAX_LIFETIME),
    };
    let (token, _) = issuer
        .issue_as(&wanted, SystemTime::now())
        .map_err(|error| Failure::Usage(format!("--{SUBJECT}: {error}")))?;
    print(token.expose_secret());
    Ok(())
}

/// What the token has to carry to pass where the same variables are set.
fn expectations(environment: &Environment) -> Result<AuthConfig, Failure> {
    let text = |name: &str| match environment.var(name).map(|value| value.to_str()) {
        Some(None) => Err(Failure::Usage(format!("{name}: is not valid UTF-8"))),
        Some(Some(text)) => Ok(Some(text.trim().to_owned())),
        None => Ok(None),
    };
    Ok(AuthConfig {
        keys: KeySource::Dev,
        issuer: text("JWT_ISSUER")?,
        audience: text("JWT_AUDIENCE")?,
        cookie: String::new(),
    })
}

fn told(key: &Path, error: &DevKeyError) -> String {
    let cause = match error {
        DevKeyError::File(cause) => format!(" ({cause})"),
        _ => String::new(),
    };
    format!("{}: {error}{cause}", key.display())
}
