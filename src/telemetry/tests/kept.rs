//! Spans that tests look at.

use std::sync::{Arc, LazyLock};

use opentelemetry::TraceId;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter},
};
use parking_lot::Mutex;

/// Keeps the spans of this process.
#[derive(Clone, Debug, Default)]
pub(in crate::telemetry) struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().extend(batch);
        Ok(())
    }
}

impl Kept {
    /// Those of a trace, in the order in which they ended.
    pub(in crate::telemetry) fn of(&self, trace: TraceId) -> Vec<SpanData> {
        let spans = self.0.lock();
        let spans = spans.iter();
        let spans = spans.filter(|span| span.span_context.trace_id() == trace);
        spans.cloned().collect()
    }
}

/// Switches traces on for the tests of this process.
pub(in crate::telemetry) fn on() -> Kept {
    static KEPT: LazyLock<Kept> = LazyLock::new(|| {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder()
            .with_simple_exporter(kept.clone())
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)))
            .build();
        super::switch_on(&provider);
        kept
    });
    KEPT.clone()
}
