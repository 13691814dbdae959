//! Handles of the figures that the hot path counts in, made once.

use std::{
    sync::{LazyLock, OnceLock},
    time::Duration,
};

use metrics::{Counter, Histogram, counter, histogram};

use super::{
    Metrics,
    labels::{Carrier, EVENT_COUNT, EventKind, OUTCOME_COUNT, Protocol, Resumption, outcome},
    table,
};
use crate::{
    core::{Event, LeaveReason, Sent},
    protocol::{ErrorCode, RtcState, event_name},
    telemetry::traces,
};

/// The kinds of events that rooms tell: see [`place_of`].
const TOLD_COUNT: usize = 13;

/// All handles. Those of figures with many labels are made when they are first needed, so that only
/// what happens is shown.
static FIGURES: LazyLock<Figures> = LazyLock::new(Figures::register);

struct Figures {
    opened: [[Counter; 2]; 4],
    durations: [Histogram; 4],
    handling: [[Histogram; 2]; 4],
    slow: [Counter; 4],
    asked: Box<[OnceLock<Counter>]>,
    told: [[OnceLock<Counter>; 3]; TOLD_COUNT],
    leaves: [Counter; 4],
    resumes: [Counter; 3],
    lost: Counter,
    joining: Histogram,
    room_peers: Histogram,
    states: [Counter; 6],
    connected: Histogram,
    outcomes: [Counter; 2],
    lag: Histogram,
}

impl Figures {
    fn register() -> Self {
        // Handles are of the recorder that there is: it has to be there before them. If it cannot
        // be, the start of the gateway says so.
        let _ = Metrics::start();
        let opened = |protocol: Protocol| {
            Carrier::ALL.map(|carrier| {
                counter!(table::OPENED, "protocol" => protocol.label(), "transport" => carrier.label())
            })
        };
        let asked = Protocol::ALL.len() * EVENT_COUNT * OUTCOME_COUNT;
        Self {
            opened: Protocol::ALL.map(opened),
            durations: Protocol::ALL
                .map(|protocol| histogram!(table::DURATION, "protocol" => protocol.label())),
            handling: Protocol::ALL.map(|protocol| {
                ["relay", "other"].map(|kind| {
                    histogram!(table::HANDLING, "protocol" => protocol.label(), "kind" => kind)
                })
            }),
            slow: Protocol::ALL
                .map(|protocol| counter!(table::SLOW_READERS, "protocol" => protocol.label())),
            asked: (0..asked).map(|_| OnceLock::new()).collect(),
            told: Default::default(),
            leaves: LEAVE_REASONS
                .map(|reason| counter!(table::LEAVES, "reason" => leave_label(reason))),
            resumes: ["here", "elsewhere", "failed"]
                .map(|outcome| counter!(table::RESUMES, "outcome" => outcome)),
            lost: counter!(table::LOST_PEERS),
            joining: histogram!(table::JOINING),
            room_peers: histogram!(table::ROOM_PEERS),
            states: RtcState::ALL.map(|state| counter!(table::RTC_STATES, "state" => state.name())),
            connected: histogram!(table::CONNECTED),
            outcomes: ["connected", "failed"]
                .map(|outcome| counter!(table::RTC_OUTCOMES, "outcome" => outcome)),
            lag: histogram!(table::LAG),
        }
    }
}

const LEAVE_REASONS: [LeaveReason; 4] = [
    LeaveReason::Left,
    LeaveReason::Disconnected,
    LeaveReason::Kicked,
    LeaveReason::NodeLost,
];

const fn leave_label(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Left => "left",
        LeaveReason::Disconnected => "disconnected",
        LeaveReason::Kicked => "kicked",
        LeaveReason::NodeLost => "node_lost",
    }
}

/// A session of a client began.
pub fn connection_opened(protocol: Protocol, carrier: Carrier) {
    FIGURES.opened[protocol as usize][carrier as usize].increment(1);
}

/// It ended after that time.
pub fn connection_ended(protocol: Protocol, lasted: Duration) {
    FIGURES.durations[protocol as usize].record(lasted);
}

/// A client was not let in.
pub fn connection_refused(protocol: Protocol, reason: &'static str) {
    counter!(table::REFUSED, "protocol" => protocol.label(), "reason" => reason).increment(1);
}

/// A connection or a request was refused before it could be told how the client speaks.
pub fn turned_away(reason: &'static str) {
    counter!(table::REFUSED, "protocol" => "http", "reason" => reason).increment(1);
}

