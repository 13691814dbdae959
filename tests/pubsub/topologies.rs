//! Sentinel and Cluster.

use switchboard::cluster::KeyPrefix;
use switchboard::cluster::pubsub::{Channel, SubscribeError};

use crate::support::redis::{Cluster, PATIENCE, Redis, SentinelTrio, wait_until};
use crate::{Inbox, down, node, node_with, text, up, up_after};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_link_follows_a_sentinel_failover() {
    let mut trio = SentinelTrio::start();
    let (a, b) = (node(&trio.url()), node(&trio.url()));
    let channel = Channel::internal("c");
    let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
    let (first_a, first_b) = (up(&a).await, up(&b).await);
    b.publish_and_wait(&channel, text("before")).await.unwrap();
    // Redis answers the sender before it tells the others, and may be killed in between.
    inbox.wait_for(&["before"]);
    trio.servers[0].kill();
    down(&a).await;
    up_after(&a, first_a).await;
    up_after(&b, first_b).await;
    assert!(subscription.is_confirmed());
    assert_eq!(trio.servers[1].subscribers("c"), 1);
    b.publish_and_wait(&channel, text("after")).await.unwrap();
    inbox.wait_for(&["before", "after"]);
    redis::cmd("SET")
        .arg("k")
        .arg("v")
        .exec_async(&mut a.commands())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demoted_master_is_left() {
    let trio = SentinelTrio::start();
    let a = node(&trio.url());
    let channel = Channel::internal("c");
    let (_, subscription) = Inbox::subscribed(&a, &channel).await;
    let before = up(&a).await;
    trio.sentinels[0].cli(&["SENTINEL", "FAILOVER", "mymaster"]);
    // A promotion closes all connections to the server, that of redis-cli too.
    wait_until("promoted", || {
        let role = trio.servers[1].try_cli(&["ROLE"]);
        role.is_some_and(|role| role.starts_with("master"))
    });
    up_after(&a, before).await;
    subscription.confirmed().await;
    wait_until("subscribed at the new master", || {
        trio.servers[1].subscribers("c") == 1
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_shards_internal_channels() {
    let cluster = Cluster::start(0);
    let prefixed = |s: &mut switchboard::cluster::pubsub::Settings| {
        s.prefix = KeyPrefix::new("p:");
    };
    let (a, b) = (
        node_with(&cluster.url(), prefixed),
        node_with(&cluster.url(), prefixed),
    );
    up(&a).await;
    up(&b).await;
    let mut rooms = Vec::new();
    for number in 0..30 {
        let channel = Channel::internal(&format!("channel:room:{{{number}}}"));
        let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
        rooms.push((channel, inbox, subscription));
    }
    for number in 0..100 {
        for (channel, ..) in &rooms {
            b.publish(channel, text(number.to_string())).unwrap();
        }
    }
    let expected: Vec<_> = (0..100).map(|number| number.to_string()).collect();
    for (_, inbox, _) in &rooms {
        wait_until("all messages of a room", || inbox.len() >= 100);
        assert_eq!(inbox.texts(), expected);
    }
    let sharded = |node: &crate::support::redis::Redis| {
        let channels = node.cli(&["EVAL", "return #redis.call('PUBSUB', 'SHARDCHANNELS')", "0"]);
        channels.parse::<usize>().unwrap()
    };
    let spread: Vec<_> = cluster.nodes.iter().map(sharded).collect();
    assert!(spread.iter().all(|count| *count > 0), "{spread:?}");
    assert_eq!(spread.iter().sum::<usize>(), 30);
    // Commands go where their key is.
    let mut commands = a.commands();
    for number in 0..20 {
        let key = format!("room:{{{number}}}:peers");
        redis::cmd("SET")
            .arg(&key)
            .arg(number)
            .exec_async(&mut commands)
            .await
            .unwrap();
        let script = redis::Script::new("return redis.call('GET', KEYS[1])");
        let value: u32 = script.key(&key).invoke_async(&mut commands).await.unwrap();
        assert_eq!(value, number);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn raw_channels_of_a_cluster_are_heard_wherever_they_are_published() {
    let cluster = Cluster::start(0);
    let a = node(&cluster.url());
    let (inbox, _subscription) = Inbox::subscribed(&a, &Channel::raw("events")).await;
    let patterned = Inbox::default();
    let pattern = Channel::raw("ev*");
    let _pattern = a.psubscribe(&pattern, patterned.handler()).await.unwrap();
    for (number, node) in cluster.nodes.iter().enumerate() {
        node.cli(&["PUBLISH", "events", &number.to_string()]);
        wait_until("heard", || inbox.len() > number && patterned.len() > number);
    }
    inbox.wait_for(&["0", "1", "2"]);
    let sharded = a.psubscribe(&Channel::internal("ev*"), |_| Ok(())).await;
    assert_eq!(sharded.unwrap_err(), SubscribeError::ShardedPattern);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_failover_moves_subscriptions_to_the_new_master() {
    let mut cluster = Cluster::start(1);
    let (a, b) = (node(&cluster.url()), node(&cluster.url()));
    up(&b).await;
    // Slot 12182 is that of the third master.
    let channel = Channel::internal("channel:room:{foo}");
    let elsewhere = Channel::internal("channel:room:{bar}");
    let (inbox, subscription) = Inbox::subscribed(&a, &channel).await;
    let (others, _other) = Inbox::subscribed(&a, &elsewhere).await;
    let before = up(&a).await;
    b.publish_and_wait(&channel, text("before")).await.unwrap();
    cluster.nodes[2].kill();
    wait_until("noticed", || !subscription.is_confirmed());
    // The other masters go on.
    b.publish_and_wait(&elsewhere, text("meanwhile"))
        .await
        .unwrap();
    others.wait_for(&["meanwhile"]);
    up_after(&a, before).await;
    subscription.confirmed().await;
    let published = async { while b.publish_and_wait(&channel, text("after")).await.is_err() {} };
    tokio::time::timeout(PATIENCE, published).await.unwrap();
    wait_until("heard", || {
        inbox.texts().last().is_some_and(|last| last == "after")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_slot_takes_its_subscriptions_along() {
    let cluster = Cluster::start(0);
    let (a, b) = (node(&cluster.url()), node(&cluster.url()));
    up(&b).await;
    let channel = Channel::internal("channel:room:{foo}");
    let (inbox, _subscription) = Inbox::subscribed(&a, &channel).await;
    let before = up(&a).await;
    b.publish_and_wait(&channel, text("before")).await.unwrap();
    // The new node first, and as one that imports: so its claim is newer than the former one.
    let id = |node: &Redis| node.cli(&["CLUSTER", "MYID"]);
    let (to, from) = (&cluster.nodes[0], &cluster.nodes[2]);
    to.cli(&["CLUSTER", "SETSLOT", "12182", "IMPORTING", &id(from)]);
    from.cli(&["CLUSTER", "SETSLOT", "12182", "MIGRATING", &id(to)]);
    for node in &cluster.nodes {
        node.cli(&["CLUSTER", "SETSLOT", "12182", "NODE", &id(to)]);
    }
    wait_until("subscribed at the new node", || {
        let counted = cluster.nodes[0].cli(&["PUBSUB", "SHARDNUMSUB", "channel:room:{foo}"]);
        counted.lines().last() == Some("1")
    });
    up_after(&a, before).await;
    b.publish_and_wait(&channel, text("after")).await.unwrap();
    inbox.wait_for(&["before", "after"]);
}
