//! The commands of the binary, run as people run them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "these are tests"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;

fn switchboard(args: &[&str], vars: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_switchboard"));
    command
        .args(args)
        .env_clear()
        .envs(vars.iter().copied())
        .stdin(Stdio::null());
    command
}

fn run(args: &[&str], vars: &[(&str, &str)]) -> Output {
    switchboard(args, vars).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A gateway in development mode, which ends with the test.
struct Gateway {
    process: Child,
    url: String,
    /// Held open, since the gateway goes on writing.
    _log: BufReader<ChildStdout>,
}

impl Gateway {
    fn start(key: &Path) -> Self {
        Self::start_with(key, &[])
    }

    fn start_with(key: &Path, more: &[(&str, &str)]) -> Self {
        let key = key.to_str().unwrap();
        let vars = [
            ("DEV", "true"),
            ("DEV_KEY_FILE", key),
            ("HOST", "127.0.0.1"),
            ("PORT", "0"),
            ("ADMIN_PORT", "0"),
            ("LOG_FORMAT", "json"),
        ];
        let mut process = switchboard(&[], &[&vars, more].concat())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut log = BufReader::new(process.stdout.take().unwrap());
        let address = (&mut log)
            .lines()
            .map(Result::unwrap)
            .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
            .find_map(|entry| {
                let fields = entry.get("fields").unwrap_or(&entry).clone();
                let listens = fields["message"] == "listening";
                listens.then(|| fields["address"].as_str().unwrap().to_owned())
            });
        let url = format!("http://{}", address.expect("the gateway listens"));
        Self {
            process,
            url,
            _log: log,
        }
    }

    /// Whom the gateway takes the bearer of a token for: the status, and what it answers.
    fn session(&self, token: &str) -> (u16, Value) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let request = client
                .get(format!("{}/dev/session", self.url))
                .bearer_auth(token);
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap())
        })
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_right_configuration_is_printed_without_its_secrets() {
    let vars = [
        ("JWKS_URL", "https://id.example/jwks.json"),
        ("REDIS_URL", "redis://app:hush@redis.example:6379/2"),
        ("API_KEY", "backend:hush-hush-hush-hush-hush-hush-hush"),
    ];
    let output = run(&["check-config", "--port", "4000"], &vars);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = out(&output);
    let line = |name: &str| {
        let found = text
            .lines()
            .find(|line| line.split_whitespace().next() == Some(name));
        found
            .unwrap_or_else(|| panic!("{name} in {text}"))
            .to_owned()
    };
    assert!(line("PORT").ends_with("flag         4000"), "{text}");
    assert!(line("REDIS_URL").ends_with("redis://***@redis.example:6379/2"));
    assert!(line("API_KEY").ends_with("(hidden)"));
    assert!(line("MAX_P2P_PEERS").contains("default"));
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn all_mistakes_of_a_configuration_are_told_at_once() {
    let output = run(
        &["check-config", "--port", "x", "--prot", "1"],
        &[("CLIENT_URL", "nonsense")],
    );
    assert_eq!(output.status.code(), Some(64));
    let text = err(&output);
    for subject in ["PORT:", "--prot:", "CLIENT_URL:", "JWT_PUBLIC_KEY:"] {
        assert!(text.contains(subject), "{subject} in {text}");
    }
    assert!(text.ends_with("4 mistakes.\n"), "{text}");
    assert_eq!(out(&output), "");
}

#[test]
fn a_token_is_accepted_by_a_gateway_with_the_same_key() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key.pem");
    let gateway = Gateway::start(&key);
    let file = key.to_str().unwrap();

    let args = [
        "token",
        "--sub",
        "ann",
        "--username",
        "Ann B.",
        "--key",
        file,
    ];
    let output = run(&args, &[]);
    assert_eq!(
        (output.status.code(), err(&output)),
        (Some(0), String::new())
    );
    let (status, session) = gateway.session(out(&output).trim());
    assert_eq!((status, &session["userId"]), (200, &Value::from("ann")));
    assert_eq!(session["username"], "Ann B.");

    // The variable of the gateway does as well as the flag.
    let output = run(
        &["token", "--sub", "bob", "--ttl", "1h 30m"],
        &[("DEV_KEY_FILE", file)],
    );
    let (status, session) = gateway.session(out(&output).trim());
    assert_eq!((status, &session["username"]), (200, &Value::from("bob")));

    let other = directory.path().join("other.pem");
    let output = run(
        &["token", "--sub", "ann", "--key", other.to_str().unwrap()],
        &[],
    );
    assert!(err(&output).contains("made a new key pair"), "{output:?}");
    assert_eq!(gateway.session(out(&output).trim()).0, 401);
}