/// Something did not come in time, and what it belongs to was given up.
pub fn timed_out(awaited: &'static str) {
    counter!(table::TIMEOUTS, "awaited" => awaited).increment(1);
}

/// A client was disconnected because it went on sending too much.
pub fn abuse_ended(protocol: Protocol) {
    counter!(table::ABUSE, "protocol" => protocol.label()).increment(1);
}

/// A client was cut off because it did not read.
pub fn slow_consumer(protocol: Protocol) {
    FIGURES.slow[protocol as usize].increment(1);
}

/// Something came too often for a limit of that name.
pub fn rate_limited(limit: &'static str) {
    counter!(table::RATE_LIMITED, "limit" => limit).increment(1);
}

/// A client's event was done, or refused. Counted once for each event.
pub fn client_event(protocol: Protocol, asked: EventKind, result: Result<(), ErrorCode>) {
    let (outcome, place) = outcome(result);
    let row = protocol as usize * EVENT_COUNT + asked.place();
    if let Some(cell) = FIGURES.asked.get(row * OUTCOME_COUNT + place) {
        let make = || counter!(table::CLIENT_EVENTS, "protocol" => protocol.label(), "event" => asked.label(), "outcome" => outcome);
        cell.get_or_init(make).increment(1);
    }
    if result.is_err() {
        traces::refused(outcome);
    }
    if result == Err(ErrorCode::RateLimited) {
        rate_limited(asked.label());
    }
}

/// Reading a client's event and doing all that could be done at once took that long.
pub fn handled(protocol: Protocol, asked: EventKind, took: Duration) {
    let kind = usize::from(!asked.is_relay());
    FIGURES.handling[protocol as usize][kind].record(took);
}

/// An event of a room was put into a client's queue, or was not.
pub fn event_told(event: &Event<'_>, sent: Sent) {
    let (outcome, place) = match sent {
        Sent::Queued => ("queued", 0),
        Sent::Gone => ("gone", 1),
        Sent::Full => ("full", 2),
    };
    let cell = &FIGURES.told[place_of(event)][place];
    let name = event_name(event);
    let make = || counter!(table::SENT_EVENTS, "event" => name, "outcome" => outcome);
    cell.get_or_init(make).increment(1);
}

/// Where an event stands among those that have a name of their own.
const fn place_of(event: &Event<'_>) -> usize {
    use crate::core::RelayKind::{Answer, Ice, Offer};
    match event {
        Event::Joined(_) => 0,
        Event::Resumed { .. } => 1,
        Event::PeerJoined(_) => 2,
        Event::PeerLeft { .. } => 3,
        Event::HostChanged { .. } => 4,
        Event::Kicked { .. } => 5,
        Event::ModeChanged { .. } => 6,
        Event::NewProducer(_) => 7,
        Event::ProducerClosed { .. } => 8,
        Event::Relay { kind: Offer, .. } => 9,
        Event::Relay { kind: Answer, .. } => 10,
        Event::Relay { kind: Ice, .. } => 11,
        Event::Chat(_) => 12,
    }
}

/// It was decided after that time whether a client may join a room.
pub fn joined(result: Result<(), ErrorCode>, took: Duration) {
    let (outcome, _) = outcome(result);
    counter!(table::JOINS, "outcome" => outcome).increment(1);
    FIGURES.joining.record(took);
}

/// A peer came into a room, which has so many now.
pub fn room_entered(peers: usize) {
    FIGURES.room_peers.record(peers as f64);
}

/// This node removed a peer from a room.
pub fn peer_left(reason: LeaveReason) {
    FIGURES.leaves[reason as usize].increment(1);
}

/// A peer's connection was lost, and it is waited for.
pub fn peer_lost() {
    FIGURES.lost.increment(1);
}

/// A client wanted to be the same peer again.
pub fn resumed(outcome: Resumption) {
    FIGURES.resumes[outcome as usize].increment(1);
}

/// A client reported the state of a peer connection.
pub fn rtc_state(state: RtcState) {
    FIGURES.states[state as usize].increment(1);
}

/// The first that came of a client's peer connections since it joined: whether one came about.
pub fn rtc_outcome(connected: bool) {
    FIGURES.outcomes[usize::from(!connected)].increment(1);
}

/// A client had its first connection after that time.
pub fn connected_after(took: Duration) {
    FIGURES.connected.record(took);
}

/// A message went through Redis and back in that time.
pub fn lag(took: Duration) {
    FIGURES.lag.record(took);
}
