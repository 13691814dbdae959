//! Which spans there are.
//!
//! | span | kind | what it is |
//! |---|---|---|
//! | `process {event}` | consumer | an event of a client, from its frame until all is done that it causes |
//! | `publish room:{roomId}` | producer | a message to other nodes, until Redis has it |
//! | `process room:{roomId}` | consumer | the same on a node that hears it |
//! | `send {event}` | producer | an event put into the queues of clients, linked to what caused it if there are many |
//! | `{method} {path}` | client | a call of a service |
//!
//! The braces are part of the names: names of rooms are attributes, of which there may be many.

use std::{borrow::Cow, fmt, future::Future, pin::Pin, sync::LazyLock};

use opentelemetry::{
    Context, ContextGuard, KeyValue,
    context::FutureExt as _,
    trace::{Link, Span as _, SpanContext, SpanKind, Status, TraceContextExt as _, Tracer as _},
};
use opentelemetry_sdk::trace::Span;
use uuid::Uuid;

use super::{Carried, chats::Chats, tracer};
use crate::{
    core::{Event, Sent},
    protocol::event_name,
    telemetry::{EventKind, Protocol},
};

static CHATS: LazyLock<Chats> = LazyLock::new(Chats::default);

const SYSTEM: &str = "messaging.system";
const OPERATION: &str = "messaging.operation.name";
const OPERATION_TYPE: &str = "messaging.operation.type";
const DESTINATION: &str = "messaging.destination.name";
const TEMPLATE: &str = "messaging.destination.template";
const BODY_SIZE: &str = "messaging.message.body.size";
const COUNT: &str = "messaging.batch.message_count";

/// The trace that what goes on belongs to, if it is recorded.
fn current() -> Option<SpanContext> {
    tracer()?;
    Context::map_current(|context| {
        let span = context.span();
        let place = span.span_context();
        place.is_sampled().then(|| place.clone())
    })
}

/// A place in a trace for what goes on later, or elsewhere in the process. Nothing where there is none.
#[derive(Clone, Default)]
pub struct Trace(Option<Context>);

impl Trace {
    /// That of what goes on.
    pub fn current() -> Self {
        Self(tracer().map(|_| Context::current()))
    }

    /// Lets what goes on until the end of what is returned belong to it.
    pub fn enter(&self) -> Option<Entered> {
        self.0.clone().map(|context| Entered {
            _guard: context.attach(),
        })
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

/// What goes on belongs to a trace, until this is dropped.
pub struct Entered {
    _guard: ContextGuard,
}

impl fmt::Debug for Entered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Entered")
    }
}

/// Lets a task belong to the trace that what goes on belongs to.
pub fn carry<T: Send + 'static>(
    task: impl Future<Output = T> + Send + 'static,
) -> Pin<Box<dyn Future<Output = T> + Send>> {
    match current() {
        Some(_) => Box::pin(task.with_current_context()),
        None => Box::pin(task),
    }
}

/// The same for one that is in a box already.
pub fn carry_boxed<T: 'static>(
    task: Pin<Box<dyn Future<Output = T> + Send>>,
) -> Pin<Box<dyn Future<Output = T> + Send>> {
    match current() {
        Some(_) => Box::pin(task.with_current_context()),
        None => task,
    }
}

/// An event of a client that is being handled.
#[derive(Debug, Default)]
pub struct Handling(Option<Entered>);

/// A client's event begins to be handled.
pub fn handling(protocol: Protocol) -> Handling {
    let Some(tracer) = tracer() else {
        return Handling::default();
    };
    let system = match protocol {
        Protocol::EngineIo3 | Protocol::EngineIo4 => "socket.io",
        Protocol::Signal | Protocol::Ws => "websocket",
    };
    let span = tracer
        .span_builder("process")
        .with_kind(SpanKind::Consumer)
        .with_attributes([
            KeyValue::new(SYSTEM, system),
            KeyValue::new(OPERATION, "process"),
            KeyValue::new(OPERATION_TYPE, "process"),
            KeyValue::new("network.protocol.name", protocol.label()),
        ])
        // Whatever the thread did before is another matter.
        .start_with_context(tracer, &Context::new());
    let guard = Context::new().with_span(span).attach();
    Handling(Some(Entered { _guard: guard }))
}

