//! TLS on the public listener: for who has no proxy in front that speaks it.
//!
//! The certificate is looked at every few seconds, and taken anew when it has changed: connections
//! that are open stay as they are. One that is of no use is not taken.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aws_lc_rs::digest::{Context, SHA256};
use metrics::counter;
use parking_lot::RwLock;
use rustls::{
    Error as RustlsError, InconsistentKeys, ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs as backend},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use thiserror::Error;
use tokio::{
    net::TcpStream,
    sync::Semaphore,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_rustls::TlsAcceptor;
use tracing::{debug, error, info};

use super::stream::Stream;

/// How long a client may take from its connection to the end of the handshake: a few round trips
/// of a bad network, with what is lost on the way.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The most handshakes under way at once. Each takes some tens of kilobytes and a millisecond of a
/// processor; those beyond wait for their turn. Who says nothing has none.
const MAX_HANDSHAKES: usize = 1_024;

/// How often the files are looked at. They are small, and what changes them changes the day's
/// certificate.
const LOOK: Duration = Duration::from_secs(2);

/// The largest file, in bytes: a chain has a few certificates of a few kilobytes.
const MAX_FILE: u64 = 256 * 1024;

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the gateway's own certificate first (PEM).
    pub cert: PathBuf,
    /// The private key of the first one (PEM: PKCS#8, PKCS#1 or SEC 1).
    pub key: PathBuf,
}

/// Why a certificate is of no use. Says nothing of what the files hold.
#[derive(Debug, Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("the file cannot be read: {1}")]
    Unreadable(TlsFile, #[source] io::Error),
    /// A file is no certificate or key, for it is far too large.
    #[error("the file is larger than {MAX_FILE} bytes")]
    TooLarge(TlsFile),
    /// There is no certificate in the file.
    #[error("the file holds no certificate (PEM)")]
    NoCertificate,
    /// There is no private key in the file.
    #[error("the file holds no private key (PEM: PKCS#8, PKCS#1 or SEC 1, not encrypted)")]
    NoKey,
    /// The certificate cannot be understood.
    #[error("the certificate is not valid (X.509)")]
    BadCertificate,
    /// The key is of a kind that TLS does not know, or too short.
    #[error("the private key cannot be used")]
    BadKey,
    /// The key is another one's.
    #[error("the private key is not the one of the certificate in TLS_CERT")]
    Mismatch,
}

/// One of the two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFile {
    /// That of the certificate.
    Cert,
    /// That of the key.
    Key,
}

impl TlsError {
    /// The variable that names the file that is wrong.
    #[must_use]
    pub const fn subject(&self) -> &'static str {
        match self {
            Self::Unreadable(TlsFile::Cert, _)
            | Self::TooLarge(TlsFile::Cert)
            | Self::NoCertificate
            | Self::BadCertificate => "TLS_CERT",
            _ => "TLS_KEY",
        }
    }
}

/// TLS cannot be set up.
#[derive(Debug, Error)]
#[error("TLS cannot be set up")]
pub struct TlsSetupError(#[from] RustlsError);

/// A certificate that can be shown, with its key.
#[derive(Clone)]
pub struct TlsIdentity {
    files: TlsFiles,
    certified: Arc<CertifiedKey>,
    mark: Mark,
}

/// What tells two contents of the files apart.
type Mark = [u8; 32];

impl std::fmt::Debug for TlsIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TlsIdentity")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl TlsIdentity {
    /// Reads the files, and checks that what they hold can serve.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn read(files: TlsFiles) -> Result<Self, TlsError> {
        Content::read(&files)?.understand(files)
    }
}

/// What the files hold.
struct Content {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Content {
    fn read(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self {
            cert: read_file(&files.cert, TlsFile::Cert)?,
            key: read_file(&files.key, TlsFile::Key)?,
        })
    }

    fn mark(&self) -> Mark {
        let mut hash = Context::new(&SHA256);
        // The length goes first: what moves from one file to the other makes a difference.
        hash.update(&self.cert.len().to_be_bytes());
        hash.update(&self.cert);
        hash.update(&self.key);
        let mut mark = Mark::default();
        mark.copy_from_slice(hash.finish().as_ref());
        mark
    }