#[test]
fn a_token_that_cannot_be_made_is_refused_with_the_reason() {
    let refused = |args: &[&str], code: i32, reason: &str| {
        let output = run(&[&["token"], args].concat(), &[]);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {output:?}");
        assert!(err(&output).contains(reason), "{args:?}: {}", err(&output));
        assert_eq!(out(&output), "");
    };
    refused(&[], 64, "--sub");
    refused(&["--sub", "ann"], 64, "DEV_KEY_FILE");
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key.pem");
    let key = key.to_str().unwrap();
    refused(
        &["--sub", "ann", "--key", key, "--ttl", "0s"],
        64,
        "1s to 365d",
    );
    refused(
        &["--sub", "ann", "--key", key, "--ttl", "soon"],
        64,
        "--ttl",
    );
    refused(&["--sub", "", "--key", key], 64, "--sub");
    refused(
        &["--sub", "ann", "--key", "/dev/null/key.pem"],
        1,
        "cannot be read",
    );
    let broken = directory.path().join("broken.pem");
    std::fs::write(&broken, "not a key").unwrap();
    refused(
        &["--sub", "ann", "--key", broken.to_str().unwrap()],
        1,
        "RSA private key",
    );
}

#[test]
fn health_tells_a_gateway_that_answers_from_one_that_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let mut gateway = Gateway::start(&directory.path().join("key.pem"));
    let port = gateway.url.rsplit(':').next().unwrap().to_owned();
    for args in [&["health"][..], &["health", "--ready"]] {
        // As in the container: with the variables of the gateway.
        let vars = [("DEV", "true"), ("HOST", "0.0.0.0"), ("PORT", &port)];
        let output = run(args, &vars);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(out(&output).contains("\"status\""), "{output:?}");
    }
    let url = gateway.url.clone();
    let output = run(&["health", "--url", &url], &[]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");

    gateway.process.kill().unwrap();
    gateway.process.wait().unwrap();
    let output = run(&["health", "--url", &url], &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(err(&output).starts_with("no answer"), "{output:?}");
    let output = run(&["health"], &[("DEV", "true"), ("PORT", "0")]);
    assert_eq!(output.status.code(), Some(64), "{output:?}");
}

#[test]
fn health_asks_over_tls_where_the_gateway_speaks_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let made = rcgen::generate_simple_self_signed(["gateway.example".to_owned()]).unwrap();
    let text = |label: &str, der: &[u8]| pem::encode(&pem::Pem::new(label, der));
    std::fs::write(&certificate, text("CERTIFICATE", made.cert.der())).unwrap();
    std::fs::write(&key, text("PRIVATE KEY", made.signing_key.serialized_der())).unwrap();
    let tls = [("TLS_CERT", &*certificate), ("TLS_KEY", &*key)];
    let gateway = Gateway::start_with(&directory.path().join("dev.pem"), &tls);
    let port = gateway.url.rsplit(':').next().unwrap();
    let vars = [("DEV", "true"), ("HOST", "127.0.0.1"), ("PORT", port)];
    let output = run(&["health"], &[&vars[..], &tls].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    // Whoever names a gateway means the one with that name.
    let url = format!("https://127.0.0.1:{port}");
    let output = run(&["health", "--url", &url], &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn completions_know_commands_and_flags() {
    for (shell, flag) in [
        ("bash", "--redis-url"),
        ("zsh", "--redis-url"),
        ("fish", "redis-url"),
    ] {
        let output = run(&["completions", shell], &[]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = out(&output);
        for word in [flag, "check-config", "completions", "health", "token"] {
            assert!(script.contains(word), "{word} for {shell}");
        }
    }
    let mut bash = Command::new("bash")
        .arg("-n")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let script = out(&run(&["completions", "bash"], &[]));
    let mut input = bash.stdin.take().unwrap();
    input.write_all(script.as_bytes()).unwrap();
    drop(input);
    assert!(bash.wait().unwrap().success());
    assert_eq!(run(&["completions", "tcl"], &[]).status.code(), Some(64));
}

#[test]
fn help_lists_the_commands_and_each_has_its_own() {
    let help = out(&run(&["--help"], &[]));
    for name in ["check-config", "completions", "health", "token"] {
        assert!(help.contains(&format!("  {name} ")), "{name} in {help}");
        let output = run(&[name, "--help"], &[]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(
            out(&output).contains(&format!("switchboard {name}")),
            "{output:?}"
        );
    }
    assert_eq!(out(&run(&["help"], &[])), help);
}

#[test]
fn the_version_says_which_build_it_is() {
    let output = run(&["--version"], &[]);
    let shown = out(&output);
    assert_eq!(
        shown.trim(),
        format!("switchboard {}", switchboard::VERSION)
    );
    let start = format!("switchboard {}", env!("CARGO_PKG_VERSION"));
    assert!(shown.starts_with(&start), "{shown}");
}

#[test]
fn a_word_that_is_no_command_is_refused_and_not_quoted() {
    let output = run(&["hush"], &[("DEV", "true")]);
    assert_eq!(output.status.code(), Some(64));
    assert!(!err(&output).contains("hush"), "{output:?}");
}
