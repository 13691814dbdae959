//! What a configuration comes to, for people to read: every value, but for its secrets.

use super::reader::Reader;
use super::vars::VARS;

/// Where a value came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A flag on the command line.
    Flag,
    /// The environment variable.
    Environment,
    /// Neither: it is the default.
    Default,
    /// Neither, and there is no default.
    Unset,
}

impl Source {
    /// The source in words.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::Default => "default",
            Self::Unset => "not set",
        }
    }
}

/// A variable and what it is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The variable.
    pub name: &'static str,
    /// Its value, without secrets; `None` if it has none.
    pub value: Option<String>,
    /// Where that came from.
    pub source: Source,
}

/// What stands in place of a secret.
const HIDDEN: &str = "(hidden)";

/// What stands in place of the credentials of a URL.
const MASK: &str = "***";

/// Names that sound secret and are not: what has one of them is public. `TLS_KEY` names a file.
const PUBLIC: &[&str] = &["JWT_PUBLIC_KEY", "EMITTER_KEY", "TLS_KEY"];

/// Parts of names that say that a value, or a parameter of a URL, is secret.
const SECRET_PARTS: &[&str] = &["PASS", "SECRET", "KEY", "TOKEN", "CREDENTIAL", "HEADERS"];

/// Every setting, in the order of `--help`.
pub(super) fn settings(reader: &Reader) -> Vec<Setting> {
    let setting = |var: &super::vars::Var| {
        let given = reader.given(var.name);
        let (text, source) = match (given, var.default) {
            (Some((text, source)), _) => (Some(text), source),
            (None, Some(text)) => (Some(text), Source::Default),
            (None, None) => (None, Source::Unset),
        };
        Setting {
            name: var.name,
            value: text.map(|text| shown(var.name, text.trim())),
            source,
        }
    };
    VARS.iter().map(setting).collect()
}

/// A value as it may be shown: in one line, without what is secret.
pub(super) fn shown(name: &str, value: &str) -> String {
    // The path of a file is no secret; it was read as one, so it is one.
    if is_secret(name) && !name.ends_with("_FILE") {
        return HIDDEN.to_owned();
    }
    let plain = if value.contains("://") {
        without_credentials(value)
    } else {
        value.to_owned()
    };
    let in_line = |c: char| match c {
        '\n' => "\\n".to_owned(),
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    };
    plain.chars().map(in_line).collect()
}

/// Whether the value of a variable is to be kept from people: if its name sounds like it, unless it
/// is known to be public. So a new variable is hidden rather than shown by mistake.
fn is_secret(name: &str) -> bool {
    !PUBLIC.contains(&name) && sounds_secret(name)
}

fn sounds_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_PARTS.iter().any(|part| name.contains(part))
}

/// A URL, or a list of them, without users, passwords and parameters that sound secret. It looks at
/// the text rather than at its parts: some of these URLs have several hosts, and what cannot be
/// parsed must not be shown for that.
fn without_credentials(text: &str) -> String {
    let mut urls: Vec<String> = Vec::new();
    for piece in text.split(',') {
        match urls.last_mut() {
            // Another host, or the rest of a password with a comma in it.
            Some(url) if !piece.contains("://") => {
                url.push(',');
                url.push_str(piece);
            }
            _ => urls.push(piece.to_owned()),
        }
    }
    let masked = urls.iter().map(|url| mask_parameters(&mask_user(url)));
    masked.collect::<Vec<_>>().join(",")
}

fn mask_user(url: &str) -> String {
    let (scheme, rest) = url
        .split_once("://")
        .map_or((String::new(), url), |(scheme, rest)| {
            (format!("{scheme}://"), rest)
        });
    match rest.rsplit_once('@') {
        Some((_, place)) => format!("{scheme}{MASK}@{place}"),
        None => format!("{scheme}{rest}"),
    }
}

fn mask_parameters(url: &str) -> String {
    let Some((place, query)) = url.split_once('?') else {
        return url.to_owned();
    };
    let parameters = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if sounds_secret(name) => format!("{name}={MASK}"),
        _ => pair.to_owned(),
    });
    format!("{place}?{}", parameters.collect::<Vec<_>>().join("&"))
}
