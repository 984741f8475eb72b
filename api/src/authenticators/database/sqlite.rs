//! SQLite: a file in the operator's folder, opened to be read and nothing else.
//!
//! Spec: SQLite, "Defense Against The Dark Arts": the file may be anybody's, so its schema is not trusted, and what runs
//! too long is interrupted (a view can count without end).
//! Stops: reading other files of the host, this service's own among them: only the operator's folder has files for it.

use super::failure::denied;
use super::question::{Dialect, Question};
use super::row::{Row, Secret};
use super::{Answer, Limits};
use crate::sign_in::{Denied, Source, Trace};
use futures::FutureExt as _;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Error};
use std::path::Path;
use std::time::Instant;

/// How often a running statement looks at the clock, in instructions.
const EVERY: i32 = 10_000;

/// The rows of `login`.
pub(super) async fn ask(source: &Source<'_>, login: &str, limits: Limits, trace: &mut Trace) -> Result<Answer, Denied> {
    let question = Question::new(source, Dialect::Sqlite)?;
    let file = source.outbound.file(source.needed("database")?)?;
    let opened = limits.ask(open(&file, limits).boxed()).await;
    let mut connection = opened.map_err(|error| denied("The file cannot be opened", &error, false, trace))?;
    trace.note("The file is open", || json!(source.text("database")));
    let asked = limits.ask(read(&mut connection, &question, login).boxed()).await;
    asked.map_err(|error| denied("The question fails", &error, false, trace))
}

async fn open(file: &Path, limits: Limits) -> Result<SqliteConnection, Error> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .create_if_missing(false)
        .busy_timeout(limits.question)
        .pragma("query_only", "ON")
        .pragma("trusted_schema", "OFF")
        .pragma("cell_size_check", "ON")
        .statement_cache_capacity(0)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    let end = Instant::now() + limits.question;
    connection.lock_handle().await?.set_progress_handler(EVERY, move || Instant::now() < end);
    Ok(connection)
}

async fn read(connection: &mut SqliteConnection, question: &Question, login: &str) -> Result<Answer, Error> {
    let mut transaction = connection.begin().await?;
    let found = sqlx::query(&question.people).bind(login).persistent(false).fetch_all(&mut *transaction).await?;
    let anybody = sqlx::query(&question.anybody).persistent(false).fetch_optional(&mut *transaction).await?;
    Ok(Answer {
        rows: found.iter().map(Row::read).collect::<Result<_, _>>()?,
        anybody: anybody.as_ref().map(Secret::read).transpose()?.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::Executor as _;
    use std::time::Duration;

    /// A file with an empty table `people`, alone in a folder.
    async fn shop() -> std::path::PathBuf {
        let folder = std::env::temp_dir().join(format!("gateledger-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let file = folder.join("shop.db");
        let mut writer = SqliteConnectOptions::new().filename(&file).create_if_missing(true).connect().await.unwrap();
        writer.execute("CREATE TABLE people (id INTEGER)").await.unwrap();
        writer.close().await.unwrap();
        file
    }

    #[tokio::test]
    async fn a_statement_without_end_is_interrupted_and_holds_no_thread() {
        let file = shop().await;
        let mut reader = open(&file, Limits { question: Duration::from_secs(1) }).await.unwrap();
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
        let begun = Instant::now();
        let error = reader.fetch_one(endless).await.err().unwrap();
        assert_eq!(error.as_database_error().and_then(|error| error.code()).as_deref(), Some("9"), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(3));
        std::fs::remove_dir_all(file.parent().unwrap()).unwrap();
    }

    #[tokio::test]
    async fn nothing_can_be_written_into_the_file_or_read_beside_it() {
        let file = shop().await;
        let folder = file.parent().unwrap();
        let mut reader = open(&file, Limits { question: Duration::from_secs(1) }).await.unwrap();
        assert!(reader.fetch_all("SELECT * FROM people").await.unwrap().is_empty());
        for writing in ["INSERT INTO people VALUES (1)", "DROP TABLE people", "PRAGMA user_version = 7", "VACUUM"] {
            assert!(reader.execute(writing).await.is_err(), "{writing}");
        }
        assert!(reader.execute("SELECT load_extension('x')").await.is_err());
        reader.close().await.unwrap();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "no other file was made");
        std::fs::remove_dir_all(folder).unwrap();
    }
}
