//! Two rooms of one gateway: in one are the attackers and a witness, in the other their victims.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::atomic::{AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use serde_json::Value;

use crate::{
    attack::Shot,
    client::{Client, Protocol, User, told},
    node::Node,
};

/// Where the attackers are.
const THEIRS: &str = "alpha";

/// Where the victims are. The attackers know it, and join it never.
const OURS: &str = "beta-7Q2x";

const PROTOCOLS: [Protocol; 3] = [Protocol::SocketIo, Protocol::Signal, Protocol::Ws];

pub(crate) struct Rooms {
    at: SocketAddr,
    attackers: [User; 3],
    witness: Client,
    /// Who came into the room of the witness as which peer: user by peer.
    came: Mutex<HashMap<String, String>>,
    victims: [Client; 3],
    victim_users: [User; 3],
    rounds: AtomicUsize,
    /// How much of what attackers sent got to the witness, as it may.
    heard: AtomicUsize,
    _node: Node,
}

impl Rooms {
    pub(crate) async fn open() -> Self {
        let node = Node::start(&[("RATE_LIMITS", "off")]).await;
        let at = node.at;
        let [alice, mallory, mallet, mal] = ["alice", "mallory", "mallet", "mal"];
        // Who comes first hosts the room: it must not be an attacker.
        let witness = User::login(at, alice).await;
        let witness = Client::join(at, Protocol::SocketIo, &witness, THEIRS).await;
        let [bob, bert, bea] = ["bob", "bert", "bea"];
        let victim_users = [
            User::login(at, bob).await,
            User::login(at, bert).await,
            User::login(at, bea).await,
        ];
        let mut victims = Vec::new();
        for (protocol, user) in PROTOCOLS.into_iter().zip(&victim_users) {
            victims.push(Client::join(at, protocol, user, OURS).await);
        }
        let attackers = [
            User::login(at, mallory).await,
            User::login(at, mallet).await,
            User::login(at, mal).await,
        ];
        let rooms = Self {
            at,
            attackers,
            witness,
            came: Mutex::default(),
            victims: victims.try_into().ok().unwrap(),
            victim_users,
            rounds: AtomicUsize::new(0),
            heard: AtomicUsize::new(0),
            _node: node,
        };
        assert_eq!(rooms.talk().await, Ok(()));
        rooms
    }

    /// How much of what attackers sent got to somebody whom it may get to.
    pub(crate) fn heard(&self) -> usize {
        self.heard.load(Ordering::Relaxed)
    }

    /// The attackers come, send what they have, and go.
    pub(crate) async fn attack(&self, volleys: &[Vec<Shot>; 3]) -> Result<(), String> {
        let mut clients = Vec::new();
        for (protocol, user) in PROTOCOLS.into_iter().zip(&self.attackers) {
            clients.push(Client::join(self.at, protocol, user, THEIRS).await);
        }
        let known = self.known(&clients);
        // In turns, so that each of them finds the others at work.
        for turn in 0..volleys.iter().map(Vec::len).max().unwrap_or(0) {
            for ((client, user), volley) in clients.iter().zip(&self.attackers).zip(volleys) {
                if let Some(shot) = volley.get(turn) {
                    let mark = format!("ATTACK-{}.", user.name);
                    let message = shot.message(client.protocol, &known, &mark);
                    client.send_any(message).await;
                }
            }
        }
        for client in clients {
            client.close().await;
        }
        self.talk().await?;
        self.check_witness().await
    }

    /// What an attacker knows: more than it should.
    fn known(&self, clients: &[Client]) -> Vec<String> {
        let mut known: Vec<String> = ["", THEIRS, OURS, "room_alpha", "room_beta-7q2x", "match:1"]
            .map(Into::into)
            .into();
        let all = clients.iter().chain(&self.victims).chain([&self.witness]);
        known.extend(all.clone().map(|client| client.peer.clone()));
        for user in self.attackers.iter().chain(&self.victim_users) {
            known.extend([
                user.name.to_owned(),
                user.id.clone(),
                format!("user:{}", user.id),
            ]);
        }
        for client in clients {
            // Its own token, and that with the room or the peer of another.
            let (proof, _) = client.token.split_once('.').unwrap();
            known.extend([client.token.clone(), format!("{proof}.room_beta-7q2x")]);
        }
        known.push(format!("{}.room_beta-7q2x", "A".repeat(43)));
        // Often enough that some of it gets through to where it may.
        known.extend(std::iter::repeat_n(
            self.witness.peer.clone(),
            known.len() / 4,
        ));
        known.extend(std::iter::repeat_n(
            self.victims[0].peer.clone(),
            known.len() / 8,
        ));
        known
    }

