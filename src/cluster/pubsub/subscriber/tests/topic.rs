use super::*;

#[test]
fn a_repetition_is_not_new() {
    let seen = Seen::default();
    let (one, two) = (ServerId::random(), ServerId::random());
    let is_new = |from, number| {
        seen.is_new(Envelope {
            from,
            number,
            trace: None,
        })
    };
    assert!(is_new(one, 5));
    assert!(is_new(two, 3));
    assert!(!is_new(one, 5));
    assert!(!is_new(one, 4));
    assert!(is_new(one, 6));
    assert!(is_new(two, 4));
}
