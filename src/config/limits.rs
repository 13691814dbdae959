//! How much clients may have.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::time::Duration;

use ipnet::IpNet;

use super::reader::Reader;
use super::validate::{PATIENCE_MS, size};
use super::{ClientConfig, DoorConfig};
use crate::core::MAX_MISSED_BYTES;
use crate::limits::{Class, ForwardedBy, Rate, Spending, TrustedProxies};

/// The most of anything in a second, or at once. Beyond that a limit is none: that is `RATE_LIMITS=off`.
const MAX_RATE: u32 = 1_000_000;
/// One room each second on average is a crawler already; a million says that there is no limit.
const ROOMS_PER_MIN: RangeInclusive<u64> = 1..=1_000_000;

/// From one to more than the ports and the memory of a machine allow.
const CONNECTIONS: RangeInclusive<u64> = 1..=10_000_000;
/// From what may be kept for a client that is away, which must have room when it comes back, to what
/// a few of would fill a machine.
const MAX_QUEUED_BYTES: RangeInclusive<u64> = MAX_MISSED_BYTES as u64..=268_435_456;
/// The most proxies that are listed, each a range: every request is compared with all of them.
const MAX_PROXIES: usize = 64;

/// What single clients may do, and whether they are held to it.
pub(super) fn clients(reader: &mut Reader) -> ClientConfig {
    let spending = spending(reader);
    let limited = reader.choice("RATE_LIMITS", &[("on", true), ("off", false)]);
    let limited = limited.unwrap_or(true);
    let connections = count(reader, "MAX_CONNECTIONS_PER_USER");
    ClientConfig {
        limited,
        spending: limited.then_some(spending),
        connections: limited.then_some(connections),
        queued_bytes: size(reader, "MAX_QUEUED_BYTES", MAX_QUEUED_BYTES),
    }
}

/// How many connections there may be; `limited`: those of single clients too.
pub(super) fn door(reader: &mut Reader, limited: bool) -> DoorConfig {
    let per_ip = count(reader, "MAX_CONNECTIONS_PER_IP");
    let handshakes = rate(reader, "HANDSHAKES_PER_IP_PER_S");
    DoorConfig {
        connections: size(reader, "MAX_CONNECTIONS", CONNECTIONS),
        per_ip: limited.then_some(per_ip),
        handshakes: limited.then_some(handshakes),
        proxies: proxies(reader),
        header_timeout: reader.millis("HEADER_TIMEOUT_MS", PATIENCE_MS),
        body_timeout: reader.millis("BODY_TIMEOUT_MS", PATIENCE_MS),
        keep_alive_timeout: reader.millis("KEEP_ALIVE_TIMEOUT_MS", PATIENCE_MS),
    }
}

fn count(reader: &mut Reader, name: &str) -> u32 {
    u32::try_from(reader.number(name, CONNECTIONS)).unwrap_or(u32::MAX)
}

/// Addresses, and ranges of them (RFC 4632 §3.1, RFC 4291 §2.3).
fn proxies(reader: &mut Reader) -> TrustedProxies {
    let list = reader.text("TRUSTED_PROXIES").unwrap_or_default();
    let mut networks = Vec::new();
    for (index, entry) in list.split(',').map(str::trim).enumerate() {
        let address = entry.parse::<IpAddr>().map(IpNet::from);
        match address.or_else(|_| entry.parse::<IpNet>()) {
            Ok(network) => networks.push(network.trunc()),
            Err(_) if list.is_empty() => {}
            Err(_) => {
                let must = "must be an IP address, or a range such as 10.0.0.0/8";
                reader.mistake("TRUSTED_PROXIES", format!("entry {} {must}", index + 1));
            }
        }
    }
    if networks.len() > MAX_PROXIES {
        let problem = format!("must be at most {MAX_PROXIES}: join them into ranges");
        reader.mistake("TRUSTED_PROXIES", problem);
    }
    let headers = [
        ("x-forwarded-for", ForwardedBy::XForwardedFor),
        ("forwarded", ForwardedBy::Forwarded),
    ];
    let header = reader.choice("TRUSTED_PROXY_HEADER", &headers);
    TrustedProxies::new(networks, header.unwrap_or_default())
}

fn spending(reader: &mut Reader) -> Spending {
    let rooms = u32::try_from(reader.number("ROOMS_PER_MIN", ROOMS_PER_MIN)).unwrap_or(u32::MAX);
    let rooms = Rate::new(rooms, Duration::from_secs(60), rooms);
    let refusals = rate(reader, "RATE_REFUSED");
    let [relay, chat, history, join, sfu, other] = [
        "RATE_RELAY",
        "RATE_CHAT",
        "RATE_HISTORY",
        "RATE_JOIN",
        "RATE_SFU",
        "RATE_OTHER",
    ]
    .map(|name| rate(reader, name));
    let rate_of = |class| match class {
        Class::Relay => relay,
        Class::Chat => chat,
        Class::History => history,
        Class::Join => join,
        Class::Sfu => sfu,
        Class::Other => other,
    };
    Spending::new(rate_of, rooms, refusals)
}

/// `RATE:BURST`: so many each second, and so many at once.
fn rate(reader: &mut Reader, name: &str) -> Rate {
    let text = reader.text(name).unwrap_or_default();
    let number = |text: &str| {
        let number = text.trim().parse::<NonZeroU32>().ok()?.get();
        (number <= MAX_RATE).then_some(number)
    };
    let parts = text.split_once(':');
    let parts = parts.and_then(|(count, burst)| Some((number(count)?, number(burst)?)));
    if parts.is_none() {
        let must = "must be RATE:BURST, so many each second and so many at once, each from 1 to";
        reader.mistake(name, format!("{must} {MAX_RATE}"));
    }
    let (count, burst) = parts.unwrap_or((1, 1));
    Rate::per_second(count, burst)
}
