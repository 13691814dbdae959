//! Texts in frames that nobody else is to see.

use std::{borrow::Cow, fmt, ops::Deref};

/// A token as it stands in a frame. `Debug` does not show it.
pub struct Secret<'a>(pub Cow<'a, str>);

impl Deref for Secret<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}
