//! `switchboard health`: whether a gateway is well, asked from beside it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};
use reqwest::Client;
use url::Url;

use super::{Failure, print};
use crate::config::{Config, Environment, ListenConfig, LoadError};

pub(super) const NAME: &str = "health";

const READY: &str = "ready";
const URL: &str = "url";
const TIMEOUT: &str = "timeout-ms";

/// The longest a check may take. What waits longer has its own timeout, such as Docker's 30 s.
const MAX_TIMEOUT_MS: u64 = 60_000;

pub(super) fn command() -> Command {
    Command::new(NAME)
        .about("Ask the gateway on this machine whether it is well")
        .after_help(
            "Finds the gateway by HOST and PORT, as that does, unless there is --url. Exit code 0 if it\n\
             answers well, 1 if not. For the health checks of containers, where there is no curl.",
        )
        .arg(
            Arg::new(READY)
                .long(READY)
                .action(ArgAction::SetTrue)
                .help("Ask whether it takes clients (/readyz), not only whether it lives (/livez)"),
        )
        .arg(
            Arg::new(URL)
                .long(URL)
                .value_name("URL")
                .value_parser(value_parser!(Url))
                .help("Where the gateway is: http://127.0.0.1:3000"),
        )
        .arg(
            Arg::new(TIMEOUT)
                .long(TIMEOUT)
                .value_name("MS")
                .default_value("2000")
                .value_parser(value_parser!(u64).range(1..=MAX_TIMEOUT_MS))
                .help("How long it may take, in milliseconds"),
        )
}

/// Asks, and prints the answer.
pub(super) fn run(given: &ArgMatches, environment: &Environment) -> Result<(), Failure> {
    let (base, own) = match given.get_one::<Url>(URL) {
        Some(url) => (url.clone(), false),
        None => (own_url(environment)?, true),
    };
    let path = if given.get_flag(READY) {
        "/readyz"
    } else {
        "/livez"
    };
    let url = base
        .join(path)
        .map_err(|error| Failure::Usage(format!("--{URL}: {error}")))?;
    let timeout = Duration::from_millis(given.get_one(TIMEOUT).copied().unwrap_or(MAX_TIMEOUT_MS));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start the runtime: {error}")))?;
    print(runtime.block_on(ask(url, timeout, own))?);
    Ok(())
}

/// Asks. The `own` gateway may have a certificate for its public name alone, and is told nothing.
async fn ask(url: Url, timeout: Duration, own: bool) -> Result<String, Failure> {
    let failed = |error: reqwest::Error| Failure::Failed(format!("no answer: {error}"));
    // A proxy that is meant for the outside would be asked for what is here.
    let client = Client::builder().timeout(timeout).no_proxy();
    let client = client.danger_accept_invalid_certs(own);
    let client = client.build().map_err(failed)?;
    let answer = client.get(url).send().await.map_err(failed)?;
    let status = answer.status();
    let text = answer.text().await.map_err(failed)?;
    if status.is_success() {
        Ok(text)
    } else {
        Err(Failure::Failed(format!("{status}: {text}")))
    }
}

/// Where a gateway with this configuration listens.
fn own_url(environment: &Environment) -> Result<Url, Failure> {
    let config =
        Config::load(["switchboard".into()], environment).map_err(|error| match error {
            LoadError::Invalid(mistakes) => Failure::from(mistakes),
            info @ LoadError::Info(_) => info.into(),
        })?;
    let ListenConfig { host, port } = config.listen;
    if port == 0 {
        let problem = "PORT: is 0, so only the gateway knows which it is; give --url";
        return Err(Failure::Usage(problem.to_owned()));
    }
    let scheme = config.tls.map_or("http", |_| "https");
    url_of(scheme, &host, port).map_err(|error| Failure::Usage(format!("HOST: {error}")))
}

/// The way to what listens there; to all addresses means to the own one as well.
pub(super) fn url_of(scheme: &str, host: &str, port: u16) -> Result<Url, url::ParseError> {
    let host = match host.parse() {
        Ok(IpAddr::V4(ip)) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(ip)) if ip.is_unspecified() => format!("[{}]", Ipv6Addr::LOCALHOST),
        Ok(IpAddr::V6(ip)) => format!("[{ip}]"),
        _ => host.to_owned(),
    };
    Url::parse(&format!("{scheme}://{host}:{port}"))
}
