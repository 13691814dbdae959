//! The services of a deployment that the gateway calls over HTTP. Each is optional: without one
//! an embedded default serves.
//!
//! | module | what is there |
//! |---|---|
//! | `http` | one way to call: bounded answers, request ids, failures by kind |
//! | [`chat`] | the Chat Service, and the delivery of what is said |
//! | [`media`] | media servers: calls, circuit breaker, several of them |
//! | [`room`] | the Room Service, and what is remembered of its answers |

pub mod chat;
mod http;
pub mod media;
pub mod room;

pub use http::{ServiceUrl, ServiceUrlError, SetupError};
