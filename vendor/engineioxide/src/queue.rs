//! The packets that wait for one client.
//!
//! An idle session keeps nothing here but the room of a few packets. There is one consumer at a
//! time: the task of the WebSocket, or a polling request, whichever holds
//! [`Socket::consumer`](crate::Socket).

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use engineioxide_core::{Packet, PacketBuf, Str};
use futures_core::Stream;
use smallvec::smallvec;
use tokio::sync::{Notify, mpsc::error::TrySendError};

/// How many packets an empty queue keeps room for.
const IDLE_PACKETS: usize = 4;

/// What is sent as one. A packet of its own is by far the most frequent, so it takes no detour.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outgoing {
    /// [`Packet::Message`].
    Message(Str),
    /// [`Packet::Binary`].
    Binary(Bytes),
    /// Any others.
    Packets(Box<PacketBuf>),
}

impl Outgoing {
    pub(crate) fn packet(packet: Packet) -> Self {
        match packet {
            Packet::Message(msg) => Self::Message(msg),
            Packet::Binary(bin) => Self::Binary(bin),
            packet => Self::Packets(Box::new(smallvec![packet])),
        }
    }

    pub(crate) fn into_packets(self) -> PacketBuf {
        match self {
            Self::Message(msg) => smallvec![Packet::Message(msg)],
            Self::Binary(bin) => smallvec![Packet::Binary(bin)],
            Self::Packets(packets) => *packets,
        }
    }
}

/// The queue between those who send and the transport.
pub(crate) struct Queue {
    state: Mutex<State>,
    capacity: usize,
    closed: Notify,
}

#[derive(Default)]
struct State {
    packets: VecDeque<Outgoing>,
    /// Sent when nothing else waits. A later one takes its place.
    volatile: Option<Box<PacketBuf>>,
    /// Places that are promised to holders of a [`Permit`].
    reserved: usize,
    /// The consumer, when it waits.
    consumer: Option<Waker>,
    /// It waits for the end alone: it has more than it can send already.
    blocked: bool,
    /// The consumer is to stop when it has sent what is there.
    finished: bool,
    /// Nothing is taken any more.
    closed: bool,
}

impl Queue {
    /// A queue for as many packets.
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            state: Mutex::default(),
            capacity,
            closed: Notify::new(),
        }
    }

    /// Nothing below panics with the lock held, so nothing is ever half done.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues `packets`.
    pub(crate) fn try_send(&self, packets: Outgoing) -> Result<(), TrySendError<Outgoing>> {
        let mut state = self.state();
        if state.closed {
            return Err(TrySendError::Closed(packets));
        }
        if state.packets.len() + state.reserved >= self.capacity {
            return Err(TrySendError::Full(packets));
        }
        state.packets.push_back(packets);
        wake(state);
        Ok(())
    }

    /// Queues what may be dropped. Returns `false` if it is.
    pub(crate) fn send_volatile(&self, packets: PacketBuf) -> bool {
        let mut state = self.state();
        if state.closed {
            return false;
        }
        state.volatile = Some(Box::new(packets));
        wake(state);
        true
    }

    /// Takes a place.
    pub(crate) fn try_reserve(&self) -> Result<Permit<'_>, TrySendError<()>> {
        let mut state = self.state();
        if state.closed {
            return Err(TrySendError::Closed(()));
        }
        if state.packets.len() + state.reserved >= self.capacity {
            return Err(TrySendError::Full(()));
        }
        state.reserved += 1;
        Ok(Permit(self))
    }

    /// What is next, if anything waits. For the consumer.
    pub(crate) fn try_recv(&self) -> Option<Outgoing> {
        let mut state = self.state();
        // Who asks does not wait.
        state.consumer = None;
        state.blocked = false;
        state.next()
    }

    /// Puts back what was taken last. For the consumer.
    pub(crate) fn put_back(&self, packets: PacketBuf) {
        let mut state = self.state();
        if !state.closed {
            state
                .packets
                .push_front(Outgoing::Packets(Box::new(packets)));
        }
    }

    /// What is next; nothing once it is finished and all is sent. For the consumer.
    pub(crate) fn poll_recv(&self, cx: &mut Context<'_>) -> Poll<Option<Outgoing>> {
        let mut state = self.state();
        if let Some(packets) = state.next() {
            return Poll::Ready(Some(packets));
        }
        if state.finished || state.closed {
            return Poll::Ready(None);
        }
        state.await_by(cx);
        Poll::Pending
    }

    /// Completes when it is finished or, unless it is `blocked`, something waits. For the consumer.
    pub(crate) fn poll_waiting(&self, cx: &mut Context<'_>, blocked: bool) -> Poll<()> {
        let mut state = self.state();
        let empty = state.packets.is_empty() && state.volatile.is_none();
        if state.finished || state.closed || !(empty || blocked) {
            return Poll::Ready(());
        }
        state.await_by(cx);
        state.blocked = blocked;
        Poll::Pending
    }

    /// Whether the consumer is to stop when it has sent what is there.
    pub(crate) fn is_finished(&self) -> bool {
        let state = self.state();
        state.finished || state.closed
    }

    /// Lets the consumer stop when it has sent what is there.
    pub(crate) fn finish(&self) {
        let mut state = self.state();
        state.finished = true;
        wake_for_good(state);
    }

    /// Takes nothing any more, and forgets what waits.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        state.packets = VecDeque::new();
        state.volatile = None;
        wake_for_good(state);
        self.closed.notify_waiters();
    }

    /// Whether nothing is taken any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Completes when nothing is taken any more.
    pub(crate) async fn closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.is_closed() {
                return;
            }
            closed.await;
        }
    }
}

