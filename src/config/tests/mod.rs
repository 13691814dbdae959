//! Whole configurations, good and bad.

use std::ffi::OsString;
use std::time::Duration;

use super::*;

mod api;
mod cluster;
mod effective;
mod keys;
mod limits;
mod tls;
mod traces;
mod turn;

fn load(vars: &[(&str, &str)], args: &[&str]) -> Result<Config, LoadError> {
    let environment = Environment::new(vars.iter().copied(), false);
    let args = std::iter::once("switchboard")
        .chain(args.iter().copied())
        .map(OsString::from);
    Config::load(args, &environment)
}

/// The mistakes, each as `SUBJECT: problem`.
fn mistakes(vars: &[(&str, &str)], args: &[&str]) -> Vec<String> {
    match load(vars, args) {
        Err(LoadError::Invalid(errors)) => errors.to_string().lines().map(str::to_owned).collect(),
        other => panic!("expected mistakes, got {other:?}"),
    }
}

fn subjects(vars: &[(&str, &str)], args: &[&str]) -> Vec<String> {
    let subject = |line: &String| line.split(':').next().unwrap().to_owned();
    mistakes(vars, args).iter().map(subject).collect()
}

#[test]
fn the_defaults_are_those_of_the_documentation() {
    let config = load(&[("DEV", "true")], &[]).unwrap();
    assert_eq!(
        config.listen,
        ListenConfig {
            host: "0.0.0.0".into(),
            port: 3000
        }
    );
    let local = Origin::parse("http://localhost:5173").unwrap();
    assert_eq!(
        config.origins,
        OriginConfig {
            allowed: vec![local],
            require_origin: false
        }
    );
    assert!(matches!(config.auth.keys, KeySource::Dev) && config.dev);
    assert_eq!((config.auth.issuer, config.auth.audience), (None, None));
    assert_eq!(config.auth.cookie, "access_token");
    assert_eq!(config.engine.ping_interval, Duration::from_secs(25));
    assert_eq!(config.engine.ping_timeout, Duration::from_secs(20));
    assert_eq!(config.engine.max_payload_bytes, 100_000);
    assert_eq!(config.engine.parser, SocketParser::Common);
    assert_eq!(config.emitter_key, "socket.io");
    assert_eq!(config.rooms.max_p2p_peers, 10);
    assert_eq!(config.rooms.reconnect_window, Duration::from_secs(5));
    assert_eq!(config.rooms.presence_ttl, Duration::from_secs(30));
    assert_eq!(config.shutdown.grace, Duration::from_secs(10));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn the_log_is_pretty_on_a_terminal() {
    let load = |vars: &[(&str, &str)]| {
        let environment = Environment::new(vars.iter().copied(), true);
        Config::load([OsString::from("switchboard")], &environment)
            .unwrap()
            .log
            .format
    };
    assert_eq!(load(&[("DEV", "true")]), LogFormat::Pretty);
    assert_eq!(
        load(&[("DEV", "true"), ("LOG_FORMAT", "json")]),
        LogFormat::Json
    );
}

#[test]
fn a_flag_wins_over_the_variable_and_empty_variables_count_as_unset() {
    let vars = [
        ("DEV", "1"),
        ("PORT", "4000"),
        ("HOST", ""),
        ("JWKS_URL", ""),
    ];
    let config = load(
        &vars,
        &["--port", "0", "--require-origin", "--socket-parser=MsgPack"],
    );
    let config = config.unwrap();
    assert_eq!(
        config.listen,
        ListenConfig {
            host: "0.0.0.0".into(),
            port: 0
        }
    );
    assert!(config.origins.require_origin);
    assert_eq!(config.engine.parser, SocketParser::MsgPack);
    assert!(
        !load(&vars, &["--require-origin", "false"])
            .unwrap()
            .origins
            .require_origin
    );
}

#[test]
fn every_mistake_is_reported_at_once() {
    let vars = [
        ("HOST", "not a host"),
        ("PORT", "65536"),
        (
            "CLIENT_URL",
            "http://ok.example,app.example,http://ok.example/path,*",
        ),
        ("JWKS_URL", "id.example/jwks"),
        ("AUTH_COOKIE", "access token"),
        ("REQUIRE_ORIGIN", "maybe"),
        ("SOCKET_PARSER", "protobuf"),
        ("MAX_P2P_PEERS", "1"),
        ("PING_INTERVAL_MS", "-1"),
        ("MAX_PAYLOAD_BYTES", "1e5"),
    ];
    let found = subjects(
        &vars,
        &["--log-format", "xml", "--prot", "1", "--ping-timeout-ms"],
    );
    for subject in [
        "HOST",
        "PORT",
        "CLIENT_URL",
        "JWKS_URL",
        "AUTH_COOKIE",
        "REQUIRE_ORIGIN",
        "SOCKET_PARSER",
        "MAX_P2P_PEERS",
        "PING_INTERVAL_MS",
        "MAX_PAYLOAD_BYTES",
        "LOG_FORMAT",
        "--prot",
        "PING_TIMEOUT_MS",
    ] {
        assert!(
            found.iter().any(|found| found == subject),
            "{subject} in {found:?}"
        );
    }
    assert_eq!(
        found
            .iter()
            .filter(|subject| *subject == "CLIENT_URL")
            .count(),
        3
    );
}

#[test]
fn what_the_command_line_gets_wrong_is_reported_with_the_rest() {
    let dev = [("DEV", "true"), ("LOG_FORMAT", "x")];
    for (args, subject) in [
        (&["--bogus"][..], "--bogus"),
        (&["--bogus=hush"], "--bogus"),
        (&["-x"], "-x"),
        (&["stray"], "command line"),
        (&["--host"], "HOST"),
        (&["--host="], "HOST"),
        (&["--host", "a", "--host", "b"], "HOST"),
        (&["--jwt-public-key"], "JWT_PUBLIC_KEY"),
        (&["--host", "--require-origin"], "HOST"),
        (&["--", "stray"], "--"),
        (&["--bogus", "hush", "hush"], "command line"),
        (&["--port=1", "hush"], "command line"),
    ] {
        let found = subjects(&dev, args);
        assert!(
            found.iter().any(|found| found == subject),
            "{args:?}: {found:?}"
        );
        assert!(
            found.iter().any(|found| found == "LOG_FORMAT"),
            "{args:?}: {found:?}"
        );
        assert!(!mistakes(&dev, args).concat().contains("hush"));
    }
}

#[test]
fn help_and_version_are_no_mistakes() {
    for args in [["--help"], ["-h"], ["--version"], ["-V"]] {
        let error = load(&[("PORT", "x")], &args).unwrap_err();
        assert!(matches!(&error, LoadError::Info(_)), "{error}");
        assert_eq!(error.exit_code(), 0);
    }
    let help = load(&[], &["--help"]).unwrap_err().to_string();
    for var in reference() {
        let name = var.name;
        let shown = [
            format!("{} <{name}>", var.flag()),
            format!("{} [<{name}>]", var.flag()),
        ];
        assert!(
            shown.iter().any(|shown| help.contains(shown)),
            "{name} in {help}"
        );
    }
    assert_eq!(load(&[], &[]).unwrap_err().exit_code(), EX_USAGE);
}

#[test]
fn passwords_in_urls_are_refused_and_not_printed() {
    for (name, url) in [
        ("JWKS_URL", "https://user:hush@id.example/jwks"),
        ("JWKS_URL", "https://user:hush@"),
        ("JWKS_URL", "ftp://hush@id.example"),
        ("CLIENT_URL", "https://user:hush@app.example"),
    ] {
        let found = mistakes(&[("DEV", "true"), (name, url)], &[]);
        assert!(found.len() == 1 && found[0].starts_with(name), "{found:?}");
        assert!(!found[0].contains("hush"), "{found:?}");
    }
}

#[test]
fn hosts_may_be_addresses_or_names() {
    for (given, host) in [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::]", "::"),
        ("localhost", "localhost"),
        ("gw-1.internal", "gw-1.internal"),
    ] {
        assert_eq!(
            load(&[("DEV", "1"), ("HOST", given)], &[])
                .unwrap()
                .listen
                .host,
            host
        );
    }
    for given in ["256.0.0.1", "1.2.3", "a..b", "http://x", "x:80", " ", "[::"] {
        assert_eq!(
            subjects(&[("DEV", "1"), ("HOST", given)], &[]),
            ["HOST"],
            "{given}"
        );
    }
}

