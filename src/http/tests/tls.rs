use std::{fs, pin::Pin, task::Poll};

use rcgen::{CertifiedKey as Made, KeyPair, generate_simple_self_signed};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWrite as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::*;
use crate::http::{WireControl, frames::FrameReader, wire::Wire};

fn made() -> Made<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).unwrap()
}

fn cert_pem(made: &Made<KeyPair>) -> String {
    pem::encode(&pem::Pem::new("CERTIFICATE", made.cert.der().to_vec()))
}

fn key_pem(made: &Made<KeyPair>) -> String {
    let key = made.signing_key.serialize_der();
    pem::encode(&pem::Pem::new("PRIVATE KEY", key))
}

/// Files of a certificate, in a folder.
struct Place(TempDir);

impl Place {
    fn of(made: &Made<KeyPair>) -> Self {
        let place = Self(TempDir::new().unwrap());
        place.put(&cert_pem(made), &key_pem(made));
        place
    }

    fn files(&self) -> TlsFiles {
        TlsFiles {
            cert: self.0.path().join("cert.pem"),
            key: self.0.path().join("key.pem"),
        }
    }

    fn put(&self, cert: &str, key: &str) {
        fs::write(self.files().cert, cert).unwrap();
        fs::write(self.files().key, key).unwrap();
    }
}

fn shown(tls: &Tls) -> Vec<u8> {
    tls.shown.0.read().cert[0].to_vec()
}

#[test]
fn what_is_wrong_with_the_files_is_said_with_the_variable_and_without_their_content() {
    let (made, other) = (made(), made());
    let (cert, key) = (cert_pem(&made), key_pem(&made));
    let place = Place::of(&made);
    let large = " ".repeat(usize::try_from(MAX_FILE).unwrap() + 1);
    let cases = [
        ("", &*key, "TLS_CERT", "no certificate"),
        (&*key, &*key, "TLS_CERT", "no certificate"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            &*key,
            "TLS_CERT",
            "not valid",
        ),
        (&*large, &*key, "TLS_CERT", "larger"),
        (&*cert, "", "TLS_KEY", "no private key"),
        (&*cert, &*cert, "TLS_KEY", "no private key"),
        (
            &*cert,
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "TLS_KEY",
            "cannot be used",
        ),
        (&*cert, &*large, "TLS_KEY", "larger"),
        (&*cert, &*key_pem(&other), "TLS_KEY", "not the one"),
    ];
    for (cert, key, subject, problem) in cases {
        place.put(cert, key);
        let error = TlsIdentity::read(place.files()).unwrap_err();
        assert_eq!(error.subject(), subject, "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
    fs::remove_file(place.files().key).unwrap();
    let error = TlsIdentity::read(place.files()).unwrap_err();
    assert_eq!(error.subject(), "TLS_KEY");
    place.put(&cert, &key);
    assert!(TlsIdentity::read(place.files()).is_ok());
}

#[test]
fn a_new_certificate_is_taken_and_one_of_no_use_is_not() {
    let (old, new) = (made(), made());
    let place = Place::of(&old);
    let tls = Tls::new(&TlsIdentity::read(place.files()).unwrap()).unwrap();
    let is = |made: &Made<KeyPair>| shown(&tls) == made.cert.der().to_vec();
    tls.look();
    assert!(is(&old));
    // The certificate is there before its key.
    fs::write(place.files().cert, cert_pem(&new)).unwrap();
    tls.look();
    assert!(is(&old));
    fs::write(place.files().key, key_pem(&new)).unwrap();
    tls.look();
    assert!(is(&new));
    place.put("broken", "broken");
    tls.look();
    fs::remove_file(place.files().cert).unwrap();
    tls.look();
    assert!(is(&new));
    place.put(&cert_pem(&old), &key_pem(&old));
    tls.look();
    assert!(is(&old));
}

#[test]
fn nothing_shows_the_key() {
    let made = made();
    let place = Place::of(&made);
    let identity = TlsIdentity::read(place.files()).unwrap();
    let tls = Tls::new(&identity).unwrap();
    let key = format!("{:?}", made.signing_key.serialize_der());
    for text in [format!("{identity:?}"), format!("{tls:?}")] {
        assert!(text.len() < 300 && !text.contains(&key), "{text}");
    }
}

/// Both ends of a connection over TLS.
async fn pair() -> (Stream, TlsStream<TcpStream>) {
    let made = made();
    let place = Place::of(&made);
    let tls = Tls::new(&TlsIdentity::read(place.files()).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(backend::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let client = async {
        let stream = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        connector.connect(name, stream).await.unwrap()
    };
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        open(Some(&tls), stream).await.unwrap()
    };
    tokio::join!(server, client)
}

/// A text frame with a message of Engine.IO, as a server sends it.
fn frame(length: u16) -> Vec<u8> {
    let mut frame = vec![0x81, 126];
    frame.extend(length.to_be_bytes());
    frame.extend(b"42");
    frame.resize(usize::from(length) + 4, b'x');
    frame
}

#[tokio::test]
async fn what_counts_as_left_is_what_the_client_can_read() {
    let (stream, mut client) = pair().await;
    let control = Arc::new(WireControl::default());
    let mut wire = Wire::new(stream, Arc::clone(&control));
    control.watch(|| {});
    wire.write_all(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        .await
        .unwrap();
    // Nobody reads, until nothing more is taken.
    let frame = frame(5_000);
    let mut at = 0;
    std::future::poll_fn(|cx| {
        loop {
            match Pin::new(&mut wire).poll_write(cx, &frame[at..]) {
                Poll::Ready(count) => at = (at + count.unwrap()) % frame.len(),
                Poll::Pending => return Poll::Ready(()),
            }
        }
    })
    .await;
    let left = control.messages();
    drop(wire);
    let (mut read, mut buf) = (0, vec![0; 65_536]);
    let mut frames = FrameReader::before_upgrade();
    while let Ok(count @ 1..) = client.read(&mut buf).await {
        frames.read(&buf[..count], |frame| read += u64::from(frame.is_message()));
    }
    assert!(left > 10, "{left} have left");
    assert_eq!(left, read);
}

#[tokio::test]
async fn a_handshake_takes_a_place_from_its_first_byte_to_its_end() {
    let place = Place::of(&made());
    let tls = Tls::new(&TlsIdentity::read(place.files()).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let opening = tokio::spawn({
        let tls = Arc::clone(&tls);
        async move { open(Some(&tls), stream).await.is_some() }
    });
    tokio::task::yield_now().await;
    assert_eq!(tls.places.available_permits(), MAX_HANDSHAKES);
    client.write_all(&[0x16]).await.unwrap();
    while tls.places.available_permits() == MAX_HANDSHAKES {
        tokio::task::yield_now().await;
    }
    drop(client);
    assert!(!opening.await.unwrap());
    assert_eq!(tls.places.available_permits(), MAX_HANDSHAKES);
}

#[tokio::test]
async fn whoever_does_not_speak_tls_gets_no_further() {
    let place = Place::of(&made());
    let tls = Tls::new(&TlsIdentity::read(place.files()).unwrap()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap())
        .await
        .unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        .await
        .unwrap();
    assert!(open(Some(&tls), stream).await.is_none());
}
