//! The hash chain over a helpdesk's events, from the first on (R55).
//!
//! Each event's hash covers every stored field that the writer knows, in the one canonical form of RFC 8785, and the
//! hash of the event before. Who edits, removes, inserts or reorders an event breaks every hash after it.
//! Spec: RFC 8785 (JSON canonicalization), FIPS 180-4 (SHA-256).
//! Stops: quiet edits of history by somebody who can write to the database.

use crate::Metadata;
use cqrs_es::persist::SerializedEvent;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// The event cannot be brought into canonical form. It was not made by this program.
#[derive(Debug, thiserror::Error)]
#[error("event {version} has no canonical form: {why}")]
pub struct NotCanonical {
    version: usize,
    why: String,
}

/// The hash of one event: lower-case hex of SHA-256 over its canonical form. The metadata's `prev` is covered, its
/// `hash` is left out.
pub fn hash(event: &SerializedEvent) -> Result<String, NotCanonical> {
    let mut metadata = Cow::Borrowed(&event.metadata);
    if metadata.get(Metadata::HASH).is_some()
        && let Value::Object(map) = metadata.to_mut()
    {
        map.remove(Metadata::HASH);
    }
    let covered = Covered {
        helpdesk: &event.aggregate_id,
        kind: &event.aggregate_type,
        version: event.sequence,
        event: &event.event_type,
        event_version: &event.event_version,
        payload: &event.payload,
        metadata: &metadata,
    };
    let canonical = serde_json_canonicalizer::to_vec(&covered)
        .map_err(|error| NotCanonical { version: event.sequence, why: error.to_string() })?;
    Ok(hex(&Sha256::digest(canonical)))
}

/// What the hash covers, by the names that it has in the canonical form, whose order is not this one.
#[derive(Serialize)]
struct Covered<'e> {
    helpdesk: &'e str,
    #[serde(rename = "type")]
    kind: &'e str,
    version: usize,
    event: &'e str,
    event_version: &'e str,
    payload: &'e Value,
    metadata: &'e Value,
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event() -> SerializedEvent {
        SerializedEvent::new(
            "default".into(),
            2,
            "auth_config".into(),
            "UsersourceEnabled".into(),
            "1".into(),
            json!({"b": 1, "a": "ü"}),
            json!({"prev": "aa", "hash": "whatever", "at": "2026-01-01T00:00:00.000Z"}),
        )
    }

    #[test]
    fn r55_the_canonical_form_is_fixed() {
        // Computed apart from this program: sha256sum over the RFC 8785 text, written out by hand.
        let text = r#"{"event":"UsersourceEnabled","event_version":"1","helpdesk":"default","metadata":{"at":"2026-01-01T00:00:00.000Z","prev":"aa"},"payload":{"a":"ü","b":1},"type":"auth_config","version":2}"#;
        assert_eq!(hash(&event()).unwrap(), hex(&Sha256::digest(text)));
    }

    #[test]
    fn r55_every_stored_field_is_covered_and_the_hash_itself_is_not() {
        let original = hash(&event()).unwrap();
        let edits: [fn(&mut SerializedEvent); 8] = [
            |e| e.aggregate_id = "other".into(),
            |e| e.sequence = 3,
            |e| e.aggregate_type = "other".into(),
            |e| e.event_type = "UsersourceDisabled".into(),
            |e| e.event_version = "2".into(),
            |e| e.payload["b"] = json!(2),
            |e| e.metadata["at"] = json!("2026-01-01T00:00:00.001Z"),
            |e| e.metadata["prev"] = json!("ab"),
        ];
        for (number, edit) in edits.iter().enumerate() {
            let mut edited = event();
            edit(&mut edited);
            assert_ne!(hash(&edited).unwrap(), original, "edit {number} went unseen");
        }
        let mut unlinked = event();
        unlinked.metadata["hash"] = json!("");
        assert_eq!(hash(&unlinked).unwrap(), original);
    }
}
