//! The last events of a channel, for clients that come back.

use std::{collections::VecDeque, fmt, str::FromStr, sync::Arc};

use serde_json::value::RawValue;
use smallvec::SmallVec;
use thiserror::Error;

use super::channels::Topic;

/// The most bytes of events that are kept of one channel.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The place of an event among those of its channel: the id of an entry in a Redis stream, whose
/// parts are a time in milliseconds and a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u64, u64);

/// A text that is no offset.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("must be an offset as given with an event, such as 1700000000000-0")]
pub struct BadOffset;

impl Offset {
    /// The first one at that time, in milliseconds since the Unix epoch.
    #[must_use]
    pub const fn at(time: u64) -> Self {
        Self(time, 0)
    }

    /// The next one at that time, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn next(self, now: u64) -> Self {
        if now > self.0 {
            return Self(now, 0);
        }
        // Redis lets whoever writes there name any place, the last one of a time too.
        match self.1.checked_add(1) {
            Some(number) => Self(self.0, number),
            None => Self(self.0.saturating_add(1), 0),
        }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl FromStr for Offset {
    type Err = BadOffset;

    fn from_str(text: &str) -> Result<Self, BadOffset> {
        let (time, number) = text.split_once('-').unwrap_or((text, "0"));
        let part = |text: &str| text.parse::<u64>().map_err(|_| BadOffset);
        Ok(Self(part(time)?, part(number)?))
    }
}

/// An event that is kept.
#[derive(Debug)]
pub struct KeptEvent {
    /// Its place.
    pub offset: Offset,
    /// The name of the event that clients get.
    pub kind: Box<str>,
    /// What is to be known of it.
    pub data: Box<RawValue>,
    /// Where it comes from, as clients get it.
    pub about: Box<RawValue>,
    /// Whoever subscribes to any of these hears it.
    pub topics: SmallVec<[Topic; 2]>,
    /// When it is not to be handed on any more, in milliseconds since the Unix epoch.
    pub until: Option<u64>,
}

impl KeptEvent {
    fn weight(&self) -> usize {
        size_of::<Self>() + self.kind.len() + self.data.get().len() + self.about.get().len()
    }
}

/// From where a client wants to hear what it missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// What came after this one.
    Since(Offset),
    /// So many of the last.
    Last(usize),
}

/// What a client gets that comes back.
#[derive(Debug, Default)]
pub struct Recovery {
    /// What it missed, oldest first.
    pub events: Vec<Arc<KeptEvent>>,
    /// Whether that is all that it missed.
    pub complete: bool,
}

/// The last events of one channel.
#[derive(Debug)]
pub struct Ring {
    events: VecDeque<Arc<KeptEvent>>,
    bytes: usize,
    max: usize,
    /// The newest of those that are not known any more.
    forgotten: Option<Offset>,
    /// The newest of all.
    last: Offset,
    /// What was kept before is known.
    ready: bool,
}

impl Ring {
    /// Keeps at most `max` events. It is not [ready](Self::is_ready) yet.
    pub const fn new(max: usize) -> Self {
        Self {
            events: VecDeque::new(),
            bytes: 0,
            max,
            forgotten: None,
            last: Offset(0, 0),
            ready: false,
        }
    }

    /// What was kept before is known from now on.
    pub const fn get_ready(&mut self) {
        self.ready = true;
    }

    /// Whether it can be said what somebody missed.
    pub const fn is_ready(&self) -> bool {
        self.ready
    }

    /// The place of the newest event.
    pub const fn last(&self) -> Offset {
        self.last
    }

    /// Events up to that place are not known here.
    pub fn begin_after(&mut self, offset: Offset) {
        self.forgotten = self.forgotten.max(Some(offset));
        self.last = self.last.max(offset);
    }

    /// There is nothing to tell in that place.
    pub fn pass_over(&mut self, offset: Offset) {
        self.last = self.last.max(offset);
    }

    /// Keeps one more. Returns it, unless it is not newer than what is kept already.
    pub fn push(&mut self, event: KeptEvent) -> Option<Arc<KeptEvent>> {
        if event.offset <= self.last {
            return None;
        }
        self.last = event.offset;
        self.bytes += event.weight();
        let event = Arc::new(event);
        self.events.push_back(Arc::clone(&event));
        while self.events.len() > self.max || self.bytes > MAX_BYTES {
            let Some(old) = self.events.pop_front() else {
                break;
            };
            self.bytes -= old.weight();
            self.forgotten = Some(old.offset);
        }
        Some(event)
    }

    /// What a subscriber of `topic` missed, at `now`, in milliseconds since the Unix epoch.
    pub fn recover(&self, topic: &str, from: From, now: u64) -> Recovery {
        let fits = |event: &&Arc<KeptEvent>| {
            event.topics.iter().any(|of| **of == *topic)
                && event.until.is_none_or(|until| now < until)
        };
        match from {
            From::Since(offset) if !self.knows(offset) => Recovery::default(),
            From::Since(offset) => {
                let first = self.events.partition_point(|event| event.offset <= offset);
                let missed = self.events.range(first..).filter(fits);
                Recovery {
                    events: missed.cloned().collect(),
                    complete: true,
                }
            }
            From::Last(count) => {
                let mut events: Vec<_> = self
                    .events
                    .iter()
                    .rev()
                    .filter(fits)
                    .take(count)
                    .cloned()
                    .collect();
                events.reverse();
                Recovery {
                    complete: self.forgotten.is_none() || events.len() == count,
                    events,
                }
            }
        }
    }

    /// Whether all that came after it is kept. One that was never given out is not known.
    fn knows(&self, offset: Offset) -> bool {
        let given = || {
            self.events
                .binary_search_by_key(&offset, |event| event.offset)
                .is_ok()
        };
        match self.forgotten {
            Some(forgotten) if offset == forgotten => true,
            None if offset == Offset::default() => true,
            _ => given(),
        }
    }
}

#[cfg(test)]
#[path = "tests/replayed.rs"]
mod tests;
