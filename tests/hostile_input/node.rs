//! A whole gateway in this process.

use std::net::SocketAddr;

use switchboard::{
    app::Gateway,
    config::{Config, Environment},
};
use tokio::sync::oneshot;

/// It serves until it is dropped.
pub(crate) struct Node {
    pub(crate) at: SocketAddr,
    _stop: oneshot::Sender<()>,
}

impl Node {
    /// Starts one with `more` variables than every one has.
    pub(crate) async fn start(more: &[(&str, &str)]) -> Self {
        let mut vars = vec![
            ("DEV", "true"),
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("ADMIN_PORT", "0"),
            ("SHUTDOWN_GRACE_MS", "0"),
        ];
        vars.extend(more);
        let environment = Environment::new(vars, false);
        let config = Config::load(["switchboard".into()], &environment).unwrap();
        let gateway = Gateway::bind(config).await.unwrap();
        let at = gateway.address();
        let (stop, stopped) = oneshot::channel();
        tokio::spawn(gateway.run(async {
            let _ = stopped.await;
        }));
        Self { at, _stop: stop }
    }
}
