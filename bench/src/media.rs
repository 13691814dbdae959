//! A stand-in for a Media Service: rooms of more than a mesh holds need one that is there. The workloads
//! ask it for nothing.

use anyhow::Result;
use axum::{Router, http::header::CONTENT_TYPE};
use tokio::{net::TcpListener, task::JoinHandle};

/// It answers until it is dropped.
pub(crate) struct Media {
    url: String,
    serving: JoinHandle<std::io::Result<()>>,
}

impl Media {
    pub(crate) async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let routes = Router::new().fallback(async || ([(CONTENT_TYPE, "application/json")], "{}"));
        let serving = tokio::spawn(axum::serve(listener, routes).into_future());
        Ok(Self { url, serving })
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }
}

impl Drop for Media {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