/// Unlocks, and then wakes the consumer if it waits for what was sent.
fn wake(state: MutexGuard<'_, State>) {
    if !state.blocked {
        wake_for_good(state);
    }
}

/// Unlocks, and then wakes the consumer if it waits.
fn wake_for_good(mut state: MutexGuard<'_, State>) {
    let consumer = state.consumer.take();
    drop(state);
    if let Some(consumer) = consumer {
        consumer.wake();
    }
}

impl State {
    fn next(&mut self) -> Option<Outgoing> {
        let Some(packets) = self.packets.pop_front() else {
            return self.volatile.take().map(Outgoing::Packets);
        };
        if self.packets.is_empty() && self.packets.capacity() > IDLE_PACKETS {
            self.packets.shrink_to(IDLE_PACKETS);
        }
        Some(packets)
    }

    fn await_by(&mut self, cx: &Context<'_>) {
        self.blocked = false;
        match &mut self.consumer {
            Some(waker) => waker.clone_from(cx.waker()),
            None => self.consumer = Some(cx.waker().clone()),
        }
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Queue")
            .field("waiting", &state.packets.len())
            .field("closed", &state.closed)
            .finish_non_exhaustive()
    }
}

/// A place in the queue.
#[derive(Debug)]
pub(crate) struct Permit<'a>(&'a Queue);

impl Permit<'_> {
    pub(crate) fn send(self, packets: Outgoing) {
        let queue = self.0;
        // The place is given back here, and not by `drop`.
        std::mem::forget(self);
        let mut state = queue.state();
        state.reserved -= 1;
        if !state.closed {
            state.packets.push_back(packets);
            wake(state);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.0.state().reserved -= 1;
    }
}

/// The way to one client for messages that are made already, and may go to others as well.
///
/// It is among the extensions of [`Socket::req_parts`](crate::Socket::req_parts).
#[derive(Debug, Clone)]
pub struct Outlet(Arc<Queue>);

/// A message was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OutletError {
    /// As many messages wait as may.
    #[error("the queue is full")]
    Full,
    /// The session is closed.
    #[error("the session is closed")]
    Closed,
    /// It is not UTF-8.
    #[error("the message is no text")]
    NotText,
}

impl Outlet {
    pub(crate) fn new(queue: Arc<Queue>) -> Self {
        Self(queue)
    }

    /// Emits a text message, like [`Socket::emit`](crate::Socket::emit). The bytes are not copied until they
    /// are written.
    ///
    /// # Errors
    /// See [`OutletError`]. Nothing is sent then.
    pub fn emit(&self, msg: Bytes) -> Result<(), OutletError> {
        if std::str::from_utf8(&msg).is_err() {
            return Err(OutletError::NotText);
        }
        // SAFETY: it was looked at just now.
        let msg = unsafe { Str::from_bytes_unchecked(msg) };
        self.0
            .try_send(Outgoing::Message(msg))
            .map_err(|e| match e {
                TrySendError::Full(_) => OutletError::Full,
                TrySendError::Closed(_) => OutletError::Closed,
            })
    }
}

/// What comes out of the queue, for a polling request.
pub(crate) struct Packets<'a>(pub(crate) &'a Arc<Queue>);

