//! What a command costs: the processor's time that service, database and load spend on each, and the same for the least
//! that could be done over HTTP with one row a commit.
//!
//! A rate says what a machine gives while it does nothing else. These times say where it goes, and hold on a busy machine
//! too.

use crate::child::Child;
use crate::desks::{Desks, Row};
use crate::load::Outcome;
use crate::machine::{computed, computed_by_children};
use black_box::{Installation, PrivatePostgres, Store};
use serde_json::json;
use std::ops::Range;
use std::time::Duration;

/// What came of one load, in microseconds of processor a command.
#[derive(Debug, Clone, Copy)]
struct Cost {
    service: f64,
    database: f64,
    load: f64,
    rate: f64,
}

/// Rows of a Markdown table under this head.
pub const HEAD: &str = "| what | service | database | load | together | in this run |\n|---|---|---|---|---|---|\n";

/// The read models follow within half a second; what that costs is counted too.
const AFTERWARDS: Duration = Duration::from_millis(1_500);

/// Measures commands and the floor on both databases.
pub async fn measure() -> String {
    let mut table = HEAD.to_owned();
    let cluster = PrivatePostgres::start();
    let desks = Desks::set_up(Installation::on(&cluster.url()), 32).await;
    for clients in [1, 32] {
        let cost = commands(&desks, 0..clients, Some(cluster.id()));
        table.push_str(&line(&format!("a command, PostgreSQL, {clients} at a time"), cost));
    }
    let row = desks.row(Some(&cluster.url())).await;
    let rows = crate::postgres::database(&cluster, "single_rows", crate::postgres::LIKE_OURS).await;
    table.push_str(&line("the floor, PostgreSQL, 32 at a time", least(&desks, &row, 0..32, &rows, Some(cluster.id()))));
    let desks = Desks::set_up(Installation::fresh(Store::Sqlite).await, 32).await;
    for clients in [1, 32] {
        table.push_str(&line(&format!("a command, SQLite, {clients} at a time"), commands(&desks, 0..clients, None)));
    }
    let row = desks.row(None).await;
    let url = format!("sqlite://{}?mode=rwc", desks.installation.folder().path().join("floor.db").display());
    for clients in [1, 32] {
        let cost = least(&desks, &row, 0..clients, &url, None);
        table.push_str(&line(&format!("the floor, SQLite, {clients} at a time"), cost));
    }
    table
}

/// Twice, and the second time counts: by then every connection is open and every statement prepared.
fn commands(desks: &Desks, which: Range<usize>, postgres: Option<u32>) -> Cost {
    desks.command(7_000, which.clone());
    std::thread::sleep(AFTERWARDS);
    cost(desks.server.id(), postgres, || {
        let outcome = desks.command(7_001, which.clone());
        std::thread::sleep(AFTERWARDS);
        outcome
    })
}

/// The same requests to a handler that does nothing but insert a row and answer.
fn least(desks: &Desks, row: &Row, which: Range<usize>, url: &str, postgres: Option<u32>) -> Cost {
    let orders = desks.installation.folder().path().join("floor.json");
    let text = json!({"url": url, "row": row.to_json(), "answer": desks.answer()}).to_string();
    std::fs::write(&orders, text).unwrap_or_else(|e| panic!("cannot write the floor's orders: {e}"));
    let mut child = Child::serving(&["floor", &orders.display().to_string()]);
    let authority = child.told()["authority"].as_str().unwrap_or_default().to_owned();
    let ask = |round| desks.load(round, which.clone(), &authority).run(desks.installation.folder().path());
    ask(8_000);
    cost(child.id(), postgres, || ask(8_001))
}

fn cost(service: u32, postgres: Option<u32>, ask: impl FnOnce() -> Outcome) -> Cost {
    let database = || postgres.map_or(0.0, computed_by_children);
    let (service_before, database_before) = (computed(service), database());
    let outcome = ask();
    let each = |seconds: f64| seconds / outcome.answers * 1e6;
    Cost {
        service: each(computed(service) - service_before),
        database: each(database() - database_before),
        load: each(outcome.computed),
        rate: outcome.rate,
    }
}

fn line(what: &str, cost: Cost) -> String {
    let Cost { service, database, load, rate } = cost;
    let together = service + database + load;
    let line = format!(
        "| {what} | {service:.0} µs | {database:.0} µs | {load:.0} µs | {together:.0} µs | {rate:.0} a second |\n"
    );
    eprint!("{line}");
    line
}
