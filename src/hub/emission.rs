//! What a backend emits to clients of its choice.

use std::cell::OnceCell;

use bytes::Bytes;
use serde_json::value::RawValue;

/// An event with any number of arguments, encoded once for all who get it.
#[derive(Debug)]
pub struct Emission<'e> {
    name: &'e str,
    args: &'e [Box<RawValue>],
    volatile: bool,
    frame: OnceCell<Bytes>,
    packet: OnceCell<Bytes>,
    values: OnceCell<Vec<serde_json::Value>>,
}

impl<'e> Emission<'e> {
    /// The event `name`. If it is `volatile`, a client whose queue is full does not get it; without
    /// that the client is cut off as a slow reader.
    pub const fn new(name: &'e str, args: &'e [Box<RawValue>], volatile: bool) -> Self {
        Self {
            name,
            args,
            volatile,
            frame: OnceCell::new(),
            packet: OnceCell::new(),
            values: OnceCell::new(),
        }
    }

    /// Its name.
    pub const fn name(&self) -> &'e str {
        self.name
    }

    /// Its arguments.
    pub const fn args(&self) -> &'e [Box<RawValue>] {
        self.args
    }

    /// Whether it may be lost.
    pub const fn is_volatile(&self) -> bool {
        self.volatile
    }

    /// The length of its arguments, in bytes of JSON.
    pub fn bytes(&self) -> usize {
        self.args.iter().map(|arg| arg.get().len()).sum()
    }

    /// Its arguments as values that any parser can write.
    pub fn values(&self) -> &[serde_json::Value] {
        self.values.get_or_init(|| {
            let values = self.args.iter();
            let values = values.map(|arg| serde_json::from_str(arg.get()).unwrap_or_default());
            values.collect()
        })
    }

    /// The event as a frame of the raw WebSocket protocols, made by `make` once.
    pub fn frame(&self, make: impl FnOnce() -> Bytes) -> Bytes {
        self.frame.get_or_init(make).clone()
    }

    /// The event as a packet of Socket.IO, made by `make` once.
    ///
    /// # Errors
    /// What `make` says.
    pub fn try_packet<E>(&self, make: impl FnOnce() -> Result<Bytes, E>) -> Result<Bytes, E> {
        if let Some(made) = self.packet.get() {
            return Ok(made.clone());
        }
        let made = make()?;
        Ok(self.packet.get_or_init(|| made).clone())
    }
}
