//! Clients of all three protocols, over WebSockets, that remember all they hear.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::{net::TcpStream, sync::Notify, task::JoinHandle, time::timeout};
use tokio_tungstenite::tungstenite::{
    Message, client::IntoClientRequest as _, protocol::CloseFrame,
};

/// How long to wait for what has to come. A machine under load takes its time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    SocketIo,
    Signal,
    Ws,
}

/// Who somebody is, with what proves it.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) name: &'static str,
    pub(crate) id: String,
    cookie: String,
}

impl User {
    pub(crate) async fn login(at: SocketAddr, name: &'static str) -> Self {
        let login = reqwest::Client::new()
            .post(format!("http://{at}/dev/login"))
            .header("content-type", "application/json")
            .body(format!(r#"{{"username":"{name}"}}"#));
        let answer = login.send().await.unwrap();
        let cookie = answer.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        let id = answer["userId"].as_str().unwrap().to_owned();
        Self { name, id, cookie }
    }
}

#[derive(Default)]
struct Heard {
    frames: Mutex<Vec<String>>,
    more: Notify,
}

type Sink = futures_util::stream::SplitSink<tokio_tungstenite::WebSocketStream<TcpStream>, Message>;

pub(crate) struct Client {
    pub(crate) protocol: Protocol,
    /// As which peer it joined.
    pub(crate) peer: String,
    /// What would bring it back.
    pub(crate) token: String,
    out: Arc<tokio::sync::Mutex<Sink>>,
    heard: Arc<Heard>,
    reader: JoinHandle<()>,
}

impl Client {
    /// Connects and joins a room.
    pub(crate) async fn join(at: SocketAddr, protocol: Protocol, user: &User, room: &str) -> Self {
        let mut client = Self::connect(at, protocol, user, room).await;
        match protocol {
            Protocol::SocketIo => {
                client.send("40").await;
                client
                    .find(|frame| frame.starts_with("40{").then_some(()))
                    .await;
                client
                    .send(&format!(r#"42["join:room",{{"roomCode":"{room}"}}]"#))
                    .await;
            }
            Protocol::Signal => {}
            Protocol::Ws => {
                let name = user.name;
                let join = format!(r#"{{"type":"join","room":"{room}","sender":"{name}"}}"#);
                client.send(&join).await;
            }
        }
        let welcome = client.find(welcome).await;
        let text = |name: &str| welcome[name].as_str().unwrap().to_owned();
        (client.peer, client.token) = (text("peerId"), text("resumeToken"));
        client
    }

    async fn connect(at: SocketAddr, protocol: Protocol, user: &User, room: &str) -> Self {
        let path = match protocol {
            Protocol::SocketIo => "/socket.io/?EIO=4&transport=websocket".to_owned(),
            Protocol::Signal => format!("/signal/{room}"),
            Protocol::Ws => "/ws".to_owned(),
        };
        let mut request = format!("ws://{at}{path}").into_client_request().unwrap();
        let headers = request.headers_mut();
        headers.insert("cookie", user.cookie.parse().unwrap());
        let stream = TcpStream::connect(at).await.unwrap();
        let (socket, _) = tokio_tungstenite::client_async(request, stream)
            .await
            .unwrap();
        let (out, mut incoming) = socket.split();
        let (out, heard) = (
            Arc::new(tokio::sync::Mutex::new(out)),
            Arc::new(Heard::default()),
        );
        let (answering, hearing) = (Arc::clone(&out), Arc::clone(&heard));
        let reader = tokio::spawn(async move {
            while let Some(Ok(message)) = incoming.next().await {
                let Message::Text(text) = message else {
                    continue;
                };
                if protocol == Protocol::SocketIo && text.as_str() == "2" {
                    let _ = answering.lock().await.send(Message::text("3")).await;
                    continue;
                }
                hearing.frames.lock().push(text.to_string());
                hearing.more.notify_waiters();
            }
        });
        Self {
            protocol,
            peer: String::new(),
            token: String::new(),
            out,
            heard,
            reader,
        }
    }

    pub(crate) async fn send(&self, text: &str) {
        self.send_any(Message::text(text)).await;
    }

    /// The gateway may have closed the connection for what came before.
    pub(crate) async fn send_any(&self, message: Message) {
        let sending = async { self.out.lock().await.send(message).await };
        let _ = timeout(PATIENCE, sending).await.expect("the gateway reads");
    }

    /// Goes without a word, as with a cable that is pulled.
    pub(crate) fn lose(self) {
        self.reader.abort();
    }

    /// Ends the connection, and waits for the gateway to do the same: then it has read all that came
    /// before.
    pub(crate) async fn close(self) -> Vec<String> {
        let frame = CloseFrame {
            code: 1000.into(),
            reason: "".into(),
        };
        self.send_any(Message::Close(Some(frame))).await;
        let ended = timeout(PATIENCE, self.reader).await;
        ended.expect("the gateway closes").expect("the reader ends");
        std::mem::take(&mut *self.heard.frames.lock())
    }

    /// What it heard so far. It is forgotten.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.frames.lock())
    }

    /// Waits for a frame of which something can be made.
    pub(crate) async fn find<T>(&self, mut what: impl FnMut(&str) -> Option<T>) -> T {
        let finding = async {
            loop {
                let more = self.heard.more.notified();
                tokio::pin!(more);
                more.as_mut().enable();
                let found = self
                    .heard
                    .frames
                    .lock()
                    .iter()
                    .find_map(|frame| what(frame));
                if let Some(found) = found {
                    return found;
                }
                more.await;
            }
        };
        timeout(PATIENCE, finding).await.expect("it comes")
    }
}

/// What a client is told: the name and the payload.
pub(crate) fn told(frame: &str) -> Option<(String, Value)> {
    if let Some(event) = frame.strip_prefix("42") {
        let mut event: Vec<Value> = serde_json::from_str(event).ok()?;
        let name = event.first()?.as_str()?.to_owned();
        let payload = if event.len() > 1 {
            event.swap_remove(1)
        } else {
            Value::Null
        };
        return Some((name, payload));
    }
    let payload: Value = serde_json::from_str(frame).ok()?;
    Some((payload["type"].as_str()?.to_owned(), payload))
}

fn welcome(frame: &str) -> Option<Value> {
    let (name, payload) = told(frame)?;
    let is_welcome = ["room:joined", "room:resumed", "joined", "resumed"].contains(&&*name);
    is_welcome.then_some(payload)
}
