//! Connections: what they cost to open, to hold and to close.

use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::Semaphore,
    task::JoinSet,
    time::sleep,
};

use super::{AT_ONCE, Figures, Setting, Tokens};
use crate::{client::Client, server::Server};

/// Connections that come first, before anything is measured. Where memory is, they stay: what a server
/// keeps for reuse would count for nothing otherwise, or what it needs once would count.
const WARM_UP: usize = 1_000;

/// How long a server may take to give back what it needs only while clients come.
const SETTLE: Duration = Duration::from_secs(3);

/// Files that a server needs for itself: the gateway sets 512 aside before it takes connections.
const FILES_OF_ITS_OWN: usize = 600;

/// The processes that hold many connections: each has its own limit of files.
const HOLDERS: usize = 4;

/// Opens connections in pairs and holds them: processor time of each, and memory.
pub(crate) async fn idle(setting: &Setting<'_>, server: &Server, count: usize) -> Result<Figures> {
    let first = open(server.address, setting.tokens, 0..WARM_UP, None).await?;
    let before = Before::take(server).await?;
    let users = WARM_UP..WARM_UP + count;
    let clients = open(server.address, setting.tokens, users, None).await?;
    let figures = before.compare(server, count).await;
    drop((first, clients));
    figures
}

/// The same with other processes as clients, for more connections than one may have.
pub(crate) async fn idle_outside(
    setting: &Setting<'_>,
    server: &Server,
    count: usize,
) -> Result<Figures> {
    let most = file_limit()?.saturating_sub(FILES_OF_ITS_OWN + WARM_UP);
    let count = count.min(most);
    let first = open(server.address, setting.tokens, 0..WARM_UP, None).await?;
    let before = Before::take(server).await?;
    let tokens = setting.scratch.join("tokens");
    setting.tokens.write(&tokens)?;
    let share = count / HOLDERS;
    let mut holders = Vec::new();
    for index in 0..HOLDERS {
        let users = WARM_UP + index * share;
        holders.push(Holder::start(
            server.address,
            &tokens,
            index,
            users..users + share,
        )?);
    }
    for holder in &mut holders {
        holder.await_ready().await?;
    }
    let figures = before.compare(server, share * HOLDERS).await;
    drop(first);
    figures
}

/// What a server had used before.
struct Before {
    cpu: f64,
    rss: f64,
    pss: f64,
    begun: Instant,
}

impl Before {
    async fn take(server: &Server) -> Result<Self> {
        sleep(Duration::from_secs(1)).await;
        let memory = server.memory()?;
        Ok(Self {
            cpu: server.cpu()?,
            rss: memory.rss,
            pss: memory.pss,
            begun: Instant::now(),
        })
    }

    async fn compare(&self, server: &Server, count: usize) -> Result<Figures> {
        let (elapsed, cpu) = (self.begun.elapsed(), server.cpu()? - self.cpu);
        sleep(SETTLE).await;
        let (memory, count) = (server.memory()?, count as f64);
        Ok(Figures::from([
            ("connections".into(), count),
            ("connect and join, CPU, µs".into(), cpu * 1e6 / count),
            ("connects per second".into(), count / elapsed.as_secs_f64()),
            ("RSS, KiB".into(), (memory.rss - self.rss) / count),
            ("PSS, KiB".into(), (memory.pss - self.pss) / count),
        ]))
    }
}

/// Opens connections of these users, each pair of which is in a room of its own.
async fn open(
    to: SocketAddr,
    tokens: &Tokens,
    users: std::ops::Range<usize>,
    from: Option<IpAddr>,
) -> Result<JoinSet<Result<()>>> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut clients = JoinSet::new();
    let count = users.len();
    let (ready, mut opened) = tokio::sync::mpsc::channel(count.max(1));
    for user in users {
        let (token, places, ready) = (
            tokens.of(user).to_owned(),
            Arc::clone(&places),
            ready.clone(),
        );
        clients.spawn(async move {
            let place = places.acquire_owned().await?;
            let client = Client::enter(to, from, &token, &format!("pair-{}", user / 2)).await?;
            drop(place);
            let _ = ready.send(()).await;
            drop(ready);
            let Client { reader, writer, .. } = client;
            reader.idle().await;
            drop(writer);
            bail!("a connection that was to be held was lost")
        });
    }
    drop(ready);
    for _ in 0..count {
        if opened.recv().await.is_none() {
            while let Some(ended) = clients.join_next().await {
                ended??;
            }
            bail!("not all could connect");
        }
    }
    Ok(clients)
}

/// Clients that connect, join in pairs, leave and disconnect: `count` of them, some at a time.
pub(super) async fn come_and_go(
    setting: &Setting<'_>,
    server: &Server,
    count: usize,
) -> Result<()> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut cycles = JoinSet::new();
    for user in 0..count {
        let (token, to) = (setting.tokens.of(user).to_owned(), server.address);
        let place = Arc::clone(&places).acquire_owned().await?;
        cycles.spawn(async move {
            let room = format!("cycle-{}", user / 2);
            let client = Client::enter(to, None, &token, &room).await?;
            client.leave().await?;
            drop(place);
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(cycle) = cycles.join_next().await {
        cycle??;
    }
    Ok(())
}

/// Processor time of a whole cycle.
pub(crate) async fn cycles(setting: &Setting<'_>, server: &Server) -> Result<Figures> {
    let count = if setting.quick { 1_000 } else { 2_000 };
    come_and_go(setting, server, WARM_UP).await?;
    let (cpu, begun) = (server.cpu()?, Instant::now());
    come_and_go(setting, server, count).await?;
    let elapsed = begun.elapsed();
    // What is cleared up afterwards counts.
    sleep(Duration::from_millis(500)).await;
    let count = count as f64;
    Ok(Figures::from([
        ("CPU, µs".into(), (server.cpu()? - cpu) * 1e6 / count),
        ("per second".into(), count / elapsed.as_secs_f64()),
    ]))
}

/// How many files a process may have open: the soft limit, which the Makefile raises.
fn file_limit() -> Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3));
    Ok(soft.context("no limit of open files")?.parse()?)
}

/// Another process of this program that holds connections.
struct Holder(Child);

impl Holder {
    fn start(
        to: SocketAddr,
        tokens: &Path,
        index: usize,
        users: std::ops::Range<usize>,
    ) -> Result<Self> {
        let from = Ipv4Addr::new(127, 0, 0, u8::try_from(index + 2)?);
        let child = Command::new(std::env::current_exe()?)
            .arg("hold")
            .args(["--server", &to.to_string()])
            .arg("--tokens")
            .arg(tokens)
            .args(["--first", &users.start.to_string()])
            .args(["--count", &users.len().to_string()])
            .args(["--from", &from.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self(child))
    }

    async fn await_ready(&mut self) -> Result<()> {
        let out = self.0.stdout.take().context("no output")?;
        let line = BufReader::new(out).lines().next_line().await?;
        line.context("not all could connect").map(drop)
    }
}

/// What a holder does: connects, says so, and stays until it is killed.
pub(crate) async fn hold(
    to: SocketAddr,
    tokens: &Path,
    users: std::ops::Range<usize>,
    from: IpAddr,
) -> Result<()> {
    let mut clients = open(to, &Tokens::read(tokens)?, users, Some(from)).await?;
    writeln!(std::io::stdout(), "ready")?;
    match clients.join_next().await {
        Some(lost) => lost?,
        None => Ok(()),
    }
}