impl Handling {
    /// It is known what the event asks for. What others are asked for meanwhile goes on in the span.
    pub fn asks_for(&self, kind: EventKind) {
        if self.0.is_none() {
            return;
        }
        Context::map_current(|context| {
            let span = context.span();
            if span.is_recording() {
                span.update_name(format!("process {}", kind.label()));
                span.set_attribute(KeyValue::new(DESTINATION, kind.label()));
            }
        });
    }
}

/// What goes on as the header `traceparent` (W3C Trace Context, version 00), if it belongs to a trace that
/// is recorded.
pub fn parent() -> Option<String> {
    let place = current()?;
    let (trace, span, flags) = (place.trace_id(), place.span_id(), place.trace_flags());
    Some(format!("00-{trace}-{span}-{:02x}", flags.to_u8()))
}

/// Marks what goes on as refused.
pub fn refused(code: &'static str) {
    if tracer().is_none() {
        return;
    }
    Context::map_current(|context| {
        let span = context.span();
        if span.is_recording() {
            span.set_attribute(KeyValue::new("error.type", code));
            span.set_status(Status::error(code));
        }
    });
}

/// A channel as a span shows it: what is the same of all like it, and which it is.
fn destination(channel: &str) -> (Cow<'static, str>, Option<String>) {
    if let Some(room) = channel.strip_prefix("channel:room:") {
        let room = room.trim_start_matches('{').trim_end_matches('}');
        return ("room:{roomId}".into(), Some(room.to_owned()));
    }
    let known = ["channel:node:", "canary:"];
    match known.into_iter().find(|known| channel.starts_with(known)) {
        Some("canary:") => ("canary".into(), None),
        Some(_) => ("node:{nodeId}".into(), None),
        // The rest has no names in it: which channels there are is configured.
        None => (channel.to_owned().into(), None),
    }
}

fn about_channel(
    operation: &'static str,
    kind: &'static str,
    channel: &str,
) -> (String, Vec<KeyValue>) {
    let (template, name) = destination(channel);
    let mut attributes = vec![
        KeyValue::new(SYSTEM, "redis"),
        KeyValue::new(OPERATION, operation),
        KeyValue::new(OPERATION_TYPE, kind),
        KeyValue::new(TEMPLATE, template.clone()),
    ];
    attributes.extend(name.map(|name| KeyValue::new(DESTINATION, name)));
    (format!("{operation} {template}"), attributes)
}

/// A message on its way to other nodes, until it is dropped.
#[derive(Debug)]
pub struct Publishing(Span);

/// A message is queued for other nodes. Nothing if what goes on belongs to no trace that is recorded.
pub fn publishing(channel: &str, bytes: usize) -> Option<Box<Publishing>> {
    current()?;
    let tracer = tracer()?;
    let (name, mut attributes) = about_channel("publish", "send", channel);
    attributes.push(KeyValue::new(BODY_SIZE, number(bytes)));
    let span = tracer
        .span_builder(name)
        .with_kind(SpanKind::Producer)
        .with_attributes(attributes)
        .start(tracer);
    Some(Box::new(Publishing(span)))
}

impl Publishing {
    /// What the message carries.
    pub fn carried(&self) -> Carried {
        Carried::of(self.0.span_context())
    }

    /// It could not be published.
    pub fn failed(&mut self) {
        self.0.set_status(Status::error("not published"));
    }
}

/// A message of another node begins to be heard.
pub fn receiving(channel: &str, carried: Carried) -> Option<Entered> {
    let tracer = tracer()?;
    let (name, attributes) = about_channel("process", "process", channel);
    let place = carried.place();
    let parent = Context::new().with_remote_span_context(place.clone());
    let span = tracer
        .span_builder(name)
        .with_kind(SpanKind::Consumer)
        .with_attributes(attributes)
        .with_links(vec![Link::with_context(place)])
        .start_with_context(tracer, &parent);
    let guard = Context::new().with_span(span).attach();
    Some(Entered { _guard: guard })
}

