//! The description of all events, as an [AsyncAPI 3.0](https://www.asyncapi.com/docs/reference/specification/v3.0.0)
//! document.
//!
//! It is made from the types that serve: [`protocol`](crate::protocol) and
//! [`websocket`](crate::websocket) list their events with the schemas of what goes with them, and
//! which events backends may send is configured. Clients in the tests check all that they send
//! and get against it.
//!
//! A message of the Socket.IO channel is an event: `name` is the event's name, `payload` its first
//! argument, `headers` its second where it has one. What a client is answered is the reply of the
//! operation.

mod document;
mod events;
mod frames;
mod schemas;

pub use document::document;

#[cfg(test)]
mod tests;
