//! Counting how many there are of each.

use std::{fmt, hash::Hash, sync::Arc};

use dashmap::DashMap;

/// How many there are by key, each at most so many. It holds nothing for keys of which there is none:
/// it is as small as what is counted is few.
pub struct Tally<K: Eq + Hash> {
    counts: DashMap<K, u32>,
    most: u32,
}

/// One that is counted, until it is dropped.
pub struct Ticket<K: Eq + Hash> {
    tally: Arc<Tally<K>>,
    key: K,
}

impl<K: Eq + Hash + Clone> Tally<K> {
    /// Counts up to `most` of each.
    pub fn new(most: u32) -> Arc<Self> {
        Arc::new(Self {
            counts: DashMap::new(),
            most,
        })
    }

    /// Counts one more of `key`, unless there are as many as may be.
    pub fn enter(self: &Arc<Self>, key: K) -> Option<Ticket<K>> {
        let mut count = self.counts.entry(key.clone()).or_insert(0);
        if *count >= self.most {
            return None;
        }
        *count += 1;
        drop(count);
        let tally = Arc::clone(self);
        Some(Ticket { tally, key })
    }
}

impl<K: Eq + Hash> Drop for Ticket<K> {
    fn drop(&mut self) {
        if let Some(mut count) = self.tally.counts.get_mut(&self.key) {
            *count = count.saturating_sub(1);
        }
        // Another may have entered meanwhile.
        self.tally
            .counts
            .remove_if(&self.key, |_, count| *count == 0);
    }
}

impl<K: Eq + Hash> fmt::Debug for Tally<K> {
    /// Without the keys: they are addresses and users.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tally")
            .field("keys", &self.counts.len())
            .field("most", &self.most)
            .finish()
    }
}

impl<K: Eq + Hash> fmt::Debug for Ticket<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

#[cfg(test)]
#[path = "tests/tally.rs"]
mod tests;
