//! Chat in a real Redis: what is kept, who delivers it, and how re-sends are recognised.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

#[path = "../support/mod.rs"]
mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use parking_lot::Mutex;
use support::redis::{PATIENCE, Redis, wait_until};
use switchboard::cluster::chat::{ChatKeeping, Sent, SharedBuffer, Stamp};
use switchboard::cluster::{Cluster, ClusterSettings, KeyPrefix, RedisTarget, RoomKeys, Said};
use switchboard::core::{ChatMessage, Gossip, Member, PeerId, RoomId};
use switchboard::services::chat::{Batch, Buffer, Claim, Removal};
use uuid::Uuid;

const BUFFER: &str = "chat:buffer:{r}";

async fn cluster(redis: &Redis, name: &str, chat: ChatKeeping) -> Arc<Cluster> {
    cluster_at(&redis.url(), name, chat).await
}

async fn cluster_at(url: &str, name: &str, chat: ChatKeeping) -> Arc<Cluster> {
    let settings = ClusterSettings {
        redis: RedisTarget::parse(url).unwrap(),
        prefix: KeyPrefix::default(),
        node: name.to_owned(),
        presence_ttl: Duration::from_secs(30),
        chat,
    };
    let cluster = Cluster::start(settings).await.unwrap();
    up(&cluster).await;
    cluster
}

async fn up(cluster: &Cluster) {
    let mut link = cluster.link();
    let up = link.wait_for(|link| link.up);
    tokio::time::timeout(PATIENCE, up).await.unwrap().unwrap();
}

fn room() -> RoomId {
    RoomId::new("r")
}

fn keys(cluster: &Cluster) -> RoomKeys {
    cluster.room(&room(), &"r".parse().unwrap())
}

fn message(number: u128, client_id: Option<&str>) -> Arc<ChatMessage> {
    Arc::new(ChatMessage {
        id: Uuid::from_u128(number),
        room: room(),
        peer: PeerId::new(Uuid::nil()),
        author: Arc::new(Member {
            user: "anna".into(),
            username: "Anna".into(),
            alias: None,
        }),
        content: "hello".into(),
        timestamp: 7,
        client_id: client_id.map(Into::into),
    })
}

