//! Which Redis: the URL notation, and the same from single values.
//!
//! | URL | what it means |
//! |---|---|
//! | `redis://[[user]:password@]host[:port][/db]` | one server; port 6379, database 0 |
//! | `redis+sentinel://[[user]:password@]host[:port],…/service[/db]` | the master that Sentinels at these addresses (port 26379) name; `?sentinelUsername=` and `?sentinelPassword=` are for the Sentinels themselves |
//! | `redis+cluster://[[user]:password@]host[:port],…` | a Redis Cluster, found through any of these nodes |
//! | `redis://host[:port],host[:port],…` | the same: more than one plain address is a Cluster |
//!
//! With `rediss` in place of `redis` connections use TLS. `-` may stand for `+`
//! (`redis-sentinel://`, `redis-cluster://`, as other clients spell them), `?db=` for the path,
//! and `?sentinelServiceName=` for the service. IPv6 addresses go in brackets. Characters of a
//! user or password that mean something in a URL are percent-encoded.

mod parse;

#[cfg(test)]
mod tests;

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Port of a Redis server if the URL names none.
pub const DEFAULT_PORT: u16 = 6379;

/// Port of a Sentinel if the URL names none.
pub const DEFAULT_SENTINEL_PORT: u16 = 26379;

/// Host name and port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

impl Address {
    /// An address.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

/// User name and password. `Debug` does not show the password.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// ACL user; without one Redis takes `default`.
    pub username: Option<String>,
    /// Password.
    pub password: Option<SecretString>,
}

impl Credentials {
    pub(super) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(ExposeSecret::expose_secret)
    }
}

/// How the servers are arranged.
#[derive(Clone, Debug)]
pub enum Topology {
    /// One server.
    Standalone(Address),
    /// A master and its replicas, watched by Sentinels.
    Sentinel {
        /// Where the Sentinels are.
        sentinels: Vec<Address>,
        /// What they call the master.
        service: String,
        /// How the Sentinels themselves know the gateway.
        credentials: Credentials,
    },
    /// A Redis Cluster.
    Cluster(Vec<Address>),
}

/// TLS settings beyond "on".
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// Certificate authorities (PEM) that replace those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Certificate chain and key (PEM) by which Redis knows the gateway.
    pub client_pem: Option<ClientCertificate>,
}

/// A client certificate. `Debug` does not show the key.
#[derive(Clone, Debug)]
pub struct ClientCertificate {
    /// The chain, PEM.
    pub chain_pem: Vec<u8>,
    /// The private key, PEM.
    pub key_pem: SecretString,
}

/// Everything needed to connect to Redis. `Debug` and `Display` show no secret.
#[derive(Clone, Debug)]
pub struct RedisTarget {
    /// Which servers.
    pub topology: Topology,
    /// How Redis knows the gateway.
    pub credentials: Credentials,
    /// Number of the database; always 0 in a Cluster. (Pub/Sub knows no databases.)
    pub db: u16,
    /// Present when connections use TLS.
    pub tls: Option<Tls>,
}

impl RedisTarget {
    /// Parses a URL (`REDIS_URL`).
    ///
    /// # Errors
    ///
    /// Says what is wrong with the URL, without quoting any of it that may be secret.
    pub fn parse(url: &str) -> Result<Self, TargetError> {
        parse::parse(url)
    }

    /// One server, from single values (`REDIS_HOST` and so on).
    #[must_use]
    pub fn standalone(host: &str, port: u16, password: Option<SecretString>, db: u16) -> Self {
        Self {
            topology: Topology::Standalone(Address::new(host, port)),
            credentials: Credentials {
                username: None,
                password,
            },
            db,
            tls: None,
        }
    }

    /// Sets what TLS needs to know; it has no effect on a URL without TLS.
    #[must_use]
    pub fn with_tls(mut self, tls: Tls) -> Self {
        if self.tls.is_some() {
            self.tls = Some(tls);
        }
        self
    }

    /// Whether Sentinels say where the server is.
    #[must_use]
    pub const fn has_sentinels(&self) -> bool {
        matches!(self.topology, Topology::Sentinel { .. })
    }

    /// Whether this is a Redis Cluster.
    #[must_use]
    pub const fn is_cluster(&self) -> bool {
        matches!(self.topology, Topology::Cluster(_))
    }
}

impl fmt::Display for RedisTarget {
    /// The URL without users and passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() {
            "rediss"
        } else {
            "redis"
        };
        let list = |addresses: &[Address]| {
            let all: Vec<_> = addresses.iter().map(Address::to_string).collect();
            all.join(",")
        };
        match &self.topology {
            Topology::Standalone(address) => write!(f, "{scheme}://{address}/{}", self.db),
            Topology::Sentinel {
                sentinels, service, ..
            } => {
                let hosts = list(sentinels);
                write!(f, "{scheme}+sentinel://{hosts}/{service}/{}", self.db)
            }
            Topology::Cluster(seeds) => write!(f, "{scheme}+cluster://{}", list(seeds)),
        }
    }
}

/// Why a URL does not name a Redis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// The scheme is none of ours, or there is none.
    #[error(
        "must begin with redis://, rediss://, redis+sentinel://, rediss+sentinel://, \
         redis+cluster:// or rediss+cluster://"
    )]
    Scheme,
    /// No host.
    #[error("names no host")]
    NoHost,
    /// An address in the list cannot be read.
    #[error("has an address that is not host or host:port")]
    Address,
    /// A port is no number between 1 and 65535.
    #[error("has a port that is not a number from 1 to 65535")]
    Port,
    /// User or password are not validly encoded.
    #[error("has a user or password that is not valid percent-encoded UTF-8")]
    Credentials,
    /// The database is no number.
    #[error("has a database that is not a number from 0 to 65535")]
    Database,
    /// A Cluster has database 0 only.
    #[error("names a database, but a Cluster has only database 0")]
    ClusterDatabase,
    /// Sentinels are asked for a service by name.
    #[error("names no service: redis+sentinel://host:port,host:port/service")]
    NoService,
    /// Something in the path that means nothing.
    #[error("has a path that means nothing here")]
    Path,
    /// A parameter that is not known.
    #[error(
        "has an unknown parameter; known are db, sentinelServiceName, sentinelUsername and sentinelPassword"
    )]
    Parameter,
}
