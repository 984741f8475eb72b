//! The least that a durable change over HTTP could be: actix-web, one handler, one row inserted and committed by sqlx,
//! one answer of the same size. Nobody is asked for a token, nothing is judged, hashed, chained or shown.

use crate::postgres;
use crate::sqlite;
use actix_web::{App, HttpResponse, HttpServer, web};
use serde_json::{Value, json};
use sqlx::Executor as _;
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use std::str::FromStr as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

#[derive(Clone)]
enum Table {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

#[derive(Clone)]
struct Floor {
    table: Table,
    payload: Arc<str>,
    metadata: Arc<str>,
    answer: web::Bytes,
    last: Arc<AtomicI64>,
}

async fn insert(floor: web::Data<Floor>, path: web::Path<(String, String)>, _: web::Bytes) -> HttpResponse {
    let (helpdesk, _) = path.into_inner();
    let number = floor.last.fetch_add(1, Ordering::Relaxed);
    let Floor { payload, metadata, answer, .. } = floor.get_ref();
    let inserted = match &floor.table {
        Table::Postgres(pool) => {
            let row = sqlx::query(postgres::INSERT).bind(helpdesk).bind(number).bind(&**payload).bind(&**metadata);
            row.execute(pool).await.map(|_| ())
        }
        Table::Sqlite(pool) => {
            let row = sqlx::query(sqlite::INSERT).bind(helpdesk).bind(number).bind(&**payload).bind(&**metadata);
            row.bind(number).execute(pool).await.map(|_| ())
        }
    };
    inserted.unwrap_or_else(|e| panic!("cannot insert: {e}"));
    HttpResponse::Ok().insert_header(("etag", "\"1\"")).content_type("application/json").body(answer.clone())
}

/// The process itself.
pub async fn serve(orders: &str) -> std::io::Result<()> {
    let orders: Value = serde_json::from_str(&std::fs::read_to_string(orders)?)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let floor = Floor {
        table: open(&text(&orders["url"])).await.unwrap_or_else(|e| panic!("cannot open the table: {e}")),
        payload: text(&orders["row"]["payload"]).into(),
        metadata: text(&orders["row"]["metadata"]).into(),
        answer: text(&orders["answer"]).into(),
        last: Arc::default(),
    };
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?.to_string();
    let server = HttpServer::new(move || {
        let resource = web::resource("/api/helpdesks/{helpdesk}/usersources/{id}").route(web::patch().to(insert));
        App::new().app_data(web::Data::new(floor.clone())).service(resource)
    });
    let server = server.client_request_timeout(Duration::from_secs(10)).listen(listener)?.run();
    crate::tell(&json!({ "authority": address }));
    server.await
}

async fn open(url: &str) -> Result<Table, sqlx::Error> {
    if url.starts_with("postgres") {
        let pool = PgPoolOptions::new().max_connections(postgres::CONNECTIONS).test_before_acquire(false);
        return Ok(Table::Postgres(pool.connect(url).await?));
    }
    let options = SqliteConnectOptions::from_str(url)?;
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(options).await?;
    pool.execute(sqlx::raw_sql(sqlite::TABLE)).await?;
    pool.execute("DELETE FROM events").await?;
    Ok(Table::Sqlite(pool))
}
