//! What can be wrong with a configuration, and how the process reports it.

use std::fmt;

/// Exit code for a wrong configuration: `EX_USAGE` of BSD's `sysexits.h`.
pub const EX_USAGE: u8 = 64;

/// One mistake in the configuration.
///
/// The text never holds the value of a secret, so it may go to a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The variable (`PORT`) or, for what is no variable, the flag (`--prot`).
    pub subject: String,
    /// What is wrong with it, and what would be right.
    pub problem: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.problem)
    }
}

/// Every mistake found in the configuration; at least one. Displayed one per line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub(super) Vec<Mistake>);

impl ConfigErrors {
    /// The mistakes, in the order in which they were found.
    #[must_use]
    pub fn mistakes(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

/// Why there is no configuration to run with.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// `--help` or `--version` was asked for; the text belongs on standard output.
    #[error("{0}")]
    Info(String),
    /// The configuration is wrong; the text belongs on standard error.
    #[error(transparent)]
    Invalid(ConfigErrors),
}

impl LoadError {
    /// The exit code of the process: 0 after an information, [`EX_USAGE`] after mistakes.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Info(_) => 0,
            Self::Invalid(_) => EX_USAGE,
        }
    }
}
