//! Whether a value has the shape that the document promises: as much of JSON Schema as the document uses.
//!
//! Stricter than the standard in one thing: a member that the document does not name is a fault.

use serde_json::Value;

/// `Err` says what is wrong, and where.
pub fn conforms(document: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    if let Some(name) = schema["$ref"].as_str() {
        let target = document.pointer(name.trim_start_matches('#')).unwrap_or_else(|| panic!("{name} is not defined"));
        return conforms(document, target, value, place);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let faults: Vec<_> =
            choices.iter().map(|c| conforms(document, c, value, place)).filter_map(Result::err).collect();
        return if faults.len() < choices.len() { Ok(()) } else { Err(faults.join(", and ")) };
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{place}: {value} is none of {words:?}"));
    }
    if !schema["type"].is_null() && !is_of_type(&schema["type"], value) {
        return Err(format!("{place}: {value} is not of type {}", schema["type"]));
    }
    match value {
        Value::Object(members) if schema["type"] == "object" => object(document, schema, members, place),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(i, item)| conforms(document, &schema["items"], item, &format!("{place}[{i}]"))),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn object(
    document: &Value,
    schema: &Value,
    members: &serde_json::Map<String, Value>,
    place: &str,
) -> Result<(), String> {
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            return Err(format!("{place}: {name} is missing"));
        }
    }
    for (name, value) in members {
        let place = format!("{place}.{name}");
        match (schema["properties"].get(name), &schema["additionalProperties"]) {
            (Some(schema), _) | (None, schema @ Value::Object(_)) => conforms(document, schema, value, &place)?,
            (None, _) => return Err(format!("{place} is not in the document")),
        }
    }
    Ok(())
}

fn is_of_type(kind: &Value, value: &Value) -> bool {
    match kind {
        Value::Array(kinds) => kinds.iter().any(|kind| is_of_type(kind, value)),
        Value::String(kind) => match kind.as_str() {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "null" => value.is_null(),
            other => panic!("the document does not use {other}"),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => panic!("{kind} is no type"),
    }
}
