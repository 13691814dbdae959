//! Finds the raw values and parses them one by one, noting every mistake on the way.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::ops::RangeInclusive;
use std::time::Duration;

use secrecy::SecretString;

use super::flags::Flags;
use super::vars::VARS;
use super::{ConfigErrors, Environment, Mistake, Source};

/// Largest accepted secret file. Keys and passwords are far smaller; the limit keeps a wrong path
/// (a device, a core dump) from filling the memory.
const MAX_SECRET_FILE_BYTES: u64 = 64 * 1024;

/// How much of a wrong value an error quotes, in characters.
const QUOTED_CHARS: usize = 40;

/// The raw values of all variables, and the mistakes found so far.
///
/// After a mistake the reading methods return a stand-in and go on; [`Reader::finish`] makes sure
/// that no configuration with a stand-in is ever used.
pub(super) struct Reader {
    values: HashMap<&'static str, (String, Source)>,
    mistakes: Vec<Mistake>,
}

impl Reader {
    /// Collects every value that is given: by flag, else by environment variable.
    pub(super) fn open(flags: Flags, environment: &Environment) -> Self {
        let mut reader = Self {
            values: HashMap::new(),
            mistakes: Vec::new(),
        };
        for var in VARS {
            reader.collect(var.name, flags.values(var.name), environment.var(var.name));
        }
        reader.mistakes.extend(flags.mistakes);
        reader
    }

    fn collect<'a>(
        &mut self,
        name: &'static str,
        mut flags: impl Iterator<Item = &'a OsString>,
        variable: Option<&OsString>,
    ) {
        let flag = flags.next();
        if flags.next().is_some() {
            self.mistake(name, "is given by more than one flag");
        }
        if flag.is_some_and(|value| value.is_empty()) {
            return self.mistake(name, "the flag needs a value");
        }
        let Some(value) = flag.or(variable) else {
            return;
        };
        let source = if flag.is_some() {
            Source::Flag
        } else {
            Source::Environment
        };
        match value.to_str() {
            Some(text) => drop(self.values.insert(name, (text.to_owned(), source))),
            None => self.mistake(name, "is not valid UTF-8"),
        }
    }

    /// Notes a mistake.
    pub(super) fn mistake(&mut self, subject: &str, problem: impl Into<String>) {
        self.mistakes.push(Mistake {
            subject: subject.to_owned(),
            problem: problem.into(),
        });
    }

    /// Whether a variable is given.
    pub(super) fn is_given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// What is given for a variable, and how.
    pub(super) fn given(&self, name: &str) -> Option<(&str, Source)> {
        let (text, source) = self.values.get(name)?;
        Some((text, *source))
    }

    /// A text as given, without surrounding white space, else the default.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let given = self.given(name).map(|(text, _)| text);
        let default = || {
            VARS.iter()
                .find(|var| var.name == name)
                .and_then(|var| var.default)
        };
        given.or_else(default).map(|text| text.trim().to_owned())
    }

    /// A whole number within a range, ends included.
    pub(super) fn number(&mut self, name: &str, range: RangeInclusive<u64>) -> u64 {
        let text = self.text(name).unwrap_or_default();
        match text.parse() {
            Ok(number) if range.contains(&number) => number,
            _ => {
                let (low, high) = (range.start(), range.end());
                let given = shortened(&text);
                self.mistake(
                    name,
                    format!("must be a number from {low} to {high}, not {given:?}"),
                );
                *range.start()
            }
        }
    }

    /// A duration given in milliseconds.
    pub(super) fn millis(&mut self, name: &str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_millis(self.number(name, range))
    }

    /// A duration given in seconds.
    pub(super) fn seconds(&mut self, name: &str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(name, range))
    }

    /// `true`/`1` or `false`/`0`.
    pub(super) fn switch(&mut self, name: &str) -> bool {
        let options = [("true", true), ("false", false), ("1", true), ("0", false)];
        self.choice(name, &options).unwrap_or(false)
    }

    /// One of the named options, whatever its case; `None` when unset or wrong.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, options: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let chosen = options
            .iter()
            .find(|(option, _)| option.eq_ignore_ascii_case(&text));
        if chosen.is_none() {
            let known: Vec<&str> = options.iter().map(|(option, _)| *option).collect();
            let given = shortened(&text);
            self.mistake(
                name,
                format!("must be one of {}, not {given:?}", known.join(", ")),
            );
        }
        chosen.map(|(_, value)| *value)
    }

    /// A secret: the value of `NAME`, or the content of the file that `NAME_FILE` names, without
    /// the line break editors leave at its end.
    pub(super) fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file_variable = format!("{name}_FILE");
        let given = |name: &str| self.given(name).map(|(text, _)| text.to_owned());
        let value = given(name).map(SecretString::from);
        let Some(path) = given(&file_variable) else {
            return value;
        };
        if value.is_some() {
            self.mistake(
                name,
                format!("is given together with {file_variable}; keep one"),
            );
            return None;
        }
        match read_secret_file(&path) {
            Ok(secret) => Some(secret),
            Err(problem) => {
                // The path is not quoted: it may be the secret itself, given to the wrong variable.
                self.mistake(&file_variable, format!("the file {problem}"));
                None
            }
        }
    }

    /// Ends the reading: the configuration if there was no mistake, else all mistakes.
    pub(super) fn finish<T>(self, config: Option<T>) -> Result<T, ConfigErrors> {
        match config {
            Some(config) if self.mistakes.is_empty() => Ok(config),
            _ => Err(ConfigErrors(self.mistakes)),
        }
    }
}

fn read_secret_file(path: &str) -> Result<SecretString, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| {
            file.take(MAX_SECRET_FILE_BYTES + 1)
                .read_to_string(&mut text)
        })
        .map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > MAX_SECRET_FILE_BYTES {
        return Err(format!("is larger than {MAX_SECRET_FILE_BYTES} bytes"));
    }
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(SecretString::from(secret))
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
