//! One media server: how it is reached, and whether it is.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::StatusCode;
use metrics::{counter, gauge, histogram};
use parking_lot::Mutex;
use reqwest::Method;
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{sleep, timeout},
};
use tracing::{debug, info, warn};

use super::{
    BreakerState, MediaError,
    breaker::{Breaker, Permit},
};
use crate::{
    services::http::{Call, CallError, Service, ServiceUrl, SetupError},
    telemetry::traces,
};

/// Time between two probes while calls go through: a server that nobody calls may be gone.
const PROBE_EVERY: Duration = Duration::from_secs(2);

/// Time between two probes while calls are refused.
const PROBE_OPEN_EVERY: Duration = Duration::from_secs(1);

/// The least time between two probes: many doubts at once are one.
const PROBE_GAP: Duration = Duration::from_millis(200);

/// How many calls are under way at once. With more a server would only get slower; whoever waits
/// does so no longer than those before it, and is refused if they find the server gone.
const AT_ONCE: usize = 256;

/// How long a probe may take.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// One media server.
pub struct MediaServer {
    name: Arc<str>,
    service: Service,
    breaker: Mutex<Breaker>,
    turns: Semaphore,
    /// A call makes it doubtful whether the server is well.
    doubt: Notify,
    started: Instant,
    changes: Arc<watch::Sender<u64>>,
}

/// How a media server is, for people.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its URL.
    pub url: Arc<str>,
    /// How its breaker stands.
    pub state: BreakerState,
    /// For how long calls have gone through, or not.
    pub lasting: Duration,
}

impl MediaServer {
    pub(super) fn new(
        url: ServiceUrl,
        changes: Arc<watch::Sender<u64>>,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            name: url.to_string().into(),
            service: Service::new(url)?,
            breaker: Mutex::new(Breaker::new(Duration::ZERO)),
            turns: Semaphore::new(AT_ONCE),
            doubt: Notify::new(),
            started: Instant::now(),
            changes,
        })
    }

    /// Its URL, by which all nodes know it.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Whether it can be reached, as far as is known.
    pub fn is_available(&self) -> bool {
        self.breaker.lock().state() == BreakerState::Closed
    }

    pub(super) fn report(&self) -> Report {
        let breaker = self.breaker.lock();
        Report {
            url: Arc::clone(&self.name),
            state: breaker.state(),
            lasting: self.now().saturating_sub(breaker.since()),
        }
    }

    /// Makes a call, if it is one that can be expected to be answered.
    pub(super) async fn call(
        &self,
        operation: &'static str,
        call: Call<'_>,
    ) -> Result<Bytes, MediaError> {
        let _turn = self.turns.acquire().await;
        let Some(permit) = self.breaker.lock().permit() else {
            counter!(REQUESTS, "operation" => operation, "outcome" => "refused-by-breaker")
                .increment(1);
            return Err(MediaError::Unavailable);
        };
        let begun = Instant::now();
        let span = traces::calling(call.method.as_str(), operation);
        let answer = span.run(self.service.call(call)).await;
        span.answered(status_of(&answer));
        histogram!(SECONDS, "operation" => operation).record(begun.elapsed());
        let outcome = outcome(&answer);
        counter!(REQUESTS, "operation" => operation, "outcome" => outcome).increment(1);
        answer.map_err(|error| self.take_in(operation, permit, error))
    }

    /// An answer turned out to be other than it should.
    pub(super) fn broken(&self, operation: &'static str) -> MediaError {
        warn!(server = %self.name, operation, "the media server's answer makes no sense");
        self.doubt.notify_one();
        MediaError::Unavailable
    }

    fn take_in(&self, operation: &'static str, permit: Permit, error: CallError) -> MediaError {
        match error {
            CallError::Refused { status, message } => {
                debug!(server = %self.name, operation, %status, "the media server refused");
                return match status {
                    StatusCode::NOT_FOUND => MediaError::NotFound(message),
                    StatusCode::CONFLICT => MediaError::Conflict(message),
                    _ => MediaError::Rejected(message),
                };
            }
            CallError::Unreachable(_) | CallError::TimedOut => {
                let opened = self.breaker.lock().call_failed(permit, self.now());
                if opened {
                    warn!(server = %self.name, operation, %error, "media server lost");
                    self.changed();
                }
            }
            CallError::Broken(_) | CallError::Unexpected(_) | CallError::Failed(_) => {
                warn!(server = %self.name, operation, %error, "the media server failed");
                self.doubt.notify_one();
            }
        }
        MediaError::Unavailable
    }

    /// Looks over and over whether the server is there. Does not end by itself.
    pub(super) async fn watch(self: Arc<Self>) {
        loop {
            let every = if self.is_available() {
                PROBE_EVERY
            } else {
                PROBE_OPEN_EVERY
            };
            sleep(PROBE_GAP).await;
            let _ = timeout(every.saturating_sub(PROBE_GAP), self.doubt.notified()).await;
            self.probe().await;
        }
    }

    /// Looks whether the server is there. Any answer but that it failed will do: it need not have
    /// a health check.
    pub(super) async fn probe(&self) {
        self.breaker.lock().probe_begins();
        self.show();
        let answer = self.service.call(Call {
            method: Method::GET,
            path: &["readyz"],
            query: None,
            body: None,
            timeout: PROBE_TIMEOUT,
        });
        let answer = answer.await;
        let passed = matches!(
            answer,
            Ok(_) | Err(CallError::Refused { .. } | CallError::Unexpected(_))
        );
        let changed = self.breaker.lock().probe_ended(passed, self.now());
        if changed && passed {
            info!(server = %self.name, "media server found");
        }
        if let (true, Err(error)) = (changed, &answer) {
            warn!(server = %self.name, %error, "media server lost");
        }
        if changed {
            self.changed();
        }
        self.show();
    }

    fn changed(&self) {
        self.show();
        self.changes.send_modify(|count| *count += 1);
    }

    fn show(&self) {
        let value = match self.breaker.lock().state() {
            BreakerState::Closed => 0.0,
            BreakerState::HalfOpen => 1.0,
            BreakerState::Open => 2.0,
        };
        gauge!(STATE, "server" => self.name.to_string()).set(value);
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

impl fmt::Debug for MediaServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaServer")
            .field("name", &self.name)
            .field("state", &self.breaker.lock().state())
            .finish_non_exhaustive()
    }
}

const REQUESTS: &str = "switchboard_media_requests_total";
const SECONDS: &str = "switchboard_media_request_duration_seconds";
const STATE: &str = "switchboard_media_breaker_state";

/// The status of an answer, as far as it is known.
fn status_of(answer: &Result<Bytes, CallError>) -> Option<u16> {
    match answer {
        Ok(_) => Some(200),
        Err(error) => error.status().map(|status| status.as_u16()),
    }
}

const fn outcome(answer: &Result<Bytes, CallError>) -> &'static str {
    match answer {
        Ok(_) => "ok",
        Err(CallError::Unreachable(_)) => "unreachable",
        Err(CallError::TimedOut) => "timed-out",
        Err(CallError::Broken(_) | CallError::Unexpected(_)) => "broken",
        Err(CallError::Failed(_)) => "failed",
        Err(CallError::Refused { .. }) => "refused",
    }
}
