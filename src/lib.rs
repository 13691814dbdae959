//! Switchboard: a Socket.IO-compatible event gateway for WebRTC signalling and all that goes
//! with it.
//!
//! # Map
//!
//! A message goes one way: a transport decodes it and calls a [`hub::Session`]; the session
//! finds the room and applies the input to the pure [`core`]; the core hands events to
//! the links of those who are to hear them; the links encode.
//!
//! | module | what is there |
//! |---|---|
//! | [`app`] | the wiring, from a configuration to a gateway that serves |
//! | [`config`] | environment variables and flags, all checked at start |
//! | [`telemetry`] | logs, figures and traces |
//! | [`core`] | rooms as a state machine: pure, no I/O, no clock |
//! | [`protocol`] | the wire: error codes, the payloads clients send and get |
//! | [`hub`] | the rooms of this node, running: locks, timers, sessions |
//! | [`socketio`] | the Socket.IO transport |
//! | [`websocket`] | the raw WebSocket transports |
//! | [`cluster`] | the way to Redis, and messages between nodes over it |
//! | [`events`] | what backends say, from Redis to clients |
//! | [`api`] | what backends and operators may do over HTTP |
//! | [`emitter`] | what backends say with `@socket.io/redis-emitter` |
//! | [`services`] | media servers, the Room Service and the Chat Service, over HTTP |
//! | [`asyncapi`] | the description of all events, made from the types above |
//! | [`http`] | listeners, origin checks, health, metrics, development login, demo |
//! | [`turn`] | credentials for TURN servers |
//! | [`auth`] | tokens, keys and origins |
//! | [`limits`] | how much one client may have |
//! | [`cli`] | the command line: what the binary does besides serving |
//!
//! `core` and `protocol` import none of the others.

pub mod api;
pub mod app;
pub mod asyncapi;
pub mod auth;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod core;
pub mod emitter;
pub mod events;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod hub;
pub mod limits;
pub mod protocol;
pub mod services;
pub mod socketio;
pub mod telemetry;
pub mod turn;
pub mod websocket;

/// The version, and in parentheses the commit it was built from, or that it is a debug build.
pub const VERSION: &str = env!("SWITCHBOARD_VERSION");
