//! Traces: where they go, and how many. The names are those that OpenTelemetry gives
//! (<https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/>).

use std::{ops::RangeInclusive, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use super::reader::Reader;

/// How long a collector may take: at least a round trip, and not as long as spans would pile up.
const TIMEOUT_MS: RangeInclusive<u64> = 100..=60_000;

/// The most attributes and headers that are given by hand.
const MAX_PAIRS: usize = 64;

/// How traces are made and sent.
#[derive(Clone, Debug)]
pub struct TracesConfig {
    /// The collector (`OTEL_EXPORTER_OTLP_ENDPOINT`).
    pub endpoint: Url,
    /// How it is spoken to (`OTEL_EXPORTER_OTLP_PROTOCOL`).
    pub protocol: OtlpProtocol,
    /// What goes with each request (`OTEL_EXPORTER_OTLP_HEADERS`).
    pub headers: Vec<(String, SecretString)>,
    /// How long a request may take (`OTEL_EXPORTER_OTLP_TIMEOUT`).
    pub timeout: Duration,
    /// What the gateway is called (`OTEL_SERVICE_NAME`).
    pub service: String,
    /// What else is said of it (`OTEL_RESOURCE_ATTRIBUTES`).
    pub resource: Vec<(String, String)>,
    /// Which traces are recorded (`OTEL_TRACES_SAMPLER`, `OTEL_TRACES_SAMPLER_ARG`).
    pub sampler: TraceSampler,
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// OTLP over gRPC.
    Grpc,
    /// Protocol Buffers over HTTP.
    HttpProtobuf,
    /// JSON over HTTP.
    HttpJson,
}

impl OtlpProtocol {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        }
    }
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TraceSampler {
    /// All of them.
    Always {
        /// What others have begun is recorded if they do.
        parent: bool,
    },
    /// None of them.
    Never {
        /// What others have begun is recorded if they do.
        parent: bool,
    },
    /// So many.
    Ratio {
        /// What share, from 0 to 1.
        share: f64,
        /// What others have begun is recorded if they do.
        parent: bool,
    },
}

impl TraceSampler {
    /// Whether what others have begun is recorded if they do.
    pub const fn follows_parent(self) -> bool {
        match self {
            Self::Always { parent } | Self::Never { parent } | Self::Ratio { parent, .. } => parent,
        }
    }
}

/// How traces are sent; nothing if no collector is configured.
pub(super) fn traces(reader: &mut Reader) -> Option<TracesConfig> {
    // All of it is read in any case, so that what is wrong is told all the same.
    let endpoint = endpoint(reader);
    let protocols = [
        OtlpProtocol::Grpc,
        OtlpProtocol::HttpProtobuf,
        OtlpProtocol::HttpJson,
    ];
    let protocols = protocols.map(|protocol| (protocol.name(), protocol));
    let protocol = reader.choice("OTEL_EXPORTER_OTLP_PROTOCOL", &protocols);
    let headers = headers(reader);
    let timeout = reader.millis("OTEL_EXPORTER_OTLP_TIMEOUT", TIMEOUT_MS);
    let resource = resource(reader);
    let sampler = sampler(reader);
    // A service may be called by its attributes too (the variable of its own wins).
    let named = |(key, _): &&(String, String)| key == "service.name";
    let service = match reader.given("OTEL_SERVICE_NAME") {
        Some((name, _)) => Some(name.trim().to_owned()),
        None => resource.iter().find(named).map(|(_, name)| name.clone()),
    };
    Some(TracesConfig {
        endpoint: endpoint?,
        protocol: protocol?,
        headers,
        timeout,
        service: service.unwrap_or_else(|| "switchboard".to_owned()),
        resource,
        sampler: sampler?,
    })
}

fn endpoint(reader: &mut Reader) -> Option<Url> {
    const NAME: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
    let text = reader.text(NAME)?;
    // Not quoted: it may hold a password.
    match Url::parse(&text) {
        Ok(url) if !matches!(url.scheme(), "http" | "https") || !url.has_host() => {
            reader.mistake(NAME, "must begin with http:// or https://");
            None
        }
        Ok(url) if !url.username().is_empty() || url.password().is_some() => {
            let problem =
                "must not hold a user name or password: that is for OTEL_EXPORTER_OTLP_HEADERS";
            reader.mistake(NAME, problem);
            None
        }
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            reader.mistake(NAME, "must not have a query or a fragment");
            None
        }
        Ok(url) => Some(url),
        Err(error) => {
            reader.mistake(NAME, format!("is not a URL ({error})"));
            None
        }
    }
}

/// `name=value` pairs, separated by commas; values are percent-encoded (W3C Baggage).
fn pairs(reader: &mut Reader, name: &str, text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let entries = text.split(',').map(str::trim).enumerate();
    for (index, entry) in entries.filter(|(_, entry)| !entry.is_empty()) {
        let decode = |text: &str| {
            let bytes = percent_encoding(text.trim())?;
            String::from_utf8(bytes).ok()
        };
        let pair = entry.split_once('=');
        let pair = pair.and_then(|(key, value)| Some((decode(key)?, decode(value)?)));
        match pair {
            Some((key, value)) if !key.is_empty() => pairs.push((key, value)),
            // Not quoted: it may be a secret.
            _ => reader.mistake(name, format!("entry {} must be name=value", index + 1)),
        }
    }
    if pairs.len() > MAX_PAIRS {
        reader.mistake(name, format!("must have at most {MAX_PAIRS} entries"));
    }
    pairs
}

/// The bytes that a percent-encoded text stands for; nothing if it is none.
fn percent_encoding(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (digits, after) = after.split_first_chunk::<2>()?;
            let digits = std::str::from_utf8(digits).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    Some(bytes)
}

fn headers(reader: &mut Reader) -> Vec<(String, SecretString)> {
    const NAME: &str = "OTEL_EXPORTER_OTLP_HEADERS";
    let Some(text) = reader.secret(NAME) else {
        return Vec::new();
    };
    let pairs = pairs(reader, NAME, text.expose_secret());
    for (index, (name, value)) in pairs.iter().enumerate() {
        let name = http::HeaderName::try_from(name.as_str());
        let value = http::HeaderValue::try_from(value.as_str());
        if name.is_err() || value.is_err() {
            reader.mistake(NAME, format!("entry {} cannot be a header", index + 1));
        }
    }
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, value)| (name.to_lowercase(), value.into()))
        .collect()
}

fn resource(reader: &mut Reader) -> Vec<(String, String)> {
    const NAME: &str = "OTEL_RESOURCE_ATTRIBUTES";
    let text = reader.text(NAME).unwrap_or_default();
    pairs(reader, NAME, &text)
}

fn sampler(reader: &mut Reader) -> Option<TraceSampler> {
    const NAME: &str = "OTEL_TRACES_SAMPLER_ARG";
    let share = match reader.text(NAME).map(|text| text.parse::<f64>()) {
        None => 1.0,
        Some(Ok(share)) if (0.0..=1.0).contains(&share) => share,
        Some(_) => {
            reader.mistake(NAME, "must be a number from 0 to 1");
            1.0
        }
    };
    let always = |parent| TraceSampler::Always { parent };
    let never = |parent| TraceSampler::Never { parent };
    let ratio = |parent| TraceSampler::Ratio { share, parent };
    let samplers = [
        ("always_on", always(false)),
        ("always_off", never(false)),
        ("traceidratio", ratio(false)),
        ("parentbased_always_on", always(true)),
        ("parentbased_always_off", never(true)),
        ("parentbased_traceidratio", ratio(true)),
    ];
    reader.choice("OTEL_TRACES_SAMPLER", &samplers)
}
