//! From what Redis pushes to the handlers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use redis::Value;

use super::super::envelope::Envelope;
use super::super::message::Message;
use super::Subscriber;
use super::topic::{Hears, Receiver, Seen, Verb};
use crate::telemetry::traces;

/// A message and who is to get it, looked up under the lock and used after it.
struct Delivery {
    receivers: Arc<[Receiver]>,
    seen: Arc<Seen>,
    name: Arc<str>,
}

impl Delivery {
    fn any(&self, hears: impl Fn(Hears) -> bool) -> bool {
        self.receivers.iter().any(|receiver| hears(receiver.hears))
    }
}

impl Subscriber {
    /// Hands a message to the handlers. Called on the receiving task of a connection, one
    /// message after the other: that is what keeps them in order, and what makes a slow handler
    /// hold up Redis rather than fill the memory.
    pub(super) fn dispatch(&self, verb: Verb, data: Vec<Value>) {
        let mut data = data.into_iter();
        let topic = text(data.next());
        let channel = match verb {
            Verb::Pattern => text(data.next()),
            Verb::Plain | Verb::Shard => None,
        };
        let (Some(topic), Some(Value::BulkString(payload))) = (topic, data.next()) else {
            return;
        };
        // Unsubscribed a moment ago, perhaps.
        let Some(delivery) = self.delivery(verb, &topic) else {
            return;
        };
        let pattern = (verb == Verb::Pattern).then(|| Arc::clone(&delivery.name));
        let channel = match &channel {
            Some(wire) => self.prefix.strip(wire).unwrap_or(wire).into(),
            None => Arc::clone(&delivery.name),
        };
        let message = Message {
            channel,
            pattern,
            from: None,
            number: 0,
            trace: None,
            payload: payload.into(),
        };
        self.deliver(&delivery, &message);
    }

    fn delivery(&self, verb: Verb, topic: &str) -> Option<Delivery> {
        let state = self.state.lock();
        let topic = state.topics[verb as usize].get(topic)?;
        Some(Delivery {
            receivers: Arc::clone(&topic.receivers),
            seen: Arc::clone(&topic.seen),
            name: Arc::clone(&topic.name),
        })
    }

    fn deliver(&self, delivery: &Delivery, message: &Message) {
        let raw = delivery.any(|hears| hears == Hears::Raw);
        let opened = if delivery.any(|hears| hears != Hears::Raw) {
            self.open(delivery, message)
        } else {
            None
        };
        if opened.is_none() && !raw {
            return;
        }
        let own = opened
            .as_ref()
            .is_some_and(|opened| opened.from == Some(self.server_id));
        let bytes = opened.as_ref().unwrap_or(message).payload.len();
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.stats.count(&delivery.name, |counts| {
            counts.received += 1;
            counts.bytes += bytes;
        });
        let trace = opened.as_ref().and_then(|opened| opened.trace);
        let _entered = trace.and_then(|trace| traces::receiving(&message.channel, trace));
        for receiver in &*delivery.receivers {
            match (&opened, receiver.hears) {
                (_, Hears::Raw) => self.call(delivery, receiver, message),
                (Some(_), Hears::Others) if own => {}
                (Some(opened), _) => self.call(delivery, receiver, opened),
                (None, _) => {}
            }
        }
    }

    /// Takes the envelope off; `None` for what is not to be handled.
    fn open(&self, delivery: &Delivery, message: &Message) -> Option<Message> {
        let Some((envelope, payload)) = Envelope::open(&message.payload) else {
            self.stats
                .count(&delivery.name, |counts| counts.malformed += 1);
            tracing::debug!(channel = %message.channel, "a message without envelope");
            return None;
        };
        let own = envelope.from == self.server_id;
        if own && !delivery.any(|hears| hears == Hears::All) {
            self.stats
                .count(&delivery.name, |counts| counts.own_skipped += 1);
            return None;
        }
        // A pattern hears many channels, and numbers are in order within one of them only.
        if message.pattern.is_none() && !delivery.seen.is_new(envelope) {
            self.stats
                .count(&delivery.name, |counts| counts.repeated += 1);
            return None;
        }
        Some(Message {
            payload,
            from: Some(envelope.from),
            number: envelope.number,
            trace: envelope.trace,
            ..message.clone()
        })
    }

    fn call(&self, delivery: &Delivery, receiver: &Receiver, message: &Message) {
        let channel = &*message.channel;
        match catch_unwind(AssertUnwindSafe(|| (receiver.handler)(message))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.stats
                    .count(&delivery.name, |counts| counts.handler_errors += 1);
                tracing::warn!(channel, %error, "a message handler failed");
            }
            // The panic hook has said what and where.
            Err(_) => {
                self.stats
                    .count(&delivery.name, |counts| counts.handler_panics += 1);
                tracing::error!(channel, "a message handler panicked");
            }
        }
    }
}

/// A name that Redis sends. One that is not UTF-8 is none of ours.
pub(super) fn text(value: Option<Value>) -> Option<String> {
    match value? {
        Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
        Value::SimpleString(text) => Some(text),
        _ => None,
    }
}
