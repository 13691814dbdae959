//! Opens connections: to the server, to the master that Sentinels name, to nodes of a Cluster.
//!
//! Nothing here waits longer than the two timeouts of [`Timeouts`], and nothing tries twice: the
//! one who asks decides when to try again.

mod failure;
mod topology;

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::aio::{AsyncPushSender, MultiplexedConnection};
use redis::cluster::ClusterClientBuilder;
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo,
    IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, TlsCertificates, TlsMode, cmd,
};
use secrecy::ExposeSecret;
use tokio::sync::watch;
use tokio::time::timeout;

pub use self::failure::Failure;
pub(in crate::cluster) use self::topology::{SlotMap, slot};
use super::target::{Address, Credentials, RedisTarget, Topology};

/// Requests that wait in the library to be written. It is what a burst of single commands may
/// pile up there before callers wait for each other.
const PIPELINE_BUFFER: usize = 1024;

/// How often Sentinels are asked who the master is.
const FOLLOW_INTERVAL: Duration = Duration::from_secs(1);

/// What a connection to a server that has just woken up gets to show that it is alive.
const REVIVAL: Duration = Duration::from_millis(250);

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

/// Knows how to reach Redis.
#[derive(Debug)]
pub(super) struct Connector {
    target: RedisTarget,
    certificates: Option<TlsCertificates>,
    timeouts: Timeouts,
    /// The master that Sentinels named last.
    master: watch::Sender<Option<Address>>,
}

impl Connector {
    /// Checks the certificates. Connects to nothing.
    pub(super) fn new(target: RedisTarget, timeouts: Timeouts) -> Result<Self, Failure> {
        let certificates = target.tls.as_ref().map(|tls| TlsCertificates {
            root_cert: tls.ca_pem.clone(),
            client_tls: tls.client_pem.as_ref().map(|client| ClientTlsConfig {
                client_cert: client.chain_pem.clone(),
                client_key: client.key_pem.expose_secret().as_bytes().to_vec(),
            }),
        });
        if certificates.is_some() {
            // redis takes the default of the process. If there is one already, that is it.
            let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        }
        let connector = Self {
            target,
            certificates,
            timeouts,
            master: watch::Sender::new(None),
        };
        connector.client(&Address::new("localhost", 1), &Credentials::default(), 0)?;
        Ok(connector)
    }

    pub(super) const fn target(&self) -> &RedisTarget {
        &self.target
    }

    pub(super) const fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// The server to talk to at this moment: the one there is, or the master that Sentinels name.
    /// In a Cluster any node.
    pub(super) async fn server(&self) -> Result<Address, Failure> {
        match &self.target.topology {
            Topology::Standalone(address) => Ok(address.clone()),
            Topology::Cluster(seeds) => seeds.first().cloned().ok_or(Failure::Unavailable),
            Topology::Sentinel {
                sentinels,
                service,
                credentials,
            } => {
                let master = self.ask_sentinels(sentinels, service, credentials).await?;
                self.master.send_if_modified(|known| {
                    let news = known.as_ref() != Some(&master);
                    *known = Some(master.clone());
                    news
                });
                Ok(master)
            }
        }
    }

    /// Keeps asking the Sentinels who the master is. After a failover on demand the former one
    /// goes on as a master for seconds, and so would those who are connected to it.
    pub(super) async fn follow_master(&self) {
        loop {
            if let Err(failure) = self.server().await {
                tracing::debug!(%failure, "no Sentinel names a master");
            }
            tokio::time::sleep(FOLLOW_INTERVAL).await;
        }
    }

    /// Waits until another server than this one is the master.
    pub(super) async fn moved_from(&self, address: &Address) {
        let mut master = self.master.subscribe();
        let moved = |master: &Option<Address>| master.as_ref().is_some_and(|now| now != address);
        if self.target.has_sentinels() {
            // It fails only when this connector is gone.
            let _ = master.wait_for(moved).await;
        } else {
            std::future::pending::<()>().await;
        }
    }