/// Says messages, and waits until they are kept.
async fn say(cluster: &Cluster, messages: impl IntoIterator<Item = Arc<ChatMessage>>) {
    let (keys, kept) = (keys(cluster), Arc::new(AtomicUsize::new(0)));
    let mut count = 0;
    for message in messages {
        count += 1;
        let kept = Arc::clone(&kept);
        cluster.say(&keys, &Gossip::Chat(Arc::clone(&message)));
        let note = Box::new(move |_| {
            kept.fetch_add(1, Ordering::SeqCst);
        });
        cluster.chat().when_kept(&room(), message.id, note);
    }
    let all = async {
        while kept.load(Ordering::SeqCst) < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.unwrap();
}

/// Says a message, and waits until it is kept: the answer is as which other one, if it is not.
async fn kept_as(cluster: &Cluster, message: Arc<ChatMessage>) -> Option<Stamp> {
    let (sender, answer) = tokio::sync::oneshot::channel();
    let id = message.id;
    cluster.say(&keys(cluster), &Gossip::Chat(message));
    let kept = Box::new(move |sent_as| sender.send(sent_as).unwrap());
    cluster.chat().when_kept(&room(), id, kept);
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap()
        .unwrap()
}

fn said(numbers: impl IntoIterator<Item = u128>) -> impl Iterator<Item = Arc<ChatMessage>> {
    numbers.into_iter().map(|number| message(number, None))
}

/// The ids in a list, shortened to the numbers they were made of.
fn listed(redis: &Redis, key: &str) -> Vec<u128> {
    let printed = redis.try_cli(&["LRANGE", key, "0", "-1"]);
    let printed = printed.unwrap_or_default();
    let lines = printed.lines().filter(|line| !line.is_empty());
    Batch::new(lines.map(|line| line.to_owned().into()))
        .ids()
        .iter()
        .map(Uuid::as_u128)
        .collect()
}

async fn batch(buffer: &SharedBuffer, token: &str) -> Batch {
    match buffer.claim(&room(), token).await.unwrap() {
        Claim::Batch(batch) => batch,
        other => panic!("a batch was expected, not {other:?}"),
    }
}

/// Lets the lease of whoever delivers run out.
fn lapse(redis: &Redis) {
    redis.cli(&["HSET", "chat:flush:{r}", "until", "1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_in_the_buffer_in_order_and_for_good() {
    let redis = Redis::start();
    let node = cluster(&redis, "a", ChatKeeping::Queue).await;
    say(&node, said(0..1_500)).await;
    assert_eq!(listed(&redis, BUFFER), (0..1_500).collect::<Vec<u128>>());
    assert_eq!(redis.cli(&["TTL", BUFFER]), "-1");
    assert!(!node.chat().has_place(&room(), 1_500) && node.chat().has_place(&room(), 1_501));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_chat_service_the_last_thousand_are_kept_for_a_day() {
    let redis = Redis::start();
    let node = cluster(&redis, "a", ChatKeeping::Ring).await;
    say(&node, said(0..1_010)).await;
    assert_eq!(listed(&redis, BUFFER), (10..1_010).collect::<Vec<u128>>());
    let ttl: u64 = redis.cli(&["TTL", BUFFER]).parse().unwrap();
    assert!((1..=86_400).contains(&ttl));
    assert!(node.chat().has_place(&room(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_re_send_is_recognised_by_room_user_and_id() {
    let redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    let b = cluster(&redis, "b", ChatKeeping::Queue).await;
    let stamp = |number| Stamp {
        id: Uuid::from_u128(number),
        timestamp: 7,
    };
    let (room, anna, bert) = (room(), "anna".into(), "bert".into());
    let first = a.announce_chat(&room, &anna, "c", stamp(1)).await;
    assert_eq!(first, Ok(Sent::Never(stamp(1))));
    assert_eq!(
        b.announce_chat(&room, &anna, "c", stamp(2)).await,
        Ok(Sent::Soon)
    );
    let another = b.announce_chat(&room, &bert, "c", stamp(3)).await;
    assert_eq!(another, Ok(Sent::Never(stamp(3))));
    say(&a, [message(1, Some("c"))]).await;
    let again = b.announce_chat(&room, &anna, "c", stamp(4)).await;
    assert_eq!(again, Ok(Sent::As(stamp(1))));
    for key in redis.cli(&["KEYS", "chat:sent:*"]).lines() {
        let ttl: u64 = redis.cli(&["TTL", key]).parse().unwrap();
        assert!((500..=600).contains(&ttl), "{key} lapses in {ttl} s");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_over_an_announcement_says_it_under_the_same_id() {
    let redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    let b = cluster(&redis, "b", ChatKeeping::Queue).await;
    let stamp = |number, timestamp| Stamp {
        id: Uuid::from_u128(number),
        timestamp,
    };
    let (room, anna) = (room(), "anna".into());
    let first = a.announce_chat(&room, &anna, "c", stamp(1, 7)).await;
    assert_eq!(first, Ok(Sent::Never(stamp(1, 7))));
    let key = redis.cli(&["KEYS", "chat:sent:*"]);
    let mark = redis.cli(&["GET", &key]);
    let lapsed = mark.split(' ').enumerate();
    let lapsed = lapsed.map(|(place, part)| if place == 1 { "1" } else { part });
    redis.cli(&["SET", &key, &lapsed.collect::<Vec<&str>>().join(" ")]);
    let second = b.announce_chat(&room, &anna, "c", stamp(2, 8)).await;
    assert_eq!(second, Ok(Sent::Never(stamp(1, 7))));
    // Should the first be late and not dead, both say the same, and it is kept once.
    say(&b, [message(1, Some("c"))]).await;
    say(&a, [message(1, Some("c"))]).await;
    assert_eq!(listed(&redis, BUFFER), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_as_another_message_is_answered_with_that_and_not_kept_again() {
    let redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    let b = cluster(&redis, "b", ChatKeeping::Queue).await;
    say(&a, [message(1, Some("c"))]).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let note = Arc::clone(&told);
    b.chat().on_sent_before(move |room, id, stamp| {
        note.lock().push((room.clone(), id.as_u128(), stamp));
    });
    let first = Stamp {
        id: Uuid::from_u128(1),
        timestamp: 7,
    };
    assert_eq!(kept_as(&b, message(2, Some("c"))).await, Some(first));
    assert_eq!(listed(&redis, BUFFER), [1]);
    assert_eq!(*told.lock(), [(room(), 2, first)]);
    // Whoever asks when it is over gets the same answer.
    let (sender, answer) = tokio::sync::oneshot::channel();
    let kept = Box::new(move |sent_as| sender.send(sent_as).unwrap());
    b.chat().when_kept(&room(), Uuid::from_u128(2), kept);
    assert_eq!(answer.await.unwrap(), Some(first));
    // Under another id of the sender it is another message.
    assert_eq!(kept_as(&b, message(3, Some("d"))).await, None);
    assert_eq!(listed(&redis, BUFFER), [1, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_without_redis_is_kept_under_its_id_whatever_others_said() {
    let mut redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    redis.kill();
    let mut link = a.link();
    link.wait_for(|link| !link.up).await.unwrap();
    a.chat().link_closed();
    say(&a, [message(1, Some("c"))]).await;
    redis.restart();
    let b = cluster(&redis, "b", ChatKeeping::Queue).await;
    say(&b, [message(2, Some("c"))]).await;
    up(&a).await;
    a.chat().link_opened();
    wait_until("all is written", || a.chat().waiting() == 0);
    assert_eq!(listed(&redis, BUFFER), [2, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_delivers_at_a_time_and_who_is_late_removes_nothing() {
    let redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    let (one, two) = (SharedBuffer(Arc::clone(&a)), SharedBuffer(Arc::clone(&a)));
    assert_eq!(one.claim(&room(), "one").await, Ok(Claim::Nothing));
    say(&a, said(0..3)).await;
    let under_way = batch(&one, "one").await;
    assert!(matches!(
        two.claim(&room(), "two").await,
        Ok(Claim::Taken(_))
    ));
    say(&a, said(3..5)).await;
    lapse(&redis);
    // The batch under way stays what it was, whoever sends it.
    assert_eq!(batch(&two, "two").await, under_way);
    assert_eq!(
        one.done(&room(), "one", &under_way).await,
        Ok(Removal::Overtaken)
    );
    assert_eq!(
        two.done(&room(), "two", &under_way).await,
        Ok(Removal::Done { left: 2 })
    );
    // An answer may get lost: doing it again does no harm.
    assert_eq!(
        two.done(&room(), "two", &under_way).await,
        Ok(Removal::Done { left: 2 })
    );
    let rest = batch(&two, "two").await;
    assert_eq!(rest.ids(), [3, 4].map(Uuid::from_u128));
    assert_eq!(
        two.done(&room(), "two", &rest).await,
        Ok(Removal::Done { left: 0 })
    );
    assert_eq!(redis.cli(&["EXISTS", BUFFER, "chat:flush:{r}"]), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_renewed_does_not_lapse() {
    let redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    let buffer = SharedBuffer(Arc::clone(&a));
    say(&a, said(0..1)).await;
    batch(&buffer, "one").await;
    lapse(&redis);
    buffer.renew(&room(), "two").await;
    assert_eq!(redis.cli(&["HGET", "chat:flush:{r}", "until"]), "1");
    buffer.renew(&room(), "one").await;
    assert!(matches!(
        buffer.claim(&room(), "two").await,
        Ok(Claim::Taken(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_message_is_put_aside_alone_and_only_so_many() {
    let redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    let buffer = SharedBuffer(Arc::clone(&a));
    say(&a, said(0..4)).await;
    assert_eq!(batch(&buffer, "t").await.len(), 4);
    buffer.shrink(&room(), "other", 1).await.unwrap();
    assert_eq!(batch(&buffer, "t").await.len(), 4);
    buffer.shrink(&room(), "t", 1).await.unwrap();
    let poison = batch(&buffer, "t").await;
    assert_eq!(poison.len(), 1);
    let letter = br#"{"why":"not this one"}"#;
    let not_mine = buffer.bury(&room(), "other", &poison, letter, 1).await;
    assert_eq!(not_mine, Ok(Removal::Overtaken));
    for _ in 0..2 {
        let buried = buffer.bury(&room(), "t", &poison, letter, 1).await;
        assert_eq!(
            buried,
            Ok(Removal::Done { left: 3 }),
            "once more does no harm"
        );
    }
    let dead = redis.cli(&["LRANGE", "chat:dead:{r}", "0", "-1"]);
    assert_eq!(dead.as_bytes(), letter);
    let next = batch(&buffer, "t").await;
    assert_eq!(next.len(), 3, "the next batch is whole again");
    buffer.shrink(&room(), "t", 1).await.unwrap();
    let next = batch(&buffer, "t").await;
    let full = buffer.bury(&room(), "t", &next, letter, 1).await;
    assert_eq!(full, Ok(Removal::Full));
    assert_eq!(listed(&redis, BUFFER), [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_what_waits_is_found_without_reading_all() {
    let redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    let buffer = SharedBuffer(Arc::clone(&a));
    assert_eq!(buffer.page(&room(), None, 10).await, Ok(Vec::new()));
    say(&a, said(0..1_000)).await;
    let page = async |before: Option<u128>, limit| {
        let page = buffer
            .page(&room(), before.map(Uuid::from_u128), limit)
            .await;
        let ids = Batch::new(page.unwrap()).ids().to_vec();
        ids.iter().map(Uuid::as_u128).collect::<Vec<u128>>()
    };
    let newest = page(None, 10).await;
    assert!(newest.ends_with(&(990..1_000).collect::<Vec<u128>>()) && newest.len() < 200);
    let older = page(Some(500), 10).await;
    assert!((490..500).all(|number| older.contains(&number)) && older.len() < 200);
    assert!(page(Some(0), 10).await.iter().all(|number| *number < 100));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_empty_redis_lost_is_written_again_before_what_waited() {
    let mut redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    say(&a, said(0..5)).await;
    let delivered = batch(&SharedBuffer(Arc::clone(&a)), "t").await;
    SharedBuffer(Arc::clone(&a))
        .done(&room(), "t", &delivered)
        .await
        .unwrap();
    say(&a, said(5..10)).await;
    redis.kill();
    let mut link = a.link();
    link.wait_for(|link| !link.up).await.unwrap();
    a.chat().link_closed();
    // Acknowledged at once: there is no Redis to wait for.
    say(&a, said(10..15)).await;
    redis.restart();
    up(&a).await;
    assert_eq!(a.chat().waiting(), 5);
    a.chat().link_opened();
    wait_until("all is written", || a.chat().waiting() == 0);
    assert_eq!(listed(&redis, BUFFER), (5..15).collect::<Vec<u128>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_after_an_outage_leaves_room_in_the_queue_for_the_rest() {
    let mut redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    say(&a, said(0..9_000)).await;
    redis.kill();
    a.link().wait_for(|link| !link.up).await.unwrap();
    a.chat().link_closed();
    say(&a, said(9_000..18_000)).await;
    redis.restart();
    up(&a).await;
    a.chat().link_opened();
    let mut deepest = 0;
    wait_until("all is written", || {
        deepest = deepest.max(a.pubsub().queue_depth().0);
        a.chat().waiting() == 0
    });
    // Other messages of the node have their places beside them.
    assert!((1..=4_200).contains(&deepest), "{deepest} at once");
    assert_eq!(a.pubsub().publisher_stats().total.refused, 0);
    assert_eq!(listed(&redis, BUFFER), (0..18_000).collect::<Vec<u128>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_once_more_says_so() {
    let mut redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    say(&a, said(0..2)).await;
    redis.kill();
    a.link().wait_for(|link| !link.up).await.unwrap();
    a.chat().link_closed();
    say(&a, said(2..3)).await;
    redis.restart();
    let b = cluster(&redis, "b", ChatKeeping::Queue).await;
    let heard: Arc<Mutex<Vec<(u128, bool)>>> = Arc::default();
    let notes = Arc::clone(&heard);
    let hear = move |said: Said| {
        let (_, gossip) = said.read()?;
        if let Gossip::Chat(message) = gossip {
            let note = (message.id.as_u128(), said.is_repeated());
            notes.lock().push(note);
        }
        Ok(())
    };
    let _subscription = b.listen(&keys(&b), hear).await.unwrap();
    up(&a).await;
    a.chat().link_opened();
    wait_until("all is heard", || heard.lock().len() == 3);
    assert_eq!(*heard.lock(), [(0, true), (1, true), (2, false)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_for_redis_is_bounded() {
    let mut redis = Redis::start();
    let a = cluster(&redis, "a", ChatKeeping::Queue).await;
    redis.kill();
    a.link().wait_for(|link| !link.up).await.unwrap();
    a.chat().link_closed();
    let keys = keys(&a);
    let mut accepted = 0_u128;
    while a.chat().has_place(&room(), usize::MAX) {
        a.say(&keys, &Gossip::Chat(message(accepted, None)));
        accepted += 1;
    }
    assert_eq!(accepted, 10_000);
    assert_eq!(a.chat().waiting(), 10_000);
    let claim = SharedBuffer(Arc::clone(&a)).claim(&room(), "t").await;
    assert!(claim.is_err(), "{claim:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_cluster_all_of_it_works_too() {
    let servers = support::redis::Cluster::start(0);
    let node = cluster_at(&servers.url(), "a", ChatKeeping::Queue).await;
    let buffer = SharedBuffer(Arc::clone(&node));
    let stamp = Stamp {
        id: Uuid::from_u128(1),
        timestamp: 7,
    };
    let (room, anna) = (room(), "anna".into());
    let first = node.announce_chat(&room, &anna, "c", stamp).await;
    assert_eq!(first, Ok(Sent::Never(stamp)));
    say(&node, [message(1, Some("c")), message(2, None)]).await;
    let again = node.announce_chat(&room, &anna, "c", stamp).await;
    assert_eq!(again, Ok(Sent::As(stamp)));
    assert_eq!(buffer.page(&room, None, 10).await.unwrap().len(), 2);
    assert_eq!(batch(&buffer, "t").await.len(), 2);
    buffer.shrink(&room, "t", 1).await.unwrap();
    let poison = batch(&buffer, "t").await;
    let buried = buffer.bury(&room, "t", &poison, b"{}", 9).await;
    assert_eq!(buried, Ok(Removal::Done { left: 1 }));
    let rest = batch(&buffer, "t").await;
    let done = buffer.done(&room, "t", &rest).await;
    assert_eq!(done, Ok(Removal::Done { left: 0 }));
}
