//! What operators ask.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;

use super::report::NAMESPACE;
use crate::hub::{Emission, Hub, Selection};

/// The longest name of a room or an event, in bytes.
const MAX_NAME: usize = 256;

/// The events that clients take for something else.
const RESERVED: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// An operator's event that is no command.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(in crate::socketio) enum NoCommand {
    /// There is no such command.
    #[error("there is no such command")]
    Unknown,
    /// Its arguments are not what they should be.
    #[error("the arguments of the command are wrong")]
    Arguments,
    /// It is for another namespace than `/`.
    #[error("the command is for another namespace")]
    Namespace,
}

/// What is to be done on every node.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::socketio) enum Command {
    /// Tell them an event.
    Emit {
        who: Selection,
        event: Box<str>,
        args: Vec<Box<RawValue>>,
    },
    /// Put them into a group.
    Join { who: Selection, room: Box<str> },
    /// Take them out of a group.
    Leave { who: Selection, room: Box<str> },
    /// End their sessions.
    Disconnect { who: Selection, whole: bool },
}

impl Command {
    /// Reads an event and its arguments: `["join", nsp, room, filter?]` and the like.
    pub(in crate::socketio) fn read(frame: &str) -> Result<Self, NoCommand> {
        let parts: Vec<&RawValue> = serde_json::from_str(frame).map_err(|_| NoCommand::Unknown)?;
        let (name, args) = parts.split_first().ok_or(NoCommand::Unknown)?;
        let name = text(Some(*name)).map_err(|_| NoCommand::Unknown)?;
        let known = ["emit", "join", "leave", "_disconnect"].contains(&&*name);
        if !known {
            return Err(NoCommand::Unknown);
        }
        let arg = |place: usize| args.get(place).copied();
        if &*text(arg(0))? != NAMESPACE {
            return Err(NoCommand::Namespace);
        }
        match &*name {
            "emit" => Ok(Self::Emit {
                who: filter(arg(1))?,
                event: text(arg(2)).and_then(unreserved)?,
                args: args.iter().skip(3).map(|arg| (*arg).to_owned()).collect(),
            }),
            "join" => Ok(Self::Join {
                room: text(arg(1))?,
                who: filter(arg(2))?,
            }),
            "leave" => Ok(Self::Leave {
                room: text(arg(1))?,
                who: filter(arg(2))?,
            }),
            _ => Ok(Self::Disconnect {
                whole: flag(arg(1))?,
                who: filter(arg(2))?,
            }),
        }
    }

    /// Its name, for logs.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Emit { .. } => "emit",
            Self::Join { .. } => "join",
            Self::Leave { .. } => "leave",
            Self::Disconnect { .. } => "disconnect",
        }
    }

    /// Whom it is about, for logs: a room, or nothing for all.
    pub(super) fn target(&self) -> Option<&str> {
        let (Self::Emit { who, .. }
        | Self::Join { who, .. }
        | Self::Leave { who, .. }
        | Self::Disconnect { who, .. }) = self;
        who.rooms.first().map(|room| &**room)
    }

    /// Does it with the clients of this node.
    pub(super) fn carry_out(&self, hub: &Hub) {
        match self {
            Self::Emit { who, event, args } => {
                hub.emit(who, &Emission::new(event, args, false));
            }
            Self::Join { who, room } => {
                hub.join_groups(who, std::slice::from_ref(room));
            }
            Self::Leave { who, room } => hub.leave_groups(who, std::slice::from_ref(room)),
            Self::Disconnect { who, whole } => {
                hub.dismiss(who, *whole);
            }
        }
    }
}

fn text(arg: Option<&RawValue>) -> Result<Box<str>, NoCommand> {
    let text = arg.and_then(|arg| serde_json::from_str::<Box<str>>(arg.get()).ok());
    text.filter(|text| !text.is_empty() && text.len() <= MAX_NAME)
        .ok_or(NoCommand::Arguments)
}

fn unreserved(event: Box<str>) -> Result<Box<str>, NoCommand> {
    if RESERVED.contains(&&*event) {
        return Err(NoCommand::Arguments);
    }
    Ok(event)
}

fn flag(arg: Option<&RawValue>) -> Result<bool, NoCommand> {
    let flag = arg.map_or(Ok(false), |arg| serde_json::from_str(arg.get()));
    flag.map_err(|_| NoCommand::Arguments)
}

/// Whom a command is about: one room, or all if it is left out, null or empty.
fn filter(arg: Option<&RawValue>) -> Result<Selection, NoCommand> {
    let empty = |arg: &&RawValue| matches!(arg.get(), "null" | "\"\"");
    let rooms = match arg.filter(|arg| !empty(arg)) {
        Some(room) => vec![text(Some(room))?],
        None => Vec::new(),
    };
    Ok(Selection {
        rooms,
        except: Vec::new(),
    })
}

#[cfg(test)]
#[path = "tests/command.rs"]
mod tests;