#[test]
fn origins_are_normalised_and_not_repeated() {
    let list = "http://a.example, HTTP://A.example:80/ ,https://b.example";
    let config = load(&[("DEV", "1"), ("CLIENT_URL", list)], &[]).unwrap();
    let allowed: Vec<&str> = config.origins.allowed.iter().map(Origin::as_str).collect();
    assert_eq!(allowed, ["http://a.example", "https://b.example"]);
}

#[cfg(unix)]
#[test]
fn values_that_are_no_text_are_mistakes() {
    use std::os::unix::ffi::OsStringExt;
    let name = OsString::from_vec(vec![0xff]);
    let environment =
        Environment::new([("DEV", OsString::from("1")), ("AUTH_COOKIE", name)], false);
    let error = Config::load([OsString::from("switchboard")], &environment).unwrap_err();
    assert_eq!(error.to_string(), "AUTH_COOKIE: is not valid UTF-8");
}

#[test]
fn the_reference_lists_each_variable_once() {
    let mut names: Vec<&str> = reference().iter().map(|var| var.name).collect();
    names.sort_unstable();
    names
        .windows(2)
        .for_each(|pair| assert_ne!(pair[0], pair[1]));
}

#[test]
fn an_emitter_key_that_cannot_be_part_of_a_channel_is_refused() {
    let key = |key| [("DEV", "true"), ("EMITTER_KEY", key)];
    assert_eq!(
        load(&key("app-1:io*"), &[]).unwrap().emitter_key,
        "app-1:io*"
    );
    let long = "k".repeat(65);
    for bad in ["a#b", "a b", &long] {
        assert_eq!(subjects(&key(bad), &[]), ["EMITTER_KEY"], "{bad}");
    }
}

