//! For whom proxies say they ask, see [`crate::fuzzing`].

#![allow(clippy::expect_used, reason = "a broken promise has to end the run")]

use std::net::{IpAddr, Ipv4Addr};

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::{ForwardedBy, Network, TrustedProxies};

/// A proxy that is believed, and another before it.
const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const PROXY_BEFORE: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));

/// A client as the proxies see it, and as the gateway sees one that comes without them.
const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));

/// Reads what a request's headers say of proxies, as each of the two that may be configured.
pub(crate) fn forwarded(headers: &HeaderMap) {
    let networks = [IpNet::from(PROXY), IpNet::from(PROXY_BEFORE)];
    for (header, name, other) in [
        (
            ForwardedBy::XForwardedFor,
            HeaderName::from_static("x-forwarded-for"),
            HeaderName::from_static("forwarded"),
        ),
        (
            ForwardedBy::Forwarded,
            HeaderName::from_static("forwarded"),
            HeaderName::from_static("x-forwarded-for"),
        ),
    ] {
        let proxies = TrustedProxies::new(networks.to_vec(), header);
        check_read(&proxies, headers, &name, &other);
        check_appended(&proxies, header, headers, &name);
    }
}

/// Nobody is believed but the proxies, and they only in the header that is theirs.
fn check_read(
    proxies: &TrustedProxies,
    headers: &HeaderMap,
    name: &HeaderName,
    other: &HeaderName,
) {
    assert_eq!(proxies.client_of(CLIENT, headers), CLIENT);
    let client = proxies.client_of(PROXY, headers);
    assert_eq!(client, client.to_canonical());
    assert!(client == PROXY || headers.contains_key(name));
    // Whoever is counted by it is not told from those in the same network, and says nothing in a log.
    assert_eq!(format!("{:?}", Network::from(client)), "Network");
    let mut without = headers.clone();
    without.remove(other);
    assert_eq!(proxies.client_of(PROXY, &without), client);
}

/// Whatever a client sends, it is taken for whom the proxies saw: as they write it, in the client's line
/// or one of their own.
fn check_appended(
    proxies: &TrustedProxies,
    header: ForwardedBy,
    headers: &HeaderMap,
    name: &HeaderName,
) {
    let saw = |address: IpAddr| match header {
        ForwardedBy::XForwardedFor => address.to_string(),
        ForwardedBy::Forwarded => format!("for={address}"),
    };
    let appended = format!("{}, {}", saw(CLIENT), saw(PROXY_BEFORE));
    let mut own_line = headers.clone();
    let value = HeaderValue::from_str(&appended).expect("addresses are a header");
    own_line.append(name, value);
    assert_eq!(proxies.client_of(PROXY, &own_line), CLIENT);
    // As proxies that make one line of several: nginx's $proxy_add_x_forwarded_for.
    let lines = headers.get_all(name).iter().map(HeaderValue::as_bytes);
    let mut joined = lines.collect::<Vec<_>>().join(&b", "[..]);
    joined.extend_from_slice(b", ");
    joined.extend_from_slice(appended.as_bytes());
    let mut one_line = headers.clone();
    let value = HeaderValue::from_bytes(&joined).expect("what was in headers may be in one");
    one_line.insert(name, value);
    assert_eq!(proxies.client_of(PROXY, &one_line), CLIENT);
}
