//! The event log in PostgreSQL: one statement an append, one round trip, one durable commit.
//!
//! A replay upon a snapshot goes through postgres-es on our own table. Where the library cannot do it (a page, a
//! batch in one statement, a statement text that stays the same and so stays prepared) there is SQL of ours.

use super::snapshot::Snapshot;
use super::words::Words;
use super::{OVERLAP, PATIENCE, QUEUE, Row, StoreError, patiently, signed};
use cqrs_es::persist::{PersistedEventRepository as _, PersistenceError, SerializedEvent};
use domain::{AuthConfig, HelpdeskId};
use futures::FutureExt as _;
use postgres_es::PostgresEventRepository;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};
use std::panic::AssertUnwindSafe;
use std::str::FromStr as _;
use std::time::Duration;

pub(crate) struct PostgresLog {
    pool: PgPool,
    repository: PostgresEventRepository,
    pub(super) words: Words,
}

/// A connection that rested for so long is asked whether it still lives. A busy one is not: that would be a second
/// round trip for every append.
const RESTED: Duration = Duration::from_secs(1);

const APPEND: &str = "
INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
SELECT $1, $2, sequence, event_type, event_version, payload::json, metadata::json
  FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
    AS new (sequence, event_type, event_version, payload, metadata)
 WHERE $8 = 0::bigint OR EXISTS (SELECT 1 FROM events WHERE aggregate_type = $1 AND aggregate_id = $2
                                 AND sequence = $8 AND strpos(metadata::text, $9) > 0)";

const EVENTS_AFTER: &str = "
SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text FROM events
 WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4";

const EVENTS_OF_COMMAND: &str = "
SELECT aggregate_type, aggregate_id, sequence, event_type, event_version, payload::text, metadata::text FROM events
 WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence > $3 AND strpos(metadata::text, $4) > 0
 ORDER BY sequence";

const HEAD: &str = "SELECT coalesce(max(sequence), 0) FROM events WHERE aggregate_type = $1 AND aggregate_id = $2";

/// Steps from stream to stream through the primary key, however long the streams are.
const HELPDESKS: &str = "
WITH RECURSIVE stream (id, place) AS (
    SELECT (SELECT min(aggregate_id) FROM events WHERE aggregate_type = $1 AND aggregate_id > $2), 1::bigint
    UNION ALL
    SELECT (SELECT min(aggregate_id) FROM events WHERE aggregate_type = $1 AND aggregate_id > stream.id), place + 1
      FROM stream WHERE stream.id IS NOT NULL AND place < $3)
SELECT id FROM stream WHERE id IS NOT NULL ORDER BY place";

/// A clock that was set back must hide nothing, so the past begins no later than the database's own now.
const CHANGED_SINCE: &str = "
SELECT (extract(epoch FROM now()) * 1000)::bigint,
       ARRAY(SELECT DISTINCT aggregate_id FROM events WHERE aggregate_type = $1 AND recorded_at >=
             to_timestamp((least($2::bigint, (extract(epoch FROM now()) * 1000)::bigint) - $3::bigint) / 1000.0))";

const SNAPSHOT: &str = "SELECT schema, sequence, hash, payload FROM snapshots WHERE aggregate_id = $1";

const KEEP_SNAPSHOT: &str = "
INSERT INTO snapshots (aggregate_id, schema, sequence, hash, payload) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (aggregate_id) DO UPDATE
   SET schema = excluded.schema, sequence = excluded.sequence, hash = excluded.hash, payload = excluded.payload
 WHERE excluded.sequence > snapshots.sequence
    OR excluded.sequence = snapshots.sequence AND excluded.schema <> snapshots.schema";

impl PostgresLog {
    pub(super) async fn open(url: &str, connections: u32) -> Result<Self, StoreError> {
        let options = PgConnectOptions::from_str(url)?.application_name("gateledger").disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(QUEUE)
            .test_before_acquire(false)
            .before_acquire(|connection, about| {
                Box::pin(async move { Ok(about.idle_for < RESTED || connection.ping().await.is_ok()) })
            })
            .connect_with(options.clone())
            .await?;
        migrations::EVENTS_POSTGRES.run(&pool).await?;
        let repository = PostgresEventRepository::new(pool.clone());
        Ok(Self { pool, repository, words: Words::start(options) })
    }

    /// How many rows were written: all, or none because the event before is not the one with the hash `prev`.
    pub(super) async fn append(
        &self,
        first: &SerializedEvent,
        prev: &str,
        events: &[SerializedEvent],
    ) -> Result<u64, StoreError> {
        let texts = |of: fn(&SerializedEvent) -> String| events.iter().map(of).collect::<Vec<_>>();
        let append = sqlx::query(APPEND)
            .bind(&first.aggregate_type)
            .bind(&first.aggregate_id)
            .bind(events.iter().map(|e| signed(e.sequence as u64)).collect::<Vec<_>>())
            .bind(texts(|e| e.event_type.clone()))
            .bind(texts(|e| e.event_version.clone()))
            .bind(texts(|e| e.payload.to_string()))
            .bind(texts(|e| e.metadata.to_string()))
            .bind(signed(first.sequence as u64) - 1)
            .bind(entry("hash", prev))
            .execute(&self.pool);
        let done = tokio::time::timeout(PATIENCE, append).await.map_err(|_| StoreError::silent())?;
        Ok(done.map_err(StoreError::of_append)?.rows_affected())
    }

