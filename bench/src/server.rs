//! The servers that are measured, as processes of their own.

use std::{
    fmt, fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::{sleep, timeout},
};

/// How long a server may take to begin to serve.
const START: Duration = Duration::from_secs(30);

/// Ticks of /proc/pid/stat in a second: USER_HZ, which Linux shows as 100 everywhere.
const TICKS: f64 = 100.0;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Switchboard,
    Node,
    Naive,
    Limit,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Switchboard => "Switchboard",
            Self::Node => "Node socket.io",
            Self::Naive => "naive socketioxide",
            Self::Limit => "raw WebSocket (limit)",
        })
    }
}

/// Where the programs are, and what they share.
#[derive(Clone, Debug)]
pub(crate) struct House {
    pub(crate) switchboard: PathBuf,
    pub(crate) node: PathBuf,
    pub(crate) own: PathBuf,
    pub(crate) key_file: PathBuf,
}

impl House {
    fn command(&self, kind: Kind) -> Command {
        match kind {
            Kind::Switchboard => Command::new(&self.switchboard),
            Kind::Node => {
                let mut node = Command::new("node");
                node.arg(&self.node).env("NODE_ENV", "production");
                node
            }
            Kind::Naive => Command::new(self.own.join("naive")),
            Kind::Limit => Command::new(self.own.join("limit")),
        }
    }

    /// The peers that a room may have: the gateway takes no more into a mesh, and needs a media server.
    fn most_peers(kind: Kind) -> &'static str {
        match kind {
            Kind::Switchboard => "100",
            Kind::Node | Kind::Naive | Kind::Limit => "2000",
        }
    }

    /// Starts a server, with variables of its own, and waits until it serves.
    pub(crate) async fn start(&self, kind: Kind, extra: &[(&str, String)]) -> Result<Server> {
        let port = free_port()?;
        let mut command = self.command(kind);
        for name in ["REDIS_URL", "REDIS_HOST", "REDIS_PORT", "DEV", "RUST_LOG"] {
            command.env_remove(name);
        }
        let child = command
            .env("HOST", "127.0.0.1")
            .env("PORT", port.to_string())
            .env("ADMIN_PORT", free_port()?.to_string())
            .env("JWT_PUBLIC_KEY_FILE", &self.key_file)
            .env("RATE_LIMITS", "off")
            .env("MAX_P2P_PEERS", Self::most_peers(kind))
            .env("SHUTDOWN_GRACE_MS", "100")
            .envs(extra.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(if std::env::var_os("BENCH_LOGS").is_some() {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .spawn()
            .with_context(|| format!("{kind} cannot be started"))?;
        let mut server = Server {
            kind,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
            process: Process(child),
        };
        server.await_ready().await?;
        Ok(server)
    }
}

/// A port that nobody has at this moment.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// A process that ends with its owner.
pub(crate) struct Process(pub(crate) Child);

impl Process {
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A server that serves.
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    process: Process,
}

impl Server {
    async fn await_ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < START {
            if let Some(status) = self.process.0.try_wait()? {
                bail!("{} ended: {status}", self.kind);
            }
            let asked = timeout(Duration::from_secs(2), self.is_ready()).await;
            if matches!(asked, Ok(Ok(true))) {
                return Ok(());
            }
            sleep(Duration::from_millis(30)).await;
        }
        bail!("{} does not get ready", self.kind)
    }

    async fn is_ready(&self) -> Result<bool> {
        let mut stream = TcpStream::connect(self.address).await?;
        let request = "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        // The small ones have no such page: that they answer is enough.
        Ok(answer.starts_with(b"HTTP/1.1 200") || answer.starts_with(b"HTTP/1.1 404"))
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Processor time that it has used so far, in seconds, kernel and all threads included.
    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_of(self.pid())
    }

    /// Memory that it holds, in KiB: resident, and its own share of that.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.pid()))?;
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_whitespace().nth(1));
            value.and_then(|value| value.parse::<f64>().ok())
        };
        Ok(Memory {
            rss: field("Rss:").context("no Rss")?,
            pss: field("Pss:").context("no Pss")?,
        })
    }
}

/// Memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) rss: f64,
    pub(crate) pss: f64,
}

/// utime and stime of a process (proc(5)), in seconds.
fn cpu_of(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name may hold spaces; what follows its bracket may not.
    let (_, rest) = stat.rsplit_once(')').context("an odd /proc/pid/stat")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |index: usize| -> Result<f64> {
        let field = fields.get(index).context("a short /proc/pid/stat")?;
        Ok(field.parse::<f64>()?)
    };
    Ok((ticks(11)? + ticks(12)?) / TICKS)
}

/// A Redis of its own.
pub(crate) struct Redis {
    port: u16,
    directory: PathBuf,
    process: Process,
}

impl Redis {
    /// Starts one, and waits until it answers.
    pub(crate) async fn start(directory: &Path) -> Result<Self> {
        let port = free_port()?;
        let process = Process(Self::spawn(port, directory)?);
        let redis = Self {
            port,
            directory: directory.to_owned(),
            process,
        };
        redis.await_ready().await?;
        Ok(redis)
    }

    fn spawn(port: u16, directory: &Path) -> Result<Child> {
        Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no", "--loglevel", "warning"])
            .arg("--dir")
            .arg(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("redis-server cannot be started")
    }

    async fn await_ready(&self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < START {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)).await {
                stream.write_all(b"PING\r\n").await?;
                let mut answer = [0; 5];
                if stream.read_exact(&mut answer).await.is_ok() && answer == *b"+PONG" {
                    return Ok(());
                }
            }
            sleep(Duration::from_millis(20)).await;
        }
        bail!("Redis does not answer")
    }

    /// Kills it, waits, and starts an empty one in its place.
    pub(crate) async fn restart(&mut self, away: Duration) -> Result<()> {
        self.process.0.kill()?;
        self.process.0.wait()?;
        sleep(away).await;
        self.process = Process(Self::spawn(self.port, &self.directory)?);
        self.await_ready().await
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn cpu(&self) -> Result<f64> {
        cpu_of(self.process.id())
    }
}

/// Starts several nodes that are one.
pub(crate) async fn start_nodes(
    house: &House,
    kind: Kind,
    redis: &Redis,
    count: usize,
) -> Result<Vec<Server>> {
    ensure!(
        matches!(kind, Kind::Switchboard | Kind::Node),
        "{kind} knows no other nodes"
    );
    let mut nodes = Vec::new();
    for index in 0..count {
        let node = [
            ("REDIS_URL", redis.url()),
            ("NODE_ID", format!("node-{index}")),
        ];
        nodes.push(house.start(kind, &node).await?);
    }
    Ok(nodes)
}

/// Processor time of several servers together.
pub(crate) fn cpu_of_all(servers: &[Server]) -> Result<f64> {
    servers.iter().map(Server::cpu).sum()
}
