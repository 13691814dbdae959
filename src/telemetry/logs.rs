//! What may be logged, and how it stays one line.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer,
    field::MakeExt as _,
    filter::{LevelFilter, filter_fn},
    fmt::{self, FormatFields, MakeWriter, format::debug_fn},
    registry::LookupSpan,
};

use super::traced::TracedJson;
use crate::config::{LogConfig, LogFormat};

const ITALIC: &str = "\u{1b}[3m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// The most detailed level at which libraries may log. Beyond it some print what passes through
/// them, and that is tokens, session descriptions and chat.
const LIBRARIES: Level = Level::INFO;

/// What the targets of the gateway's own records begin with.
const OWN: &str = env!("CARGO_PKG_NAME");

/// Keeps libraries at [`LIBRARIES`], whatever `RUST_LOG` asks for. It goes before all layers, for
/// what nobody may see.
pub(super) fn cap<S: Subscriber>() -> impl Layer<S> {
    filter_fn(may_show).with_max_level_hint(LevelFilter::TRACE)
}

/// The log on standard output, at the levels that `RUST_LOG` asks for, else `info`.
pub(super) fn layer<S>(config: &LogConfig) -> impl Layer<S>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
{
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .from_env_lossy();
    written(config.format, io::stdout).with_filter(filter)
}

/// The log in a format, to wherever it goes.
fn written<S, W>(format: LogFormat, to: W) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = fmt::layer().with_writer(OneLine(to));
    match format {
        LogFormat::Pretty => lines.with_target(false).fmt_fields(fields()).boxed(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .map_event_format(TracedJson)
            .boxed(),
    }
}

fn may_show(metadata: &Metadata<'_>) -> bool {
    *metadata.level() <= LIBRARIES || is_own(metadata.target())
}

fn is_own(target: &str) -> bool {
    target
        .strip_prefix(OWN)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// Makes writers that keep each record on one line, whatever its fields hold: who chooses a value
/// must not be able to write lines of a log (CWE-117).
struct OneLine<M>(M);

/// A writer to which each record is written at once, as `fmt` does.
struct LineWriter<W>(W);

impl<'a, M: MakeWriter<'a>> MakeWriter<'a> for OneLine<M> {
    type Writer = LineWriter<M::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWriter(self.0.make_writer())
    }
}

impl<W: Write> Write for LineWriter<W> {
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        // The formatter's own colours begin with ESC; what is in values was escaped before.
        let breaks_out = |c: char| c.is_control() && c != '\u{1b}';
        if line.contains(breaks_out) {
            let end = text.get(line.len()..).unwrap_or_default();
            let line = escaped(line, breaks_out);
            self.0.write_all(format!("{line}{end}").as_bytes())?;
        } else {
            self.0.write_all(record)?;
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes some characters as JSON does (RFC 8259 §7), which can be read within JSON and without.
fn escaped(text: &str, which: impl Fn(char) -> bool) -> String {
    text.chars().fold(String::new(), |mut safe, c| {
        if which(c) {
            // Writing to a string does not fail.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
        safe
    })
}

/// The fields of a record for people, `name=value`. The library's own way passes on what moves the
/// cursor, colours or hides the text of a terminal.
fn fields() -> impl for<'w> FormatFields<'w> + Send + Sync + 'static {
    debug_fn(|writer, field, value| {
        let text = escaped(&format!("{value:?}"), char::is_control);
        match (field.name(), writer.has_ansi_escapes()) {
            ("message", _) => write!(writer, "{text}"),
            (name, false) => write!(writer, "{name}={text}"),
            (name, true) => write!(writer, "{ITALIC}{name}{PLAIN}{DIM}={PLAIN}{text}"),
        }
    })
    .delimited(" ")
}

#[cfg(test)]
#[path = "tests/logs.rs"]
mod tests;
