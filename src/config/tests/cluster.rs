//! Which Redis, and what the node is called.

use super::{load, mistakes, subjects};

fn redis(vars: &[(&str, &str)]) -> Option<String> {
    let vars: Vec<_> = vars.iter().copied().chain([("DEV", "true")]).collect();
    let cluster = load(&vars, &[]).unwrap().cluster;
    cluster.map(|cluster| cluster.redis.to_string())
}

#[test]
fn a_node_is_alone_unless_told_of_a_redis() {
    assert_eq!(redis(&[]), None);
    assert_eq!(
        redis(&[("REDIS_KEY_PREFIX", "a:"), ("NODE_ID", "n1")]),
        None
    );
}

#[test]
fn a_redis_is_named_by_url_or_by_its_parts() {
    let url = redis(&[("REDIS_URL", "redis://user:secret@cache:6380/2")]);
    assert_eq!(url.as_deref(), Some("redis://cache:6380/2"));
    let parts = redis(&[
        ("REDIS_HOST", "cache"),
        ("REDIS_PORT", "6380"),
        ("REDIS_DB", "2"),
    ]);
    assert_eq!(parts, url);
    let usual = redis(&[("REDIS_HOST", "cache"), ("REDIS_PASSWORD", "secret")]);
    assert_eq!(usual.as_deref(), Some("redis://cache:6379/0"));
}

#[test]
fn a_password_is_never_shown() {
    let vars = [("DEV", "true"), ("REDIS_URL", "redis://:hunter2@cache")];
    let config = load(&vars, &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
    let vars = [("DEV", "true"), ("REDIS_URL", "http://:hunter2@cache")];
    assert!(!mistakes(&vars, &[]).join("\n").contains("hunter2"));
}

#[test]
fn parts_beside_a_url_or_without_a_host_are_mistakes() {
    let vars = [
        ("DEV", "true"),
        ("REDIS_URL", "redis://a"),
        ("REDIS_HOST", "b"),
        ("REDIS_DB", "1"),
    ];
    assert_eq!(subjects(&vars, &[]), ["REDIS_HOST", "REDIS_DB"]);
    let vars = [("DEV", "true"), ("REDIS_PASSWORD", "x")];
    assert_eq!(subjects(&vars, &[]), ["REDIS_PASSWORD"]);
}

#[test]
fn names_that_would_break_keys_are_mistakes() {
    let vars = [
        ("DEV", "true"),
        ("REDIS_KEY_PREFIX", "a{b}:"),
        ("NODE_ID", "one/two"),
        ("READY_WITHOUT_REDIS", "perhaps"),
    ];
    let expected = ["REDIS_KEY_PREFIX", "NODE_ID", "READY_WITHOUT_REDIS"];
    assert_eq!(subjects(&vars, &[]), expected);
}

#[test]
fn a_node_without_a_name_draws_one_of_its_own() {
    let name = || {
        let vars = [("DEV", "true"), ("REDIS_URL", "redis://a")];
        load(&vars, &[]).unwrap().cluster.unwrap().node
    };
    assert_ne!(name(), name());
    assert!(name().starts_with("node-"));
}
