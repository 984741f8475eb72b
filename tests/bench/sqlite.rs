//! Commands on SQLite, against a loop of rows that are each on the disk before the next.

use crate::child::Child;
use crate::desks::{Desks, LASTING, Row};
use crate::rounds::{Figure, Goal, rounds};
use black_box::folder::Folder;
use black_box::{Installation, Store};
use serde_json::{Value, json};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use std::time::{Duration, Instant};

/// Clients at a time, each on a helpdesk of its own.
const CLIENTS: usize = 32;

/// A table like the service's.
pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS events (
    aggregate_type TEXT NOT NULL, aggregate_id TEXT NOT NULL, sequence INTEGER NOT NULL, event_type TEXT NOT NULL,
    event_version TEXT NOT NULL, payload TEXT NOT NULL, metadata TEXT NOT NULL, recorded_at INTEGER NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)) STRICT;
    CREATE INDEX IF NOT EXISTS events_recorded_at ON events (recorded_at)";

/// One row of it.
pub const INSERT: &str = "INSERT INTO events VALUES ('auth_config', $1, $2, 'UsersourceChanged', '1', $3, $4, $5)";

/// Measures both.
pub async fn measure() -> Vec<Figure> {
    let desks = Desks::set_up(Installation::fresh(Store::Sqlite).await, CLIENTS).await;
    desks.command(usize::MAX, 0..1);
    let row = desks.row(None).await;
    // On the same file system as the service's files.
    let folder = Folder::new("rows");
    let (file, orders) = (folder.path().join("rows.db"), folder.path().join("row.json"));
    std::fs::write(&orders, row.to_json().to_string()).unwrap_or_else(|e| panic!("cannot write the row: {e}"));
    let words = [file.display().to_string(), orders.display().to_string(), LASTING.as_millis().to_string()];
    let mut rows = |round: usize| {
        let mut child = Child::serving(&["rows", &words[0], &words[1], &words[2], &round.to_string()]);
        child.told()["rate"].as_f64().unwrap_or(0.0)
    };
    let measured = rounds(&mut [&mut rows, &mut |round| desks.command(round, 0..1).rate, &mut |round| {
        desks.command(round + 1000, 0..CLIENTS).rate
    }]);
    let [rows, one, all] = measured.as_slice() else { return Vec::new() };
    let limit = (rows.as_slice(), "one row a durable commit");
    vec![
        Figure::ratio("a command, SQLite, 1 client", "a second", one, limit, Goal::AtLeast(0.60)),
        Figure::ratio("a command, SQLite, 32 clients", "a second", all, limit, Goal::AtLeast(0.60)),
    ]
}

/// The process itself: a loop of inserts, each its own commit, with the pragmas of the service's log.
pub async fn insert(file: &str, orders: &str, milliseconds: u64, round: &str) -> Value {
    let orders = std::fs::read_to_string(orders).unwrap_or_else(|e| panic!("no orders: {e}"));
    let orders: Value = serde_json::from_str(&orders).unwrap_or_else(|e| panic!("no orders: {e}"));
    let text = |name: &str| orders[name].as_str().unwrap_or_default().to_owned();
    let row = Row { payload: text("payload"), metadata: text("metadata") };
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let connection = SqliteConnection::connect_with(&options).await;
    let mut connection = connection.unwrap_or_else(|e| panic!("cannot open the file: {e}"));
    connection.execute(sqlx::raw_sql(TABLE)).await.unwrap_or_else(|e| panic!("cannot make the table: {e}"));
    let began = Instant::now();
    let lasting = Duration::from_millis(milliseconds);
    let mut done = 0_i64;
    while began.elapsed() < lasting {
        let insert = sqlx::query(INSERT).bind(format!("desk-{round}")).bind(done).bind(&row.payload);
        let inserted = insert.bind(&row.metadata).bind(done).execute(&mut connection).await;
        inserted.unwrap_or_else(|e| panic!("cannot insert: {e}"));
        done += 1;
    }
    json!({"rate": done as f64 / began.elapsed().as_secs_f64()})
}
