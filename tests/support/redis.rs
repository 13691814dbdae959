//! Real Redis servers for tests: started on free ports of the loopback interface, in directories
//! of their own, killed when dropped.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take before a test fails. Generous: tests run in parallel on few cores.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// Waits for a condition, asking again and again.
#[track_caller]
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(try_until(condition), "not within {PATIENCE:?}: {what}");
}

/// Waits for a condition; `false` when it does not come about.
pub fn try_until(mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        if Instant::now() > deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    true
}

/// A port that is free now, as is the one 10000 above for the cluster bus. Outside of the range
/// from which outgoing connections get theirs, and never the same twice.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 12_000).unwrap() / 8 * 8;
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (start + number) % 12_000;
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if free(port) && free(port + 10_000) {
            return port;
        }
    }
}

/// What a server is started with.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Lines of `redis.conf`.
    pub lines: Vec<String>,
    /// `redis-server --sentinel`.
    pub sentinel: bool,
    /// The server speaks TLS with these files.
    pub tls: Option<Certificates>,
}

/// A server process, or the place of one that has been killed.
pub struct Redis {
    pub port: u16,
    directory: TempDir,
    options: Options,
    child: Option<Child>,
}

impl Redis {
    /// Starts a server and waits until it answers.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    /// Starts a server with lines of configuration.
    pub fn with_lines(lines: &[&str]) -> Self {
        Self::with(Options {
            lines: lines.iter().map(ToString::to_string).collect(),
            ..Options::default()
        })
    }

    /// Starts a server and waits until it answers.
    pub fn with(options: Options) -> Self {
        let mut server = Self::prepare(options);
        server.restart();
        server
    }

    /// A place for a server that does not run yet.
    pub fn prepare(options: Options) -> Self {
        Self {
            port: free_port(),
            directory: TempDir::new().unwrap(),
            options,
            child: None,
        }
    }

    /// `redis://127.0.0.1:port`
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn configuration(&self) -> PathBuf {
        let path = self.directory.path().join("redis.conf");
        // Sentinels write theirs: it is theirs from then on.
        if self.options.sentinel && path.exists() {
            return path;
        }
        let mut lines = vec![
            "bind 127.0.0.1".to_owned(),
            format!("dir {}", self.directory.path().display()),
            "logfile redis.log".to_owned(),
            "daemonize no".to_owned(),
        ];
        if let Some(tls) = &self.options.tls {
            lines.push("port 0".to_owned());
            lines.push(format!("tls-port {}", self.port));
            lines.push(format!("tls-cert-file {}", tls.server.display()));
            lines.push(format!("tls-key-file {}", tls.server_key.display()));
            lines.push(format!("tls-ca-cert-file {}", tls.ca.display()));
            lines.push("tls-auth-clients no".to_owned());
        } else {
            lines.push(format!("port {}", self.port));
        }
        if !self.options.sentinel {
            lines.push("save \"\"".to_owned());
            lines.push("appendonly no".to_owned());
        }
        lines.extend(self.options.lines.iter().cloned());
        std::fs::write(&path, lines.join("\n")).unwrap();
        path
    }

    /// Starts the server on the same port; empty, unless it was stopped with its data.
    pub fn restart(&mut self) {
        self.kill();
        let mut command = Command::new("redis-server");
        command.arg(self.configuration());
        if self.options.sentinel {
            command.arg("--sentinel");
        }
        let errors = File::create(self.directory.path().join("stderr")).unwrap();
        let command = command.stdin(Stdio::null()).stdout(Stdio::null());
        self.child = Some(command.stderr(errors).spawn().unwrap());
        wait_until("the server answers", || self.try_cli(&["PING"]).is_some());
    }

    /// `SIGKILL`. What it held in memory is gone.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops the server such that [`restart`](Self::restart) finds its data again.
    pub fn stop_with_data(&mut self) {
        self.cli(&["SAVE"]);
        self.kill();
    }

    /// `SIGSTOP`: connections stay, nothing is answered.
    pub fn stall(&mut self) {
        self.signal("-STOP");
    }

    /// `SIGCONT`.
    pub fn wake(&mut self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().unwrap();
        assert!(sent.success());
    }