impl Stream for Packets<'_> {
    type Item = PacketBuf;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PacketBuf>> {
        self.0
            .poll_recv(cx)
            .map(|packets| packets.map(Outgoing::into_packets))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::atomic::{AtomicUsize, Ordering},
        task::Wake,
        time::Duration,
    };

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::*;

    fn message(text: &'static str) -> Outgoing {
        Outgoing::Message(Str::from(text))
    }

    fn drained(queue: &Queue) -> Vec<Outgoing> {
        std::iter::from_fn(|| queue.try_recv()).collect()
    }

    #[test]
    fn packets_come_out_in_the_order_in_which_they_went_in() {
        let queue = Queue::new(8);
        queue.try_send(message("a")).unwrap();
        queue.try_reserve().unwrap().send(message("b"));
        queue.try_send(message("c")).unwrap();
        assert_eq!(drained(&queue), [message("a"), message("b"), message("c")]);
    }

    #[test]
    fn a_promised_place_is_taken_until_it_is_given_back() {
        let queue = Queue::new(2);
        let permit = queue.try_reserve().unwrap();
        queue.try_send(message("a")).unwrap();
        assert!(matches!(
            queue.try_send(message("b")),
            Err(TrySendError::Full(_))
        ));
        assert!(matches!(queue.try_reserve(), Err(TrySendError::Full(()))));
        drop(permit);
        queue.try_send(message("b")).unwrap();
        assert!(matches!(
            queue.try_send(message("c")),
            Err(TrySendError::Full(_))
        ));
    }

    #[test]
    fn what_is_put_back_comes_first() {
        let queue = Queue::new(1);
        queue.try_send(message("a")).unwrap();
        let taken = queue.try_recv().unwrap();
        queue.try_send(message("b")).unwrap();
        queue.put_back(taken.into_packets());
        assert_eq!(
            queue.try_recv().unwrap().into_packets(),
            message("a").into_packets()
        );
        assert_eq!(drained(&queue), [message("b")]);
    }

    #[test]
    fn a_volatile_packet_comes_last_and_only_the_latest() {
        let queue = Queue::new(8);
        assert!(queue.send_volatile(smallvec![Packet::Ping]));
        assert!(queue.send_volatile(smallvec![Packet::Pong]));
        queue.try_send(message("a")).unwrap();
        let last = Outgoing::Packets(Box::new(smallvec![Packet::Pong]));
        assert_eq!(drained(&queue), [message("a"), last]);
    }

    #[test]
    fn a_finished_queue_gives_what_it_has_and_a_closed_one_nothing() {
        let queue = Arc::new(Queue::new(8));
        queue.try_send(message("a")).unwrap();
        queue.finish();
        let mut packets = Packets(&queue);
        assert!(packets.next().now_or_never().unwrap().is_some());
        assert!(packets.next().now_or_never().unwrap().is_none());

        queue.try_send(message("b")).unwrap();
        let permit = queue.try_reserve().unwrap();
        queue.close();
        permit.send(message("c"));
        assert_eq!(drained(&queue), []);
        assert!(matches!(
            queue.try_send(message("d")),
            Err(TrySendError::Closed(_))
        ));
        assert!(matches!(queue.try_reserve(), Err(TrySendError::Closed(()))));
        assert!(!queue.send_volatile(smallvec![Packet::Ping]));
    }

    #[test]
    fn an_outlet_takes_text_until_the_queue_is_full_or_closed() {
        let queue = Arc::new(Queue::new(1));
        let outlet = Outlet::new(queue.clone());
        assert_eq!(
            outlet.emit(Bytes::from_static(&[0xff])),
            Err(OutletError::NotText)
        );
        outlet.emit(Bytes::from_static(b"a")).unwrap();
        assert_eq!(
            outlet.emit(Bytes::from_static(b"b")),
            Err(OutletError::Full)
        );
        assert_eq!(drained(&queue), [message("a")]);
        queue.close();
        assert_eq!(
            outlet.emit(Bytes::from_static(b"c")),
            Err(OutletError::Closed)
        );
    }

    #[test]
    fn an_empty_queue_keeps_little_memory_after_a_burst() {
        let queue = Queue::new(1000);
        for _ in 0..1000 {
            queue.try_send(message("a")).unwrap();
        }
        assert_eq!(drained(&queue).len(), 1000);
        assert!(queue.state().packets.capacity() <= IDLE_PACKETS);
        assert!(size_of::<Outgoing>() <= 40);
    }

    #[test]
    fn who_is_blocked_is_woken_for_the_end_alone() {
        let queue = Queue::new(8);
        let woken = Arc::new(Count::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        assert!(queue.poll_waiting(&mut cx, true).is_pending());
        queue.try_send(message("a")).unwrap();
        assert!(queue.poll_waiting(&mut cx, true).is_pending());
        assert_eq!(woken.0.load(Ordering::Relaxed), 0);
        assert!(queue.poll_waiting(&mut cx, false).is_ready());
        queue.finish();
        assert_eq!(woken.0.load(Ordering::Relaxed), 1);
        assert!(queue.poll_waiting(&mut cx, true).is_ready());

        let queue = Queue::new(8);
        assert!(queue.poll_waiting(&mut cx, true).is_pending());
        assert!(queue.poll_waiting(&mut cx, false).is_pending());
        queue.try_send(message("a")).unwrap();
        assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_woken() {
        let queue = Arc::new(Queue::new(8));
        let consumer = tokio::spawn({
            let queue = queue.clone();
            async move { Packets(&queue).collect::<Vec<_>>().await.len() }
        });
        let end = tokio::spawn({
            let queue = queue.clone();
            async move { queue.closed().await }
        });
        for _ in 0..100 {
            while queue.try_send(message("a")).is_err() {
                tokio::task::yield_now().await;
            }
            tokio::task::yield_now().await;
        }
        queue.finish();
        let timeout = Duration::from_secs(10);
        let count = tokio::time::timeout(timeout, consumer).await.unwrap();
        assert_eq!(count.unwrap(), 100);
        queue.close();
        tokio::time::timeout(timeout, end).await.unwrap().unwrap();
    }
}
