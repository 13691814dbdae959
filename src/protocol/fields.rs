//! Reading a frame once: the event's name, and the payload's fields as raw JSON.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer as _,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use smallvec::SmallVec;

use super::{ErrorCode, Secret, WireError};

/// The most fields of one payload: the contract's largest has four.
const MAX_FIELDS: usize = 64;

/// How deep values may be nested in a frame: what most readers of JSON take, `serde_json` among them.
/// What is relayed is not read here, but by whoever gets it.
pub const MAX_DEPTH: usize = 128;

/// The first argument of an event.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// There is none, or it is `null`.
    Nothing,
    /// An object.
    Object(Fields<'a>),
    /// Any other JSON value.
    Other,
}

impl<'a> Decoded<'a> {
    /// The fields of a payload that has to be there.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidPayload`] if it is missing or no object.
    pub fn fields(&self) -> Result<&Fields<'a>, WireError> {
        match self {
            Self::Object(fields) => Ok(fields),
            Self::Nothing | Self::Other => Err(WireError::invalid("payload", "must be an object")),
        }
    }

    /// The fields of a payload that may be left out.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidPayload`] if it is there but no object.
    pub fn optional_fields(&self) -> Result<Option<&Fields<'a>>, WireError> {
        match self {
            Self::Nothing => Ok(None),
            present => present.fields().map(Some),
        }
    }
}

/// The fields of an object, as they were written. Where a name comes twice the last counts,
/// as in `JSON.parse`.
#[derive(Default)]
pub struct Fields<'a>(SmallVec<[(Cow<'a, str>, &'a RawValue); 4]>);

/// Without the values.
impl fmt::Debug for Fields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

impl<'a> Fields<'a> {
    /// Whether there is a field called `name`.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value of the field called `name`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidPayload`] if there is none.
    pub fn required(&self, name: &str) -> Result<&'a RawValue, WireError> {
        self.get(name)
            .ok_or_else(|| WireError::invalid(name, "is required"))
    }

    /// The text in the field called `name`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidPayload`] if there is none, or no text in it.
    pub fn required_text(&self, name: &str) -> Result<Cow<'a, str>, WireError> {
        text_of(name, self.required(name)?)
    }

    /// The secret text in the field called `name`.
    ///
    /// # Errors
    /// See [`Self::required_text`].
    pub fn required_secret(&self, name: &str) -> Result<Secret<'a>, WireError> {
        self.required_text(name).map(Secret)
    }

    /// The text in the field called `name`, if the field is there and not `null`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidPayload`] if something else is in it.
    pub fn optional_text(&self, name: &str) -> Result<Option<Cow<'a, str>>, WireError> {
        self.optional(name)
            .map(|raw| text_of(name, raw))
            .transpose()
    }

    /// The whole number, from 0 up, in the field called `name`, if it is there and not `null`.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidPayload`] if something else is in it.
    pub fn optional_integer(&self, name: &str) -> Result<Option<usize>, WireError> {
        let read = |raw: &RawValue| {
            raw.get()
                .parse()
                .map_err(|_| WireError::invalid(name, "must be a whole number"))
        };
        self.optional(name).map(read).transpose()
    }

    fn get(&self, name: &str) -> Option<&'a RawValue> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| *value)
    }

    /// The value of the field called `name`, if the field is there and not `null`.
    pub fn optional(&self, name: &str) -> Option<&'a RawValue> {
        self.get(name).filter(|raw| raw.get() != "null")
    }
}

/// The text that `raw` is, which is in the field called `name`.
///
/// # Errors
/// [`ErrorCode::InvalidPayload`] if it is no text.
pub fn text_of<'a>(name: &str, raw: &'a RawValue) -> Result<Cow<'a, str>, WireError> {
    if !raw.get().starts_with('"') {
        return Err(WireError::invalid(name, "must be a string"));
    }
    // What is quoted and still fails has an escape that stands for no character.
    serde_json::from_str::<BorrowedText<'_>>(raw.get())
        .map(|text| text.0)
        .map_err(|_| WireError::invalid(name, "must be valid Unicode"))
}

