//! A fresh database for one test, with a way past the ledger for those who play the intruder.

use crate::store::Ledger;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use std::future::Future;
use std::path::PathBuf;

#[derive(Clone)]
pub(super) enum Ground {
    Sqlite(PathBuf),
    Postgres { server: String, database: String },
}

impl Ground {
    pub(super) fn sqlite() -> Self {
        let folder = std::env::temp_dir().join(format!("gateledger-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        Self::Sqlite(folder)
    }

    pub(super) async fn postgres() -> Self {
        let server = std::env::var("GATELEDGER_TEST_POSTGRES")
            .expect("GATELEDGER_TEST_POSTGRES must name a PostgreSQL database, as a superuser's URL");
        let database = format!("gateledger_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        connection.execute(format!("CREATE DATABASE {database}").as_str()).await.unwrap();
        Self::Postgres { server, database }
    }

    /// Runs the test, clears up, and only then lets it fail.
    pub(super) async fn stand(self, test: impl Future<Output = ()> + Send + 'static) {
        let outcome = tokio::spawn(test).await;
        match &self {
            Self::Sqlite(folder) => std::fs::remove_dir_all(folder).unwrap(),
            Self::Postgres { server, database } => {
                let mut connection = PgConnection::connect(server).await.unwrap();
                let drop = format!("DROP DATABASE {database} WITH (FORCE)");
                connection.execute(drop.as_str()).await.unwrap();
            }
        }
        outcome.unwrap();
    }

    /// A ledger of its own, as another process would open it.
    pub(super) async fn open(&self) -> Ledger {
        match self {
            Self::Sqlite(_) => Ledger::open_sqlite(&self.file()).await.unwrap(),
            Self::Postgres { .. } => Ledger::open_postgres(&self.url(), 8).await.unwrap(),
        }
    }

    pub(super) fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(folder) => folder.join("events.sqlite"),
            Self::Postgres { .. } => panic!("there is no file"),
        }
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Sqlite(_) => panic!("there is no URL"),
            Self::Postgres { server, database } => {
                let mut url = url::Url::parse(server).unwrap();
                url.set_path(database);
                url.into()
            }
        }
    }

    /// Past the ledger.
    pub(super) async fn execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite(_) => self.file_connection().await.execute(sql).await.map(|_| ()),
            Self::Postgres { .. } => self.server_connection().await.execute(sql).await.map(|_| ()),
        }
    }

    /// Past the ledger, one column of text.
    pub(super) async fn texts(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(_) => sqlx::query_scalar(sql).fetch_all(&mut self.file_connection().await).await.unwrap(),
            Self::Postgres { .. } => {
                sqlx::query_scalar(sql).fetch_all(&mut self.server_connection().await).await.unwrap()
            }
        }
    }

    /// What somebody does who owns the database.
    pub(super) async fn drop_triggers(&self) {
        let drop = match self {
            Self::Sqlite(_) => {
                "DROP TRIGGER events_are_not_changed; DROP TRIGGER events_are_not_deleted; \
                 DROP TRIGGER events_are_not_replaced;"
            }
            Self::Postgres { .. } => "DROP TRIGGER events_are_final ON events",
        };
        self.execute(drop).await.unwrap();
    }

    async fn file_connection(&self) -> SqliteConnection {
        SqliteConnection::connect(&format!("sqlite://{}", self.file().display())).await.unwrap()
    }

    async fn server_connection(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }
}
