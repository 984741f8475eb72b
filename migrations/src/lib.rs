//! The SQL that makes the tables of the event log, the accounts and the read models. Nothing but SQL lives here.
//!
//! In PostgreSQL several sets share one database and so one list of what was applied. Each set therefore numbers its
//! files from a thousand of its own and passes over numbers that are not its own.

use sqlx::migrate::Migrator;

/// The event log's tables in SQLite.
pub static EVENTS_SQLITE: Migrator = sqlx::migrate!("events/sqlite");

/// The event log's tables in PostgreSQL, numbered from 1.
pub static EVENTS_POSTGRES: Migrator = Migrator { ignore_missing: true, ..sqlx::migrate!("events/postgres") };

/// The tables of people: accounts, sessions, tokens, links, lockout, sign-ins; numbered from 2001.
pub static ACCOUNTS: Migrator = Migrator { ignore_missing: true, ..sqlx::migrate!("./accounts") };
