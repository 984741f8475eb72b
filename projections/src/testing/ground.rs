//! A fresh SQLite file and a fresh PostgreSQL database for each test, and all that is in their tables.

use crate::database::{Database, Dialect, Durability};
use crate::projector::Projector;
use crate::tables;
use sqlx::{ConnectOptions as _, Executor as _};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::atomic::{AtomicU32, Ordering};

/// An empty database of one kind.
pub(crate) struct Ground {
    pub(crate) dialect: Dialect,
    folder: PathBuf,
    server: String,
    name: String,
}

impl Ground {
    pub(crate) async fn new(dialect: Dialect) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
        let name = format!("gateledger_p_{}_{now}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(&name);
        let server = std::env::var("GATELEDGER_TEST_POSTGRES").expect(
            "GATELEDGER_TEST_POSTGRES must name a PostgreSQL database as a superuser, \
             like postgres://postgres@127.0.0.1:5432/postgres: these tests run on both databases",
        );
        let ground = Self { dialect, folder, server, name };
        match dialect {
            Dialect::Sqlite => std::fs::create_dir(&ground.folder).unwrap(),
            Dialect::Postgres => ground.tell_server(&format!("CREATE DATABASE {}", ground.name)).await,
        }
        ground
    }

    async fn tell_server(&self, statement: &str) {
        let options = sqlx::postgres::PgConnectOptions::from_str(&self.server).unwrap();
        options.connect().await.unwrap().execute(statement).await.unwrap();
    }

    /// What one process has open.
    pub(crate) async fn database(&self) -> Database {
        match self.dialect {
            Dialect::Sqlite => {
                Database::sqlite(&self.folder.join("read.sqlite"), Durability::Disposable).await.unwrap()
            }
            Dialect::Postgres => {
                let (server, _) = self.server.rsplit_once('/').unwrap();
                Database::postgres(&format!("{server}/{}", self.name), 4).await.unwrap()
            }
        }
    }

    /// What one process knows.
    pub(crate) async fn projector(&self) -> Projector {
        Projector::open(self.database().await).await.unwrap()
    }

    pub(crate) async fn clear(self) {
        match self.dialect {
            Dialect::Sqlite => std::fs::remove_dir_all(&self.folder).unwrap(),
            Dialect::Postgres => self.tell_server(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await,
        }
    }
}

/// Runs `test` on SQLite, then on PostgreSQL.
pub(crate) async fn on_both(test: impl AsyncFn(&Ground)) {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        let ground = Ground::new(dialect).await;
        test(&ground).await;
        ground.clear().await;
    }
}

/// Every row of every live table, as texts.
pub(crate) async fn dump(projector: &Projector) -> BTreeMap<&'static str, Vec<String>> {
    let mut all = BTreeMap::new();
    for table in tables::all() {
        let columns: Vec<_> = table.columns.iter().map(|c| format!("COALESCE(CAST({c} AS TEXT), '~')")).collect();
        let sql = format!("SELECT {} AS line FROM {{{}}}", columns.join(" || '|' || "), table.name);
        let rows = projector.fetch(&sql, Vec::new()).await.unwrap();
        let mut lines: Vec<_> = rows.iter().map(|row| row.text("line").unwrap()).collect();
        lines.sort();
        all.insert(table.name, lines);
    }
    all
}
