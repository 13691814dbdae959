//! The sockets that the gateway listens on.

use std::net::SocketAddr;

use tokio::net::{TcpListener, lookup_host};
use tracing::info;

use super::StartError;
use crate::{
    config::{AdminConfig, ListenConfig},
    http,
};

/// Listens for operators. A port that nobody asked for need not be had.
pub(super) async fn listen_for_operators(config: &AdminConfig) -> Result<TcpListener, StartError> {
    let listening = match listen(&config.listen, "ADMIN_HOST").await {
        Err(StartError::Bind { .. }) if !config.port_given => {
            let any = ListenConfig {
                port: 0,
                ..config.listen.clone()
            };
            listen(&any, "ADMIN_HOST").await
        }
        listening => listening,
    };
    let (listener, address) = listening?;
    info!(%address, "listening for operators");
    Ok(listener)
}

/// Listens on what a host name leads to; `name`: the variable that has it.
pub(super) async fn listen(
    config: &ListenConfig,
    name: &'static str,
) -> Result<(TcpListener, SocketAddr), StartError> {
    let mut addresses = lookup_host((config.host.as_str(), config.port))
        .await
        .map_err(|error| StartError::Resolve {
            name,
            source: Some(error),
        })?;
    let address = addresses
        .next()
        .ok_or(StartError::Resolve { name, source: None })?;
    let failed = |source| StartError::Bind { address, source };
    let listener = http::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}