    /// The victims talk to each other, and hear that and nothing else.
    async fn talk(&self) -> Result<(), String> {
        let round = self.rounds.fetch_add(1, Ordering::Relaxed);
        let word = format!("word {round}.");
        let [bob, bert, bea] = &self.victims;
        let offer = |to: &Client| {
            let to = &to.peer;
            format!(r#"42["webrtc:ice",{{"targetPeerId":"{to}","candidate":"{word}"}}]"#)
        };
        bob.send(&offer(bert)).await;
        bob.send(&offer(bea)).await;
        let chat =
            format!(r#"{{"type":"chat","room":"{OURS}","sender":"bea","payload":"{word}"}}"#);
        for (client, heard) in [(bert, "ice"), (bea, "ice-candidate")] {
            let right = |(name, _): &(String, Value)| name == heard;
            let hear = |frame: &str| told(frame).filter(right).filter(|_| frame.contains(&word));
            client.find(|frame| hear(frame).map(drop)).await;
        }
        bea.send(&chat).await;
        for client in &self.victims {
            let is_chat = |name: &str| name == "chat" || name == "chat_message";
            let right = |frame: &str| frame.contains(&word).then(|| told(frame))?;
            client
                .find(|frame| right(frame).filter(|(name, _)| is_chat(name)).map(drop))
                .await;
        }
        for client in &self.victims {
            for frame in client.take() {
                self.check_victim(&frame, &word)?;
            }
        }
        Ok(())
    }

    fn check_victim(&self, frame: &str, word: &str) -> Result<(), String> {
        let wrong = || Err(format!("a victim heard {frame}"));
        if frame.starts_with(r#"{"type":"chat-ack""#) {
            return Ok(());
        }
        if self.rounds.load(Ordering::Relaxed) == 1 {
            // They heard each other come.
            return if frame.contains("ATTACK") {
                wrong()
            } else {
                Ok(())
            };
        }
        let Some((name, payload)) = told(frame).filter(|_| frame.contains(word)) else {
            return wrong();
        };
        let [bob, _, bea] = &self.victim_users;
        let sender = match (&*name, &self.victims) {
            ("ice", _) => payload["senderId"] == *bob.id,
            ("ice-candidate", [bob, ..]) => {
                payload["sender"] == bob.peer || payload["sender"] == "bob"
            }
            ("chat", _) if payload.get("payload").is_some() => payload["sender"] == "bea",
            ("chat" | "chat_message", _) => payload["senderId"] == *bea.id,
            _ => false,
        };
        if sender { Ok(()) } else { wrong() }
    }

    /// The witness hears the attackers, each as who it is.
    async fn check_witness(&self) -> Result<(), String> {
        // What it asks now is answered after all that it was told.
        self.witness.send(r#"427["heartbeat"]"#).await;
        self.witness
            .find(|frame| frame.starts_with("437[").then_some(()))
            .await;
        for frame in self.witness.take() {
            let wrong = || format!("the witness heard {frame}");
            let Some((name, payload)) = told(&frame) else {
                continue;
            };
            let text = |field: &str| payload[field].as_str().unwrap_or_default();
            match &*name {
                "peer:joined" => {
                    let (peer, user) = (text("peerId").to_owned(), text("userId").to_owned());
                    self.came.lock().insert(peer, user);
                }
                "peer:left" | "room:joined" => {}
                "webrtc:offer" | "webrtc:answer" | "webrtc:ice" => {
                    self.check_author(&frame, text("from"), &payload)
                        .ok_or_else(wrong)?;
                }
                "chat_message" => {
                    let user = self.check_author(&frame, text("peerId"), &payload);
                    if user.ok_or_else(wrong)? != text("senderId") {
                        return Err(wrong());
                    }
                }
                _ => return Err(wrong()),
            }
        }
        Ok(())
    }

    /// Which user a frame is from, if that is the attacker whose mark it carries.
    fn check_author(&self, frame: &str, peer: &str, payload: &Value) -> Option<String> {
        let user = self.came.lock().get(peer).cloned()?;
        let attacker = self.attackers.iter().find(|attacker| attacker.id == user)?;
        let marked = self
            .attackers
            .iter()
            .find(|attacker| frame.contains(&format!("ATTACK-{}.", attacker.name)));
        let right = marked.is_none_or(|marked| marked.id == attacker.id);
        self.heard.fetch_add(1, Ordering::Relaxed);
        let target = payload.get("targetPeerId");
        let to_witness = target.is_none_or(|target| *target == self.witness.peer);
        (right && to_witness).then_some(user)
    }
}
