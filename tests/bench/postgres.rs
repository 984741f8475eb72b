//! Commands on PostgreSQL, against pgbench's single rows and against the event-sourcing library as it comes.

use crate::child::Child;
use crate::desks::{Desks, LASTING, Row};
use crate::machine::{ASKING, on_core};
use crate::rounds::{Figure, Goal, rounds};
use black_box::postgres::tool;
use black_box::{Installation, PrivatePostgres};
use cqrs_es::CqrsFramework;
use cqrs_es::persist::PersistedEventStore;
use domain::{AuthConfig, Catalogue, Command, Field, Request, Setting, Timestamp};
use gateledger::authenticators::Kinds;
use postgres_es::PostgresEventRepository;
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Connection as _, Executor as _, PgConnection};
use std::collections::HashMap;
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Clients at a time, each on a helpdesk of its own.
const CLIENTS: usize = 32;

/// As many connections as the service has for its log.
pub const CONNECTIONS: u32 = 16;

/// The library's own table, and one like ours for pgbench.
const STOCK: &str = "CREATE TABLE events (
    aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint CHECK (sequence >= 0) NOT NULL,
    event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence))";
pub const LIKE_OURS: &str = "CREATE TABLE events (
    aggregate_type text COLLATE \"C\" NOT NULL, aggregate_id text COLLATE \"C\" NOT NULL, sequence bigint NOT NULL,
    event_type text NOT NULL, event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (aggregate_type, aggregate_id, sequence));
    CREATE INDEX events_recorded_at ON events (recorded_at)";

/// One row of it.
pub const INSERT: &str = "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
    metadata) VALUES ('auth_config', $1, $2, 'UsersourceChanged', '1', $3::text::json, $4::text::json)";

/// Measures both.
pub async fn measure() -> Vec<Figure> {
    let cluster = PrivatePostgres::start();
    let rows = database(&cluster, "single_rows", LIKE_OURS).await;
    let stock = database(&cluster, "stock", STOCK).await;
    let desks = Desks::set_up(Installation::on(&cluster.url()), CLIENTS).await;
    desks.command(usize::MAX, 0..1);
    let row = desks.row(Some(&cluster.url())).await;
    let script = desks.installation.folder().path().join("row.sql");
    write_script(&script, &row);
    let milliseconds = LASTING.as_millis().to_string();
    let measured = rounds(&mut [
        &mut |round| pgbench(&rows, &script, round),
        &mut |round| {
            Child::serving(&["stock", &stock, &round.to_string(), &milliseconds]).told()["rate"].as_f64().unwrap_or(0.0)
        },
        &mut |round| desks.command(round, 0..CLIENTS).rate,
    ]);
    let [rows, stock, ours] = measured.as_slice() else { return Vec::new() };
    let what = "a command, PostgreSQL, 32 clients";
    vec![
        Figure::ratio(what, "a second", ours, (rows, "pgbench, one row a commit"), Goal::AtLeast(0.40)),
        Figure::ratio(what, "a second", ours, (stock, "cqrs-es 0.5 as it comes"), Goal::AtLeast(1.5)),
    ]
}

/// A database of its own, with this table.
pub async fn database(cluster: &PrivatePostgres, name: &str, table: &str) -> String {
    execute(&cluster.url(), &format!("CREATE DATABASE {name}")).await;
    let url = cluster.url();
    let (server, _) = url.rsplit_once('/').unwrap_or_else(|| panic!("no URL of a database: {url}"));
    let url = format!("{server}/{name}");
    execute(&url, table).await;
    url
}

async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap_or_else(|e| panic!("cannot connect: {e}"));
    connection.execute(sqlx::raw_sql(sql)).await.unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// One row of the same size. pgbench takes `:word` for a variable of its own, so a blank comes after each colon.
fn write_script(path: &Path, row: &Row) {
    let literal = |json: &str| format!("'{}'", json.replace('\'', "''").replace(':', ": "));
    let text = format!(
        "\\set n :n + 1\nINSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, \
         metadata) VALUES ('auth_config', 'desk-' || :round || '-' || :client_id, :n, 'UsersourceChanged', '1', {}, {});\n",
        literal(&row.payload),
        literal(&row.metadata)
    );
    std::fs::write(path, text).unwrap_or_else(|e| panic!("cannot write pgbench's script: {e}"));
}

fn pgbench(url: &str, script: &Path, round: usize) -> f64 {
    let (clients, seconds, round) = (CLIENTS.to_string(), LASTING.as_secs().to_string(), format!("round={round}"));
    let file = script.display().to_string();
    let words = ["-n", "-M", "prepared", "-c", &clients, "-T", &seconds, "-D", "n=0", "-D", &round, "-f", &file, url];
    let ran = on_core(ASKING, || Process::new(tool("pgbench")).args(words).stderr(Stdio::inherit()).output());
    let ran = ran.unwrap_or_else(|e| panic!("cannot run pgbench: {e}"));
    let said = String::from_utf8_lossy(&ran.stdout).into_owned();
    let rate = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    rate.unwrap_or_else(|| panic!("pgbench failed: {said}"))
}

/// The process itself: the same aggregate and the same command through the library's own store.
pub async fn stock(url: &str, round: &str, milliseconds: u64) -> Value {
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(url).await;
    let pool = pool.unwrap_or_else(|e| panic!("cannot connect: {e}"));
    let store = PersistedEventStore::new_event_store(PostgresEventRepository::new(pool));
    let kinds: Arc<dyn Catalogue> = Arc::new(Kinds);
    let cqrs: Arc<CqrsFramework<AuthConfig, _>> = Arc::new(CqrsFramework::new(store, vec![], kinds));
    for client in 0..CLIENTS {
        let create = Command::CreateHelpdesk {
            name: "Helpdesk".into(),
            url: None,
            users_deskpro: "us_users".into(),
            agents_deskpro: "us_agents".into(),
        };
        execute_stock(&cqrs, &format!("{round}-{client}"), create).await;
    }
    let until = Instant::now() + Duration::from_millis(milliseconds);
    let clients = (0..CLIENTS).map(|client| {
        let (cqrs, id) = (Arc::clone(&cqrs), format!("{round}-{client}"));
        tokio::task::spawn_local(async move {
            let mut done = 0_u64;
            loop {
                let title = ["Directory one of round 1", "Directory two of round 1"][usize::from(done % 2 == 1)];
                let fields = [(Field::new(Field::TITLE), Some(Setting::text(title)))].into();
                execute_stock(&cqrs, &id, Command::ChangeUsersource { id: "us_users".into(), fields }).await;
                if Instant::now() >= until {
                    return done;
                }
                done += 1;
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let mut done = 0;
    for client in clients {
        done += client.await.unwrap_or_else(|e| panic!("a client failed: {e}"));
    }
    json!({"rate": done as f64 * 1000.0 / milliseconds as f64})
}

type Stock = CqrsFramework<AuthConfig, PersistedEventStore<PostgresEventRepository, AuthConfig>>;

async fn execute_stock(cqrs: &Stock, id: &str, command: Command) {
    let request = Request { commands: vec![command], at: Timestamp::from_millis(0), accept_lockout: None };
    // As much metadata as ours: ids, hashes, times, and who.
    let metadata = HashMap::from([("circumstances".to_owned(), "x".repeat(600))]);
    let done = cqrs.execute_with_metadata(id, request, metadata).await;
    done.unwrap_or_else(|e| panic!("the library refused: {e}"));
}
