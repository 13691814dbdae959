use tokio::sync::mpsc;

use super::*;

#[tokio::test]
async fn a_lane_of_width_one_keeps_the_order() {
    let lane = Lane::new(1);
    let (sender, mut done) = mpsc::channel(100);
    for number in 0..100 {
        let sender = sender.clone();
        let request = Box::pin(async move {
            tokio::task::yield_now().await;
            sender.send(number).await.unwrap();
        });
        lane.push(request, 1).unwrap();
    }
    drop(sender);
    let mut order = Vec::new();
    while let Some(number) = done.recv().await {
        order.push(number);
    }
    assert_eq!(order, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn it_runs_so_many_at_once_and_refuses_what_is_beyond_its_bounds() {
    let lane = Lane::new(2);
    for _ in 0..2 + MAX_WAITING {
        lane.push(Box::pin(std::future::pending()), 1).unwrap();
    }
    assert!(lane.push(Box::pin(std::future::pending()), 1).is_err());
    assert_eq!(lane.state.lock().running, 2);

    let lane = Lane::new(1);
    lane.push(Box::pin(std::future::pending()), 1).unwrap();
    lane.push(Box::pin(std::future::pending()), MAX_BYTES)
        .unwrap();
    assert!(lane.push(Box::pin(std::future::pending()), 1).is_err());
}

#[tokio::test]
async fn a_request_that_panics_does_not_stop_the_next() {
    let lane = Lane::new(1);
    let (sender, mut done) = mpsc::channel(1);
    lane.push(Box::pin(async { panic!("on purpose") }), 1)
        .unwrap();
    let next = Box::pin(async move { sender.send(()).await.unwrap() });
    lane.push(next, 1).unwrap();
    assert_eq!(done.recv().await, Some(()));
}