/// A string that is copied only if it has escapes.
#[derive(Deserialize)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads a Socket.IO event, a JSON array of the event's name and its arguments. One pass:
/// values are skipped over and kept as the text they are.
///
/// # Errors
/// [`ErrorCode::InvalidPayload`] if the text is not such an array.
pub fn decode(frame: &str) -> Result<(Cow<'_, str>, Decoded<'_>), WireError> {
    check_depth(frame, "payload")?;
    let mut json = serde_json::Deserializer::from_str(frame);
    json.deserialize_seq(FrameVisitor)
        .map_err(|_| WireError::new(ErrorCode::InvalidPayload, "payload is not valid JSON"))
}

/// Reads a JSON object, as [`decode`] reads an event's payload.
///
/// # Errors
/// [`ErrorCode::InvalidPayload`] if the text is no JSON, or no object.
pub fn decode_object(frame: &str) -> Result<Fields<'_>, WireError> {
    check_depth(frame, "the frame")?;
    let wrong = |what| WireError::new(ErrorCode::InvalidPayload, what);
    let mut json = serde_json::Deserializer::from_str(frame);
    let decoded = PayloadVisitor
        .deserialize(&mut json)
        .and_then(|decoded| json.end().map(|()| decoded))
        .map_err(|_| wrong("the frame is not valid JSON"))?;
    match decoded {
        Decoded::Object(fields) => Ok(fields),
        Decoded::Nothing | Decoded::Other => Err(wrong("the frame must be a JSON object")),
    }
}

fn check_depth(frame: &str, what: &str) -> Result<(), WireError> {
    // It takes so many brackets. Counting them is many times faster than telling those apart that
    // are in strings, and hardly any frame has as many.
    if brackets(frame) > MAX_DEPTH && depth(frame) > MAX_DEPTH {
        let message = format!("{what} must not be nested deeper than {MAX_DEPTH} levels");
        return Err(WireError::new(ErrorCode::InvalidPayload, message));
    }
    Ok(())
}

/// How many brackets open in a text, be it in strings. As many bytes are counted in a byte as it can
/// count to: the processor takes sixteen at a time then.
fn brackets(text: &str) -> usize {
    let part = |part: &[u8]| {
        let opening = part.iter().map(|byte| u8::from(byte | 0x20 == b'{'));
        usize::from(opening.sum::<u8>())
    };
    text.as_bytes().chunks(usize::from(u8::MAX)).map(part).sum()
}

/// How deep the values of a JSON text are nested.
fn depth(json: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = json.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => {
                while let Some(byte) = bytes.next().filter(|byte| *byte != b'"') {
                    if byte == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    deepest
}

struct FrameVisitor;

impl<'de> Visitor<'de> for FrameVisitor {
    type Value = (Cow<'de, str>, Decoded<'de>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let name: BorrowedText<'de> = seq
            .next_element()?
            .ok_or_else(|| serde::de::Error::custom("no name"))?;
        let payload = seq
            .next_element_seed(PayloadVisitor)?
            .unwrap_or(Decoded::Nothing);
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok((name.0, payload))
    }
}

struct PayloadVisitor;

impl<'de> DeserializeSeed<'de> for PayloadVisitor {
    type Value = Decoded<'de>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for PayloadVisitor {
    type Value = Decoded<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a payload")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        while let Some((BorrowedText(key), value)) = map.next_entry::<_, &'de RawValue>()? {
            if fields.0.len() >= MAX_FIELDS {
                return Err(serde::de::Error::custom("too many fields"));
            }
            fields.0.push((key, value));
        }
        Ok(Decoded::Object(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Decoded::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Decoded::Nothing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Decoded::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Decoded::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Decoded::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Decoded::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Decoded::Other)
    }
}
