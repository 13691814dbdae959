//! What each figure is called and means: the `HELP` of the exposition format.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

/// Figures of one kind, each with what it means.
type Table = &'static [(&'static str, &'static str)];

pub(super) const OPENED: &str = "switchboard_connections_opened_total";
pub(super) const REFUSED: &str = "switchboard_connections_refused_total";
pub(super) const CLIENT_EVENTS: &str = "switchboard_client_events_total";
pub(super) const SENT_EVENTS: &str = "switchboard_sent_events_total";
pub(super) const JOINS: &str = "switchboard_joins_total";
pub(super) const LEAVES: &str = "switchboard_leaves_total";
pub(super) const RESUMES: &str = "switchboard_resumes_total";
pub(super) const LOST_PEERS: &str = "switchboard_peers_lost_total";
pub(super) const OFFERS: &str = "switchboard_offers_total";
pub(super) const RTC_STATES: &str = "switchboard_webrtc_states_total";
pub(super) const RTC_OUTCOMES: &str = "switchboard_webrtc_outcomes_total";
pub(super) const SLOW_READERS: &str = "switchboard_slow_consumer_closes_total";
pub(super) const RATE_LIMITED: &str = "switchboard_rate_limited_total";
pub(super) const ABUSE: &str = "switchboard_abuse_disconnects_total";
pub(super) const TIMEOUTS: &str = "switchboard_timeouts_total";
pub(super) const PUBSUB_OUT: &str = "switchboard_pubsub_published_messages_total";
pub(super) const PUBSUB_OUT_BYTES: &str = "switchboard_pubsub_published_bytes_total";
pub(super) const PUBSUB_IN: &str = "switchboard_pubsub_received_messages_total";
pub(super) const PUBSUB_IN_BYTES: &str = "switchboard_pubsub_received_bytes_total";
pub(super) const CPU: &str = "switchboard_process_cpu_seconds_total";
pub(super) const REDIS_FAILURES: &str = "switchboard_redis_connect_failures_total";

/// What counts up.
const COUNTERS: Table = &[
    (
        OPENED,
        "Sessions of clients that began, by protocol and transport",
    ),
    (
        REFUSED,
        "Clients that were not let in, by protocol (http before it can be told) and reason",
    ),
    (
        CLIENT_EVENTS,
        "Events of clients by protocol, event and outcome: ok, or the error code in lower case",
    ),
    (
        SENT_EVENTS,
        "Events of rooms put into the queues of clients, by event and outcome: queued, gone (it waits for the peer), full (the client is cut off)",
    ),
    (
        JOINS,
        "Wishes to join a room, by outcome: ok, or the error code in lower case",
    ),
    (
        LEAVES,
        "Peers that this node removed from rooms, by reason: left, disconnected, kicked, node_lost",
    ),
    (
        RESUMES,
        "Attempts to be the same peer again, by outcome: here, elsewhere (the peer came from another node), failed",
    ),
    (
        LOST_PEERS,
        "Peers whose connection was lost and whose reconnection window was opened",
    ),
    (
        OFFERS,
        "Offers of clients of this node by outcome: answered, replaced (by another offer to the same peer), unanswered (within a minute)",
    ),
    (
        RTC_STATES,
        "States of peer connections that clients reported with webrtc:state",
    ),
    (
        RTC_OUTCOMES,
        "The first of the states connected and failed that a client reported after it joined",
    ),
    (
        SLOW_READERS,
        "Connections closed because the client did not read what was sent, by protocol",
    ),
    (
        RATE_LIMITED,
        "What was refused because it came too often, by the limit that was hit",
    ),
    (
        ABUSE,
        "Clients that were disconnected because they went on sending too much, by protocol",
    ),
    (
        TIMEOUTS,
        "Connections and requests given up because something did not come in time, by what: head, body",
    ),
    (
        PUBSUB_OUT,
        "Messages to other nodes by outcome: published, retried (each attempt after the first), lost, refused (the queue was full)",
    ),
    (
        PUBSUB_OUT_BYTES,
        "Bytes of messages that Redis has taken for other nodes",
    ),
    (
        PUBSUB_IN,
        "Messages from Redis by outcome: received, own, repeated, malformed, failed, panicked",
    ),
    (PUBSUB_IN_BYTES, "Bytes of messages received from Redis"),
    (
        CPU,
        "Processor time that the process has used, in user and system mode, in whole seconds",
    ),
    (
        "switchboard_trace_spans_total",
        "Spans for the OpenTelemetry collector, by outcome: exported, failed. Those that did not fit into the queue are not counted",
    ),
    (REDIS_FAILURES, "Attempts to connect to Redis that failed"),
    (
        "switchboard_tls_handshakes_total",
        "TLS handshakes by outcome: done, failed, late",
    ),
    (
        "switchboard_websocket_closes_total",
        "Raw WebSocket connections that ended, by protocol and close code; 1006 without one",
    ),
    (
        "switchboard_media_requests_total",
        "Requests to media servers by operation and outcome, those refused by the breaker included",
    ),
    (
        "switchboard_room_lookups_total",
        "Rooms looked up for joins, by outcome: hit, miss, absent, stale, unavailable",
    ),
    (
        "switchboard_events_total",
        "Events of backends that came in, by channel and outcome: accepted, expired, rate_limited, lost, invalid",
    ),
    (
        "switchboard_events_invalid_total",
        "Events of backends that were skipped, by channel and reason",
    ),
    (
        "switchboard_events_told_total",
        "Deliveries of events of backends to clients, by channel",
    ),
    (
        "switchboard_api_requests_total",
        "Requests to the server API, by path and status",
    ),
    (
        "switchboard_chat_delivered_total",
        "Chat messages that the Chat Service has stored, each time that it did",
    ),
    (
        "switchboard_chat_deliveries_failed_total",
        "Deliveries of chat that failed and are repeated",
    ),
    (
        "switchboard_emitter_messages_total",
        "What backends published with @socket.io/redis-emitter, by kind and outcome",
    ),
    (
        "switchboard_emitter_told_total",
        "Events of @socket.io/redis-emitter told to clients of this node",
    ),
    (
        "switchboard_chat_dead_letters_total",
        "Chat messages that the Chat Service refuses, put aside",
    ),
];

