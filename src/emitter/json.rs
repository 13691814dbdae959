//! MessagePack as JSON, such as a Socket.IO server would send what it got.

use rmpv::ValueRef;
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap as _, SerializeSeq as _},
};
use serde_json::value::{RawValue, to_raw_value};

use super::wire::Unusable;

/// The extension type of a point in time (MessagePack specification, "Timestamp extension type").
const TIMESTAMP: i8 = -1;

/// The extension type by which older versions of `notepack.io` write `undefined` and dates.
const NOTEPACK: i8 = 0;

/// The times that JavaScript has, in milliseconds around the Unix epoch (ECMA-262 §21.4.1.1).
const MAX_TIME: i64 = 8_640_000_000_000_000;

/// Writes values, if that takes no more than `max` bytes.
pub(super) fn write_all(
    values: &[ValueRef<'_>],
    max: usize,
) -> Result<Vec<Box<RawValue>>, Unusable> {
    let mut left = max;
    let mut write = |value: &ValueRef<'_>| {
        if has_binary(value) {
            return Err(Unusable::Binary);
        }
        let json = to_raw_value(&Json(value)).map_err(|_| Unusable::Malformed)?;
        left = left
            .checked_sub(json.get().len())
            .ok_or(Unusable::TooLong)?;
        Ok(json)
    };
    values.iter().map(&mut write).collect()
}

fn has_binary(value: &ValueRef<'_>) -> bool {
    match value {
        ValueRef::Binary(_) => true,
        ValueRef::Array(items) => items.iter().any(has_binary),
        ValueRef::Map(fields) => fields.iter().any(|(_, value)| has_binary(value)),
        ValueRef::Ext(kind, bytes) => !is_undefined(*kind, bytes) && date(*kind, bytes).is_none(),
        _ => false,
    }
}

const fn is_undefined(kind: i8, bytes: &[u8]) -> bool {
    kind == NOTEPACK && matches!(bytes, [0])
}

struct Json<'v, 'm>(&'v ValueRef<'m>);

impl Serialize for Json<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ValueRef::Nil => serializer.serialize_unit(),
            ValueRef::Boolean(value) => serializer.serialize_bool(*value),
            ValueRef::Integer(number) => match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => serializer.serialize_u64(number),
                (None, Some(number)) => serializer.serialize_i64(number),
                (None, None) => Err(S::Error::custom("not a whole number")),
            },
            // What is no number has no place in JSON: it becomes null.
            ValueRef::F32(number) => serializer.serialize_f64(f64::from(*number)),
            ValueRef::F64(number) => serializer.serialize_f64(*number),
            ValueRef::String(text) => match text.as_str() {
                Some(text) => serializer.serialize_str(text),
                None => Err(S::Error::custom("not UTF-8")),
            },
            ValueRef::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Json(item))?;
                }
                list.end()
            }
            ValueRef::Map(fields) => {
                let mut map = serializer.serialize_map(None)?;
                for (key, value) in fields {
                    // As JSON.stringify does.
                    if !matches!(value, ValueRef::Ext(kind, bytes) if is_undefined(*kind, bytes)) {
                        map.serialize_entry(&Key(key), &Json(value))?;
                    }
                }
                map.end()
            }
            ValueRef::Ext(kind, bytes) => match date(*kind, bytes) {
                Some(date) => serializer.serialize_str(&date),
                None => serializer.serialize_unit(),
            },
            ValueRef::Binary(_) => Err(S::Error::custom("binary data")),
        }
    }
}

/// The key of a map. JavaScript has only texts, other languages more.
struct Key<'v, 'm>(&'v ValueRef<'m>);

impl Serialize for Key<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            ValueRef::String(text) => match text.as_str() {
                Some(text) => serializer.serialize_str(text),
                None => Err(S::Error::custom("not UTF-8")),
            },
            ValueRef::Integer(number) => serializer.collect_str(number),
            ValueRef::Boolean(value) => serializer.collect_str(value),
            _ => Err(S::Error::custom("not a key")),
        }
    }
}

/// A point in time as `Date.prototype.toISOString` writes it, which is what becomes of a `Date` in
/// JSON. Nothing if it is none.
fn date(kind: i8, bytes: &[u8]) -> Option<String> {
    let millis = match (kind, bytes.len()) {
        (TIMESTAMP, 4) => i64::from(u32::from_be_bytes(bytes.try_into().ok()?)) * 1_000,
        (TIMESTAMP, 8) => {
            let both = u64::from_be_bytes(bytes.try_into().ok()?);
            let seconds = i64::try_from(both & 0x3_ffff_ffff).ok()?;
            seconds * 1_000 + i64::try_from(both >> 34).ok()? / 1_000_000
        }
        (TIMESTAMP, 12) => {
            let (nanos, seconds) = bytes.split_at(4);
            let nanos = u32::from_be_bytes(nanos.try_into().ok()?);
            let seconds = i64::from_be_bytes(seconds.try_into().ok()?);
            let millis = i64::from(nanos / 1_000_000);
            seconds.checked_mul(1_000)?.checked_add(millis)?
        }
        (NOTEPACK, 8) => i64::from_be_bytes(bytes.try_into().ok()?),
        _ => return None,
    };
    (-MAX_TIME..=MAX_TIME)
        .contains(&millis)
        .then(|| iso_text(millis))
}

/// Milliseconds since the Unix epoch as ISO 8601 text (ECMA-262 §21.4.1.32).
fn iso_text(millis: i64) -> String {
    let (days, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1_000 % 60, of_day % 1_000);
    let year = match year {
        0..=9_999 => format!("{year:04}"),
        _ => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.abs()),
    };
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// The date of a day, counted from the Unix epoch, in the proleptic Gregorian calendar: in eras of
/// 400 years, which begin in March so that the leap day is the last of a year.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

#[cfg(test)]
#[path = "tests/json.rs"]
mod tests;
