use std::sync::Arc;

use parking_lot::Mutex;
use tracing::{debug, info, subscriber::with_default, trace};
use tracing_subscriber::{layer::SubscriberExt as _, registry};

use super::*;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged of what happens, at every level.
fn logged(format: LogFormat, happen: impl FnOnce()) -> String {
    let page = Page::default();
    let to = page.clone();
    let log = registry()
        .with(cap())
        .with(written(format, move || to.clone()));
    with_default(log, happen);
    let bytes = page.0.lock().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn libraries_show_nothing_beyond_info() {
    let log = logged(LogFormat::Json, || {
        info!(target: "redis", "one");
        debug!(target: "redis::aio", "two");
        trace!(target: "hyper_util", "three");
        debug!(target: "switchboardish", "four");
        trace!(target: "switchboard", "five");
        debug!(target: "switchboard::hub", "six");
    });
    let shown = ["one", "two", "three", "four", "five", "six"].map(|word| log.contains(word));
    assert_eq!(shown, [true, false, false, false, true, true], "{log}");
}

#[test]
fn a_record_is_one_line_whatever_its_fields_hold() {
    let evil = "x\r\n2026-01-01 ERROR forged\u{1b}[2J\u{8}\u{0}\u{7f}\u{9b}31m";
    for format in [LogFormat::Pretty, LogFormat::Json] {
        let log = logged(format, || {
            info!(user = %evil, room = ?evil, text = evil, "first");
            info!("{evil}");
        });
        let lines: Vec<_> = log.lines().collect();
        assert_eq!(lines.len(), 2, "{log:?}");
        assert!(log.ends_with('\n') && !log.contains('\r'), "{log:?}");
        for bad in ["\u{1b}[2J", "\u{8}", "\u{0}", "\u{7f}", "\u{9b}"] {
            assert!(!log.contains(bad), "{bad:?} in {log:?}");
        }
        assert!(lines.iter().all(|line| line.contains("forged")), "{log:?}");
        if format == LogFormat::Json {
            let record: serde_json::Value = serde_json::from_str(lines[0]).unwrap();
            assert_eq!(record["user"], evil);
        }
    }
}

#[test]
fn what_needs_no_mending_is_written_as_it_is() {
    let mut to = Vec::new();
    let mut writer = LineWriter(&mut to);
    for record in ["{\"a\":\"ü\\n\"}\n", "\u{1b}[2mdim\u{1b}[0m\n", "open"] {
        writer.write_all(record.as_bytes()).unwrap();
    }
    assert_eq!(
        String::from_utf8(to).unwrap(),
        "{\"a\":\"ü\\n\"}\n\u{1b}[2mdim\u{1b}[0m\nopen"
    );
}

#[test]
fn a_record_says_to_which_trace_it_belongs() {
    use crate::telemetry::{Protocol, traces};

    traces::kept::on();
    let log = logged(LogFormat::Json, || {
        info!(text = "with \"}\" in it", "without");
        let _handling = traces::handling(Protocol::Ws);
        info!(number = 7, "within");
    });
    let read = |line| serde_json::from_str::<serde_json::Value>(line).unwrap();
    let records: Vec<_> = log.lines().map(read).collect();
    assert_eq!(records[0]["text"], "with \"}\" in it");
    assert_eq!(records[0].get("trace_id"), None);
    assert_eq!(records[1]["message"], "within");
    assert_eq!(records[1]["number"], 7);
    assert_eq!(records[1]["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(records[1]["span_id"].as_str().unwrap().len(), 16);
}
