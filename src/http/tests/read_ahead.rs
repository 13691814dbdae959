use std::io::Cursor;

use futures_util::task::noop_waker;

use super::*;

fn read(ahead: &mut ReadAhead, stream: &mut Cursor<Vec<u8>>, room: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut place, mut seen) = (vec![0; room], Vec::new());
    let mut buf = ReadBuf::new(&mut place);
    if ahead.is_empty() {
        let waker = noop_waker();
        let look = |bytes: &[u8]| seen.extend_from_slice(bytes);
        let polled = ahead.poll_read(stream, &mut Context::from_waker(&waker), &mut buf, look);
        assert!(matches!(polled, Poll::Ready(Ok(()))));
    } else {
        ahead.give(&mut buf);
    }
    (buf.filled().to_vec(), seen)
}

#[test]
fn a_reader_of_little_gets_all_in_order_and_it_is_looked_at_once() {
    let sent: Vec<u8> = (0..=255).cycle().take(3 * READ_AHEAD + 77).collect();
    let mut stream = Cursor::new(sent.clone());
    let (mut ahead, mut got, mut seen) = (ReadAhead::default(), Vec::new(), Vec::new());
    for room in [512, 7, 1, 1_460].into_iter().cycle() {
        let (now, looked) = read(&mut ahead, &mut stream, room);
        if now.is_empty() {
            break;
        }
        got.extend(now);
        seen.extend(looked);
    }
    assert_eq!(got, sent);
    assert_eq!(seen, sent);
}

#[test]
fn nothing_is_kept_when_all_is_taken() {
    let mut stream = Cursor::new(vec![1; 600]);
    let mut ahead = ReadAhead::default();
    assert_eq!(read(&mut ahead, &mut stream, 512).0.len(), 512);
    assert!(!ahead.is_empty());
    assert_eq!(read(&mut ahead, &mut stream, 512).0.len(), 88);
    assert!(ahead.is_empty());
    assert_eq!(ahead.bytes.len(), 0);
}

#[test]
fn the_end_comes_after_what_waits() {
    let mut stream = Cursor::new(vec![1; 20]);
    let mut ahead = ReadAhead::default();
    for _ in 0..2 {
        assert_eq!(read(&mut ahead, &mut stream, 10).0.len(), 10);
    }
    assert_eq!(read(&mut ahead, &mut stream, 10).0.len(), 0);
}
