use super::*;

fn frame(bytes: usize) -> Utf8Bytes {
    "x".repeat(bytes).into()
}

/// How many frames of so many bytes are read before no more is.
fn read(early: &mut Early, bytes: usize) -> usize {
    let mut count = 0;
    while !early.is_full() {
        early.push(frame(bytes));
        count += 1;
    }
    count
}

#[test]
fn small_frames_are_bounded_in_number_and_large_ones_in_bytes() {
    assert_eq!(read(&mut Early::new(100_000), 10), MAX_EARLY_FRAMES);
    assert_eq!(read(&mut Early::new(100_000), 0), MAX_EARLY_FRAMES);
    assert_eq!(read(&mut Early::new(100_000), 100_000), 1);
    assert_eq!(read(&mut Early::new(100_000), 99_999), 2);
    assert_eq!(read(&mut Early::new(100_000), 30_000), 4);
}

#[test]
fn frames_that_are_taken_make_room_and_keep_their_order() {
    let mut early = Early::new(100);
    for bytes in [60, 30, 20] {
        early.push(frame(bytes));
    }
    assert!(early.is_full());
    let first = early.pop().unwrap();
    assert!(!early.is_full());
    early.put_back(first);
    assert!(early.is_full());
    let taken = std::iter::from_fn(|| early.pop().map(|frame| frame.len()));
    assert_eq!(taken.collect::<Vec<_>>(), [60, 30, 20]);
    assert_eq!((early.bytes, early.is_full()), (0, false));
}
