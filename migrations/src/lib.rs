//! The SQL that makes the tables of the event log, the accounts and the read models. Nothing but SQL lives here.

use sqlx::migrate::Migrator;

/// The event log's tables in SQLite.
pub static EVENTS_SQLITE: Migrator = sqlx::migrate!("events/sqlite");

/// The event log's tables in PostgreSQL.
pub static EVENTS_POSTGRES: Migrator = sqlx::migrate!("events/postgres");
