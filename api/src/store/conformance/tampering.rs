//! What is written stays: it cannot be changed in passing, and who changes it by force breaks the chain.

use super::{Ground, append, created, desk, grow, on_every_log, said};
use crate::store::{Ledger, StoreError};
use cqrs_es::persist::SerializedEvent;
use domain::chain;
use projections::{Facts as _, FactsError};

on_every_log! {
    r50_update_delete_and_replace_abort
    r55_an_untouched_stream_is_a_chain
    r55_an_edited_event_breaks_the_chain
    r55_a_removed_event_breaks_the_chain_and_stops_the_replay
    the_bytes_are_kept_as_they_were_written
    an_unreadable_event_is_named_and_nothing_panics
}

async fn r50_update_delete_and_replace_abort(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 2).await;
    let row = "(aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
               VALUES ('auth_config', 'default', 2, 'x', '1', '{}', '{}')";
    let replace = match &ground {
        Ground::Sqlite(_) => vec![format!("INSERT OR REPLACE INTO events {row}"), format!("REPLACE INTO events {row}")],
        Ground::Postgres { .. } => vec![
            "TRUNCATE events".to_owned(),
            format!(
                "INSERT INTO events {row} ON CONFLICT (aggregate_type, aggregate_id, sequence)
                     DO UPDATE SET payload = excluded.payload"
            ),
        ],
    };
    let change = ["UPDATE events SET payload = '{}'", "DELETE FROM events", "DELETE FROM events WHERE sequence = 2"];
    for sql in change.map(str::to_owned).into_iter().chain(replace) {
        assert!(ground.execute(&sql).await.is_err(), "{sql}");
    }
    assert_eq!(first_break(&ledger, 2).await, None);
}

/// The first version whose hash or link is not what it must be, recomputed from what is stored.
async fn first_break(ledger: &Ledger, length: usize) -> Option<usize> {
    let stored = ledger.log().events_after(&desk(), 0, 1_000).await.unwrap();
    let text = |event: &SerializedEvent, key: &str| event.metadata[key].as_str().unwrap().to_owned();
    let mut prev = String::new();
    for version in 1..=length {
        let Some(event) = stored.get(version - 1) else { return Some(version) };
        let sound = event.sequence == version && text(event, "prev") == prev;
        if !sound || chain::hash(event).unwrap() != text(event, "hash") {
            return Some(version);
        }
        prev = text(event, "hash");
    }
    None
}

async fn r55_an_untouched_stream_is_a_chain(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 4).await;
    append(&ledger, &desk(), vec![said("ünïcödé \u{0}\u{1F512}"), said("")]).await.unwrap();
    assert_eq!(first_break(&ledger, 6).await, None);
}

async fn r55_an_edited_event_breaks_the_chain(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 5).await;
    ground.drop_triggers().await;
    let edit = "UPDATE events SET payload = '{\"lockout_accepted\":{\"reason\":\"edited\"}}' WHERE sequence = 3";
    ground.execute(edit).await.unwrap();
    assert_eq!(first_break(&ledger, 5).await, Some(3));
}

async fn r55_a_removed_event_breaks_the_chain_and_stops_the_replay(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 5).await;
    ground.drop_triggers().await;
    ground.execute("DELETE FROM events WHERE sequence = 3").await.unwrap();
    assert_eq!(first_break(&ledger, 5).await, Some(3));
    let replay = ground.open().await.load(&desk()).await;
    assert!(matches!(replay, Err(StoreError::Missing { version: 3, .. })), "{replay:?}");
}

async fn the_bytes_are_kept_as_they_were_written(ground: Ground) {
    let ledger = ground.open().await;
    append(&ledger, &desk(), vec![created()]).await.unwrap();
    let payload = r#"{"lockout_accepted" :  {"reason":"\u00fc","reason2":1.50}}"#;
    let row = format!(
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
         VALUES ('auth_config', 'default', 2, 'x', '1', '{payload}', '{{\"z\":\"1\", \"a\":\"2\"}}')"
    );
    ground.execute(&row).await.unwrap();
    let stored = ground.texts("SELECT CAST(payload AS text) FROM events WHERE sequence = 2").await;
    assert_eq!(stored, [payload]);
    let stored = ground.texts("SELECT CAST(metadata AS text) FROM events WHERE sequence = 2").await;
    assert_eq!(stored, [r#"{"z":"1", "a":"2"}"#]);
}

async fn an_unreadable_event_is_named_and_nothing_panics(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 100).await;
    super::history::until_snapshot_at(&ground, 100).await;
    // Good JSON to the databases, but a number that no program of ours can hold.
    let row =
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
               VALUES ('auth_config', 'default', 101, 'x', '1', '{\"of_tomorrow\":1e999}', '{}')";
    ground.execute(row).await.unwrap();
    let other = ground.open().await;
    for reading in [other.load(&desk()).await, ledger.refresh(&desk()).await] {
        assert!(matches!(&reading, Err(StoreError::Unreadable(_))), "{reading:?}");
        assert!(reading.unwrap_err().to_string().contains("event 101 of helpdesk default"));
    }
    let facts = ledger.events_after(&desk(), 100, 10).await;
    assert!(matches!(facts, Err(FactsError::Unreadable(_))), "{facts:?}");
    assert_eq!(ledger.head(&desk()).await.unwrap(), 101);
}