    pub(super) async fn events_after(
        &self,
        helpdesk: &HelpdeskId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        let query = sqlx::query_as::<_, Row>(EVENTS_AFTER).bind(AuthConfig::STREAM_TYPE).bind(helpdesk.as_str());
        let rows = patiently(query.bind(signed(after)).bind(i64::from(limit)).fetch_all(&self.pool)).await?;
        Ok(rows.into_iter().map(SerializedEvent::from).collect())
    }

    /// The library panics at JSON that serde does not take but PostgreSQL does (a number out of range, half a
    /// surrogate pair). Then our own reading finds the event and names it.
    pub(super) async fn tail(&self, helpdesk: &HelpdeskId, after: u64) -> Result<Vec<SerializedEvent>, StoreError> {
        let after_here = usize::try_from(after).unwrap_or(usize::MAX);
        let reading = self.repository.get_last_events::<AuthConfig>(helpdesk.as_str(), after_here);
        let reading = AssertUnwindSafe(reading).catch_unwind();
        match tokio::time::timeout(PATIENCE, reading).await.map_err(|_| StoreError::silent())? {
            Ok(Ok(events)) => Ok(events),
            Ok(Err(error)) => Err(of_library(error)),
            Err(_) => self.events_after(helpdesk, after, u32::MAX).await,
        }
    }

    pub(super) async fn events_of_command(
        &self,
        helpdesk: &HelpdeskId,
        command: &str,
        after: u64,
    ) -> Result<Vec<SerializedEvent>, StoreError> {
        let query = sqlx::query_as::<_, Row>(EVENTS_OF_COMMAND).bind(AuthConfig::STREAM_TYPE).bind(helpdesk.as_str());
        let rows = patiently(query.bind(signed(after)).bind(entry("command", command)).fetch_all(&self.pool)).await?;
        Ok(rows.into_iter().map(SerializedEvent::from).collect())
    }

    pub(super) async fn head(&self, helpdesk: &HelpdeskId) -> Result<u64, StoreError> {
        let query = sqlx::query_scalar::<_, i64>(HEAD).bind(AuthConfig::STREAM_TYPE).bind(helpdesk.as_str());
        Ok(patiently(query.fetch_one(&self.pool)).await?.unsigned_abs())
    }

    pub(super) async fn helpdesks(
        &self,
        after: Option<&HelpdeskId>,
        limit: u32,
    ) -> Result<Vec<HelpdeskId>, StoreError> {
        let after = after.map_or("", HelpdeskId::as_str);
        let query = sqlx::query_scalar::<_, String>(HELPDESKS).bind(AuthConfig::STREAM_TYPE).bind(after);
        let ids = patiently(query.bind(i64::from(limit)).fetch_all(&self.pool)).await?;
        Ok(ids.into_iter().take(limit as usize).map(HelpdeskId::new).collect())
    }

    pub(super) async fn changed_since(&self, since: i64) -> Result<(Vec<HelpdeskId>, i64), StoreError> {
        let query = sqlx::query_as::<_, (i64, Vec<String>)>(CHANGED_SINCE).bind(AuthConfig::STREAM_TYPE).bind(since);
        let (now, ids) = patiently(query.bind(OVERLAP).fetch_one(&self.pool)).await?;
        Ok((ids.into_iter().map(HelpdeskId::new).collect(), now))
    }

    pub(super) async fn snapshot(&self, helpdesk: &HelpdeskId) -> Result<Option<Snapshot>, StoreError> {
        patiently(sqlx::query_as(SNAPSHOT).bind(helpdesk.as_str()).fetch_optional(&self.pool)).await
    }

    pub(super) async fn keep_snapshot(&self, helpdesk: &HelpdeskId, snapshot: &Snapshot) -> Result<(), StoreError> {
        let query = sqlx::query(KEEP_SNAPSHOT).bind(helpdesk.as_str()).bind(snapshot.schema).bind(snapshot.sequence);
        patiently(query.bind(&snapshot.hash).bind(&snapshot.payload).execute(&self.pool)).await.map(|_| ())
    }
}

fn of_library(error: PersistenceError) -> StoreError {
    match error {
        PersistenceError::OptimisticLockError => StoreError::Conflict,
        PersistenceError::ConnectionError(error)
        | PersistenceError::DeserializationError(error)
        | PersistenceError::UnknownError(error) => StoreError::Unavailable(error.to_string()),
    }
}

/// A key and its value as they stand in our own compact JSON. Within a text, quotes are escaped, so it matches nothing
/// else. PostgreSQL's `->>` would refuse metadata in which any text holds `\u0000`, and so the whole stream after it.
fn entry(key: &str, value: &str) -> String {
    format!("{}:{}", Value::from(key), Value::from(value))
}
