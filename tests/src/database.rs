//! A PostgreSQL database that is there for one test, inside the server that the tests are given.

use sqlx::{Connection as _, Executor as _, PgConnection};

/// What a test is told that needs a server and has none.
const MISSING: &str = "GATELEDGER_TEST_POSTGRES must be the URL of a PostgreSQL superuser, such as \
     postgres://postgres@127.0.0.1:5432/postgres; `tests/run` starts a server and sets it";

/// A fresh, empty database; dropped with this, as best it can be.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// Makes one in the server that `GATELEDGER_TEST_POSTGRES` names.
    pub async fn fresh() -> Self {
        let server = std::env::var("GATELEDGER_TEST_POSTGRES").unwrap_or_else(|_| panic!("{MISSING}"));
        let name = format!("gateledger_{}", uuid::Uuid::new_v4().simple());
        execute(&server, format!("CREATE DATABASE {name}"))
            .await
            .unwrap_or_else(|e| panic!("cannot make a database for the test: {e}"));
        Self { server, name }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        let (before, _) = self.server.rsplit_once('/').unwrap_or_else(|| panic!("{MISSING}"));
        format!("{before}/{}", self.name)
    }

    /// Everything in it as text, by `pg_dump`.
    pub fn dump(&self) -> String {
        let dump = std::process::Command::new(crate::postgres::tool("pg_dump"))
            .arg(self.url())
            .output()
            .unwrap_or_else(|e| panic!("cannot run pg_dump: {e}"));
        assert!(dump.status.success(), "pg_dump failed: {}", String::from_utf8_lossy(&dump.stderr));
        String::from_utf8_lossy(&dump.stdout).into_owned()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, drop) = (self.server.clone(), format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        // Dropping happens within a runtime that must not be blocked on, so it gets a thread and a runtime of its own.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map(|runtime| runtime.block_on(execute(&server, drop)))
        });
        let _ = dropping.join();
    }
}

async fn execute(server: &str, statement: String) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(server).await?;
    connection.execute(sqlx::raw_sql(&statement)).await?;
    connection.close().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_database_is_fresh_can_be_dumped_and_is_gone_when_dropped() {
        let database = Database::fresh().await;
        execute(&database.url(), "CREATE TABLE planted (word text); INSERT INTO planted VALUES ('here')".into())
            .await
            .unwrap();
        assert!(database.dump().contains("here"));
        let url = database.url();
        drop(database);
        assert!(PgConnection::connect(&url).await.is_err(), "it is gone");
    }
}
