//! Claims as values of an expression.
//!
//! A whole number is an `int` wherever it can be, so that it compares with what people write.

use super::limits::Extent;
use cel::Value;
use cel::objects::{Key, Map as CelMap};
use serde_json::Map;
use std::collections::HashMap;
use std::sync::Arc;

type Json = serde_json::Value;

/// Deepest nesting of claims.
const DEEPEST: usize = 32;

/// How much there is to look through; a fault if the claims are nested too deep.
pub(super) fn extent(claims: &Map<String, Json>) -> Result<Extent, String> {
    let mut extent = Extent { values: 0, bytes: 0 };
    for (name, value) in claims {
        extent.bytes += name.len() as u64;
        add(value, DEEPEST, &mut extent)?;
    }
    Ok(extent)
}

fn add(value: &Json, deeper: usize, extent: &mut Extent) -> Result<(), String> {
    let deeper = deeper.checked_sub(1).ok_or_else(|| "the claims are nested too deep for a filter".to_owned())?;
    extent.values += 1;
    extent.bytes += 8;
    match value {
        Json::String(text) => extent.bytes += text.len() as u64,
        Json::Array(items) => items.iter().try_for_each(|item| add(item, deeper, extent))?,
        Json::Object(members) => {
            for (name, member) in members {
                extent.bytes += name.len() as u64;
                add(member, deeper, extent)?;
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
    Ok(())
}

/// Each claim under its own name, if that can be the name of a variable, and all of them under `claims`.
///
/// A name with a dot would be found where a member of another claim is meant, so it is no variable.
pub(super) fn variables(claims: &Map<String, Json>) -> Vec<(String, Value)> {
    let named = claims.iter().filter(|(name, _)| is_identifier(name) && *name != ALL);
    let mut variables: Vec<_> = named.map(|(name, value)| (name.clone(), cel(value))).collect();
    variables.push((ALL.to_owned(), map(claims)));
    variables
}

const ALL: &str = "claims";

fn is_identifier(name: &str) -> bool {
    let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    begins && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn cel(value: &Json) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) => Value::Int(whole),
            (None, Some(whole)) => Value::UInt(whole),
            (None, None) => number.as_f64().map_or(Value::Null, Value::Float),
        },
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) => Value::List(Arc::new(items.iter().map(cel).collect())),
        Json::Object(members) => map(members),
    }
}

fn map(members: &Map<String, Json>) -> Value {
    let entries = members.iter().map(|(name, value)| (Key::String(Arc::new(name.clone())), cel(value)));
    Value::Map(CelMap { map: Arc::new(entries.collect::<HashMap<_, _>>()) })
}
