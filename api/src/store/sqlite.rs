//! The event log in one SQLite file: a single writer, some readers, and every commit on the disk before it counts.
//!
//! Appends share the one connection that writes, and what waits for it shares a commit. A dropped request leaves
//! nothing open.

use super::appends::{Append, Appends, Write};
use super::snapshot::Snapshot;
use super::{OVERLAP, QUEUE, Row, StoreError, patiently, signed};
use cqrs_es::persist::SerializedEvent;
use domain::{AuthConfig, HelpdeskId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use std::path::Path;
use tokio::sync::Mutex;

pub(crate) struct SqliteLog {
    read: SqlitePool,
    pub(super) appends: Appends<Writer>,
}

/// The connection that writes. SQLite has one writer at a time; this is ours.
pub(super) struct Writer(pub(super) Mutex<SqliteConnection>);

const READERS: u32 = 4;

/// Each row is an array: stream, version, event, its version, payload, metadata, and what it stands behind: version and
/// hash. SQLite reads them all before it writes the first.
const APPEND: &str = "
INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
SELECT $1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5
  FROM json_each($2)
 WHERE (value ->> 6 = 0 OR (SELECT metadata ->> '$.hash' FROM events WHERE aggregate_type = $1
                            AND aggregate_id = value ->> 0 AND sequence = value ->> 6) = value ->> 7)
   AND (SELECT 1 FROM events WHERE aggregate_type = $1 AND aggregate_id = value ->> 0
        AND sequence = value ->> 6 + 1) IS NULL
RETURNING aggregate_id";

const EVENTS_AFTER: &str = "
SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata FROM events
 WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4";

const EVENTS_OF_COMMAND: &str = "
SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata FROM events
 WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 AND json_extract(metadata, '$.command') = $4
 ORDER BY sequence";

const HEAD: &str = "SELECT coalesce(max(sequence), 0) FROM events WHERE aggregate_type = $1 AND aggregate_id = $2";

/// Steps from stream to stream through the primary key, however long the streams are.
const HELPDESKS: &str = "
WITH RECURSIVE stream (id, place) AS (
    SELECT (SELECT min(aggregate_id) FROM events WHERE aggregate_type = $1 AND aggregate_id > $2), 1
    UNION ALL
    SELECT (SELECT min(aggregate_id) FROM events WHERE aggregate_type = $1 AND aggregate_id > stream.id), place + 1
      FROM stream WHERE stream.id IS NOT NULL AND place < $3)
SELECT id FROM stream WHERE id IS NOT NULL ORDER BY place";

/// A clock that was set back must hide nothing, so the past begins no later than the database's own now.
const CHANGED_SINCE: &str = "
WITH clock (now) AS (SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER))
SELECT now, (SELECT json_group_array(DISTINCT aggregate_id) FROM events
              WHERE aggregate_type = $1 AND recorded_at >= (SELECT min($2, now) - $3 FROM clock))
  FROM clock";

/// SQLite counts, for each connection, what other connections wrote.
const EDITION: &str = "
SELECT data_version, CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) FROM pragma_data_version";

const SNAPSHOT: &str = "SELECT schema, sequence, hash, payload FROM snapshots WHERE aggregate_id = $1";

const KEEP_SNAPSHOT: &str = "
INSERT INTO snapshots (aggregate_id, schema, sequence, hash, payload) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (aggregate_id) DO UPDATE
   SET schema = excluded.schema, sequence = excluded.sequence, hash = excluded.hash, payload = excluded.payload
 WHERE excluded.sequence > snapshots.sequence
    OR excluded.sequence = snapshots.sequence AND excluded.schema <> snapshots.schema";

impl SqliteLog {
    pub(super) async fn open(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(QUEUE).disable_statement_logging();
        let writer = options
            .clone()
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        // A file does not go away like a server: asking it whether it is there would be a detour for every statement.
        let pool = SqlitePoolOptions::new().test_before_acquire(false);
        let pool = pool.acquire_timeout(QUEUE).idle_timeout(None).max_lifetime(None);
        let write = pool.clone().max_connections(1).connect_with(writer).await?;
        migrations::EVENTS_SQLITE.run(&write).await?;
        let write = write.acquire().await?.detach();
        let read = pool.max_connections(READERS).connect_with(options.read_only(true)).await?;
        Ok(Self { read, appends: Appends::new(Writer(Mutex::new(write))) })
    }

