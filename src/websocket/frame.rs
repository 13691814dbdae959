//! WebSocket frames as they are written (RFC 6455 §5). The library lays them out.

use bytes::Bytes;
use serde::Serialize;
use tokio_tungstenite::tungstenite::protocol::{
    CloseFrame,
    frame::{
        Frame,
        coding::{Data, OpCode},
    },
};
use tracing::error;

/// A ping without payload.
pub(super) const PING: &[u8] = &[0x89, 0x00];

/// The longest header of a frame that is not masked.
const MAX_HEADER: usize = 10;

/// A text frame that holds `content` as JSON.
pub(super) fn text(content: &impl Serialize) -> Bytes {
    match serde_json::to_vec(content) {
        Ok(json) => laid_out(Frame::message(json, OpCode::Data(Data::Text), true)),
        Err(error) => {
            // Plain data, which can always be written.
            error!(%error, "a frame cannot be encoded");
            Bytes::new()
        }
    }
}

/// A close frame.
pub(super) fn close(content: Option<CloseFrame>) -> Bytes {
    laid_out(Frame::close(content))
}

fn laid_out(frame: Frame) -> Bytes {
    let mut bytes = Vec::with_capacity(MAX_HEADER + frame.payload().len());
    if let Err(error) = frame.format(&mut bytes) {
        error!(%error, "a frame cannot be laid out");
        return Bytes::new();
    }
    bytes.into()
}
