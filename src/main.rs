//! The `switchboard` binary: read the command line, start, serve, drain.

use std::{io, process::ExitCode};

use switchboard::{
    app::Gateway,
    cli::{self, Start},
    config::{Config, Environment},
    telemetry,
};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{error, info, warn};

/// What a shell reports for a process that was interrupted.
const EX_INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let config = match cli::start(std::env::args_os(), &Environment::of_process()) {
        Start::Serve(config) => *config,
        Start::Done(code) => return code,
    };
    telemetry::start(&config.log);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            error!(%error, "cannot start the runtime");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(serve(config))
}

async fn serve(config: Config) -> ExitCode {
    let shutdown = match shutdown_signal() {
        Ok(shutdown) => shutdown,
        Err(error) => {
            error!(%error, "cannot listen for signals");
            return ExitCode::FAILURE;
        }
    };
    match Gateway::bind(config).await {
        Ok(gateway) => {
            gateway.run(shutdown).await;
            ExitCode::SUCCESS
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            error!(%error, cause, "cannot start");
            ExitCode::FAILURE
        }
    }
}

/// Completes at the first SIGTERM or SIGINT; a second one ends the process at once.
fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut next = async move || {
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    };
    Ok(async move {
        let first = next().await;
        info!(signal = first, "shutdown asked for");
        tokio::spawn(async move {
            let second = next().await;
            warn!(
                signal = second,
                "shutdown asked for again: stopping at once"
            );
            std::process::exit(EX_INTERRUPTED);
        });
    })
}
