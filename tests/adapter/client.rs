//! A Socket.IO client that polls, without a network in between.

use std::collections::VecDeque;

use axum::Router;
use axum::body::Body;
use http::{Method, Request};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

use crate::support::redis::PATIENCE;

/// Between the packets of one answer.
const SEPARATOR: char = '\u{1e}';

pub(crate) struct Client {
    app: Router,
    session: String,
    packets: VecDeque<String>,
}

impl Client {
    /// Connects to the namespace `/`.
    pub(crate) async fn connect(app: &Router) -> Self {
        let mut client = Self {
            app: app.clone(),
            session: String::new(),
            packets: VecDeque::new(),
        };
        let opened = client.request(Method::GET, "").await;
        let opened: Value = serde_json::from_str(opened.strip_prefix('0').unwrap()).unwrap();
        client.session = format!("&sid={}", opened["sid"].as_str().unwrap());
        client.send("40").await;
        let answer = client.packet().await;
        assert!(answer.starts_with("40{"), "{answer}");
        client
    }

    async fn request(&self, method: Method, body: &str) -> String {
        let uri = format!("/socket.io/?EIO=4&transport=polling{}", self.session);
        let request = Request::builder().method(method).uri(uri);
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        assert!(status.is_success(), "{status}: {text}");
        text
    }

    async fn send(&self, packet: &str) {
        self.request(Method::POST, packet).await;
    }

    /// The next packet that is no ping.
    async fn packet(&mut self) -> String {
        let next = async {
            loop {
                while let Some(packet) = self.packets.pop_front() {
                    if packet != "2" {
                        return packet;
                    }
                    self.send("3").await;
                }
                let polled = self.request(Method::GET, "").await;
                self.packets
                    .extend(polled.split(SEPARATOR).map(str::to_owned));
            }
        };
        tokio::time::timeout(PATIENCE, next)
            .await
            .expect("a packet")
    }

    /// Expects this event with this text as the next packet.
    pub(crate) async fn expect(&mut self, event: &str, text: &str) {
        assert_eq!(self.packet().await, format!(r#"42["{event}","{text}"]"#));
    }

    /// Answers the next event, which must want an acknowledgement.
    pub(crate) async fn acknowledge(&mut self, text: &str) {
        let question = self.packet().await;
        let (id, _) = question
            .strip_prefix("42")
            .unwrap()
            .split_once('[')
            .unwrap();
        self.send(&format!(r#"43{id}["{text}"]"#)).await;
    }

    /// Expects to be disconnected.
    pub(crate) async fn expect_disconnect(&mut self) {
        assert_eq!(self.packet().await, "41");
    }
}
