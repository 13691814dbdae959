//! What those owe who went. A client that connects again, or resumes, goes on with what it had left:
//! else reconnecting would be the way around every limit.

use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;

use super::allowance::{Allowance, Owed};
use crate::core::UserId;

/// The most users whose debts are remembered, some 10 MB of them. What is spent is paid for within a
/// minute at the usual rates, and who spent nothing of late owes nothing.
const MAX_DEBTORS: usize = 65_536;

/// How often those that owe nothing any more are looked for while there are too many, in nanoseconds.
const SWEEP: u64 = 1_000_000_000;

/// What users owe, by user: connections of one share it, as they share its token.
///
/// All times are nanoseconds on one clock of the caller.
#[derive(Debug, Default)]
pub struct Debts {
    users: DashMap<UserId, Owed>,
    swept: AtomicU64,
}

impl Debts {
    /// The allowance of a client of `user` that connects.
    pub fn open(&self, user: &UserId) -> Allowance {
        let owed = self.users.get(user).map(|owed| *owed);
        Allowance::owing(owed.unwrap_or_default())
    }

    /// Takes note that a client of `user` has gone.
    pub fn close(&self, user: &UserId, allowance: &Allowance, now: u64) {
        let owed = allowance.owed();
        if owed.until() <= now {
            self.users.remove_if(user, |_, owed| owed.until() <= now);
            return;
        }
        if let Some(mut known) = self.users.get_mut(user) {
            return known.merge(&owed);
        }
        if self.users.len() < MAX_DEBTORS || self.sweep(now) {
            self.users.insert(user.clone(), owed);
        }
    }

    /// Forgets those that owe nothing any more. Returns whether there is place now.
    fn sweep(&self, now: u64) -> bool {
        let last = self.swept.swap(now, Ordering::Relaxed);
        if now.saturating_sub(last) < SWEEP {
            self.swept.store(last, Ordering::Relaxed);
            return false;
        }
        self.users.retain(|_, owed| owed.until() > now);
        self.users.len() < MAX_DEBTORS
    }
}

#[cfg(test)]
#[path = "tests/debts.rs"]
mod tests;
