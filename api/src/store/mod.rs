//! The event logs: where every change is kept, once, in order, for good.
//!
//! One stream a helpdesk, numbered from 1 without gaps. A change of several events is one durable commit or nothing.
//! Everybody else speaks to the `Ledger`; which database is behind it shows nowhere above this folder.

mod appends;
mod cache;
#[cfg(test)]
mod conformance;
mod error;
mod event_store;
mod ledger;
mod postgres;
mod snapshot;
mod sqlite;
mod words;

pub use error::StoreError;
pub use event_store::Context;
pub use ledger::{Appended, Cursor, Ledger, Loaded};

use appends::Append;
use cqrs_es::persist::SerializedEvent;
use domain::HelpdeskId;
use postgres::PostgresLog;
use snapshot::Snapshot;
use sqlite::SqliteLog;
use std::future::Future;
use std::time::Duration;

/// How long a statement may take before the log counts as silent.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a request waits for a connection.
const QUEUE: Duration = Duration::from_secs(5);

/// A stored event may become visible so much later than its time stamp says, in milliseconds.
const OVERLAP: i64 = 5_000;

/// The databases that can hold the log.
pub(crate) enum EventLog {
    /// One file on this machine.
    Sqlite(SqliteLog),
    /// A server that several nodes share.
    Postgres(Box<PostgresLog>),
}

macro_rules! of_either {
    ($self:ident, $log:ident => $answer:expr) => {
        match $self {
            EventLog::Sqlite($log) => $answer,
            EventLog::Postgres($log) => $answer,
        }
    };
}

impl EventLog {
    /// Appends the whole of `events`, or nothing. `prev` is the hash of the event before the first.
    async fn append(&self, prev: &str, events: Vec<SerializedEvent>) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        let (stream, behind) = (first.aggregate_id.clone(), signed(first.sequence as u64) - 1);
        let append = Append { stream, behind, prev: prev.to_owned(), events };
        of_either!(self, log => log.appends.append(append).await)
    }

    /// The events after `after`, at most `limit`.
    async fn events_after(
        &self,
        helpdesk: &HelpdeskId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        of_either!(self, log => log.events_after(helpdesk, after, limit).await)
    }

    /// The events after `after`, all of them.
    async fn tail(&self, helpdesk: &HelpdeskId, after: u64) -> Result<Vec<SerializedEvent>, StoreError> {
        of_either!(self, log => log.tail(helpdesk, after).await)
    }

    async fn events_of_command(
        &self,
        helpdesk: &HelpdeskId,
        command: &str,
        after: u64,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        of_either!(self, log => log.events_of_command(helpdesk, command, after).await)
    }

    async fn head(&self, helpdesk: &HelpdeskId) -> Result<u64, StoreError> {
        of_either!(self, log => log.head(helpdesk).await)
    }

    async fn helpdesks(&self, after: Option<&HelpdeskId>, limit: u32) -> Result<Vec<HelpdeskId>, StoreError> {
        of_either!(self, log => log.helpdesks(after, limit).await)
    }

    /// The database's time, and who changed since `since`, less the overlap.
    async fn changed_since(&self, since: i64) -> Result<(Vec<HelpdeskId>, i64), StoreError> {
        of_either!(self, log => log.changed_since(since).await)
    }

    /// How far the database has counted what others than this process wrote into it, and its time; `None` where it does
    /// not count.
    async fn edition(&self) -> Result<Option<(i64, i64)>, StoreError> {
        match self {
            Self::Sqlite(log) => log.edition().await.map(Some),
            Self::Postgres(_) => Ok(None),
        }
    }

    async fn snapshot(&self, helpdesk: &HelpdeskId) -> Result<Option<Snapshot>, StoreError> {
        of_either!(self, log => log.snapshot(helpdesk).await)
    }

    /// Keeps the snapshot unless a newer one is there.
    async fn keep_snapshot(&self, helpdesk: &HelpdeskId, snapshot: &Snapshot) -> Result<(), StoreError> {
        of_either!(self, log => log.keep_snapshot(helpdesk, snapshot).await)
    }

    /// Tells other nodes, where there can be any. Never waits.
    fn tell(&self, helpdesk: &HelpdeskId) {
        if let Self::Postgres(log) = self {
            log.words.tell(helpdesk);
        }
    }
}

/// Waits for the database, but not for ever.
async fn patiently<T>(answer: impl Future<Output = Result<T, sqlx::Error>> + Send) -> Result<T, StoreError> {
    Ok(tokio::time::timeout(PATIENCE, answer).await.map_err(|_| StoreError::silent())??)
}

/// A row of the events table, its JSON still in text.
#[derive(sqlx::FromRow)]
struct Row {
    aggregate_type: String,
    aggregate_id: String,
    sequence: i64,
    event_type: String,
    event_version: String,
    payload: String,
    metadata: String,
}

impl From<Row> for SerializedEvent {
    /// What is not JSON becomes null, which no event is: it is then refused as unreadable, by its name.
    fn from(row: Row) -> Self {
        Self::new(
            row.aggregate_id,
            usize::try_from(row.sequence).unwrap_or_default(),
            row.aggregate_type,
            row.event_type,
            row.event_version,
            serde_json::from_str(&row.payload).unwrap_or_default(),
            serde_json::from_str(&row.metadata).unwrap_or_default(),
        )
    }
}

/// As databases count.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
