//! The SQL that makes the tables of the event log, the accounts and the read models. Nothing but SQL lives here.

use sqlx::migrate::Migrator;

/// The tables of people: accounts, sessions, tokens, links, lockout, sign-ins.
///
/// In PostgreSQL several sets share one database and so one list of what was applied. Each set therefore numbers its
/// files from a thousand of its own (this one from 2001) and passes over numbers that are not its own.
pub static ACCOUNTS: Migrator = Migrator { ignore_missing: true, ..sqlx::migrate!("./accounts") };
