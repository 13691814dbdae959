use super::*;

#[test]
fn pauses_double_up_to_the_longest_and_start_over() {
    let first = Duration::from_millis(50);
    let longest = Duration::from_secs(1);
    let mut backoff = Backoff::new(first, longest);
    for millis in [50, 100, 200, 400, 800, 1000, 1000, 1000] {
        let interval = Duration::from_millis(millis);
        let pause = backoff.pause();
        assert!(pause >= interval / 2 && pause <= interval, "{pause:?}");
    }
    backoff.reset();
    assert!(backoff.pause() <= first);
}
