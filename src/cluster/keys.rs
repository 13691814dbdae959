//! The prefix before every name in Redis: the one place that puts it there and takes it off.

use std::sync::Arc;

/// `REDIS_KEY_PREFIX`: lets several deployments share one Redis. Empty by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPrefix(Arc<str>);

impl KeyPrefix {
    /// A prefix, taken as it is: whoever wants a separator writes it (`staging:`).
    #[must_use]
    pub fn new(prefix: &str) -> Self {
        Self(prefix.into())
    }

    /// The name as Redis knows it.
    #[must_use]
    pub fn apply(&self, name: &str) -> String {
        let mut full = String::with_capacity(self.0.len() + name.len());
        full.push_str(&self.0);
        full.push_str(name);
        full
    }

    /// A pattern as Redis is to match it. What the prefix holds is meant literally, so characters
    /// that mean something in a pattern are escaped.
    #[must_use]
    pub fn apply_to_pattern(&self, pattern: &str) -> String {
        literal(&self.0) + pattern
    }

    /// The name as the gateway knows it, of one as Redis knows it; `None` for a foreign name.
    #[must_use]
    pub fn strip<'n>(&self, full: &'n str) -> Option<&'n str> {
        full.strip_prefix(&*self.0)
    }
}

/// A text as a part of a pattern that fits nothing but that text.
#[must_use]
pub fn literal(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern
}

#[cfg(test)]
#[path = "tests/keys.rs"]
mod tests;
