//! How long it takes a client to get its first connection.

use std::time::Instant;

use parking_lot::Mutex;

use crate::{protocol::RtcState, telemetry};

/// From a client's joining a room to the first that comes of its peer connections. A peer that
/// comes back is in the middle of a call: for it nothing is measured.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Stage>);

#[derive(Debug, Default)]
enum Stage {
    /// Nothing is expected.
    #[default]
    Idle,
    /// It is in a room where nobody else is.
    Alone,
    /// It has had somebody to connect to since then.
    Begun(Instant),
}

impl Progress {
    /// The client has joined a room.
    pub(super) fn joined(&self, alone: bool) {
        *self.0.lock() = if alone {
            Stage::Alone
        } else {
            Stage::Begun(Instant::now())
        };
    }

    /// The client has sent an offer or an answer.
    pub(super) fn signalled(&self) {
        let mut stage = self.0.lock();
        if matches!(*stage, Stage::Alone) {
            *stage = Stage::Begun(Instant::now());
        }
    }

    /// The client reports the state of a peer connection.
    pub(super) fn reported(&self, state: RtcState) {
        telemetry::rtc_state(state);
        let connected = match state {
            RtcState::Connected => true,
            RtcState::Failed => false,
            RtcState::New | RtcState::Connecting | RtcState::Disconnected | RtcState::Closed => {
                return;
            }
        };
        let stage = std::mem::take(&mut *self.0.lock());
        let Stage::Begun(since) = stage else {
            // It was alone, and can have connected to nobody but a media server.
            if matches!(stage, Stage::Alone) {
                telemetry::rtc_outcome(connected);
            }
            return;
        };
        telemetry::rtc_outcome(connected);
        if connected {
            telemetry::connected_after(since.elapsed());
        }
    }

    /// The client is in no room any more.
    pub(super) fn left(&self) {
        *self.0.lock() = Stage::Idle;
    }
}
