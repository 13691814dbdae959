//! TLS on the public listener.

use super::reader::Reader;
use crate::http::{TlsFiles, TlsIdentity};

/// The certificate of `TLS_CERT` with the key of `TLS_KEY`; nothing if neither is given.
pub(super) fn tls(reader: &mut Reader) -> Option<TlsIdentity> {
    let mut path = |name| {
        let text = reader.text(name)?;
        if text.is_empty() {
            reader.mistake(name, "is blank");
        }
        Some(text)
    };
    let files = match (path("TLS_CERT"), path("TLS_KEY")) {
        (Some(cert), Some(key)) if !cert.is_empty() && !key.is_empty() => TlsFiles {
            cert: cert.into(),
            key: key.into(),
        },
        (Some(_), None) => {
            reader.mistake("TLS_KEY", "is missing: TLS_CERT needs it");
            return None;
        }
        (None, Some(_)) => {
            reader.mistake("TLS_CERT", "is missing: TLS_KEY needs it");
            return None;
        }
        _ => return None,
    };
    // The path is not quoted: it may be the key itself.
    TlsIdentity::read(files)
        .map_err(|error| reader.mistake(error.subject(), error.to_string()))
        .ok()
}
