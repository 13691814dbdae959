//! The near-limit: a WebSocket server on axum that does only what cannot be avoided. It looks for the
//! target in the text and passes the rest on. No tokens, no checks, no bounds, no heartbeats: what it
//! spends is what the kernel, tokio and the WebSocket library cost, and no gateway can cost less.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    extract::{
        State, WebSocketUpgrade,
        ws::{Message, Utf8Bytes, WebSocket},
    },
    response::Response,
    routing::get,
    serve::ListenerExt as _,
};
use dashmap::DashMap;
use futures_util::{SinkExt as _, StreamExt as _};
use memchr::memmem;
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

/// Each connection keeps a buffer of this size, in bytes.
const READ_BUFFER: usize = 4_096;

const TARGET: &str = "\"targetPeerId\":\"";

type Queue = UnboundedSender<Utf8Bytes>;

#[derive(Default)]
struct Shared {
    ids: AtomicU64,
    peers: DashMap<String, Queue>,
    rooms: DashMap<String, Vec<(String, Queue)>>,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT")
        .ok()
        .and_then(|port| port.parse().ok())
        .unwrap_or(0);
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    let app = Router::new()
        .route("/socket.io/", get(upgrade))
        .with_state(Arc::default());
    axum::serve(listener, app).await
}

async fn upgrade(State(shared): State<Arc<Shared>>, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .read_buffer_size(READ_BUFFER)
        .on_upgrade(move |socket| serve(socket, shared))
}

async fn serve(socket: WebSocket, shared: Arc<Shared>) {
    let id = format!("peer{:016}", shared.ids.fetch_add(1, Ordering::Relaxed));
    let (sink, mut stream) = socket.split();
    let (queue, queued) = unbounded_channel();
    tokio::spawn(write(sink, queued));
    let _ = queue.send(
        format!(
            "0{{\"sid\":\"{id}\",\"upgrades\":[],\"pingInterval\":25000,\"pingTimeout\":20000}}"
        )
        .into(),
    );
    shared.peers.insert(id.clone(), queue.clone());
    let mut room: Option<String> = None;
    while let Some(Ok(message)) = stream.next().await {
        match message {
            Message::Text(text) => handle(&shared, &id, &queue, &mut room, &text),
            Message::Close(_) => break,
            _ => {}
        }
    }
    leave(&shared, &id, room);
    shared.peers.remove(&id);
}

/// What waits goes out with one flush: the library puts it into one write.
async fn write(
    mut sink: futures_util::stream::SplitSink<WebSocket, Message>,
    mut queued: UnboundedReceiver<Utf8Bytes>,
) {
    while let Some(text) = queued.recv().await {
        if sink.feed(Message::Text(text)).await.is_err() {
            return;
        }
        while let Ok(text) = queued.try_recv() {
            if sink.feed(Message::Text(text)).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}

fn handle(shared: &Shared, id: &str, queue: &Queue, room: &mut Option<String>, text: &Utf8Bytes) {
    if let Some(rest) = text.strip_prefix("42[\"webrtc:") {
        let Some((event, body)) = rest.split_once("\",{") else {
            return;
        };
        let Some(at) = memmem::find(body.as_bytes(), TARGET.as_bytes()) else {
            return;
        };
        let target = body[at + TARGET.len()..]
            .split('"')
            .next()
            .unwrap_or_default();
        if let Some(to) = shared.peers.get(target) {
            let frame = format!("42[\"webrtc:{event}\",{{\"from\":\"{id}\",{body}");
            let _ = to.send(frame.into());
        }
    } else if let Some(body) = text.strip_prefix("42[\"chat_message\",{") {
        let Some(members) = room.as_ref().and_then(|room| shared.rooms.get(room)) else {
            return;
        };
        let frame: Utf8Bytes =
            format!("42[\"chat_message\",{{\"peerId\":\"{id}\",\"id\":\"0\",{body}").into();
        for (_, member) in members.iter() {
            let _ = member.send(frame.clone());
        }
    } else if let Some(rest) = text.strip_prefix("42[\"join:room\",{\"roomCode\":\"") {
        let code = rest.split('"').next().unwrap_or_default().to_owned();
        let mut members = shared.rooms.entry(code.clone()).or_default();
        let peers: Vec<_> = members
            .iter()
            .map(|(peer, _)| format!("{{\"id\":\"{peer}\"}}"))
            .collect();
        let peers = peers.join(",");
        let told: Utf8Bytes = format!("42[\"peer:joined\",{{\"peerId\":\"{id}\"}}]").into();
        for (_, member) in members.iter() {
            let _ = member.send(told.clone());
        }
        members.push((id.to_owned(), queue.clone()));
        drop(members);
        let _ = queue.send(
            format!("42[\"room:joined\",{{\"roomId\":\"{code}\",\"peerId\":\"{id}\",\"peers\":[{peers}]}}]")
                .into(),
        );
        *room = Some(code);
    } else if text.starts_with("42[\"leave:room\"") || text.as_str() == "41" {
        leave(shared, id, room.take());
    } else if text.starts_with("40") {
        let _ = queue.send(format!("40{{\"sid\":\"{id}\"}}").into());
    }
}

fn leave(shared: &Shared, id: &str, room: Option<String>) {
    let Some(code) = room else { return };
    let Some(mut members) = shared.rooms.get_mut(&code) else {
        return;
    };
    members.retain(|(peer, _)| peer != id);
    let told: Utf8Bytes = format!("42[\"peer:left\",{{\"peerId\":\"{id}\"}}]").into();
    for (_, member) in members.iter() {
        let _ = member.send(told.clone());
    }
    drop(members);
    shared
        .rooms
        .remove_if(&code, |_, members| members.is_empty());
}