    fn understand(&self, files: TlsFiles) -> Result<TlsIdentity, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.cert).collect();
        let chain = chain.map_err(|_| TlsError::NoCertificate)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|_| TlsError::NoKey)?;
        let provider = backend::default_provider();
        let key = provider.key_provider.load_private_key(key);
        let certified = CertifiedKey::new(chain, key.map_err(|_| TlsError::BadKey)?);
        match certified.keys_match() {
            Ok(()) | Err(RustlsError::InconsistentKeys(InconsistentKeys::Unknown)) => {}
            Err(RustlsError::InconsistentKeys(_)) => return Err(TlsError::Mismatch),
            Err(_) => return Err(TlsError::BadCertificate),
        }
        Ok(TlsIdentity {
            files,
            certified: Arc::new(certified),
            mark: self.mark(),
        })
    }
}

fn read_file(path: &Path, which: TlsFile) -> Result<Vec<u8>, TlsError> {
    let mut content = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut content))
        .map_err(|error| TlsError::Unreadable(which, error))?;
    if content.len() as u64 > MAX_FILE {
        return Err(TlsError::TooLarge(which));
    }
    Ok(content)
}

/// The certificate that is shown at this moment.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Shown")
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

/// The TLS side of a listener.
pub struct Tls {
    acceptor: TlsAcceptor,
    shown: Arc<Shown>,
    files: TlsFiles,
    /// What the files held when they were looked at last; nothing if they could not be read.
    seen: RwLock<Option<Mark>>,
    places: Semaphore,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// TLS 1.2 and 1.3 (RFC 5246, RFC 8446), over which HTTP/1.1 is spoken (ALPN, RFC 7301), with
    /// this certificate.
    ///
    /// # Errors
    /// The library refuses what it is to do.
    pub fn new(identity: &TlsIdentity) -> Result<Arc<Self>, TlsSetupError> {
        let shown = Arc::new(Shown(RwLock::new(Arc::clone(&identity.certified))));
        let provider: Arc<CryptoProvider> = Arc::new(backend::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Sessions resume without memory here (RFC 5077, RFC 8446 §4.6.1).
        config.ticketer = backend::Ticketer::new()?;
        Ok(Arc::new(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            shown,
            files: identity.files.clone(),
            seen: RwLock::new(Some(identity.mark)),
            places: Semaphore::new(MAX_HANDSHAKES),
        }))
    }

    /// Takes a new certificate when there is one. Does not end by itself.
    pub async fn keep_up(self: Arc<Self>) {
        let mut ticks = interval(LOOK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let tls = Arc::clone(&self);
            // A file may be on a disk that does not answer.
            if let Err(error) = tokio::task::spawn_blocking(move || tls.look()).await {
                error!(%error, "looking for a new TLS certificate failed");
            }
        }
    }

    /// Looks whether the files hold something else, and takes it if it is of use. The same is
    /// looked at once.
    fn look(&self) {
        let read = Content::read(&self.files);
        let mark = read.as_ref().ok().map(Content::mark);
        if std::mem::replace(&mut *self.seen.write(), mark) == mark {
            return;
        }
        match read.and_then(|content| content.understand(self.files.clone())) {
            Ok(identity) => {
                *self.shown.0.write() = identity.certified;
                info!("the TLS certificate was changed");
            }
            Err(error) => {
                let variable = error.subject();
                error!(variable, %error, "the new TLS certificate is of no use, the former is kept");
            }
        }
    }

    /// Shakes hands with a client. Nothing if that fails, or takes too long.
    async fn accept(&self, stream: TcpStream) -> Option<Stream> {
        let shaken = timeout(HANDSHAKE_TIMEOUT, async {
            // Readiness alone may be a guess: whether there is a byte, only a look at it says.
            stream.peek(&mut [0]).await?;
            let _place = self.places.acquire().await.map_err(io::Error::other)?;
            self.acceptor.accept(stream).await
        });
        let (outcome, stream) = match shaken.await {
            Ok(Ok(stream)) => ("done", Some(Stream::Tls(Box::new(stream)))),
            Ok(Err(error)) => {
                debug!(%error, "TLS handshake failed");
                ("failed", None)
            }
            Err(_) => ("late", None),
        };
        counter!("switchboard_tls_handshakes_total", "outcome" => outcome).increment(1);
        stream
    }
}

/// What is spoken over with a client that has connected: TLS if the listener has it. Nothing if
/// the client does not get that far.
pub(super) async fn open(tls: Option<&Tls>, stream: TcpStream) -> Option<Stream> {
    match tls {
        Some(tls) => tls.accept(stream).await,
        None => Some(stream.into()),
    }
}

#[cfg(test)]
#[path = "tests/tls.rs"]
mod tests;
