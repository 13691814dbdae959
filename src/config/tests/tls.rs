//! TLS on the public listener.

use std::fs;

use tempfile::TempDir;

use super::*;

#[test]
fn a_certificate_and_its_key_need_each_other() {
    assert!(load(&[("DEV", "true")], &[]).unwrap().tls.is_none());
    let alone = |name| mistakes(&[("DEV", "true"), (name, "/etc/tls.pem")], &[]);
    assert_eq!(
        alone("TLS_CERT"),
        ["TLS_KEY: is missing: TLS_CERT needs it"]
    );
    assert_eq!(alone("TLS_KEY"), ["TLS_CERT: is missing: TLS_KEY needs it"]);
    let blank = [("DEV", "true"), ("TLS_CERT", " "), ("TLS_KEY", "/key.pem")];
    assert_eq!(mistakes(&blank, &[]), ["TLS_CERT: is blank"]);
}

#[test]
fn what_is_wrong_with_the_files_is_told_with_the_rest_and_no_path_is_shown() {
    let place = TempDir::new().unwrap();
    let cert = place.path().join("secret-cert.pem");
    fs::write(&cert, "no certificate").unwrap();
    let cert = cert.to_str().unwrap();
    let given = |key| {
        [
            ("DEV", "true"),
            ("TLS_CERT", cert),
            ("TLS_KEY", key),
            ("PORT", "x"),
        ]
    };
    assert_eq!(
        subjects(&given("/not/there/secret"), &[]),
        ["PORT", "TLS_KEY"]
    );
    assert_eq!(subjects(&given(cert), &[]), ["PORT", "TLS_CERT"]);
    let all = mistakes(&given("/not/there/secret"), &[]).join("\n");
    assert!(!all.contains("secret"), "{all}");
}

#[test]
fn a_good_pair_is_read_once_for_all() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = |kind: &str, der: Vec<u8>| pem::encode(&pem::Pem::new(kind, der));
    let place = TempDir::new().unwrap();
    let path = |name: &str| place.path().join(name).to_str().unwrap().to_owned();
    fs::write(
        path("cert.pem"),
        pem("CERTIFICATE", made.cert.der().to_vec()),
    )
    .unwrap();
    fs::write(
        path("key.pem"),
        pem("PRIVATE KEY", made.signing_key.serialize_der()),
    )
    .unwrap();
    let (cert, key) = (path("cert.pem"), path("key.pem"));
    let config = load(
        &[("DEV", "true")],
        &["--tls-cert", &cert, "--tls-key", &key],
    );
    assert!(config.unwrap().tls.is_some());
}
