//! What a configuration comes to, as it is shown.

use super::super::effective::shown;
use super::*;

fn settings(vars: &[(&str, &str)], args: &[&str]) -> Vec<Setting> {
    let environment = Environment::new(vars.iter().copied(), false);
    let args = std::iter::once("switchboard")
        .chain(args.iter().copied())
        .map(OsString::from);
    Config::load_by(&command(), args, &environment).unwrap().1
}

#[test]
fn each_setting_says_where_it_comes_from() {
    let vars = [("DEV", "true"), ("PORT", "4000"), ("HOST", "::1")];
    let settings = settings(&vars, &["--port", "5000"]);
    let of = |name| {
        settings
            .iter()
            .find(|setting| setting.name == name)
            .unwrap()
    };
    let is = |name, value: Option<&str>, source| {
        let setting = of(name);
        assert_eq!((setting.value.as_deref(), setting.source), (value, source));
    };
    is("PORT", Some("5000"), Source::Flag);
    is("HOST", Some("::1"), Source::Environment);
    is("MAX_P2P_PEERS", Some("10"), Source::Default);
    is("JWKS_URL", None, Source::Unset);
    let names: Vec<&str> = settings.iter().map(|setting| setting.name).collect();
    let known: Vec<&str> = reference().iter().map(|var| var.name).collect();
    assert_eq!(names, known);
}

#[test]
fn secrets_are_hidden() {
    for name in [
        "API_KEY",
        "TURN_SECRET",
        "REDIS_PASSWORD",
        "ADMIN_UI_PASSWORD",
    ] {
        assert_eq!(shown(name, "hush"), "(hidden)", "{name}");
    }
    for (url, masked) in [
        ("redis://:hush@redis:6379/1", "redis://***@redis:6379/1"),
        ("rediss://app:hu,s@h@redis", "rediss://***@redis"),
        (
            "redis+cluster://a:hush@h1:1,h2:2",
            "redis+cluster://***@h1:1,h2:2",
        ),
        (
            "redis+sentinel://s1,s2/main?sentinel_password=hush&db=1",
            "redis+sentinel://s1,s2/main?sentinel_password=***&db=1",
        ),
        (
            "http://a,http://u:hush@b,http://c",
            "http://a,http://***@b,http://c",
        ),
        ("redis://redis:6379", "redis://redis:6379"),
    ] {
        assert_eq!(shown("REDIS_URL", url), masked);
    }
    assert_eq!(
        shown("API_KEY_FILE", "/run/secrets/api"),
        "/run/secrets/api"
    );
    assert_eq!(shown("EMITTER_KEY", "socket.io"), "socket.io");
}

#[test]
fn what_may_be_in_a_file_is_secret_unless_it_is_known_not_to_be() {
    const PUBLIC: [&str; 3] = ["JWT_PUBLIC_KEY", "EVENT_CHANNELS", "DEV_KEY"];
    for var in reference() {
        let Some(name) = var.name.strip_suffix("_FILE") else {
            continue;
        };
        let value = "redis://u:hush@host";
        let is_hidden = !shown(name, value).contains("hush");
        assert!(is_hidden || PUBLIC.contains(&name), "{name} is shown");
    }
}

#[test]
fn a_value_stays_in_its_line() {
    assert_eq!(
        shown("JWT_PUBLIC_KEY", "a\nb\u{1b}[31m"),
        "a\\nb\\u{1b}[31m"
    );
}
