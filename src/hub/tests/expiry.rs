use parking_lot::Mutex;

use super::*;
use crate::{
    core::{CutReason, Event, Sent},
    hub::{Notice, Outgoing},
    protocol::IceServers,
};

#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Link for Told {
    fn send(&self, _: &Outgoing<'_>) -> Sent {
        Sent::Queued
    }
    fn reclaim(&self) -> Vec<Event<'static>> {
        Vec::new()
    }
    fn forget(&self) {}
    fn cut(&self, _: CutReason) {}
    fn announce_expiry(&self, at: u64) {
        self.0.lock().push(format!("expires at {at}"));
    }
    fn notify(&self, _: &Notice<'_>) {}

    fn announce_ice_servers(&self, _: &IceServers) {}
    fn announce_drain(&self, _: Duration) {}
    fn close(&self, reason: CloseReason) {
        self.0.lock().push(format!("{reason:?}"));
    }
}

#[test]
fn a_session_is_announced_once_and_then_ended_unless_it_is_extended() {
    let (expiry, told) = (Expiry::new(1_000), Told::default());
    for now in [939, 940, 941] {
        expiry.check(now, 5, &told);
    }
    assert_eq!(*told.0.lock(), ["expires at 1000"]);
    expiry.extend(2_000);
    expiry.check(1_000, 5, &told);
    for now in [1_940, 2_004, 2_005] {
        expiry.check(now, 5, &told);
    }
    assert_eq!(
        *told.0.lock(),
        ["expires at 1000", "expires at 2000", "Expired"]
    );
}
