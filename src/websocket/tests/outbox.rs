use std::task::{Context, Poll, Waker};

use proptest::prelude::*;

use super::*;
use crate::{
    core::{MAX_MISSED_BYTES, RelayKind, RoomId},
    hub::{MAX_QUEUED_BYTES, MESSAGE_OVERHEAD},
    websocket::house,
};

/// A socket that takes a given number of bytes, and then no more.
#[derive(Default)]
struct Kernel {
    room: usize,
    taken: Vec<u8>,
    calls: usize,
}

impl AsyncWrite for Kernel {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.room == 0 {
            return Poll::Pending;
        }
        let count = buf.len().min(self.room);
        self.room -= count;
        self.calls += 1;
        self.taken.extend_from_slice(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        self.as_mut().poll_write(cx, &all)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn event(number: usize) -> Event<'static> {
    Event::Kicked {
        room: RoomId::new("r"),
        reason: number.to_string().into(),
    }
}

fn number(event: &Event<'_>) -> usize {
    let Event::Kicked { reason, .. } = event else {
        panic!("not queued: {event:?}");
    };
    reason.parse().unwrap()
}

fn write(outbox: &Outbox, pipe: &mut Pipe<Kernel>, room: usize) -> Poll<io::Result<Close>> {
    pipe.io().room = room;
    outbox.poll_write(pipe, &mut Context::from_waker(Waker::noop()))
}

fn push(outbox: &Outbox, bytes: usize) -> Sent {
    outbox.push(vec![0; bytes].into(), Some(event(bytes)))
}

fn reclaimed(outbox: &Outbox) -> Vec<usize> {
    outbox.reclaim().iter().map(number).collect()
}

#[test]
fn several_frames_are_handed_over_in_one_call() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    for bytes in [10, 20, 30] {
        assert_eq!(push(&outbox, bytes), Sent::Queued);
    }
    assert!(write(&outbox, &mut pipe, 1_000).is_pending());
    assert_eq!((pipe.io().calls, pipe.io().taken.len()), (1, 60));
    assert!(reclaimed(&outbox).is_empty());
}

#[test]
fn a_frame_that_has_left_in_part_is_given_back_and_nothing_follows_it() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    for bytes in [10, 20, 30] {
        push(&outbox, bytes);
    }
    assert!(write(&outbox, &mut pipe, 15).is_pending());
    assert_eq!(reclaimed(&outbox), [20, 30]);
    outbox.close(Close::left());
    assert!(matches!(write(&outbox, &mut pipe, 99), Poll::Ready(Err(_))));
    assert_eq!(pipe.io().taken.len(), 15);
}

#[test]
fn what_only_this_connection_could_use_is_sent_all_the_same() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    push(&outbox, 10);
    outbox.push(vec![7; 3].into(), None);
    push(&outbox, 20);
    assert!(write(&outbox, &mut pipe, 0).is_pending());
    outbox.push(vec![8; 3].into(), None);
    push(&outbox, 30);
    assert_eq!(reclaimed(&outbox), [10, 20, 30]);
    outbox.close(Close::left());
    assert!(matches!(write(&outbox, &mut pipe, 99), Poll::Ready(Ok(_))));
    assert_eq!(pipe.io().taken, [7, 7, 7, 8, 8, 8]);
}

#[test]
fn control_frames_go_between_frames_and_never_into_one() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    outbox.push(vec![1; 4].into(), None);
    assert!(write(&outbox, &mut pipe, 2).is_pending());
    pipe.replies.extend([9, 9]);
    outbox.push(vec![2; 2].into(), None);
    assert!(write(&outbox, &mut pipe, 99).is_pending());
    assert_eq!(pipe.io().taken, [1, 1, 1, 1, 9, 9, 2, 2]);
}

#[test]
fn a_close_comes_after_what_waits_and_before_what_somebody_else_is_to_send() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    push(&outbox, 10);
    outbox.close(Close::left());
    assert_eq!(push(&outbox, 20), Sent::Gone);
    assert!(matches!(write(&outbox, &mut pipe, 99), Poll::Ready(Ok(_))));
    assert_eq!(pipe.io().taken.len(), 10);

    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    push(&outbox, 10);
    outbox.close_at_once(Close::replaced());
    let close = write(&outbox, &mut pipe, 99);
    assert!(matches!(close, Poll::Ready(Ok(close)) if close.code == 1008));
    assert_eq!(pipe.io().taken.len(), 0);
    assert_eq!(reclaimed(&outbox), [10]);
}

