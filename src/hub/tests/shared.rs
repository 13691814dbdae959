use uuid::Uuid;

use super::*;

#[test]
fn who_is_missing_for_a_moment_is_doubtful_unless_redis_has_just_lost_everything() {
    let peer = PeerId::new(Uuid::from_u128(1));
    let start = Duration::from_secs(9);
    let mut shared = Shared::default();
    assert!(shared.long_missing([peer], start).is_empty());
    assert_eq!(shared.long_missing([peer], start + MOMENT), [peer]);
    assert!(shared.long_missing([], start + MOMENT).is_empty());

    shared.be_patient(start);
    assert!(shared.long_missing([peer], start).is_empty());
    assert!(shared.long_missing([peer], start + MOMENT).is_empty());
    assert_eq!(shared.long_missing([peer], start + LIFE), [peer]);
}
