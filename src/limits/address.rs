//! Who is at the other end of a connection, proxies or not.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use http::HeaderMap;
use ipnet::IpNet;

/// The most proxies that a request is followed through. Nobody has as many; a header may.
const MAX_HOPS: usize = 32;

/// How much of an IPv6 address says whose it is: a site is given a /64 at least (RFC 6177), and has
/// all addresses in it.
const IPV6_NETWORK: u32 = 64;

/// Those who share an address, as far as that can be told: an IPv4 address, or a /64 of IPv6.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(u128);

impl From<IpAddr> for Network {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(v4.to_ipv6_mapped().into()),
            IpAddr::V6(v6) => Self(u128::from(v6) & (u128::MAX << (128 - IPV6_NETWORK))),
        }
    }
}

impl fmt::Debug for Network {
    /// Not the address itself: it is a person's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network")
    }
}

/// The header in which proxies say for whom they ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`: addresses separated by commas, each proxy appends whom it saw.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// The proxies that are believed, and where they say for whom they ask. Only one header is read: a
/// proxy passes on what it does not know, and then the other one is whatever the client made up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    header: ForwardedBy,
}

impl TrustedProxies {
    /// Those in any of `networks`, who use `header`.
    pub const fn new(networks: Vec<IpNet>, header: ForwardedBy) -> Self {
        Self { networks, header }
    }

    /// Whether a proxy with this address is believed.
    pub fn trust(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }

    /// Whom a request with these headers is from, that came from `peer`: the last address in the
    /// chain of proxies that is none of those that are believed. What is before it anybody may have
    /// written. Where a proxy does not say, it is the proxy.
    pub fn client_of(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        let name = match self.header {
            ForwardedBy::XForwardedFor => "x-forwarded-for",
            ForwardedBy::Forwarded => "forwarded",
        };
        let mut lines: Vec<_> = headers.get_all(name).iter().collect();
        lines.reverse();
        // As bytes: what a client wrote before need not be text, and must not hide what the proxy says.
        let hops = lines.iter().flat_map(|line| {
            let hops = line.as_bytes().rsplit(|byte| *byte == b',');
            hops.map(|hop| self.read(std::str::from_utf8(hop.trim_ascii()).ok()?))
        });
        for hop in hops.take(MAX_HOPS) {
            let Some(hop) = hop else { break };
            client = hop.to_canonical();
            if !self.trust(client) {
                break;
            }
        }
        client
    }

    /// The address that a proxy gives; nothing if it does not give one (RFC 7239 §6).
    fn read(&self, hop: &str) -> Option<IpAddr> {
        match self.header {
            ForwardedBy::XForwardedFor => address(hop),
            ForwardedBy::Forwarded => {
                let element = rfc7239::parse(hop).next()?.ok()?;
                element.forwarded_for?.ip().copied()
            }
        }
    }
}

/// An address as proxies write it: bare, in brackets, or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bracketed = || {
        let inner = text.strip_prefix('[')?.strip_suffix(']')?;
        inner.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
    };
    let bare = text.parse().ok();
    bare.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(bracketed)
}

#[cfg(test)]
#[path = "tests/address.rs"]
mod tests;
