use super::*;

#[test]
fn channels_used_longest_ago_are_dropped_and_the_total_is_not() {
    let counters = Counters::<SubscriberCounts>::new(8);
    let busy: Arc<str> = "busy".into();
    for round in 0..100 {
        counters.count(&format!("room {round}").into(), |c| c.received += 1);
        counters.count(&busy, |c| c.received += 1);
    }
    let stats = counters.read();
    assert_eq!(stats.total.received, 200);
    assert!(stats.channels.len() <= 8);
    assert_eq!(stats.channels[&busy].received, 100);
    counters.reset();
    assert_eq!(counters.read(), Stats::default());
}
