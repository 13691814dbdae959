//! The gateway's contract in socketioxide as its examples do it: a handler for each event, payloads as
//! values, the library's rooms. Its tokens are checked, its relays stay in the room. It does without a
//! reconnection window, acknowledgements of relays, and order: each event is a task of its own.

use std::{net::SocketAddr, sync::Arc};

use axum::serve::ListenerExt as _;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use socketioxide::{
    SocketIo,
    extract::{Data, Extension, SocketRef},
    handler::ConnectHandler as _,
};
use tokio::net::TcpListener;

#[derive(Clone, Debug, Deserialize, Serialize)]
struct Claims {
    sub: String,
    #[serde(default)]
    username: String,
}

#[derive(Clone, Debug)]
struct Room(String);

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let port = std::env::var("PORT")?.parse()?;
    let pem = std::fs::read(std::env::var("JWT_PUBLIC_KEY_FILE")?)?;
    let key = Arc::new(DecodingKey::from_rsa_pem(&pem)?);
    let (layer, io) = SocketIo::builder()
        .max_buffer_size(16_384)
        .max_payload(100_000)
        .build_layer();
    let authenticate = async move |socket: SocketRef| {
        let claims = claims_of(&socket, &key).ok_or("Authentication error")?;
        socket.extensions.insert(claims);
        // Where examples do it, in the connect handler, what a client sends at once is lost.
        listen(&socket);
        Ok::<_, &str>(())
    };
    io.ns("/", connected.with(authenticate));
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, axum::Router::new().layer(layer)).await?;
    Ok(())
}

fn claims_of(socket: &SocketRef, key: &DecodingKey) -> Option<Claims> {
    let cookies = socket.req_parts().headers.get("cookie")?.to_str().ok()?;
    let mut cookies = cookie::Cookie::split_parse(cookies).flatten();
    let cookie = cookies.find(|cookie| cookie.name() == "access_token")?;
    let validation = Validation::new(Algorithm::RS256);
    let token = decode::<Claims>(cookie.value(), key, &validation).ok()?;
    Some(token.claims)
}

async fn connected() {}

fn listen(socket: &SocketRef) {
    socket.on("join:room", join);
    socket.on("leave:room", async |socket: SocketRef| {
        leave(&socket, "left").await;
    });
    socket.on(
        "webrtc:offer",
        async |s: SocketRef, Data(p): Data<Value>| relay(&s, "webrtc:offer", p).await,
    );
    socket.on(
        "webrtc:answer",
        async |s: SocketRef, Data(p): Data<Value>| relay(&s, "webrtc:answer", p).await,
    );
    socket.on("webrtc:ice", async |s: SocketRef, Data(p): Data<Value>| {
        relay(&s, "webrtc:ice", p).await;
    });
    socket.on("chat_message", chat);
    socket.on_disconnect(async |socket: SocketRef| leave(&socket, "disconnected").await);
}

async fn join(
    socket: SocketRef,
    Data(payload): Data<Value>,
    Extension(claims): Extension<Claims>,
    io: SocketIo,
) {
    let Some(code) = payload["roomCode"].as_str().map(str::to_owned) else {
        return;
    };
    leave(&socket, "left").await;
    // First in, then look: of two that come at once each has to learn of the other.
    socket.join(code.clone());
    let others = io.within(code.clone()).sockets();
    let peers: Vec<_> = others
        .iter()
        .filter(|other| other.id != socket.id)
        .map(|other| {
            let user = other.extensions.get::<Claims>();
            json!({"id": other.id, "userId": user.map(|user| user.sub)})
        })
        .collect();
    socket.join(socket.id.to_string());
    socket.extensions.insert(Room(code.clone()));
    let joined = json!({"roomId": code, "roomCode": code, "peerId": socket.id, "peers": peers, "mode": "p2p"});
    let _ = socket.emit("room:joined", &joined);
    let told = json!({"peerId": socket.id, "userId": claims.sub, "userInfo": {"username": claims.username}});
    let _ = socket.to(code).emit("peer:joined", &told).await;
}

async fn leave(socket: &SocketRef, reason: &str) {
    if let Some(Room(code)) = socket.extensions.remove::<Room>() {
        socket.leave(code.clone());
        let told = json!({"peerId": socket.id, "reason": reason});
        let _ = socket.to(code).emit("peer:left", &told).await;
    }
}

async fn relay(socket: &SocketRef, event: &'static str, mut payload: Value) {
    let Some(target) = payload["targetPeerId"].as_str().map(str::to_owned) else {
        return;
    };
    let Some(Room(code)) = socket.extensions.get::<Room>() else {
        return;
    };
    let Some(peer) = target.parse().ok().and_then(|id| socket.ns_socket(id)) else {
        return;
    };
    if !peer.rooms().iter().any(|room| *room == code) {
        return;
    }
    payload["from"] = json!(socket.id);
    let _ = socket.to(target).emit(event, &payload).await;
}

async fn chat(socket: SocketRef, Data(payload): Data<Value>, Extension(claims): Extension<Claims>) {
    let Some(Room(code)) = socket.extensions.get::<Room>() else {
        return;
    };
    let message = json!({
        "id": uuid(),
        "roomId": code,
        "senderId": claims.sub,
        "peerId": socket.id,
        "username": claims.username,
        "content": payload["content"],
        "timestamp": now(),
    });
    let _ = socket.within(code).emit("chat_message", &message).await;
}

fn uuid() -> String {
    let mut bytes = [0; 16];
    let _ = getrandom::fill(&mut bytes);
    format!("{:032x}", u128::from_be_bytes(bytes))
}

fn now() -> u64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Finding the socket behind an id.
trait Find {
    fn ns_socket(&self, id: socketioxide::socket::Sid) -> Option<SocketRef>;
}

impl Find for SocketRef {
    fn ns_socket(&self, id: socketioxide::socket::Sid) -> Option<SocketRef> {
        self.within(id.to_string()).sockets().into_iter().next()
    }
}