/// Those without labels, which are shown before anything has happened: alerts look at how they
/// grow, and a figure that begins with its first event seems not to.
const PLAIN: [&str; 5] = [
    LOST_PEERS,
    "switchboard_chat_delivered_total",
    "switchboard_chat_deliveries_failed_total",
    "switchboard_chat_dead_letters_total",
    "switchboard_emitter_told_total",
];

pub(super) const CONNECTIONS: &str = "switchboard_connections";
pub(super) const QUEUE_BYTES: &str = "switchboard_queue_bytes";
pub(super) const QUEUE_BYTES_MAX: &str = "switchboard_queue_max_bytes";
pub(super) const ROOMS: &str = "switchboard_rooms";
pub(super) const ROOMS_BY_SIZE: &str = "switchboard_rooms_by_size";
pub(super) const PEERS: &str = "switchboard_peers";
pub(super) const PENDING_OFFERS: &str = "switchboard_offers_pending";
pub(super) const DRAINING: &str = "switchboard_draining";
pub(super) const BUILD: &str = "switchboard_build_info";
pub(super) const REDIS_UP: &str = "switchboard_redis_up";
pub(super) const REDIS_DELIVERS: &str = "switchboard_redis_delivers";
pub(super) const REDIS_GENERATION: &str = "switchboard_redis_link_generation";
pub(super) const PUBSUB_QUEUE: &str = "switchboard_pubsub_queue_messages";
pub(super) const PUBSUB_QUEUE_BYTES: &str = "switchboard_pubsub_queue_bytes";
pub(super) const CHAT_OUTBOX: &str = "switchboard_chat_outbox_messages";
pub(super) const CHAT_AGE: &str = "switchboard_chat_outbox_age_seconds";
pub(super) const CHAT_ROOMS: &str = "switchboard_chat_outbox_rooms";
pub(super) const CHAT_FOR_REDIS: &str = "switchboard_chat_unwritten_messages";
pub(super) const MEMORY: &str = "switchboard_process_resident_memory_bytes";
pub(super) const THREADS: &str = "switchboard_process_threads";
pub(super) const OPEN_FDS: &str = "switchboard_process_open_fds";
pub(super) const MAX_FDS: &str = "switchboard_process_max_fds";
pub(super) const STARTED: &str = "switchboard_process_start_time_seconds";
pub(super) const WORKERS: &str = "switchboard_runtime_workers";
pub(super) const TASKS: &str = "switchboard_runtime_alive_tasks";
pub(super) const INJECTED: &str = "switchboard_runtime_global_queue_depth";
pub(super) const BUSY: &str = "switchboard_runtime_busy_ratio";

