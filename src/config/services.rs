//! The services of the deployment.

use std::ops::RangeInclusive;

use super::{ChatConfig, ServicesConfig, reader::Reader, validate::size};
use crate::services::ServiceUrl;

/// The most media servers. A room looks through all of them, and each is probed all the time.
const MAX_MEDIA_SERVERS: usize = 32;

/// From a handful to what a Redis with a gigabyte holds of one room.
const CHAT_BUFFER_MAX: RangeInclusive<u64> = 10..=1_000_000;

pub(super) fn services(reader: &mut Reader) -> ServicesConfig {
    let rooms = reader.text("ROOM_SERVICE_URL");
    let rooms = rooms.and_then(|text| url(reader, "ROOM_SERVICE_URL", &text, None));
    let list = reader.text("MEDIA_SERVICE_URL").unwrap_or_default();
    let entries: Vec<&str> = list.split(',').map(str::trim).collect();
    let given = reader.is_given("MEDIA_SERVICE_URL");
    let mut media: Vec<ServiceUrl> = Vec::new();
    for (index, entry) in entries.iter().enumerate().filter(|_| given) {
        let place = (entries.len() > 1).then_some(index + 1);
        if let Some(url) = url(reader, "MEDIA_SERVICE_URL", entry, place)
            && !media.contains(&url)
        {
            media.push(url);
        }
    }
    if media.len() > MAX_MEDIA_SERVERS {
        let problem = format!("must have at most {MAX_MEDIA_SERVERS} entries");
        reader.mistake("MEDIA_SERVICE_URL", problem);
    }
    ServicesConfig { rooms, media }
}

pub(super) fn chat(reader: &mut Reader) -> ChatConfig {
    let service = reader.text("CHAT_SERVICE_URL");
    ChatConfig {
        service: service.and_then(|text| url(reader, "CHAT_SERVICE_URL", &text, None)),
        buffer_max: size(reader, "CHAT_BUFFER_MAX", CHAT_BUFFER_MAX),
    }
}

/// Reads a URL. It is never quoted, for it may hold a password where none belongs.
fn url(reader: &mut Reader, name: &str, text: &str, place: Option<usize>) -> Option<ServiceUrl> {
    let place = place.map_or_else(String::new, |place| format!("entry {place} "));
    let url = text.parse::<ServiceUrl>();
    url.map_err(|error| reader.mistake(name, format!("{place}{error}")))
        .ok()
}
