//! An event as the log keeps it, typed: which helpdesk, which version, what, and the circumstances.

use crate::{Event, HelpdeskId, Metadata, upcast::upcast};
use cqrs_es::persist::SerializedEvent;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// One event of a helpdesk's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose stream.
    pub helpdesk: HelpdeskId,
    /// Its place in the stream, from 1.
    pub version: u64,
    /// What happened.
    pub event: Event,
    /// Who, when, how and why.
    pub metadata: Metadata,
}

/// A stored event that this program cannot read: it was written by a newer one, or damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event {version} of helpdesk {helpdesk} cannot be read: {why}")]
pub struct UnreadableEvent {
    helpdesk: String,
    version: usize,
    why: String,
}

impl TryFrom<SerializedEvent> for Recorded {
    type Error = UnreadableEvent;

    fn try_from(stored: SerializedEvent) -> Result<Self, UnreadableEvent> {
        let stored = upcast(stored);
        let unreadable =
            |why: String| UnreadableEvent { helpdesk: stored.aggregate_id.clone(), version: stored.sequence, why };
        let event = Event::deserialize(&stored.payload).map_err(|e| unreadable(e.to_string()))?;
        let map: HashMap<String, String> =
            Deserialize::deserialize(&stored.metadata).map_err(|e| unreadable(e.to_string()))?;
        let metadata = Metadata::from_map(&map).map_err(|e| unreadable(e.to_string()))?;
        Ok(Self { helpdesk: HelpdeskId::new(stored.aggregate_id), version: stored.sequence as u64, event, metadata })
    }
}

impl Recorded {
    /// As it is stored, with the hash that links it to the event before.
    ///
    /// # Errors
    /// If it has no canonical form, which no event of this program lacks.
    pub fn link(mut self, prev: &str) -> Result<(Self, SerializedEvent), crate::chain::NotCanonical> {
        prev.clone_into(&mut self.metadata.prev);
        let mut stored = SerializedEvent::new(
            self.helpdesk.as_str().to_owned(),
            usize::try_from(self.version).unwrap_or(usize::MAX),
            crate::AuthConfig::STREAM_TYPE.to_owned(),
            self.event.name().to_owned(),
            cqrs_es::DomainEvent::event_version(&self.event),
            serde_json::to_value(&self.event).unwrap_or_default(),
            Value::Object(self.metadata.to_covered()),
        );
        self.metadata.hash = crate::chain::hash(&stored)?;
        if let Value::Object(metadata) = &mut stored.metadata {
            metadata.insert(Metadata::HASH.to_owned(), Value::String(self.metadata.hash.clone()));
        }
        Ok((self, stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metadata::tests::sample;

    #[test]
    fn r55_what_is_linked_is_read_back_with_its_hash() {
        let event = Event::HelpdeskCreated { name: "H".into(), url: None };
        let recorded = Recorded { helpdesk: "default".into(), version: 1, event, metadata: sample() };
        let (linked, stored) = recorded.link("ab").unwrap();
        assert_eq!(linked.metadata.prev, "ab");
        assert_eq!(stored.metadata, serde_json::to_value(linked.metadata.to_map()).unwrap());
        assert_eq!(crate::chain::hash(&stored).unwrap(), linked.metadata.hash);
        assert_eq!(Recorded::try_from(stored.clone()), Ok(linked));

        let mut damaged = stored;
        damaged.payload = serde_json::json!({"helpdesk_vanished": {}});
        assert!(Recorded::try_from(damaged).is_err());
    }
}
