//! Who may come in: decided when a connection is accepted, and when a request opens a session.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::HeaderMap;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{
    address::{Network, TrustedProxies},
    handshakes::Handshakes,
    rate::Rate,
    tally::{Tally, Ticket},
};

/// How many connections at once are told why they cannot be served. What is more is closed without a
/// word: an attack must not find work to make.
const MAX_REFUSALS: usize = 256;

/// How many connections there may be, and how often each network may open sessions.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// The most connections.
    pub connections: usize,
    /// The most of one network, if there is a limit.
    pub per_network: Option<u32>,
    /// How many sessions one network may open, if there is a limit.
    pub handshakes: Option<Rate>,
    /// The proxies that are believed.
    pub proxies: TrustedProxies,
}

/// Counts connections, and says which are too many.
#[derive(Debug)]
pub struct Door {
    places: Arc<Semaphore>,
    refusals: Arc<Semaphore>,
    networks: Option<Arc<Tally<Network>>>,
    handshakes: Option<Handshakes>,
    proxies: TrustedProxies,
    /// Somebody has been told of a proxy that is not trusted.
    told: AtomicBool,
}

/// Why a connection, or a session, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crowd {
    /// The node has as many connections as it may.
    Node,
    /// The client's network has.
    Network,
    /// The client's network opens sessions too fast. It may open one after this time.
    Handshakes(Duration),
    /// The user has as many sessions as one may.
    User,
}

impl Crowd {
    /// Its name in figures and logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node_full",
            Self::Network => "address_full",
            Self::Handshakes(_) => "address_rate",
            Self::User => "user_full",
        }
    }
}

/// A connection's place, until it is dropped.
#[derive(Debug)]
pub struct Pass {
    _place: OwnedSemaphorePermit,
    /// Behind a proxy it is each request that says whose it is.
    _ticket: Option<Ticket<Network>>,
}

/// What becomes of a connection.
#[derive(Debug)]
pub enum Entry {
    /// It is served.
    Open(Pass),
    /// It is told why not, while it has this.
    Refused(Crowd, OwnedSemaphorePermit),
    /// It is closed.
    Shut(Crowd),
}

impl Door {
    /// A door through which nobody has come yet.
    pub fn new(settings: DoorSettings) -> Arc<Self> {
        let places = settings.connections.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            refusals: Arc::new(Semaphore::new(MAX_REFUSALS)),
            networks: settings.per_network.map(Tally::new),
            handshakes: settings.handshakes.map(Handshakes::new),
            proxies: settings.proxies,
            told: AtomicBool::new(false),
        })
    }

    /// Decides about a connection that came from `peer`.
    pub fn enter(&self, peer: IpAddr) -> Entry {
        match self.place_for(peer) {
            Ok(pass) => Entry::Open(pass),
            Err(crowd) => match Arc::clone(&self.refusals).try_acquire_owned() {
                Ok(permit) => Entry::Refused(crowd, permit),
                Err(_) => Entry::Shut(crowd),
            },
        }
    }

    fn place_for(&self, peer: IpAddr) -> Result<Pass, Crowd> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Crowd::Node)?;
        let ticket = match &self.networks {
            Some(networks) if !self.proxies.trust(peer) => {
                let ticket = networks.enter(peer.into());
                Some(ticket.ok_or(Crowd::Network)?)
            }
            _ => None,
        };
        Ok(Pass {
            _place: place,
            _ticket: ticket,
        })
    }

    /// Whether a request seems to come through a proxy that nobody named, such that all of its
    /// clients count as one. Says so once.
    pub fn meets_unknown_proxy(&self, peer: IpAddr, headers: &HeaderMap) -> bool {
        let forwarded = ["x-forwarded-for", "forwarded"];
        self.networks.is_some()
            && forwarded.iter().any(|name| headers.contains_key(*name))
            && is_near(peer)
            && !self.proxies.trust(peer)
            && !self.told.swap(true, Ordering::Relaxed)
    }

    /// Whose a request is that came from `peer`.
    pub fn network_of(&self, peer: IpAddr, headers: &HeaderMap) -> Network {
        self.proxies.client_of(peer, headers).into()
    }

    /// Counts a request that a proxy makes for `network` as a connection of it, until the ticket is
    /// dropped. A connection without a proxy is counted already.
    ///
    /// # Errors
    /// [`Crowd::Network`].
    pub fn stand_for(
        &self,
        peer: IpAddr,
        network: Network,
    ) -> Result<Option<Ticket<Network>>, Crowd> {
        match &self.networks {
            Some(networks) if self.proxies.trust(peer) => {
                networks.enter(network).map(Some).ok_or(Crowd::Network)
            }
            _ => Ok(None),
        }
    }

    /// Counts a session that `network` opens.
    ///
    /// # Errors
    /// [`Crowd::Handshakes`].
    pub fn begin(&self, network: Network) -> Result<(), Crowd> {
        match &self.handshakes {
            Some(handshakes) => handshakes.spend(network).map_err(Crowd::Handshakes),
            None => Ok(()),
        }
    }
}

/// Whether an address is one of those that proxies of a deployment have: of this machine or a private
/// network (RFC 1918, RFC 4193). Anybody else may send headers as it likes.
const fn is_near(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

#[cfg(test)]
#[path = "tests/door.rs"]
mod tests;
