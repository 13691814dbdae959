//! Traces for OpenTelemetry: from a client's event through other nodes and services to those who hear
//! of it.
//!
//! | module | what is there |
//! |---|---|
//! | `carried` | the place in a trace as bytes, for other nodes |
//! | `chats` | to which traces messages belong that wait for the Chat Service |
//! | `export` | the way to the collector |
//! | `spans` | which spans there are |
//!
//! Spans are named and described by the conventions for messaging and HTTP
//! (<https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/>). No span holds what clients
//! say: no description, candidate, chat text or token.
//!
//! Where no collector is configured nothing of this is made: each place asks one flag, and goes on.

mod carried;
mod chats;
mod export;
mod spans;

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use opentelemetry::{
    Context,
    trace::{TraceContextExt as _, TracerProvider as _},
};
use opentelemetry_sdk::{
    Resource,
    resource::TelemetryResourceDetector,
    trace::{BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider},
};
use thiserror::Error;
use tracing::{info, warn};

use crate::config::{TraceSampler, TracesConfig};

pub use self::{
    carried::Carried,
    spans::{
        Calling, Entered, Handling, Publishing, Telling, Trace, calling, carry, carry_boxed,
        handling, parent, publishing, receiving, refused, storing, telling,
    },
};

/// The most spans that wait for the collector. Beyond that new ones are dropped: nobody waits for it.
const MAX_WAITING: usize = 4_096;

/// The most spans that go to the collector at once.
const MAX_BATCH: usize = 512;

/// How long spans wait for others, so that there are fewer requests.
const LINGER: Duration = Duration::from_secs(1);

/// Whether there are traces: all that is looked at where there are none.
static ON: AtomicBool = AtomicBool::new(false);

/// What makes spans, once there are traces.
static TRACER: OnceLock<SdkTracer> = OnceLock::new();

/// Traces cannot be sent.
#[derive(Debug, Error)]
#[error("the way to the OTLP collector cannot be set up: {0}")]
pub struct TracesError(String);

/// The way to the collector, for as long as there is something to send.
pub struct Traces(SdkTracerProvider);

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Traces")
    }
}

impl Traces {
    /// Begins to make spans and to send them, as the node called `node`. To be called on a runtime.
    /// Traces belong to the process: a second start goes on with the first.
    ///
    /// # Errors
    /// See [`TracesError`].
    pub fn start(config: &TracesConfig, node: Option<&str>) -> Result<Self, TracesError> {
        let exporter = export::exporter(config)?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(MAX_WAITING)
            .with_max_export_batch_size(MAX_BATCH)
            .with_scheduled_delay(LINGER);
        let processor = BatchSpanProcessor::builder(exporter)
            .with_batch_config(batches.build())
            .build();
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(sampler(config.sampler))
            .with_resource(resource(config, node))
            .build();
        switch_on(&provider);
        info!(endpoint = %config.endpoint, protocol = config.protocol.name(), "traces go to a collector");
        Ok(Self(provider))
    }

    /// Sends what is left, at most for `patience`.
    pub async fn finish(self, patience: Duration) {
        let finish = move || self.0.shutdown_with_timeout(patience);
        // The library waits on the thread that asks it to.
        match tokio::task::spawn_blocking(finish).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(%error, "the last spans are lost"),
            Err(error) => warn!(%error, "the last spans are lost"),
        }
    }
}

/// Has spans made by `provider` from now on, unless another does already.
fn switch_on(provider: &SdkTracerProvider) {
    let _ = TRACER.set(provider.tracer("switchboard"));
    ON.store(true, Ordering::Relaxed);
}

fn sampler(config: TraceSampler) -> Sampler {
    let root = match config {
        TraceSampler::Always { .. } => Sampler::AlwaysOn,
        TraceSampler::Never { .. } => Sampler::AlwaysOff,
        TraceSampler::Ratio { share, .. } => Sampler::TraceIdRatioBased(share),
    };
    if config.follows_parent() {
        Sampler::ParentBased(Box::new(root))
    } else {
        root
    }
}

fn resource(config: &TracesConfig, node: Option<&str>) -> Resource {
    use opentelemetry::KeyValue;

    let mut attributes = vec![KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))];
    attributes.extend(node.map(|node| KeyValue::new("service.instance.id", node.to_owned())));
    let given = config.resource.iter();
    attributes.extend(given.map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
    Resource::builder_empty()
        .with_detector(Box::new(TelemetryResourceDetector))
        .with_attributes(attributes)
        .with_service_name(config.service.clone())
        .build()
}

/// What makes spans, if there are traces.
fn tracer() -> Option<&'static SdkTracer> {
    if ON.load(Ordering::Relaxed) {
        TRACER.get()
    } else {
        None
    }
}

/// The trace and the span that what goes on belongs to, in hexadecimal, for logs.
pub(super) fn ids() -> Option<(String, String)> {
    tracer()?;
    Context::map_current(|context| {
        let span = context.span();
        let place = span.span_context();
        let ids = || (place.trace_id().to_string(), place.span_id().to_string());
        place.is_valid().then(ids)
    })
}

#[cfg(test)]
#[path = "../tests/kept.rs"]
pub(super) mod kept;