/// An event that is being put into the queues of clients, until it is dropped.
#[derive(Debug)]
pub struct Telling {
    span: Span,
    told: usize,
}

/// An event begins to be told to so many. Nothing if what goes on belongs to no trace that is recorded.
pub fn telling(event: &Event<'_>, receivers: usize) -> Option<Box<Telling>> {
    let place = current()?;
    let tracer = tracer()?;
    let event_name = event_name(event);
    let links = if receivers > 1 {
        vec![Link::with_context(place.clone())]
    } else {
        Vec::new()
    };
    if let Event::Chat(message) = event {
        CHATS.remember(message.id, place);
    }
    let span = tracer
        .span_builder(format!("send {event_name}"))
        .with_kind(SpanKind::Producer)
        .with_attributes([
            KeyValue::new(OPERATION, "send"),
            KeyValue::new(OPERATION_TYPE, "send"),
            KeyValue::new(DESTINATION, event_name),
        ])
        .with_links(links)
        .start(tracer);
    Some(Box::new(Telling { span, told: 0 }))
}

impl Telling {
    /// One client was told, or was not.
    pub fn told(&mut self, sent: Sent) {
        self.told += usize::from(sent == Sent::Queued);
    }
}

impl Drop for Telling {
    fn drop(&mut self) {
        self.span
            .set_attribute(KeyValue::new(COUNT, number(self.told)));
    }
}

/// A call of a service, until it is dropped.
#[derive(Debug)]
pub struct Calling(Option<Context>);

/// A service begins to be called: by which method, and at which path below its URL, without ids, or by which
/// name of its own.
pub fn calling(method: &str, target: &'static str) -> Calling {
    let (Some(_), Some(tracer)) = (current(), tracer()) else {
        return Calling(None);
    };
    let method = method.to_owned();
    let mut attributes = vec![KeyValue::new("http.request.method", method.clone())];
    if target.starts_with('/') {
        attributes.push(KeyValue::new("url.template", target));
    }
    let span = tracer
        .span_builder(format!("{method} {target}"))
        .with_kind(SpanKind::Client)
        .with_attributes(attributes)
        .start(tracer);
    Calling(Some(Context::new().with_span(span)))
}

/// Chat messages begin to be brought to the Chat Service: a call in the trace of the first of them, which is
/// linked to those of the others.
pub fn storing(path: &'static str, messages: &[Uuid]) -> Calling {
    let Some(tracer) = tracer() else {
        return Calling(None);
    };
    let mut places = CHATS.of(messages).into_iter();
    let Some(first) = places.next() else {
        return Calling(None);
    };
    let span = tracer
        .span_builder(format!("POST {path}"))
        .with_kind(SpanKind::Client)
        .with_attributes([
            KeyValue::new("http.request.method", "POST"),
            KeyValue::new("url.template", path),
            KeyValue::new(COUNT, number(messages.len())),
        ])
        .with_links(places.map(Link::with_context).collect())
        .start_with_context(tracer, &Context::new().with_remote_span_context(first));
    Calling(Some(Context::new().with_span(span)))
}

impl Calling {
    /// Makes the call.
    pub async fn run<T>(&self, call: impl Future<Output = T> + Send) -> T {
        match &self.0 {
            Some(context) => call.with_context(context.clone()).await,
            None => call.await,
        }
    }

    /// The service answered with that status, or did not.
    pub fn answered(&self, status: Option<u16>) {
        let Some(context) = &self.0 else { return };
        let span = context.span();
        match status {
            Some(status) => {
                span.set_attribute(KeyValue::new(
                    "http.response.status_code",
                    i64::from(status),
                ));
                if status >= 400 {
                    span.set_status(Status::error(""));
                }
            }
            None => span.set_status(Status::error("no answer")),
        }
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
#[path = "../tests/spans.rs"]
mod tests;