    pub(super) async fn events_after(
        &self,
        helpdesk: &HelpdeskId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        let query = sqlx::query_as::<_, Row>(EVENTS_AFTER).bind(AuthConfig::STREAM_TYPE).bind(helpdesk.as_str());
        let rows = patiently(query.bind(signed(after)).bind(i64::from(limit)).fetch_all(&self.read)).await?;
        Ok(rows.into_iter().map(SerializedEvent::from).collect())
    }

    pub(super) async fn tail(&self, helpdesk: &HelpdeskId, after: u64) -> Result<Vec<SerializedEvent>, StoreError> {
        self.events_after(helpdesk, after, u32::MAX).await
    }

    pub(super) async fn events_of_command(
        &self,
        helpdesk: &HelpdeskId,
        command: &str,
        after: u64,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        let query = sqlx::query_as::<_, Row>(EVENTS_OF_COMMAND).bind(AuthConfig::STREAM_TYPE).bind(helpdesk.as_str());
        let rows = patiently(query.bind(signed(after)).bind(command).fetch_all(&self.read)).await?;
        Ok(rows.into_iter().map(SerializedEvent::from).collect())
    }

    pub(super) async fn head(&self, helpdesk: &HelpdeskId) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar::<_, i64>(HEAD).bind(AuthConfig::STREAM_TYPE).bind(helpdesk.as_str());
        Ok(patiently(query.fetch_one(&self.read)).await?.unsigned_abs())
    }

    pub(super) async fn helpdesks(
        &self,
        after: Option<&HelpdeskId>,
        limit: u32,
    ) -> Result<Vec<HelpdeskId>, StoreError> {
        let after = after.map_or("", HelpdeskId::as_str);
        let query = sqlx::query_scalar::<_, String>(HELPDESKS).bind(AuthConfig::STREAM_TYPE).bind(after);
        let ids = patiently(query.bind(i64::from(limit)).fetch_all(&self.read)).await?;
        Ok(ids.into_iter().take(limit as usize).map(HelpdeskId::new).collect())
    }

    pub(super) async fn changed_since(&self, since: i64) -> Result<(Vec<HelpdeskId>, i64), StoreError> {
        let query = sqlx::query_as::<_, (i64, String)>(CHANGED_SINCE).bind(AuthConfig::STREAM_TYPE).bind(since);
        let (now, ids) = patiently(query.bind(OVERLAP).fetch_one(&self.read)).await?;
        let ids = serde_json::from_str(&ids).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok((ids, now))
    }

    pub(super) async fn edition(&self) -> Result<(i64, i64), StoreError> {
        let mut write = self.appends.writer().0.lock().await;
        patiently(sqlx::query_as(EDITION).fetch_one(&mut *write)).await
    }

    pub(super) async fn snapshot(&self, helpdesk: &HelpdeskId) -> Result<Option<Snapshot>, StoreError> {
        patiently(sqlx::query_as(SNAPSHOT).bind(helpdesk.as_str()).fetch_optional(&self.read)).await
    }

    pub(super) async fn keep_snapshot(&self, helpdesk: &HelpdeskId, snapshot: &Snapshot) -> Result<(), StoreError> {
        let query = sqlx::query(KEEP_SNAPSHOT).bind(helpdesk.as_str()).bind(snapshot.schema).bind(snapshot.sequence);
        let mut write = self.appends.writer().0.lock().await;
        patiently(query.bind(&snapshot.hash).bind(&snapshot.payload).execute(&mut *write)).await.map(|_| ())
    }
}

impl Write for Writer {
    async fn write(&self, appends: &[&Append]) -> Result<Vec<String>, sqlx::Error> {
        let rows: Vec<_> = appends
            .iter()
            .flat_map(|append| append.events.iter().map(move |event| (append, event)))
            .map(|(append, e)| {
                let (payload, metadata) = (e.payload.to_string(), e.metadata.to_string());
                let behind = (append.behind, &append.prev);
                (&append.stream, e.sequence, &e.event_type, &e.event_version, payload, metadata, behind.0, behind.1)
            })
            .collect();
        let rows = serde_json::to_string(&rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let query = sqlx::query_scalar(APPEND).bind(AuthConfig::STREAM_TYPE).bind(rows);
        query.fetch_all(&mut *self.0.lock().await).await
    }
}
