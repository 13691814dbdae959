//! What backends say, for raw clients: the same in both protocols.

use std::borrow::Cow;

use super::{client::Client, common::Told};
use crate::{
    core::replayed,
    hub::Subscribed,
    protocol::{Fields, WireError, subscription},
};

/// What a client wants of a backend channel.
#[derive(Debug)]
pub(super) enum Subscription<'a> {
    /// `subscribe`.
    Begin {
        channel: Cow<'a, str>,
        /// From where on it wants to hear what it missed.
        from: Option<replayed::From>,
    },
    /// `unsubscribe`.
    End { channel: Cow<'a, str> },
}

impl<'a> Subscription<'a> {
    /// Reads a frame of the type `name`; nothing if it is about something else.
    ///
    /// # Errors
    /// `INVALID_PAYLOAD` with the field at fault.
    pub(super) fn read(name: &str, fields: &Fields<'a>) -> Option<Result<Self, WireError>> {
        match name {
            "subscribe" => {
                Some(subscription(fields).map(|(channel, from)| Self::Begin { channel, from }))
            }
            "unsubscribe" => {
                let channel = fields.required_text("channel");
                Some(channel.map(|channel| Self::End { channel }))
            }
            _ => None,
        }
    }

    /// Does it, and answers. What the client missed comes before the answer.
    ///
    /// # Errors
    /// `FORBIDDEN`, `RATE_LIMITED`.
    pub(super) fn execute(&self, client: &Client) -> Result<(), WireError> {
        match self {
            Self::Begin { channel, from } => {
                let Subscribed { recovered, offset } = client.session.subscribe(channel, *from)?;
                client.link.tell(&Told::Subscribed {
                    channel,
                    recovered,
                    offset: offset.map(|offset| offset.to_string()),
                });
            }
            Self::End { channel } => {
                client.session.unsubscribe(channel);
                client.link.tell(&Told::Unsubscribed { channel });
            }
        }
        Ok(())
    }
}