    /// A connection to one server. What the server pushes, and the end of the connection, goes
    /// to `push`.
    pub(super) async fn open(
        &self,
        address: &Address,
        push: impl AsyncPushSender,
    ) -> Result<MultiplexedConnection, Failure> {
        let client = self.client(address, &self.target.credentials, self.target.db)?;
        let config = self.config().set_push_sender(push);
        let mut connection = self.connect(&client, &config).await?;
        if self.target.has_sentinels() {
            // Sentinels may be behind the times, and a master may just have been demoted.
            check_master(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Whether a connection is alive and still leads to the right server.
    pub(super) async fn check(
        &self,
        connection: &mut MultiplexedConnection,
    ) -> Result<(), Failure> {
        if self.target.has_sentinels() {
            check_master(connection).await
        } else {
            Ok(cmd("PING").exec_async(connection).await?)
        }
    }

    /// Asks a stalled server until it answers; `false` when something else went wrong.
    pub(super) async fn revive(&self, connection: &mut MultiplexedConnection) -> bool {
        loop {
            match self.check(connection).await {
                Ok(()) => return true,
                Err(Failure::Timeout) => {}
                Err(_) => return false,
            }
        }
    }

    /// Whether a server that answers on a new connection does so on the former one as well. (It
    /// has woken up, and which of the two it turns to first is chance.)
    pub(super) async fn has_revived(&self, connection: &mut MultiplexedConnection) -> bool {
        matches!(timeout(REVIVAL, self.check(connection)).await, Ok(Ok(())))
    }

    /// A connection for the commands of a Cluster.
    pub(super) async fn open_cluster(
        &self,
        seeds: &[Address],
    ) -> Result<ClusterConnection, Failure> {
        let seeds: Result<Vec<_>, _> = seeds
            .iter()
            .map(|seed| self.info(seed, &self.target.credentials, 0))
            .collect();
        let mut builder = ClusterClientBuilder::new(seeds?)
            .use_protocol(ProtocolVersion::RESP3)
            .tcp_settings(TcpSettings::default().set_nodelay(true))
            .connection_timeout(self.timeouts.connect)
            .response_timeout(self.timeouts.response)
            .overall_response_timeout(Some(self.timeouts.response))
            .min_retry_wait(20)
            .max_retry_wait(200)
            .retries(8);
        if let Some(certificates) = &self.certificates {
            builder = builder.tls(TlsMode::Secure).certs(certificates.clone());
        }
        let client = builder.build()?;
        let within = self.timeouts.connect + self.timeouts.response;
        Ok(timeout(within, client.get_async_connection()).await??)
    }

    /// Which node serves which slot, as most nodes see it: one that was cut off from the others
    /// has yet to learn of what has happened since.
    pub(super) async fn slot_map(&self, known: &[Address]) -> Result<SlotMap, Failure> {
        let mut failure = Failure::Unavailable;
        let seeds = match &self.target.topology {
            Topology::Cluster(seeds) => seeds.as_slice(),
            _ => &[],
        };
        let nodes: BTreeSet<_> = known.iter().chain(seeds).collect();
        // All at once: one that is stalled must not hold up the answer of another.
        let mut answers: FuturesUnordered<_> =
            nodes.into_iter().map(|node| self.ask_slots(node)).collect();
        let asked = answers.len();
        let mut views: Vec<(SlotMap, usize)> = Vec::new();
        while let Some(answer) = answers.next().await {
            let map = match answer {
                Ok(map) => map,
                Err(error) => {
                    failure = error;
                    continue;
                }
            };
            let known = views.iter_mut().find(|(view, _)| *view == map);
            let votes = known.map_or(1, |(_, votes)| {
                *votes += 1;
                *votes
            });
            if votes * 2 > asked {
                return Ok(map);
            }
            if votes == 1 {
                views.push((map, 1));
            }
        }
        let most = views.into_iter().max_by_key(|(_, votes)| *votes);
        most.map(|(map, _)| map).ok_or(failure)
    }

    async fn ask_slots(&self, node: &Address) -> Result<SlotMap, Failure> {
        let client = self.client(node, &self.target.credentials, 0)?;
        let mut connection = self.connect(&client, &self.config()).await?;
        let mut question = cmd("CLUSTER");
        let answer = question.arg("SLOTS").query_async(&mut connection).await?;
        SlotMap::parse(answer, node).ok_or(Failure::Protocol)
    }

    async fn ask_sentinels(
        &self,
        sentinels: &[Address],
        service: &str,
        credentials: &Credentials,
    ) -> Result<Address, Failure> {
        let mut failure = Failure::Unavailable;
        let ask = |sentinel| self.ask_sentinel(sentinel, service, credentials);
        let mut answers: FuturesUnordered<_> = sentinels.iter().map(ask).collect();
        while let Some(answer) = answers.next().await {
            match answer {
                Ok(Some(address)) => return Ok(address),
                Ok(None) => failure = Failure::NoMaster,
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn ask_sentinel(
        &self,
        sentinel: &Address,
        service: &str,
        credentials: &Credentials,
    ) -> Result<Option<Address>, Failure> {
        let client = self.client(sentinel, credentials, 0)?;
        let mut connection = self.connect(&client, &self.config()).await?;
        let mut question = cmd("SENTINEL");
        question.arg("get-master-addr-by-name").arg(service);
        let answer: Option<(String, u16)> = question.query_async(&mut connection).await?;
        Ok(answer.map(|(host, port)| Address::new(host, port)))
    }

    async fn connect(
        &self,
        client: &Client,
        config: &AsyncConnectionConfig,
    ) -> Result<MultiplexedConnection, Failure> {
        // One limit over name resolution, TCP, TLS and the greeting: a stalled server accepts
        // connections and then says nothing.
        let connection = client.get_multiplexed_async_connection_with_config(config);
        Ok(timeout(self.timeouts.connect, connection).await??)
    }

    fn config(&self) -> AsyncConnectionConfig {
        AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.timeouts.connect))
            .set_response_timeout(Some(self.timeouts.response))
            .set_pipeline_buffer_size(PIPELINE_BUFFER)
    }

    fn client(&self, to: &Address, with: &Credentials, db: u16) -> Result<Client, Failure> {
        let info = self.info(to, with, db)?;
        Ok(match &self.certificates {
            Some(certificates) => Client::build_with_tls(info, certificates.clone())?,
            None => Client::open(info)?,
        })
    }

    fn info(&self, to: &Address, with: &Credentials, db: u16) -> Result<ConnectionInfo, Failure> {
        let address = if self.certificates.is_some() {
            ConnectionAddr::TcpTls {
                host: to.host.clone(),
                port: to.port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(to.host.clone(), to.port)
        };
        let mut settings = RedisConnectionInfo::default()
            .set_protocol(ProtocolVersion::RESP3)
            .set_lib_name("switchboard", env!("CARGO_PKG_VERSION"))
            .set_db(db.into());
        if let Some(username) = &with.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = with.password() {
            settings = settings.set_password(password);
        }
        let info = address.into_connection_info()?;
        Ok(info
            .set_redis_settings(settings)
            .set_tcp_settings(TcpSettings::default().set_nodelay(true)))
    }
}

/// Asks for the role: only a master accepts writes.
async fn check_master(connection: &mut MultiplexedConnection) -> Result<(), Failure> {
    let role: Vec<redis::Value> = cmd("ROLE").query_async(connection).await?;
    match role.first() {
        Some(redis::Value::BulkString(role)) if role == b"master" => Ok(()),
        Some(redis::Value::SimpleString(role)) if role == "master" => Ok(()),
        _ => Err(Failure::NoMaster),
    }
}
