//! A database that is full, read-only, gone or busy: it is said so, no secret is told, and later it goes on.

use super::{Ground, append, created, desk, grow, said};
use crate::store::{EventLog, Ledger, StoreError};
use domain::HelpdeskId;
use std::time::Duration;

async fn writer(ledger: &Ledger) -> tokio::sync::MutexGuard<'_, sqlx::SqliteConnection> {
    match ledger.log() {
        EventLog::Sqlite(log) => log.appends.writer().0.lock().await,
        EventLog::Postgres(_) => panic!("not SQLite"),
    }
}

#[tokio::test]
async fn sqlite_commits_reach_the_disk() {
    let ground = Ground::sqlite();
    ground
        .clone()
        .stand(async move {
            let ledger = ground.open().await;
            let synchronous: i64 =
                sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut *writer(&ledger).await).await.unwrap();
            let journal: String =
                sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *writer(&ledger).await).await.unwrap();
            assert_eq!((synchronous, journal.as_str()), (2, "wal"));
        })
        .await;
}

#[tokio::test]
async fn a_full_or_read_only_sqlite_is_unavailable_and_later_goes_on() {
    let ground = Ground::sqlite();
    ground
        .clone()
        .stand(async move {
            let ledger = ground.open().await;
            grow(&ledger, &desk(), 1).await;
            let set = async |pragma| sqlx::query(pragma).fetch_all(&mut *writer(&ledger).await).await;
            for (break_it, mend_it) in [
                ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000"),
                ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
            ] {
                set(break_it).await.unwrap();
                let refused = append(&ledger, &desk(), vec![said(&"x".repeat(100_000)), said("b")]).await;
                assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{break_it}: {refused:?}");
                assert_eq!(ledger.head(&desk()).await.unwrap(), 1);
                set(mend_it).await.unwrap();
            }
            append(&ledger, &desk(), vec![said("again")]).await.unwrap();
        })
        .await;
}

#[tokio::test]
async fn a_postgres_that_lost_our_connections_or_its_right_to_write_is_unavailable_and_later_goes_on() {
    let ground = Ground::postgres().await;
    ground
        .clone()
        .stand(async move {
            let ledger = ground.open().await;
            grow(&ledger, &desk(), 1).await;
            let Ground::Postgres { database, .. } = &ground else { panic!() };
            let rights = |on| format!("ALTER DATABASE {database} SET default_transaction_read_only = {on}");
            let hang_up = "SELECT CAST(pg_terminate_backend(pid) AS text) FROM pg_stat_activity
                       WHERE datname = current_database() AND pid <> pg_backend_pid()";
            ground.execute(&rights("on")).await.unwrap();
            ground.texts(hang_up).await;
            for _ in 0..3 {
                let refused = append(&ledger, &desk(), vec![said("x")]).await;
                assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
            }
            ground.execute(&format!("BEGIN READ WRITE; {}; COMMIT", rights("off"))).await.unwrap();
            ground.texts(hang_up).await;
            while append(&ledger, &desk(), vec![said("again")]).await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert_eq!(ledger.head(&desk()).await.unwrap(), 2);
        })
        .await;
}

#[tokio::test]
async fn no_error_tells_the_password() {
    for url in [
        "postgres://someone:hunter2@127.0.0.1:1/nowhere",
        "postgres://someone:hunter2@127.0.0.1:notaport/nowhere",
        "postgres://someone:hunter2@[/nowhere?sslmode=what",
        "postgres://someone:hunter2@127.0.0.1:1/nowhere?sslmode=what",
    ] {
        let Err(error) = Ledger::open_postgres(url, 1).await else { panic!("{url} opened") };
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn other_nodes_are_told_and_we_do_not_wake_ourselves() {
    let ground = Ground::postgres().await;
    ground
        .clone()
        .stand(async move {
            let (ours, theirs) = (ground.open().await, ground.open().await);
            let mut heard = ours.listen().unwrap();
            let mut number = 0;
            // The listener may not be there yet for the first words.
            let first = loop {
                number += 1;
                append(&ours, &HelpdeskId::new(format!("ours-{number}")), vec![created()]).await.unwrap();
                append(&theirs, &HelpdeskId::new(format!("theirs-{number}")), vec![created()]).await.unwrap();
                if let Ok(word) = tokio::time::timeout(Duration::from_millis(200), heard.recv()).await {
                    break word.unwrap();
                }
            };
            assert!(first.as_str().starts_with("theirs-"), "{first}");
            let hang_up = "SELECT CAST(pg_terminate_backend(pid) AS text) FROM pg_stat_activity
                       WHERE datname = current_database() AND query LIKE 'LISTEN%'";
            assert!(!ground.texts(hang_up).await.is_empty());
            loop {
                let _ = append(&theirs, &desk(), vec![said("after the break")]).await;
                if let Ok(word) = tokio::time::timeout(Duration::from_millis(200), heard.recv()).await
                    && word == Some(desk())
                {
                    return;
                }
            }
        })
        .await;
}
