//! Where traces go, and how many.

use secrecy::ExposeSecret as _;

use super::super::*;
use super::{load, mistakes};

const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");

fn traces(vars: &[(&str, &str)]) -> Option<TracesConfig> {
    let vars: Vec<_> = vars.iter().copied().chain([("DEV", "true")]).collect();
    load(&vars, &[]).unwrap().traces
}

fn wrong(vars: &[(&str, &str)]) -> Vec<String> {
    let vars: Vec<_> = vars.iter().copied().chain([("DEV", "true")]).collect();
    mistakes(&vars, &[])
}

#[test]
fn there_are_none_without_a_collector() {
    assert!(traces(&[]).is_none());
    assert!(traces(&[("OTEL_SERVICE_NAME", "calls")]).is_none());
    let config = traces(&[ENDPOINT]).unwrap();
    assert_eq!(config.endpoint.as_str(), "http://collector:4318/");
    assert_eq!(config.protocol, OtlpProtocol::HttpProtobuf);
    assert_eq!(config.timeout, Duration::from_secs(10));
    assert_eq!(config.service, "switchboard");
    assert_eq!(config.sampler, TraceSampler::Always { parent: true });
}

#[test]
fn a_name_of_its_own_goes_before_one_among_the_attributes() {
    let attributes = (
        "OTEL_RESOURCE_ATTRIBUTES",
        "service.name=by%20attribute, deployment.environment.name=test",
    );
    let config = traces(&[ENDPOINT, attributes]).unwrap();
    assert_eq!(config.service, "by attribute");
    let second = ("deployment.environment.name".into(), "test".into());
    assert_eq!(config.resource.get(1), Some(&second));
    let config = traces(&[ENDPOINT, attributes, ("OTEL_SERVICE_NAME", "calls")]).unwrap();
    assert_eq!(config.service, "calls");
}

#[test]
fn headers_are_read_and_not_shown() {
    let headers = (
        "OTEL_EXPORTER_OTLP_HEADERS",
        "X-Key=hid%3Dden%2C, x-tenant=a",
    );
    let config = traces(&[ENDPOINT, headers]).unwrap();
    let read = config.headers.iter();
    let read: Vec<_> = read
        .map(|(name, value)| (&**name, value.expose_secret()))
        .collect();
    assert_eq!(read, [("x-key", "hid=den,"), ("x-tenant", "a")]);
    assert!(!format!("{config:?}").contains("den,"));
}

#[test]
fn samplers_are_those_of_the_standard() {
    let sampler = |name, share| {
        let vars = [
            ENDPOINT,
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", share),
        ];
        traces(&vars).unwrap().sampler
    };
    let (share, parent) = (0.25, true);
    let ratio = TraceSampler::Ratio { share, parent };
    assert_eq!(sampler("parentbased_traceidratio", "0.25"), ratio);
    let never = TraceSampler::Never { parent: false };
    assert_eq!(sampler("always_off", "1"), never);
}

#[test]
fn what_is_wrong_is_told_without_quoting_what_may_be_secret() {
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a b=secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=secret%zz"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://user:secret@collector",
        ),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "secret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector?key=secret"),
    ] {
        let told = wrong(&[(name, value)]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with(name), "{told:?}");
        assert!(!told[0].contains("secret"), "{told:?}");
    }
}