    /// What `redis-cli` prints.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let printed = self.try_cli(arguments);
        printed.unwrap_or_else(|| panic!("redis-cli {arguments:?} failed"))
    }

    /// What `redis-cli` prints, unless it cannot connect or is cut off.
    pub fn try_cli(&self, arguments: &[&str]) -> Option<String> {
        let mut command = Command::new("redis-cli");
        command.args(["-h", "127.0.0.1", "-p", &self.port.to_string()]);
        if let Some(tls) = &self.options.tls {
            command.arg("--tls").arg("--cacert").arg(&tls.ca);
        }
        let output = command.args(arguments).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let connected = !printed.is_empty() && !printed.starts_with("LOADING");
        (output.status.success() && connected).then_some(printed)
    }

    /// How many connections subscribe to a channel.
    pub fn subscribers(&self, channel: &str) -> usize {
        let printed = self.cli(&["PUBSUB", "NUMSUB", channel]);
        printed.lines().last().unwrap().parse().unwrap()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A master, a replica, and three Sentinels that watch them as `mymaster`.
pub struct SentinelTrio {
    pub servers: [Redis; 2],
    pub sentinels: [Redis; 3],
}

impl SentinelTrio {
    /// Starts all and waits until they know each other.
    pub fn start() -> Self {
        let master = Redis::start();
        let replica = Redis::with_lines(&[
            &format!("replicaof 127.0.0.1 {}", master.port),
            "repl-diskless-sync-delay 0",
        ]);
        let sentinel = || {
            Redis::with(Options {
                sentinel: true,
                lines: vec![
                    format!("sentinel monitor mymaster 127.0.0.1 {} 2", master.port),
                    "sentinel down-after-milliseconds mymaster 3000".to_owned(),
                    "sentinel failover-timeout mymaster 5000".to_owned(),
                ],
                ..Options::default()
            })
        };
        let sentinels = [sentinel(), sentinel(), sentinel()];
        let trio = Self {
            servers: [master, replica],
            sentinels,
        };
        for sentinel in &trio.sentinels {
            wait_until("the Sentinels know each other and the replica", || {
                let printed = sentinel.cli(&["SENTINEL", "MASTER", "mymaster"]);
                let fields: Vec<_> = printed.lines().collect();
                let field = |name| fields.iter().skip_while(|line| **line != name).nth(1);
                field("num-slaves") == Some(&"1") && field("num-other-sentinels") == Some(&"2")
            });
        }
        wait_until("the replica is in step", || {
            let printed = trio.servers[1].cli(&["INFO", "replication"]);
            printed.contains("master_link_status:up")
        });
        trio
    }

    /// `redis+sentinel://…/mymaster`
    pub fn url(&self) -> String {
        let all = self.sentinels.iter();
        let hosts: Vec<_> = all
            .map(|server| format!("127.0.0.1:{}", server.port))
            .collect();
        format!("redis+sentinel://{}/mymaster", hosts.join(","))
    }
}

/// A Cluster of three masters, and as many replicas as asked for.
pub struct Cluster {
    pub nodes: Vec<Redis>,
}

impl Cluster {
    /// Starts all and waits until every node says that the Cluster is complete.
    pub fn start(replicas_each: usize) -> Self {
        let node = |_| {
            Redis::with(Options {
                lines: vec![
                    "cluster-enabled yes".to_owned(),
                    "cluster-node-timeout 5000".to_owned(),
                    "cluster-require-full-coverage no".to_owned(),
                    "repl-diskless-sync-delay 0".to_owned(),
                ],
                ..Options::default()
            })
        };
        let nodes: Vec<_> = (0..3 * (1 + replicas_each)).map(node).collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster", "create"]);
        create.args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)));
        let replicas = replicas_each.to_string();
        create.args(["--cluster-replicas", &replicas, "--cluster-yes"]);
        let created = create.output().unwrap();
        assert!(created.status.success(), "{created:?}");
        for node in &nodes {
            wait_until("the Cluster is complete", || {
                let known = node.cli(&["CLUSTER", "NODES"]).lines().count();
                let state = node.cli(&["CLUSTER", "INFO"]);
                let replication = node.cli(&["INFO", "replication"]);
                let in_step = replication.contains("role:master")
                    || replication.contains("master_link_status:up");
                known == nodes.len() && state.contains("cluster_state:ok") && in_step
            });
        }
        Self { nodes }
    }

    /// `redis+cluster://…`
    pub fn url(&self) -> String {
        let all = self.nodes.iter();
        let hosts: Vec<_> = all.map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+cluster://{}", hosts.join(","))
    }
}

/// A certificate authority of our own and a certificate for the loopback interface.
#[derive(Clone, Debug)]
pub struct Certificates {
    pub ca: PathBuf,
    pub server: PathBuf,
    pub server_key: PathBuf,
}

impl Certificates {
    /// Makes them with `openssl`.
    pub fn make(directory: &Path) -> Self {
        let at = |name: &str| directory.join(name);
        let openssl = |arguments: &str| {
            let mut command = Command::new("openssl");
            let command = command.args(arguments.split(' ')).current_dir(directory);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{arguments}: {output:?}");
        };
        openssl(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
             -keyout ca.key -out ca.pem -subj /CN=test-ca",
        );
        openssl(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
             -keyout server.key -out server.csr -subj /CN=localhost",
        );
        std::fs::write(at("san"), "subjectAltName=DNS:localhost,IP:127.0.0.1").unwrap();
        openssl(
            "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
             -extfile san -out server.pem",
        );
        Self {
            ca: at("ca.pem"),
            server: at("server.pem"),
            server_key: at("server.key"),
        }
    }
}
