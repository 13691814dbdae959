use super::{
    super::clients::{Client, hub},
    *,
};

#[tokio::test]
async fn a_client_cannot_leave_what_a_backend_put_it_into() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna");
    anna.session.follow("muted".into()).unwrap();
    anna.session.unsubscribe("muted");
    assert!(hub.knows("muted"));
    anna.session.unfollow("muted");
    assert!(!hub.knows("muted"));
}

#[tokio::test]
async fn what_both_want_is_heard_until_neither_does() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna");
    anna.session.subscribe("match:1", None).unwrap();
    anna.session.follow("match:1".into()).unwrap();
    anna.session.unsubscribe("match:1");
    assert!(hub.knows("match:1"));
    anna.session.unfollow("match:1");
    assert!(!hub.knows("match:1"));
}

#[tokio::test]
async fn a_client_that_subscribes_to_all_it_may_leaves_room_for_backends() {
    let hub = hub();
    let anna = Client::enter(&hub, "anna");
    for number in 0..MAX_TOPICS {
        let subscribed = anna.session.subscribe(&format!("match:{number}"), None);
        assert!(subscribed.is_ok());
    }
    let refused = anna.session.subscribe("match:more", None).unwrap_err();
    assert_eq!(refused.code, ErrorCode::RateLimited);
    assert!(anna.session.follow("group".into()).is_ok());
    assert!(
        anna.session.subscribe("match:0", None).is_ok(),
        "again is no more"
    );
}