#[test]
fn the_admin_ui_is_off_unless_it_has_a_user_with_a_password() {
    let with = |more: &[(&'static str, &'static str)]| [&[("DEV", "true")], more].concat();
    assert!(load(&with(&[]), &[]).unwrap().admin_ui.is_none());
    let user = ("ADMIN_UI_USER", "admin");
    let password = ("ADMIN_UI_PASSWORD", "twelve chars");
    let config = load(&with(&[user, password, ("NODE_ID", "n1")]), &[]).unwrap();
    let admin = config.admin_ui.unwrap();
    assert!(admin.readonly);
    assert_eq!((&*admin.user, &*admin.node), ("admin", "switchboard"));
    let writing = with(&[user, password, ("ADMIN_UI_READONLY", "false")]);
    assert!(!load(&writing, &[]).unwrap().admin_ui.unwrap().readonly);
    for (vars, subject) in [
        (with(&[user]), "ADMIN_UI_PASSWORD"),
        (with(&[password]), "ADMIN_UI_USER"),
        (with(&[("ADMIN_UI_USER", " "), password]), "ADMIN_UI_USER"),
        (
            with(&[user, ("ADMIN_UI_PASSWORD", "eleven char")]),
            "ADMIN_UI_PASSWORD",
        ),
        (
            with(&[user, password, ("ADMIN_UI_READONLY", "yes")]),
            "ADMIN_UI_READONLY",
        ),
    ] {
        assert_eq!(subjects(&vars, &[]), [subject]);
    }
}

#[test]
fn nothing_shows_a_secret() {
    let place = tempfile::TempDir::new().unwrap();
    let file = place.path().join("turn");
    std::fs::write(&file, "secret-of-turn-servers").unwrap();
    let vars = [
        ("DEV", "true"),
        (
            "REDIS_URL",
            "redis://gateway:secret-of-redis@127.0.0.1:6379/0",
        ),
        ("TURN_URIS", "turn:turn.example"),
        ("TURN_SECRET_FILE", file.to_str().unwrap()),
        ("API_KEY", "shop:secret-key-of-the-shop"),
        ("ADMIN_UI_USER", "admin"),
        ("ADMIN_UI_PASSWORD", "secret-of-operators"),
    ];
    let config = load(&vars, &[]).unwrap();
    let redis = config.cluster.as_ref().map(|cluster| cluster.redis.clone());
    for text in [
        format!("{config:?}"),
        format!("{config:#?}"),
        redis.unwrap().to_string(),
    ] {
        assert!(!text.contains("secret-"), "{text}");
    }
}
