//! The wire contract: every event that was ever published is still read, from a file that nobody changes.
//!
//! A new event needs a new file, a new shape of an old event a new version beside the old. `golden/NAME.vN.json` holds
//! one stored payload.

use domain::Event;
use std::fs;
use strum::VariantNames as _;

#[test]
fn every_event_has_a_golden_file_that_is_read_and_written_back_unchanged() {
    for name in Event::VARIANTS {
        let path = format!("{}/tests/golden/{name}.v1.json", env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{name} needs the golden file {path}"));
        let stored: serde_json::Value = serde_json::from_str(&text).unwrap();
        let event: Event = serde_json::from_value(stored.clone()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(event.name(), *name);
        assert_eq!(serde_json::to_value(&event).unwrap(), stored, "{name} is written in another shape than it was");
        assert_eq!(event.change().action, *name);
    }
}

#[test]
fn no_golden_file_is_left_without_its_event() {
    let folder = format!("{}/tests/golden", env!("CARGO_MANIFEST_DIR"));
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let event = name.split('.').next().unwrap();
        assert!(Event::VARIANTS.contains(&event), "{name} belongs to no event");
    }
}

#[test]
fn an_event_with_an_unknown_member_is_refused_not_half_read() {
    let stored = serde_json::json!({"lockout_accepted": {"reason": "r", "extra": 1}});
    assert!(serde_json::from_value::<Event>(stored).is_err());
}
