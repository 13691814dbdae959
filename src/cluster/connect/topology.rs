//! The slots of a Cluster.

use std::collections::BTreeSet;

use redis::{FromRedisValue, Value};

use crate::cluster::target::Address;

/// Number of slots in every Cluster.
const SLOTS: u16 = 16_384;

/// The slot of a name: of what its first `{…}` holds, if there is one that holds something.
pub(in crate::cluster) fn slot(name: &str) -> u16 {
    let tag = name
        .split_once('{')
        .and_then(|(_, rest)| rest.split_once('}'));
    let hashed = match tag {
        Some((tag, _)) if !tag.is_empty() => tag,
        _ => name,
    };
    crc16(hashed.as_bytes()) % SLOTS
}

/// CRC-16/XMODEM, as the Cluster specification wants.
fn crc16(bytes: &[u8]) -> u16 {
    let mut crc = 0_u16;
    for &byte in bytes {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            let carry = crc & 0x8000 != 0;
            crc <<= 1;
            if carry {
                crc ^= 0x1021;
            }
        }
    }
    crc
}

/// Which master serves which slots. Sorted by the first slot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::cluster) struct SlotMap(Vec<(u16, u16, Address)>);

impl SlotMap {
    /// Reads the answer to `CLUSTER SLOTS` that `asked` gave.
    pub(super) fn parse(answer: Value, asked: &Address) -> Option<Self> {
        let ranges = Vec::<Value>::from_redis_value(answer).ok()?;
        let mut map: Vec<_> = ranges
            .into_iter()
            .map(|range| parse_range(range, asked))
            .collect::<Option<_>>()?;
        map.sort_unstable();
        Some(Self(map))
    }

    /// Who serves a slot; `None` while nobody does.
    pub(in crate::cluster) fn node(&self, slot: u16) -> Option<&Address> {
        let after = self.0.partition_point(|(first, _, _)| *first <= slot);
        let (_, last, node) = self.0.get(after.checked_sub(1)?)?;
        (slot <= *last).then_some(node)
    }

    /// All masters that serve slots.
    pub(in crate::cluster) fn nodes(&self) -> BTreeSet<&Address> {
        self.0.iter().map(|(_, _, node)| node).collect()
    }
}

/// `[first, last, [host, port, …master], […replica], …]`
fn parse_range(range: Value, asked: &Address) -> Option<(u16, u16, Address)> {
    let mut parts = Vec::<Value>::from_redis_value(range).ok()?.into_iter();
    let first = u16::from_redis_value(parts.next()?).ok()?;
    let last = u16::from_redis_value(parts.next()?).ok()?;
    let mut master = Vec::<Value>::from_redis_value(parts.next()?)
        .ok()?
        .into_iter();
    let host = Option::<String>::from_redis_value(master.next()?).ok()?;
    let port = u16::from_redis_value(master.next()?).ok()?;
    // A node that does not know its own address means the one it was asked at.
    let host = match host {
        Some(host) if !host.is_empty() && host != "?" => host,
        _ => asked.host.clone(),
    };
    Some((first, last, Address::new(host, port)))
}

#[cfg(test)]
#[path = "tests/topology.rs"]
mod tests;
