//! The signs of life of one client.
//!
//! Where a session began with polling they have a task of their own, until it is a WebSocket: the
//! task of a WebSocket sees to them itself. What is to come next is in the session, so it can go
//! from the one to the other.

use std::{
    pin::Pin,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use engineioxide_core::{Packet, ProtocolVersion};
use futures_util::task::AtomicWaker;
use tokio::time::{Instant, Sleep};

use crate::errors::Error;

/// The state of a session's heartbeat.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    /// A Pong (v4 protocol) or Ping (v3 protocol) has come that nobody has looked at.
    beat: AtomicBool,
    waiting: AtomicWaker,
    pace: Pace,
    clock: Mutex<Clock>,
}

#[derive(Debug, Clone, Copy)]
struct Pace {
    interval: Duration,
    timeout: Duration,
}

#[derive(Debug)]
struct Clock {
    phase: Phase,
    /// When the next ping is due.
    next: Instant,
    /// What the sleep of whoever polls is to be set to.
    alarm: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    /// Nothing was sent yet.
    First,
    /// Until the next ping is due.
    Resting,
    /// The client is to answer a ping, or to send one, before the alarm.
    Listening,
}

impl Heartbeat {
    pub(crate) fn new(protocol: ProtocolVersion, interval: Duration, timeout: Duration) -> Self {
        let now = Instant::now();
        // A client of version 3 sends the pings.
        let (phase, alarm) = match protocol {
            ProtocolVersion::V3 => (Phase::Listening, now + interval + timeout),
            ProtocolVersion::V4 => (Phase::First, now),
        };
        Self {
            beat: AtomicBool::new(false),
            waiting: AtomicWaker::new(),
            pace: Pace { interval, timeout },
            clock: Mutex::new(Clock {
                phase,
                next: now,
                alarm,
            }),
        }
    }

    /// The client has shown that it is alive.
    pub(crate) fn beat(&self) {
        self.beat.store(true, Ordering::Release);
        self.waiting.wake();
    }

    /// Has whoever polls look again.
    pub(crate) fn wake(&self) {
        self.waiting.wake();
    }

    /// What the sleep is to be set to that is polled.
    pub(crate) fn alarm(&self) -> Instant {
        self.clock().alarm
    }

    fn clock(&self) -> std::sync::MutexGuard<'_, Clock> {
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_beat(&self) -> bool {
        self.beat.load(Ordering::Relaxed) && self.beat.swap(false, Ordering::Acquire)
    }

    /// Sends by `send` what is due. Completes when the client gives no sign of life in time.
    ///
    /// While it is `paused`, because the transport is upgraded, no ping is sent.
    pub(crate) fn poll(
        &self,
        protocol: ProtocolVersion,
        mut sleep: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
        paused: impl Fn() -> bool,
        send: impl Fn(Packet) -> bool,
    ) -> Poll<Error> {
        self.waiting.register(cx.waker());
        let mut clock = self.clock();
        loop {
            if clock.phase == Phase::Listening && self.take_beat() {
                match protocol {
                    ProtocolVersion::V3 if !send(Packet::Pong) => {
                        return Poll::Ready(Error::HeartbeatTimeout);
                    }
                    ProtocolVersion::V3 => {
                        clock.alarm = Instant::now() + self.pace.interval + self.pace.timeout;
                    }
                    ProtocolVersion::V4 => {
                        clock.phase = Phase::Resting;
                        clock.alarm = clock.next;
                    }
                }
            }
            if sleep.deadline() != clock.alarm {
                sleep.as_mut().reset(clock.alarm);
            }
            ready!(sleep.as_mut().poll(cx));
            match clock.phase {
                Phase::Listening => return Poll::Ready(Error::HeartbeatTimeout),
                // Some clients send the pong packet in first. If that happens, we should consume it.
                Phase::First => drop(self.take_beat()),
                Phase::Resting => {}
            }
            clock.next += self.pace.interval;
            if paused() {
                clock.phase = Phase::Resting;
                clock.alarm = clock.next;
                continue;
            }
            if !send(Packet::Ping) {
                return Poll::Ready(Error::HeartbeatTimeout);
            }
            clock.phase = Phase::Listening;
            clock.alarm = Instant::now() + self.pace.timeout;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, pin::pin, sync::mpsc};

    use tokio::time::{sleep_until, timeout};

    use super::*;

    const INTERVAL: Duration = Duration::from_millis(30);
    const TIMEOUT: Duration = Duration::from_millis(40);
    const LONG: Duration = Duration::from_secs(20);

    fn heartbeat(protocol: ProtocolVersion) -> Heartbeat {
        Heartbeat::new(protocol, INTERVAL, TIMEOUT)
    }

    /// Runs it until the client is given up, and beats for each of `beats` pings.
    async fn sent(heartbeat: &Heartbeat, protocol: ProtocolVersion, beats: usize) -> Vec<Packet> {
        let (tx, rx) = mpsc::channel();
        let left = std::cell::Cell::new(beats);
        let send = |packet| {
            if left.get() > 0 {
                left.set(left.get() - 1);
                heartbeat.beat();
            }
            tx.send(packet).is_ok()
        };
        let mut sleep = pin!(sleep_until(heartbeat.alarm()));
        let job = poll_fn(|cx| heartbeat.poll(protocol, sleep.as_mut(), cx, || false, send));
        timeout(LONG, job).await.unwrap();
        rx.try_iter().collect()
    }

    #[tokio::test]
    async fn a_client_that_does_not_answer_a_ping_is_given_up() {
        let v4 = ProtocolVersion::V4;
        assert_eq!(sent(&heartbeat(v4), v4, 0).await, [Packet::Ping]);
        let pings = sent(&heartbeat(v4), v4, 2).await;
        assert_eq!(pings, [Packet::Ping, Packet::Ping, Packet::Ping]);
    }

    #[tokio::test]
    async fn what_a_client_of_version_4_sends_before_the_first_ping_does_not_count() {
        let (v4, heartbeat) = (ProtocolVersion::V4, heartbeat(ProtocolVersion::V4));
        heartbeat.beat();
        assert_eq!(sent(&heartbeat, v4, 0).await, [Packet::Ping]);
    }

    #[tokio::test]
    async fn a_client_of_version_3_is_answered() {
        let (v3, heartbeat) = (ProtocolVersion::V3, heartbeat(ProtocolVersion::V3));
        assert_eq!(sent(&heartbeat, v3, 0).await, []);
        let heartbeat = self::heartbeat(v3);
        heartbeat.beat();
        assert_eq!(sent(&heartbeat, v3, 0).await, [Packet::Pong]);
    }

    #[tokio::test]
    async fn it_goes_on_where_another_left_off() {
        let (v4, heartbeat) = (ProtocolVersion::V4, heartbeat(ProtocolVersion::V4));
        let mut sleep = pin!(sleep_until(heartbeat.alarm()));
        let mut first = pin!(poll_fn(|cx| heartbeat.poll(
            v4,
            sleep.as_mut(),
            cx,
            || false,
            |_| true
        )));
        let polled = poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx)));
        assert!(polled.await.is_pending());
        heartbeat.beat();
        assert_eq!(sent(&heartbeat, v4, 0).await, [Packet::Ping]);
    }
}
