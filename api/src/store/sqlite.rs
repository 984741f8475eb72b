//! The event log in one SQLite file: a single writer, some readers, and every commit on the disk before it counts.
//!
//! One task appends. What waits while it waits for the disk is written in one transaction and one commit after that;
//! each append is still one statement that succeeds or is refused by itself. A dropped request leaves nothing open.

use super::snapshot::Snapshot;
use super::{OVERLAP, QUEUE, Row, StoreError, patiently, signed};
use cqrs_es::persist::SerializedEvent;
use domain::{AuthConfig, HelpdeskId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, SqliteConnection};
use std::path::Path;
use tokio::sync::{mpsc, oneshot};

pub(crate) struct SqliteLog {
    pub(super) write: SqlitePool,
    read: SqlitePool,
    appends: mpsc::Sender<Append>,
}

/// An append that waits for its turn, and where its answer goes: how many rows were written.
struct Append {
    stream: (String, String),
    rows: String,
    behind: i64,
    prev: String,
    answer: oneshot::Sender<Result<u64, StoreError>>,
}

/// So many appends share a commit, and so many more may wait.
const TOGETHER: usize = 64;

const READERS: u32 = 4;

const APPEND: &str = "
INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
SELECT $1, $2, json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
       json_extract(value, '$[3]'), json_extract(value, '$[4]')
  FROM json_each($3)
 WHERE $4 = 0 OR EXISTS (SELECT 1 FROM events WHERE aggregate_type = $1 AND aggregate_id = $2 AND sequence = $4
                         AND json_extract(metadata, '$.hash') = $5)";

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
        let read = pool.max_connections(READERS).connect_with(options.read_only(true)).await?;
        let (appends, waiting) = mpsc::channel(TOGETHER);
        tokio::spawn(write_all(write.clone(), waiting));
        Ok(Self { write, read, appends })
    }

    /// How many rows were written: all, or none because the event before is not the one with the hash `prev`.
    pub(super) async fn append(
        &self,
        first: &SerializedEvent,
        prev: &str,
        events: &[SerializedEvent],
    ) -> Result<u64, StoreError> {
        let rows: Vec<_> = events
            .iter()
            .map(|e| (e.sequence, &e.event_type, &e.event_version, e.payload.to_string(), e.metadata.to_string()))
            .collect();
        let rows = serde_json::to_string(&rows).map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (answer, written) = oneshot::channel();
        let stream = (first.aggregate_type.clone(), first.aggregate_id.clone());
        let behind = signed(first.sequence as u64) - 1;
        let append = Append { stream, rows, behind, prev: prev.to_owned(), answer };
        let turn = async {
            self.appends.send(append).await.map_err(|_| StoreError::silent())?;
            written.await.map_err(|_| StoreError::silent())?
        };
        tokio::time::timeout(super::PATIENCE, turn).await.map_err(|_| StoreError::silent())?
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

    pub(super) async fn snapshot(&self, helpdesk: &HelpdeskId) -> Result<Option<Snapshot>, StoreError> {
        patiently(sqlx::query_as(SNAPSHOT).bind(helpdesk.as_str()).fetch_optional(&self.read)).await
    }

    pub(super) async fn keep_snapshot(&self, helpdesk: &HelpdeskId, snapshot: &Snapshot) -> Result<(), StoreError> {
        let query = sqlx::query(KEEP_SNAPSHOT).bind(helpdesk.as_str()).bind(snapshot.schema).bind(snapshot.sequence);
        patiently(query.bind(&snapshot.hash).bind(&snapshot.payload).execute(&self.write)).await.map(|_| ())
    }
}

/// Appends what waits, until nobody can wait any more.
async fn write_all(write: SqlitePool, mut waiting: mpsc::Receiver<Append>) {
    let mut batch = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut batch, TOGETHER).await > 0 {
        // Whoever went away was told that nobody answers; what they wanted need not happen behind their back.
        batch.retain(|append| !append.answer.is_closed());
        if batch.is_empty() {
            continue;
        }
        match write_together(&write, &batch).await {
            Ok(answers) => {
                for (append, answer) in batch.drain(..).zip(answers) {
                    let _ = append.answer.send(answer);
                }
            }
            Err(error) => {
                let why = error.to_string();
                for append in batch.drain(..) {
                    let _ = append.answer.send(Err(StoreError::Unavailable(why.clone())));
                }
            }
        }
    }
}

/// One commit for all of `batch`, and each one's answer. An error is everybody's: perhaps something was written, perhaps
/// not.
async fn write_together(write: &SqlitePool, batch: &[Append]) -> Result<Vec<Result<u64, StoreError>>, sqlx::Error> {
    if let [alone] = batch {
        return Ok(vec![write_one(&mut *write.acquire().await?, alone).await.map_err(StoreError::of_append)]);
    }
    // The write lock first, so that SQLite waits its turn before it reads anything.
    let mut transaction = write.begin_with("BEGIN IMMEDIATE").await?;
    let mut answers = Vec::with_capacity(batch.len());
    for append in batch {
        let answer = match write_one(&mut transaction, append).await {
            Ok(rows) => Ok(rows),
            // Refused by a constraint: that undoes this statement alone. After anything else SQLite may have undone the
            // whole transaction, and what came next would be written outside it.
            Err(error) if StoreError::is_taken(&error) => Err(StoreError::Conflict),
            Err(error) => return Err(error),
        };
        answers.push(answer);
    }
    transaction.commit().await?;
    Ok(answers)
}

async fn write_one(connection: &mut SqliteConnection, append: &Append) -> Result<u64, sqlx::Error> {
    let (kind, id) = &append.stream;
    let query = sqlx::query(APPEND).bind(kind).bind(id).bind(&append.rows).bind(append.behind).bind(&append.prev);
    Ok(query.execute(connection).await?.rows_affected())
}
