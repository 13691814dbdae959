//! Scripts that change keys and publish in one step.

use bytes::Bytes;
use redis::Cmd;

/// A Lua script that goes in place of a `PUBLISH`, so that others hear of a change exactly when
/// it has been made.
///
/// It is called with [`keys`](Self::keys) as `KEYS`, and as `ARGV` with
///
/// 1. the command that publishes: `PUBLISH`, or `SPUBLISH` in a Cluster,
/// 2. the name of the channel as Redis knows it,
/// 3. the message,
/// 4. and from there on [`args`](Self::args).
///
/// Whether to publish is for the script to decide: `redis.call(ARGV[1], ARGV[2], ARGV[3])`.
///
/// When an answer is lost the script runs again, so it must come to the same end if it has run
/// before. (Who hears the message twice recognises that by itself.)
#[derive(Clone, Debug)]
pub struct Script {
    /// The source. Sent with each call, as a server that was restarted or failed over to would
    /// not know it by its hash.
    pub body: &'static str,
    /// Names of keys, with the prefix. In a Cluster they share the slot of the channel.
    pub keys: Vec<String>,
    /// What else the script needs, as `ARGV[4]` and so on.
    pub args: Vec<Bytes>,
}

impl Script {
    /// Bytes that wait in memory with it.
    pub(super) fn size(&self) -> usize {
        let keys: usize = self.keys.iter().map(String::len).sum();
        let args: usize = self.args.iter().map(Bytes::len).sum();
        keys + args
    }

    /// The beginning of the command, up to where the arguments of the publish go.
    pub(super) fn begin(&self, command: &mut Cmd) {
        command.arg(self.body).arg(self.keys.len()).arg(&self.keys);
    }

    /// The end of the command.
    pub(super) fn end(&self, command: &mut Cmd) {
        for arg in &self.args {
            command.arg(&**arg);
        }
    }
}
