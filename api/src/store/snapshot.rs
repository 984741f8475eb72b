//! Where a replay may begin: a helpdesk's state at some version, written beside the command's path.
//!
//! A snapshot is a convenience and never the truth: one of another schema, or that does not fit the stream, is
//! passed over, and all of them may be deleted.

use super::EventLog;
use super::ledger::Loaded;
use domain::{AuthConfig, HelpdeskId};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Counts up whenever `AuthConfig`'s stored shape or what `evolve` makes of an event changes.
pub(super) const SCHEMA: i64 = 2;

/// So many events apart.
pub(super) const EVERY: u64 = 100;

/// So many may wait to be written; one more is left out, and the next takes its place.
const WAITING: usize = 256;

/// A row of the snapshots table.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Snapshot {
    pub(super) schema: i64,
    pub(super) sequence: i64,
    pub(super) hash: String,
    pub(super) payload: String,
}

impl Snapshot {
    pub(super) fn of(loaded: &Loaded) -> Option<Self> {
        let payload = serde_json::to_string(&loaded.state).ok()?;
        Some(Self { schema: SCHEMA, sequence: super::signed(loaded.state.version), hash: loaded.hash.clone(), payload })
    }

    /// The state, if this program made it.
    pub(super) fn open(self) -> Option<Loaded> {
        let state: AuthConfig =
            if self.schema == SCHEMA { serde_json::from_str(&self.payload).ok()? } else { return None };
        (super::signed(state.version) == self.sequence).then_some(Loaded { state, hash: self.hash })
    }
}

/// A snapshot that is due.
pub(super) type Due = (HelpdeskId, Arc<Loaded>);

/// Writes what it is sent until the last sender is gone.
pub(super) fn start(log: Arc<EventLog>) -> mpsc::Sender<Due> {
    let (sender, mut due) = mpsc::channel::<Due>(WAITING);
    tokio::spawn(async move {
        while let Some((helpdesk, loaded)) = due.recv().await {
            let Some(snapshot) = Snapshot::of(&loaded) else { continue };
            if let Err(error) = log.keep_snapshot(&helpdesk, &snapshot).await {
                tracing::warn!(%helpdesk, %error, "no snapshot was written; the next will be");
            }
        }
    });
    sender
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Event;

    #[test]
    fn a_snapshot_of_another_schema_or_another_version_is_passed_over() {
        let mut loaded = Loaded::default();
        loaded.state.evolve(&Event::HelpdeskCreated { name: "H".into(), url: None });
        let snapshot = Snapshot::of(&loaded).unwrap();
        assert_eq!(snapshot.clone().open(), Some(loaded));
        assert_eq!(Snapshot { schema: SCHEMA + 1, ..snapshot.clone() }.open(), None);
        assert_eq!(Snapshot { sequence: 2, ..snapshot.clone() }.open(), None);
        assert_eq!(Snapshot { payload: "{}".into(), ..snapshot }.open(), None);
    }

    #[test]
    fn who_changes_the_shape_counts_the_schema_up() {
        let shape = r#"{"version":0,"name":"","url":null,"usersources":[],"standings":{},"proofs":[],"policies":{},"sessions_ended":{}}"#;
        assert_eq!((SCHEMA, serde_json::to_string(&AuthConfig::default()).unwrap().as_str()), (2, shape));
    }
}
