//! What `deploy/redis.acl` lets the gateway do in Redis is all that it does, and not much more.

use std::path::Path;

use crate::{
    client::{Client, Protocol, User, told},
    node::Node,
    support::redis::{Redis, wait_until},
};

const PASSWORD: &str = "change-this";

const NEWS: &str =
    r#"[{"name":"system:events","types":["story"],"audience":"subscribers","replay":10}]"#;

fn users() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/redis.acl");
    std::fs::read_to_string(path).unwrap().trim().to_owned()
}

/// How often the server has refused something for want of a right.
fn denied(redis: &Redis) -> Vec<String> {
    let stats = redis.cli(&["INFO", "stats"]);
    let denied = stats
        .lines()
        .filter(|line| line.starts_with("acl_access_denied"));
    denied.map(|line| line.trim().to_owned()).collect()
}

#[test]
fn the_gateway_s_user_in_redis_may_do_what_the_gateway_does() {
    let users = users();
    let redis = Redis::with_lines(&[&users]);
    let keys = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(live(&redis, &keys.path().join("keys.pem")));
    for line in denied(&redis) {
        assert!(line.ends_with(":0"), "{line}");
    }
}

/// What two nodes do in a day, in a moment.
async fn live(redis: &Redis, keys: &Path) {
    let url = format!("redis://switchboard:{PASSWORD}@127.0.0.1:{}", redis.port);
    let vars = [
        ("REDIS_URL", &*url),
        ("DEV_KEY_FILE", keys.to_str().unwrap()),
        ("EVENT_CHANNELS", NEWS),
        // Nobody is there: the gateway keeps what it has to deliver.
        ("CHAT_SERVICE_URL", "http://127.0.0.1:9"),
    ];
    let (one, two) = (Node::start(&vars).await, Node::start(&vars).await);
    for node in [&one, &two] {
        ready(node).await;
    }
    let anna = User::login(one.at, "anna").await;
    let ben = User::login(two.at, "ben").await;
    let ann = Client::join(one.at, Protocol::SocketIo, &anna, "acl").await;
    let benny = Client::join(two.at, Protocol::Ws, &ben, "acl").await;
    // Whoever is on another node has to be known here before it can be talked to.
    let came = |frame: &str| told(frame).filter(|(name, _)| name == "peer:joined");
    ann.find(|frame| came(frame).map(drop)).await;
    talk(&ann, &benny).await;
    hear_news(redis, &ann).await;
    // The connection is lost, and she comes back to the other node as the same peer.
    let peer = ann.peer.clone();
    ann.lose();
    let ann = Client::join(two.at, Protocol::SocketIo, &anna, "acl").await;
    assert_eq!(ann.peer, peer);
    talk(&ann, &benny).await;
    ann.send("41").await;
    let left = |frame: &str| told(frame).filter(|(name, _)| name == "peer-left");
    benny.find(|frame| left(frame).map(drop)).await;
}

/// Waits until the node says that Redis delivers.
async fn ready(node: &Node) {
    let asking = async {
        loop {
            let answer = reqwest::get(format!("http://{}/readyz", node.at)).await;
            if answer.unwrap().status().is_success() {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let waiting = tokio::time::timeout(crate::client::PATIENCE, asking).await;
    waiting.expect("the node gets ready");
}

async fn talk(ann: &Client, benny: &Client) {
    let to = &benny.peer;
    let word = format!("word of {}", ann.token);
    ann.send(&format!(
        r#"421["webrtc:ice",{{"targetPeerId":"{to}","candidate":"{word}"}}]"#
    ))
    .await;
    benny
        .find(|frame| frame.contains(&word).then_some(()))
        .await;
    for (ack, event) in [
        (
            2,
            format!(r#"["chat_message",{{"content":"{word}","clientMessageId":"{word}"}}]"#),
        ),
        (3, format!(r#"["chat_message",{{"content":"{word}"}}]"#)),
        (4, r#"["chat_history",{"limit":5}]"#.to_owned()),
        (5, r#"["heartbeat"]"#.to_owned()),
        (6, r#"["subscribe",{"channel":"system:events"}]"#.to_owned()),
    ] {
        ann.send(&format!("42{ack}{event}")).await;
        let answer = format!("43{ack}[");
        let answer = ann
            .find(|frame| frame.starts_with(&answer).then(|| frame.to_owned()))
            .await;
        assert!(answer.contains(r#""status":"ok""#), "{answer}");
    }
}

async fn hear_news(redis: &Redis, ann: &Client) {
    let story = r#"{"type":"story","data":{"n":1},"serverId":"s","timestamp":1}"#;
    redis.cli(&["PUBLISH", "system:events", story]);
    ann.find(|frame| told(frame).filter(|(name, _)| name == "story").map(drop))
        .await;
    wait_until("it is kept", || {
        redis.cli(&["XLEN", "events:{system:events}"]) != "0"
    });
}

#[test]
fn the_gateway_s_user_in_redis_may_do_nothing_else() {
    let redis = Redis::with_lines(&[&users()]);
    let may = |command: &[&str]| {
        let dry_run = [&["ACL", "DRYRUN", "switchboard"], command].concat();
        redis.cli(&dry_run) == "OK"
    };
    assert!(may(&["GET", "room:{x}"]) && may(&["PUBLISH", "channel:all", "x"]));
    for command in [
        &["FLUSHALL"][..],
        &["CONFIG", "GET", "*"],
        &["KEYS", "*"],
        &["MONITOR"],
        &["SHUTDOWN"],
        &["REPLICAOF", "NO", "ONE"],
        &["MODULE", "LOAD", "x"],
        &["ACL", "SETUSER", "x"],
        &["FUNCTION", "FLUSH"],
        &["GET", "session:1"],
        &["SET", "other", "x"],
        &["PUBLISH", "other", "x"],
        &["PSUBSCRIBE", "*"],
    ] {
        assert!(!may(command), "{command:?}");
    }
}
