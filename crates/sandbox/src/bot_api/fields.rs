//! Fields of JSON objects that stand in a parameter (`LabeledPrice`, `InlineQueryResult`, …).
//!
//! In: an object and a name. Out: the value, or the words in which TDLib's `JsonBuilder.cpp` says what is wrong with it, without anything in front. Numbers
//! may be written as texts and texts as numbers, as there. It must not know the objects.

use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

/// A text that must be there.
pub(super) fn text(object: &Object, name: &str) -> Result<String, String> {
    optional_text(object, name)?.ok_or_else(|| missing(name))
}

/// A text, if it is there.
pub(super) fn optional_text(object: &Object, name: &str) -> Result<Option<String>, String> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("Field \"{name}\" must be of type String")),
    }
}

/// A number that must be there.
pub(super) fn number(object: &Object, name: &str) -> Result<i64, String> {
    let wrong = || format!("Field \"{name}\" must be a valid Number");
    match object.get(name) {
        None | Some(Value::Null) => Err(missing(name)),
        Some(Value::Number(number)) => number.as_i64().ok_or_else(wrong),
        Some(Value::String(text)) => text.parse().map_err(|_| wrong()),
        Some(_) => Err(format!("Field \"{name}\" must be a Number")),
    }
}

fn missing(name: &str) -> String {
    format!("Can't find field \"{name}\"")
}
