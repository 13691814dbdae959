//! The keys of the server API.

use std::collections::HashSet;

use secrecy::{ExposeSecret as _, SecretString};

use super::{ApiKey, reader::Reader};

/// The most keys: two for each of a handful of backends.
const MAX_KEYS: usize = 32;

/// The shortest key, in characters: 80 bits even if there are only 32 different ones.
const MIN_KEY: usize = 16;

/// The longest key, in characters.
const MAX_KEY: usize = 512;

/// The longest name of who has a key, in characters.
const MAX_NAME: usize = 64;

/// Who has a key that has no name.
const NAMELESS: &str = "api";

/// The keys of `API_KEY`; none if it is not given.
pub(super) fn api_keys(reader: &mut Reader) -> Vec<ApiKey> {
    let Some(list) = reader.secret("API_KEY") else {
        return Vec::new();
    };
    let entries: Vec<&str> = list.expose_secret().split(',').map(str::trim).collect();
    if entries.len() > MAX_KEYS {
        reader.mistake("API_KEY", format!("must have at most {MAX_KEYS} entries"));
    }
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    for (index, entry) in entries.iter().enumerate().take(MAX_KEYS) {
        // Nothing of it is quoted.
        match key(entry) {
            Ok((_, key)) if !seen.insert(key) => {
                reader.mistake("API_KEY", format!("entry {} is there twice", index + 1));
            }
            Ok((name, key)) => keys.push(ApiKey {
                name: name.into(),
                key: SecretString::from(key),
            }),
            Err(problem) => {
                reader.mistake("API_KEY", format!("entry {} {problem}", index + 1));
            }
        }
    }
    keys
}

/// Who has the key, and the key, of `name:key` or `key`.
fn key(entry: &str) -> Result<(&str, &str), String> {
    let (name, key) = entry.split_once(':').unwrap_or((NAMELESS, entry));
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(is_name) {
        return Err(format!(
            "must have a name of 1 to {MAX_NAME} of A-Z a-z 0-9 . _ - before the colon"
        ));
    }
    // What can stand after `Bearer` (token68 of RFC 9110 §11.2).
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    if !(MIN_KEY..=MAX_KEY).contains(&key.len()) || !key.chars().all(fits) {
        return Err(format!(
            "must be a key of {MIN_KEY} to {MAX_KEY} of A-Z a-z 0-9 - . _ ~ + / ="
        ));
    }
    Ok((name, key))
}
