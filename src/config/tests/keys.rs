//! Public keys, their sources and secret files.

use std::io::Write;
use std::path::Path;

use super::super::*;
use super::{load, mistakes, subjects};

const SPKI: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtnPp/drFpnS/58zI/vik
AdWvOxOBYsPrDajNsrmwZruDhPzYPG8iW+ynAFCcfcvlQ+LcgbA9Vg1Ltk3LJ5U9
UZjsDiHce8ngN+EvuTJYILKwzxC9MK7NpkvIJvNCzSrWooxa8YrBqp11fHY1w11W
7KXuUdEkPwmgj0hVt9nBLuquMabQROmb3w5h2KNq/XQn2gWlVGmfVjgjuX+Nq/me
PK6v9EI77egO7FDrTlC29U4xBjIR/RVdoGSb4nrhvAbyKzMy7r/AcfxJRCD1QOFt
DTYXqrYhk0sQbqJWHu0MTu3djCh0gt7nMYY6vbGv43fHAlg+J+8JN6GTFqzY08b/
hQIDAQAB
-----END PUBLIC KEY-----
";

const PKCS1: &str = "-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAtnPp/drFpnS/58zI/vikAdWvOxOBYsPrDajNsrmwZruDhPzYPG8i
W+ynAFCcfcvlQ+LcgbA9Vg1Ltk3LJ5U9UZjsDiHce8ngN+EvuTJYILKwzxC9MK7N
pkvIJvNCzSrWooxa8YrBqp11fHY1w11W7KXuUdEkPwmgj0hVt9nBLuquMabQROmb
3w5h2KNq/XQn2gWlVGmfVjgjuX+Nq/mePK6v9EI77egO7FDrTlC29U4xBjIR/RVd
oGSb4nrhvAbyKzMy7r/AcfxJRCD1QOFtDTYXqrYhk0sQbqJWHu0MTu3djCh0gt7n
MYY6vbGv43fHAlg+J+8JN6GTFqzY08b/hQIDAQAB
-----END RSA PUBLIC KEY-----
";

const TOO_SHORT: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDGpebuK1f49GIyLUFPOip3Rh+G
Db/NZnjBk8Q3u/UZfon8KRqiCNE4vEOkXFx16oE68lr58yMnB46YpjXZ2NYAoPEc
xXkEb+b7qNaV6nmDGTJ8EbOb7cByyufb9REz9oDvS2bOYiyv8IpnFPpbGTbufKHL
VUhkYaZflDcvST1uGQIDAQAB
-----END PUBLIC KEY-----
";

const ELLIPTIC: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEa7+Q16DHz114XbTOjUnkAcNsN177
1FPALvGvyhak3W17VihD4O0PRxeX6jK3J3mw6/An410H0cSHZ/DQWDRdJA==
-----END PUBLIC KEY-----
";

fn secret_file(content: &[u8]) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(content).unwrap();
    file
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn exactly_one_key_source_is_needed() {
    assert_eq!(subjects(&[], &[]), ["JWT_PUBLIC_KEY"]);
    assert_eq!(subjects(&[("DEV", "false")], &[]), ["JWT_PUBLIC_KEY"]);

    let jwks = load(&[("JWKS_URL", "https://id.example/jwks?v=1")], &[]).unwrap();
    assert!(matches!(jwks.auth.keys, KeySource::Jwks(_)));
    let with_dev = load(&[("JWT_PUBLIC_KEY", SPKI), ("DEV", "true")], &[]).unwrap();
    assert!(matches!(with_dev.auth.keys, KeySource::Pem(_)) && with_dev.dev);

    let file = secret_file(SPKI.as_bytes());
    let (key, key_file) = (
        ("JWT_PUBLIC_KEY", SPKI),
        ("JWT_PUBLIC_KEY_FILE", text(file.path())),
    );
    let url = ("JWKS_URL", "https://id.example/jwks");
    assert_eq!(subjects(&[key, url], &[]), ["JWKS_URL"]);
    assert_eq!(subjects(&[key_file, url], &[]), ["JWKS_URL"]);
    assert_eq!(subjects(&[key, key_file], &[]), ["JWT_PUBLIC_KEY"]);
    assert_eq!(
        subjects(&[key, key_file, url], &["--dev"]),
        ["JWKS_URL", "JWT_PUBLIC_KEY"]
    );
}

