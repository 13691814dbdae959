//! The way to the collector: OTLP over HTTP or gRPC
//! (<https://opentelemetry.io/docs/specs/otlp/>).

use std::{
    collections::HashMap,
    future::Future,
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use metrics::counter;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{
    Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _, WithTonicConfig as _,
    tonic_types::{metadata::MetadataMap, transport::ClientTlsConfig},
};
use opentelemetry_sdk::{
    Resource,
    error::OTelSdkResult,
    trace::{SpanData, SpanExporter as Export},
};
use secrecy::ExposeSecret as _;
use tokio::runtime::Handle;
use tracing::{info, warn};

use super::TracesError;
use crate::config::{OtlpProtocol, TracesConfig};

/// What goes after the collector's URL over HTTP.
const PATH: &str = "v1/traces";

/// The exporter that the configuration asks for.
pub(super) fn exporter(config: &TracesConfig) -> Result<Watched, TracesError> {
    let exporter = match config.protocol {
        OtlpProtocol::Grpc => over_grpc(config)?,
        OtlpProtocol::HttpProtobuf => over_http(config, Protocol::HttpBinary)?,
        OtlpProtocol::HttpJson => over_http(config, Protocol::HttpJson)?,
    };
    Ok(Watched {
        exporter,
        failing: AtomicBool::new(false),
    })
}

/// What goes with each request, such as a key of the collector.
fn headers(config: &TracesConfig) -> HashMap<String, String> {
    let headers = config.headers.iter();
    headers
        .map(|(name, value)| (name.clone(), value.expose_secret().to_owned()))
        .collect()
}

fn over_http(config: &TracesConfig, protocol: Protocol) -> Result<SpanExporter, TracesError> {
    let client = reqwest::Client::builder()
        .timeout(config.timeout)
        .user_agent(concat!("switchboard/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| TracesError(error.to_string()))?;
    let endpoint = config.endpoint.as_str().trim_end_matches('/');
    SpanExporter::builder()
        .with_http()
        .with_protocol(protocol)
        .with_endpoint(format!("{endpoint}/{PATH}"))
        .with_timeout(config.timeout)
        .with_headers(headers(config))
        .with_http_client(Client {
            client,
            runtime: Handle::current(),
        })
        .build()
        .map_err(|error| TracesError(error.to_string()))
}

fn over_grpc(config: &TracesConfig) -> Result<SpanExporter, TracesError> {
    let headers = http::HeaderMap::try_from(&headers(config));
    let headers = headers.map_err(|error: http::Error| TracesError(error.to_string()))?;
    let builder = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(config.endpoint.as_str())
        .with_timeout(config.timeout)
        .with_metadata(MetadataMap::from_headers(headers));
    let builder = if config.endpoint.scheme() == "https" {
        builder.with_tls_config(ClientTlsConfig::new().with_native_roots())
    } else {
        builder
    };
    builder
        .build()
        .map_err(|error| TracesError(error.to_string()))
}

/// The HTTP client, for a library that calls it from a thread of its own.
#[derive(Debug)]
struct Client {
    client: reqwest::Client,
    runtime: Handle,
}

impl HttpClient for Client {
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        let client = self.client.clone();
        let exchange = self.runtime.spawn(async move {
            let answer = client.execute(request.try_into()?).await?;
            let mut response = Response::builder().status(answer.status());
            if let Some(headers) = response.headers_mut() {
                headers.clone_from(answer.headers());
            }
            // What it says is of no use; that it said all lets the connection be used again.
            let body = answer.bytes().await?;
            Ok::<_, HttpError>(response.body(body)?)
        });
        Box::pin(async move { exchange.await? })
    }
}

/// An exporter that says when it begins to fail, and when it does no more.
#[derive(Debug)]
pub(super) struct Watched {
    exporter: SpanExporter,
    failing: AtomicBool,
}

impl Watched {
    fn note(&self, spans: u64, result: &OTelSdkResult) {
        let outcome = if result.is_ok() { "exported" } else { "failed" };
        counter!(SPANS, "outcome" => outcome).increment(spans);
        match result {
            Ok(()) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    info!("the collector takes spans again");
                }
            }
            Err(error) => {
                if !self.failing.swap(true, Ordering::Relaxed) {
                    warn!(%error, "the collector does not take spans");
                }
            }
        }
    }
}

impl Export for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let result = self.exporter.export(batch).await;
        self.note(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

const SPANS: &str = "switchboard_trace_spans_total";
