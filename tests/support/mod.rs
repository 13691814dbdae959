//! What the tests share.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part")]

pub mod link;
pub mod redis;