#[test]
fn public_keys_are_read_in_every_usual_form() {
    let one_line = SPKI.replace('\n', "\\n");
    let windows = SPKI.replace('\n', "\r\n");
    for pem in [SPKI, PKCS1, &one_line, &windows, SPKI.trim_end()] {
        let file = secret_file(pem.as_bytes());
        for (name, value) in [
            ("JWT_PUBLIC_KEY", pem),
            ("JWT_PUBLIC_KEY_FILE", text(file.path())),
        ] {
            let config = load(&[(name, value)], &[]).unwrap();
            let KeySource::Pem(key) = config.auth.keys else {
                panic!("{name}")
            };
            assert_eq!(key.bits(), 2048);
        }
    }
    assert!(
        load(&[], &["--jwt-public-key", SPKI]).is_ok(),
        "a value that begins with hyphens"
    );
}

#[test]
fn unfit_keys_are_refused_with_the_reason_but_not_quoted() {
    let private = SPKI.replace("PUBLIC KEY", "PRIVATE KEY");
    let certificate = SPKI.replace("PUBLIC KEY", "CERTIFICATE");
    let broken = SPKI.replace("MIIBIjAN", "MIIBIjAX");
    for (pem, reason) in [
        (TOO_SHORT, "has 1024 bits"),
        (ELLIPTIC, "does not contain an RSA public key"),
        (&broken, "does not contain an RSA public key"),
        (&private, "is a private key"),
        (&certificate, "must be a PEM block labelled"),
        ("hush", "is not a PEM block"),
    ] {
        let found = mistakes(&[("JWT_PUBLIC_KEY", pem)], &[]);
        assert!(found.len() == 1 && found[0].contains(reason), "{found:?}");
        assert!(
            !found[0].contains("hush") && !found[0].contains("MII"),
            "{found:?}"
        );
        let file = secret_file(pem.as_bytes());
        let found = mistakes(&[("JWT_PUBLIC_KEY_FILE", text(file.path()))], &[]);
        assert!(found[0].starts_with("JWT_PUBLIC_KEY_FILE: "), "{found:?}");
    }
}

#[test]
fn unreadable_secret_files_are_mistakes() {
    let (empty, huge) = (secret_file(b"\n"), secret_file(&vec![b'x'; 70_000]));
    let binary = secret_file(b"\xff\xfe");
    for path in [
        "/nonexistent/key.pem",
        "/",
        text(empty.path()),
        text(huge.path()),
        text(binary.path()),
    ] {
        let found = mistakes(&[("JWT_PUBLIC_KEY_FILE", path)], &[]);
        assert!(found.len() == 1 && found[0].starts_with("JWT_PUBLIC_KEY_FILE: the file "));
        assert!(path.len() == 1 || !found[0].contains(path), "{found:?}");
    }
}

#[test]
fn secrets_are_not_in_the_debug_output() {
    let config = load(&[("JWT_PUBLIC_KEY", SPKI)], &[]).unwrap();
    let debug = format!("{config:?}");
    assert!(debug.contains("RsaPublicKey(2048 bits)"), "{debug}");
    assert!(!debug.contains("MII"), "{debug}");
}

#[test]
fn a_dev_key_file_is_for_development_alone() {
    let file = ("DEV_KEY_FILE", "/tmp/key.pem");
    let config = load(&[("DEV", "true"), file], &[]).unwrap();
    assert_eq!(
        config.dev_key_file.as_deref(),
        Some("/tmp/key.pem".as_ref())
    );
    assert_eq!(load(&[("DEV", "true")], &[]).unwrap().dev_key_file, None);
    assert_eq!(
        subjects(&[("JWT_PUBLIC_KEY", SPKI), file], &[]),
        ["DEV_KEY_FILE"]
    );
}
