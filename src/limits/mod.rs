//! How much of the gateway one client may have, so that the others have theirs.
//!
//! | module | what is there |
//! |---|---|
//! | `door` | which connections are let in, and who may open sessions |
//! | `address` | whose a connection is, behind proxies too |
//! | `handshakes` | how often each network may open sessions |
//! | `tally` | how many there are of each |
//! | `open_files` | what the system allows |
//! | `rate` | so many in a time, and what may come at once |
//! | `allowance` | what one client may send, by class; when it is sent away |
//! | `debts` | what a client that comes back has spent already |
//!
//! All of it is arithmetic on numbers: who is counted, and what a client is told, is for the hub
//! and the transports.

mod address;
mod allowance;
mod debts;
mod door;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod handshakes;
pub mod open_files;
mod rate;
mod tally;

pub use self::{
    address::{ForwardedBy, Network, TrustedProxies},
    allowance::{Allowance, Class, Spending, Spent},
    debts::Debts,
    door::{Crowd, Door, DoorSettings, Entry, Pass},
    rate::{Pace, Rate},
    tally::{Tally, Ticket},
};