/// What goes up and down.
const GAUGES: Table = &[
    (
        CONNECTIONS,
        "Clients that are connected, by protocol and transport",
    ),
    (
        QUEUE_BYTES,
        "Bytes that wait to be sent to clients, as they are charged",
    ),
    (
        QUEUE_BYTES_MAX,
        "The most of these bytes that wait for one client",
    ),
    (ROOMS, "Rooms that this node serves, by mode: p2p, sfu"),
    (
        ROOMS_BY_SIZE,
        "Rooms that this node serves, by number of peers on all nodes",
    ),
    (
        PEERS,
        "Peers of the rooms that this node serves, by where they are: online (here), away (their reconnection window is open), arriving (on their way here), remote (on other nodes)",
    ),
    (
        PENDING_OFFERS,
        "Offers of clients of this node that wait for an answer",
    ),
    (DRAINING, "Whether the node is about to stop: 1 if it is"),
    (BUILD, "Always 1; what runs is in the labels"),
    (
        REDIS_UP,
        "Whether the way to Redis is open: 1 if it is. Absent without a Redis",
    ),
    (
        REDIS_DELIVERS,
        "Whether Redis has delivered what was published a moment ago: 1 if it has",
    ),
    (REDIS_GENERATION, "How often the way to Redis has opened"),
    (
        PUBSUB_QUEUE,
        "Messages to other nodes that are queued or on their way to Redis",
    ),
    (
        PUBSUB_QUEUE_BYTES,
        "Bytes of messages to other nodes that are queued or on their way to Redis",
    ),
    (
        CHAT_OUTBOX,
        "Chat messages that wait for the Chat Service in the rooms that this node delivers, as far as it knows",
    ),
    (
        CHAT_AGE,
        "The longest time for which a room has waited for the Chat Service to store anything of it",
    ),
    (
        CHAT_ROOMS,
        "Rooms whose chat this node is delivering to the Chat Service",
    ),
    (
        CHAT_FOR_REDIS,
        "Chat messages that were taken and are not in Redis yet",
    ),
    (MEMORY, "Memory of the process that is in RAM"),
    (THREADS, "Threads of the process"),
    (OPEN_FDS, "File descriptors that are open"),
    (MAX_FDS, "File descriptors that may be open"),
    (
        STARTED,
        "When the process began, in seconds since the Unix epoch",
    ),
    (WORKERS, "Threads that work on the tasks of the runtime"),
    (TASKS, "Tasks of the runtime that are alive"),
    (
        INJECTED,
        "Tasks that wait in the global queue of the runtime",
    ),
    (
        BUSY,
        "Share of their time for which the workers were busy since the figures were last asked for",
    ),
    (
        "switchboard_websocket_connections",
        "Open raw WebSocket connections by protocol: signal, ws",
    ),
    (
        "switchboard_media_breaker_state",
        "Circuit breaker of each media server: 0 closed, 1 half-open, 2 open",
    ),
    (
        "switchboard_media_releases_waiting",
        "Peers that are still to be closed on media servers",
    ),
];

pub(super) const DURATION: &str = "switchboard_connection_duration_seconds";
pub(super) const HANDLING: &str = "switchboard_event_handling_seconds";
pub(super) const JOINING: &str = "switchboard_join_seconds";
pub(super) const ANSWER: &str = "switchboard_offer_answer_seconds";
pub(super) const CONNECTED: &str = "switchboard_webrtc_connect_seconds";
pub(super) const LAG: &str = "switchboard_pubsub_lag_seconds";
pub(super) const ROOM_PEERS: &str = "switchboard_room_peers";

/// What takes time.
const DURATIONS: Table = &[
    (DURATION, "How long connections lasted, by protocol"),
    (
        HANDLING,
        "Time from reading an event of a client until all that it causes here is queued, by protocol and kind: relay (offers, answers, candidates), other. What others are asked for meanwhile is not in it",
    ),
    (
        JOINING,
        "Time from the wish to join a room until it is decided",
    ),
    (
        ANSWER,
        "Time from an offer of a client of this node until the answer is queued for it",
    ),
    (
        CONNECTED,
        "Time until a client first reported connected, since it joined, or since its first offer or answer if it was alone then",
    ),
    (
        LAG,
        "Time of a canary message through Redis and back, queues included",
    ),
    (
        "switchboard_media_request_duration_seconds",
        "Time that media servers take to answer, by operation",
    ),
];

/// Gives each figure its `HELP`.
pub(super) fn describe() {
    for (name, what) in COUNTERS {
        describe_counter!(*name, Unit::Count, *what);
    }
    for name in PLAIN {
        counter!(name).increment(0);
    }
    gauge!("switchboard_media_releases_waiting").set(0.0);
    for (name, what) in GAUGES {
        describe_gauge!(*name, Unit::Count, *what);
    }
    for (name, what) in DURATIONS {
        describe_histogram!(*name, Unit::Seconds, *what);
    }
    let peers = "How many peers a room had on all nodes, each time that one joined it here";
    describe_histogram!(ROOM_PEERS, Unit::Count, peers);
}
