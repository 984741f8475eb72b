//! Brings events of older shapes to the present one. There are none yet: every event is in its first version.

use cqrs_es::persist::{EventUpcaster, SerializedEvent};

/// Every upcaster, oldest first.
fn upcasters() -> Vec<Box<dyn EventUpcaster>> {
    Vec::new()
}

/// The event in its present shape.
pub fn upcast(event: SerializedEvent) -> SerializedEvent {
    upcasters().iter().fold(event, |event, upcaster| {
        if upcaster.can_upcast(&event.event_type, &event.event_version) { upcaster.upcast(event) } else { event }
    })
}