#[test]
fn what_a_room_said_that_was_left_is_sent_and_not_given_back() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    push(&outbox, 10);
    outbox.forget();
    assert!(write(&outbox, &mut pipe, 99).is_pending());
    assert_eq!(pipe.io().taken.len(), 10);
    assert!(reclaimed(&outbox).is_empty());
}

#[test]
fn a_connection_that_is_cut_writes_no_more() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    push(&outbox, 10);
    assert!(write(&outbox, &mut pipe, 5).is_pending());
    outbox.cut();
    assert!(matches!(write(&outbox, &mut pipe, 99), Poll::Ready(Err(_))));
    assert_eq!(push(&outbox, 20), Sent::Gone);
    assert_eq!(reclaimed(&outbox), [10]);
}

#[test]
fn a_queue_is_bounded_in_bytes_and_in_frames() {
    let outbox = Outbox::default();
    let answer = |bytes: usize| outbox.push(vec![0; bytes].into(), None);
    let large = MAX_QUEUED_BYTES / 2 - MESSAGE_OVERHEAD;
    assert_eq!(answer(large), Sent::Queued);
    assert_eq!(answer(large), Sent::Queued);
    assert_eq!(answer(1), Sent::Full);
    assert_eq!(
        push(&outbox, 1),
        Sent::Queued,
        "events have their own bound"
    );

    let outbox = Outbox::default();
    let all = MAX_QUEUED_BYTES / MESSAGE_OVERHEAD;
    let taken = (0..all).filter(|_| outbox.push(Bytes::new(), None) == Sent::Queued);
    assert_eq!(taken.count(), all.min(MAX_QUEUED_MESSAGES));
}

#[test]
fn all_that_waited_for_a_peer_has_room_whatever_its_frames_come_to_and_can_wait_again() {
    let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
    let relay = house::relay(RelayKind::Ice, None, &format!("\"{}\"", "x".repeat(394)));
    let most = MAX_QUEUED_BYTES / relay.weight();
    let frame = Bytes::from(vec![0; 3 * relay.weight()]);
    let welcome = outbox.push(vec![0; MAX_QUEUED_BYTES / 2].into(), None);
    assert_eq!(welcome, Sent::Queued);
    let push = || outbox.push(frame.clone(), Some(relay.clone()));
    assert!((0..most).all(|_| push() == Sent::Queued));
    assert_eq!(push(), Sent::Full);
    let some = MAX_QUEUED_BYTES / 2 + 100 * frame.len();
    assert!(write(&outbox, &mut pipe, some + 1).is_pending());
    assert!((0..100).all(|_| push() == Sent::Queued), "what has left");
    assert_eq!(push(), Sent::Full, "what is being written has not left");
    let back = outbox.reclaim();
    assert_eq!(back.len(), most);
    let weight: usize = back.iter().map(Event::weight).sum();
    assert!(weight <= MAX_MISSED_BYTES, "{weight}");
}

/// Something that happens to a queue.
#[derive(Clone, Debug)]
enum Happening {
    Push(usize),
    Write(usize),
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        (1_usize..300).prop_map(Happening::Push),
        (0_usize..600).prop_map(Happening::Write),
    ]
}

proptest! {
    #[test]
    fn what_is_given_back_is_exactly_what_has_not_left_whole(
        happenings in prop::collection::vec(happening(), 0..200),
    ) {
        let (outbox, mut pipe) = (Outbox::default(), Pipe::new(Kernel::default()));
        let mut frames = Vec::new();
        for happening in happenings {
            match happening {
                Happening::Push(bytes) => {
                    let number = frames.len();
                    let frame = vec![u8::try_from(number % 256).unwrap(); bytes];
                    prop_assert_eq!(outbox.push(frame.clone().into(), Some(event(number))), Sent::Queued);
                    frames.push(frame);
                }
                Happening::Write(room) => prop_assert!(write(&outbox, &mut pipe, room).is_pending()),
            }
        }
        let taken = &pipe.io().taken;
        let all = frames.concat();
        prop_assert_eq!(&all[..taken.len()], &taken[..]);
        let mut end = 0;
        let left = |frame: &Vec<u8>| { end += frame.len(); end > taken.len() };
        let not_left: Vec<bool> = frames.iter().map(left).collect();
        let expected: Vec<usize> = (0..frames.len()).filter(|number| not_left[*number]).collect();
        prop_assert_eq!(reclaimed(&outbox), expected);
    }
}
