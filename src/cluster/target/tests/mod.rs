use super::*;

fn parse(url: &str) -> RedisTarget {
    RedisTarget::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"))
}

fn fails(url: &str) -> TargetError {
    RedisTarget::parse(url).expect_err(url)
}

fn standalone(target: &RedisTarget) -> &Address {
    match &target.topology {
        Topology::Standalone(address) => address,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_plain_url_needs_only_a_host() {
    let target = parse("redis://localhost");
    assert_eq!(*standalone(&target), Address::new("localhost", 6379));
    assert_eq!(target.db, 0);
    assert!(target.tls.is_none());
    assert!(target.credentials.username.is_none() && target.credentials.password.is_none());
}

#[test]
fn a_plain_url_may_say_all() {
    let target = parse("rediss://alice:p%40ss:w%2Frd@[::1]:7000/5");
    assert_eq!(*standalone(&target), Address::new("::1", 7000));
    assert_eq!(target.db, 5);
    assert!(target.tls.is_some());
    assert_eq!(target.credentials.username.as_deref(), Some("alice"));
    assert_eq!(target.credentials.password(), Some("p@ss:w/rd"));
    assert_eq!(target.to_string(), "rediss://[::1]:7000/5");
}

#[test]
fn a_password_needs_no_user_and_the_database_may_be_a_parameter() {
    let target = parse("redis://:secret@cache/?db=3");
    assert_eq!(target.credentials.username, None);
    assert_eq!(target.credentials.password(), Some("secret"));
    assert_eq!(target.db, 3);
}

#[test]
fn an_at_sign_and_a_plus_in_a_password_are_taken_as_they_are() {
    let target = parse("redis://u:a@b+c@cache");
    assert_eq!(target.credentials.password(), Some("a@b+c"));
}

#[test]
fn sentinel_urls_name_sentinels_service_and_database() {
    for url in [
        "redis+sentinel://u:p@a:1,b/mymaster/2?sentinelPassword=sp",
        "redis-sentinel://u:p@a:1,b/mymaster?db=2&sentinelPassword=sp",
        "redis-sentinel://u:p@a:1,b/2?sentinelServiceName=mymaster&sentinelPassword=sp",
    ] {
        let target = parse(url);
        let Topology::Sentinel {
            sentinels,
            service,
            credentials,
        } = &target.topology
        else {
            panic!("{target:?}");
        };
        assert_eq!(*sentinels, [Address::new("a", 1), Address::new("b", 26379)]);
        assert_eq!(service, "mymaster");
        assert_eq!(target.db, 2);
        assert_eq!(target.credentials.password(), Some("p"));
        assert_eq!(credentials.password(), Some("sp"));
        assert_eq!(
            target.to_string(),
            "redis+sentinel://a:1,b:26379/mymaster/2"
        );
    }
    assert_eq!(fails("redis+sentinel://a,b"), TargetError::NoService);
}

#[test]
fn a_list_of_addresses_is_a_cluster() {
    for url in [
        "redis+cluster://a:1,b",
        "redis://a:1,b",
        "redis-cluster://a:1,b:6379/0",
    ] {
        let target = parse(url);
        assert!(target.is_cluster());
        assert_eq!(target.to_string(), "redis+cluster://a:1,b:6379");
    }
    assert!(parse("rediss+cluster://a").is_cluster());
    assert_eq!(fails("redis+cluster://a,b/1"), TargetError::ClusterDatabase);
}

#[test]
fn what_is_wrong_is_named() {
    assert_eq!(fails("localhost:6379"), TargetError::Scheme);
    assert_eq!(fails("http://localhost"), TargetError::Scheme);
    assert_eq!(fails("redis+proxy://localhost"), TargetError::Scheme);
    assert_eq!(fails("redis://"), TargetError::NoHost);
    assert_eq!(fails("redis://u:p@/1"), TargetError::NoHost);
    assert_eq!(fails("redis://a,,b"), TargetError::Address);
    assert_eq!(fails("redis://[::1"), TargetError::Address);
    assert_eq!(fails("redis://a:70000"), TargetError::Port);
    assert_eq!(fails("redis://a:0"), TargetError::Port);
    assert_eq!(fails("redis://:%zz@a"), TargetError::Credentials);
    assert_eq!(fails("redis://a/x"), TargetError::Database);
    assert_eq!(fails("redis://a/1/2"), TargetError::Path);
    assert_eq!(fails("redis://a?protocol=resp3"), TargetError::Parameter);
}

#[test]
fn secrets_do_not_show() {
    let target = parse("redis+sentinel://u:hush1@a/m?sentinelPassword=hush2");
    let shown = format!("{target:?} {target}");
    assert!(!shown.contains("hush"), "{shown}");
    let alone = RedisTarget::standalone("h", 6379, Some("hush3".into()), 4);
    assert!(!format!("{alone:?}").contains("hush"));
    assert_eq!(alone.to_string(), "redis://h:6379/4");
}

proptest::proptest! {
    #[test]
    fn nothing_panics(url in "(redis|rediss)[+-]?(sentinel|cluster)?://.{0,40}") {
        let _ = RedisTarget::parse(&url);
    }
}
