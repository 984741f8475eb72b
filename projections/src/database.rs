//! The database behind read models and accounts: SQLite or PostgreSQL through one set of statements.
//!
//! Statements say `$1`, which both understand, and use texts and 64-bit integers alone. SQLite has one writer
//! connection, since it has one writer, and some that only read; PostgreSQL has one pool that does both.

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{Any, AnyPool, ConnectOptions as _, Connection as _, Executor as _, Transaction};
use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

/// Which database it is, for the few statements that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// What a commit must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// A power cut: accounts, sessions, tokens.
    Full,
    /// Nothing: read models are made again from the facts.
    Disposable,
}

/// Open connections.
#[derive(Debug, Clone)]
pub struct Database {
    /// Which database it is.
    pub dialect: Dialect,
    /// For statements that only read.
    pub read: AnyPool,
    /// For everything else.
    pub write: AnyPool,
}

/// How long a request waits for a connection before it is told that the database does not answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that rested for so long is asked whether it still lives. A busy one is not: that would be a second
/// round trip for every statement.
const RESTED: Duration = Duration::from_secs(1);

fn pool_options() -> AnyPoolOptions {
    AnyPoolOptions::new().acquire_timeout(PATIENCE).test_before_acquire(false).before_acquire(|connection, about| {
        Box::pin(async move { Ok(about.idle_for < RESTED || connection.ping().await.is_ok()) })
    })
}

impl Database {
    /// Opens, or makes, the SQLite file at `path`.
    pub async fn sqlite(path: &Path, durability: Durability) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let synchronous = match durability {
            Durability::Full => "FULL",
            Durability::Disposable => "OFF",
        };
        let pragmas = format!(
            "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}; PRAGMA foreign_keys=ON;"
        );
        let pool = |url: String, connections: u32, pragmas: String| async move {
            pool_options()
                .max_connections(connections)
                .min_connections(1)
                .after_connect(move |connection, _| {
                    let pragmas = pragmas.clone();
                    Box::pin(async move { connection.execute(sqlx::raw_sql(&pragmas)).await.map(|_| ()) })
                })
                .connect_with(options(&url)?)
                .await
        };
        let url = |mode: &str| format!("sqlite://{}?mode={mode}", path.display());
        let write = pool(url("rwc"), 1, pragmas).await?;
        let read = pool(url("ro"), 4, "PRAGMA busy_timeout=5000;".to_owned()).await?;
        Ok(Self { dialect: Dialect::Sqlite, read, write })
    }

    /// Opens a pool of at most `connections` to the PostgreSQL database at `url`.
    pub async fn postgres(url: &str, connections: u32) -> Result<Self, sqlx::Error> {
        sqlx::any::install_default_drivers();
        let pool = pool_options().max_connections(connections).connect_with(options(url)?).await?;
        Ok(Self { dialect: Dialect::Postgres, read: pool.clone(), write: pool })
    }

    /// A transaction that writes, to `table` among others. SQLite's takes the writer's place at once, waiting for it if
    /// another program has it: one that began by reading could find, when it comes to write, that another has written,
    /// and would fail. Not by `BEGIN IMMEDIATE`: who goes away during sqlx's `begin_with` leaves the transaction open.
    pub async fn begin(&self, table: &'static str) -> Result<Transaction<'static, Any>, sqlx::Error> {
        let mut transaction = self.write.begin().await?;
        if self.dialect == Dialect::Sqlite {
            sqlx::query(&format!("DELETE FROM {table} WHERE 0")).execute(&mut *transaction).await?;
        }
        Ok(transaction)
    }
}

fn options(url: &str) -> Result<AnyConnectOptions, sqlx::Error> {
    Ok(AnyConnectOptions::from_str(url)?.disable_statement_logging())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::on_both;

    #[tokio::test]
    async fn a_transaction_that_begins_by_reading_may_write_while_another_program_does() {
        on_both(async |ground| {
            let (ours, theirs) = (ground.database().await, ground.database().await);
            ours.write.execute("CREATE TABLE written (who TEXT)").await.unwrap();

            let mut transaction = ours.begin("written").await.unwrap();
            sqlx::query("SELECT count(*) FROM written").fetch_one(&mut *transaction).await.unwrap();
            let other = tokio::spawn(async move { theirs.write.execute("INSERT INTO written VALUES ('them')").await });
            tokio::time::sleep(Duration::from_millis(200)).await;
            transaction.execute("INSERT INTO written VALUES ('us')").await.unwrap();
            transaction.commit().await.unwrap();
            other.await.unwrap().unwrap();

            let count = sqlx::query_as("SELECT count(*) FROM written").fetch_one(&ours.read).await;
            let (rows,): (i64,) = count.unwrap();
            assert_eq!(rows, 2);
        })
        .await;
    }
}
