//! The event log in PostgreSQL: one statement for all appends that wait, one round trip, one durable commit.
//!
//! A replay upon a snapshot goes through postgres-es on our own table. Where the library cannot do it (a page, a
//! batch in one statement, a statement text that stays the same and so stays prepared) there is SQL of ours.

use super::appends::{Append, Appends, Write};
use super::snapshot::Snapshot;
use super::words::Words;
use super::{OVERLAP, PATIENCE, QUEUE, Row, StoreError, patiently, signed};
use cqrs_es::persist::{PersistedEventRepository as _, PersistenceError, SerializedEvent};
use domain::{AuthConfig, HelpdeskId};
use futures::FutureExt as _;
use postgres_es::PostgresEventRepository;
use serde_json::Value;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use std::panic::AssertUnwindSafe;
use std::str::FromStr as _;
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

pub(crate) struct PostgresLog {
    pool: PgPool,
    repository: PostgresEventRepository,
    pub(super) appends: Appends<Writer>,
    pub(super) words: Words,
}

/// The connection that appends, once it is needed, and when it was last used.
pub(super) struct Writer {
    options: PgConnectOptions,
    connection: Mutex<Option<(PgConnection, Instant)>>,
}

/// A connection that rested for so long is asked whether it still lives. A busy one is not: that would be a second
/// round trip for every append.
const RESTED: Duration = Duration::from_secs(1);

/// What is asked of the log is asked for each append by itself, so that the planner cannot read the whole log for many.
/// Nodes that append to the same streams at once take them in the same order.
const APPEND: &str = "
INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
SELECT $1, new.id, new.sequence, new.event_type, new.event_version, new.payload::json, new.metadata::json
  FROM unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[])
    AS new (id, sequence, event_type, event_version, payload, metadata, behind, prev)
 WHERE (new.behind = 0 OR (SELECT strpos(e.metadata::text, new.prev) > 0 FROM events e WHERE e.aggregate_type = $1
                           AND e.aggregate_id = new.id AND e.sequence = new.behind))
   AND (SELECT true FROM events e WHERE e.aggregate_type = $1 AND e.aggregate_id = new.id
        AND e.sequence = new.behind + 1) IS NULL
 ORDER BY new.id COLLATE \"C\", new.sequence
RETURNING aggregate_id";

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
        let appends = Appends::new(Writer::new(&options));
        Ok(Self { pool, repository, appends, words: Words::start(options) })
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

impl Writer {
    fn new(options: &PgConnectOptions) -> Self {
        // A plan that was made while the log was short must not read all of it when it is long.
        let options = options.clone().options([("enable_seqscan", "off"), ("plan_cache_mode", "force_generic_plan")]);
        Self { options, connection: Mutex::default() }
    }

    async fn connect(&self, held: Option<(PgConnection, Instant)>) -> Result<PgConnection, sqlx::Error> {
        if let Some((mut connection, used)) = held
            && (used.elapsed() < RESTED || connection.ping().await.is_ok())
        {
            return Ok(connection);
        }
        PgConnection::connect_with(&self.options).await
    }
}

impl Write for Writer {
    async fn write(&self, appends: &[&Append]) -> Result<Vec<String>, sqlx::Error> {
        let mut rows = Rows::default();
        appends.iter().for_each(|append| rows.add(append));
        let mut held = self.connection.lock().await;
        let mut connection = self.connect(held.take()).await?;
        let query = sqlx::query_scalar(APPEND)
            .bind(AuthConfig::STREAM_TYPE)
            .bind(rows.streams)
            .bind(rows.sequences)
            .bind(rows.types)
            .bind(rows.versions)
            .bind(rows.payloads)
            .bind(rows.metadata)
            .bind(rows.behind)
            .bind(rows.prev);
        let written = query.fetch_all(&mut connection).await;
        // After any other error, and if nobody waits for the answer any more, the next append has a new connection.
        if written.as_ref().err().is_none_or(StoreError::is_taken) {
            *held = Some((connection, Instant::now()));
        }
        written
    }
}

/// Column by column.
#[derive(Default)]
struct Rows<'a> {
    streams: Vec<&'a str>,
    sequences: Vec<i64>,
    types: Vec<&'a str>,
    versions: Vec<&'a str>,
    payloads: Vec<String>,
    metadata: Vec<String>,
    behind: Vec<i64>,
    prev: Vec<String>,
}

impl<'a> Rows<'a> {
    fn add(&mut self, append: &'a Append) {
        for event in &append.events {
            self.streams.push(&append.stream);
            self.sequences.push(signed(event.sequence as u64));
            self.types.push(&event.event_type);
            self.versions.push(&event.event_version);
            self.payloads.push(event.payload.to_string());
            self.metadata.push(event.metadata.to_string());
            self.behind.push(append.behind);
            self.prev.push(entry("hash", &append.prev));
        }
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
