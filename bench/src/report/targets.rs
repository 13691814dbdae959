//! What was promised.

use crate::server::Kind;

/// That one figure of the gateway is at most a part of another's.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) what: &'static str,
    pub(crate) of: &'static str,
    pub(crate) workload: &'static str,
    /// Another workload of what it is compared with. Without one the gateway is not compared with itself: its
    /// figure is a quotient.
    pub(crate) against: Option<&'static str>,
    pub(crate) figure: &'static str,
    pub(crate) kind: Kind,
    pub(crate) at_most: f64,
}

const CPU: &str = "CPU, µs";
const RSS: &str = "RSS, KiB";

const fn node(
    what: &'static str,
    workload: &'static str,
    figure: &'static str,
    at_most: f64,
) -> Target {
    Target {
        what,
        of: "Node",
        workload,
        against: None,
        figure,
        kind: Kind::Node,
        at_most,
    }
}

const fn limit(what: &'static str, workload: &'static str, at_most: f64) -> Target {
    Target {
        what,
        of: "limit",
        workload,
        against: None,
        figure: CPU,
        kind: Kind::Limit,
        at_most,
    }
}

pub(crate) const TARGETS: &[Target] = &[
    node("relay saturated, CPU per message", "relay", CPU, 0.30),
    limit("relay saturated, CPU per message", "relay", 1.5),
    node("relay at 6k/s, CPU", "relay-6k", CPU, 0.55),
    node("relay at 6k/s, p99", "relay-6k", "p99, µs", 0.5),
    limit("relay at 6k/s, CPU", "relay-6k", 1.6),
    node(
        "relay between 2 nodes saturated, CPU of both",
        "cluster-relay-2",
        CPU,
        0.22,
    ),
    node(
        "fan-out to 10 at 10k deliveries/s, CPU",
        "fanout-10-paced",
        CPU,
        0.75,
    ),
    limit(
        "fan-out to 10 at 10k deliveries/s, CPU",
        "fanout-10-paced",
        1.5,
    ),
    node(
        "fan-out to 10 saturated, CPU per delivery",
        "fanout-10",
        CPU,
        0.6,
    ),
    limit(
        "fan-out to 10 saturated, CPU per delivery",
        "fanout-10",
        1.5,
    ),
    node(
        "fan-out to 100 saturated, CPU per delivery",
        "fanout-100",
        CPU,
        0.5,
    ),
    limit(
        "fan-out to 100 saturated, CPU per delivery",
        "fanout-100",
        1.5,
    ),
    node(
        "each of 5k idle connections in rooms, memory",
        "idle-5k",
        RSS,
        1.0,
    ),
    node(
        "each of 20k idle connections in rooms, memory",
        "idle-20k",
        RSS,
        0.8,
    ),
    node(
        "connect with RS256 cookie and join, CPU",
        "idle-5k",
        "connect and join, CPU, µs",
        0.35,
    ),
    node("connect, join, leave, disconnect, CPU", "cycle", CPU, 0.4),
    node(
        "200 peers join one room at once, CPU",
        "join-200",
        "CPU, ms",
        0.35,
    ),
    Target {
        what: "4 nodes instead of 2, CPU of all per relay",
        of: "2 nodes",
        workload: "cluster-relay-4",
        against: Some("cluster-relay-2"),
        figure: CPU,
        kind: Kind::Switchboard,
        at_most: 1.1,
    },
    Target {
        what: "churn, RSS after round 20",
        of: "round 5",
        workload: "churn",
        against: None,
        figure: "round 20 of round 5",
        kind: Kind::Switchboard,
        at_most: 1.05,
    },
];
