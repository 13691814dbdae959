//! A Socket.IO client that polls.

use std::collections::VecDeque;

use reqwest::header::{COOKIE, SET_COOKIE};
use serde_json::Value;

use crate::support::redis::PATIENCE;

/// Between the packets of one answer.
const SEPARATOR: char = '\u{1e}';

pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    cookie: String,
    packets: VecDeque<String>,
}

impl Client {
    /// Logs in and connects to the namespace `/`.
    pub(crate) async fn connect(url: &str, user: &str) -> Self {
        let http = reqwest::Client::new();
        let login = http
            .post(format!("{url}/dev/login"))
            .header("content-type", "application/json")
            .body(format!(r#"{{"username":"{user}"}}"#));
        let login = login.send().await.unwrap();
        assert!(login.status().is_success(), "{}", login.status());
        let cookie = login.headers()[SET_COOKIE].to_str().unwrap();
        let mut client = Self {
            http,
            url: format!("{url}/socket.io/?EIO=4&transport=polling"),
            cookie: cookie.split(';').next().unwrap().to_owned(),
            packets: VecDeque::new(),
        };
        let opened = client.poll().await;
        let opened: Value = serde_json::from_str(opened.strip_prefix('0').unwrap()).unwrap();
        client.url += &format!("&sid={}", opened["sid"].as_str().unwrap());
        client.send("40").await;
        let answer = client.packet().await;
        assert!(answer.starts_with("40{"), "{answer}");
        client
    }

    async fn poll(&self) -> String {
        let request = self.http.get(&self.url).header(COOKIE, &self.cookie);
        let response = request.send().await.unwrap();
        let status = response.status();
        let text = response.text().await.unwrap();
        assert!(status.is_success(), "{status}: {text}");
        text
    }

    async fn send(&self, packet: &'static str) {
        let request = self.http.post(&self.url).header(COOKIE, &self.cookie);
        let response = request.body(packet).send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.status());
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
                let polled = self.poll().await;
                self.packets
                    .extend(polled.split(SEPARATOR).map(str::to_owned));
            }
        };
        tokio::time::timeout(PATIENCE, next).await.unwrap()
    }

    /// Expects this as the next packet.
    pub(crate) async fn expect(&mut self, packet: &str) {
        assert_eq!(self.packet().await, packet);
    }
}
