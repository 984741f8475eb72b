//! Measures the service against the limits of what it is made of, in the same run, in rounds that take turns.
//!
//! `cargo bench --workspace --bench limits` measures everything and writes `docs/performance.md`; with the names of groups
//! (`-- pages sqlite`) it measures those and writes nothing. It is not among the tests: a busy machine would fail it.

mod bare;
mod child;
mod costs;
mod desks;
mod floor;
mod history;
mod load;
mod machine;
mod pages;
mod postgres;
mod report;
mod rounds;
mod saml_response;
mod sign_in;
mod sqlite;

use serde_json::Value;
use std::io::Write as _;
use std::process::ExitCode;

/// What can be measured by itself.
const GROUPS: [&str; 7] = ["pages", "postgres", "sqlite", "flatness", "memory", "sign_in", "costs"];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse().unwrap_or(1000);
    match words.as_slice() {
        ["load", orders] => tell(&alone(load::ask(orders))),
        ["stock", url, round, time] => tell(&alone(postgres::stock(url, round, number(time)))),
        ["rows", file, orders, time, round] => tell(&alone(sqlite::insert(file, orders, number(time), round))),
        ["bare", orders] => as_the_service(bare::serve(orders)),
        ["floor", orders] => as_the_service(floor::serve(orders)),
        groups => return measure(groups),
    }
    ExitCode::SUCCESS
}

/// On the runtimes that the service has.
fn as_the_service(serve: impl Future<Output = std::io::Result<()>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|e| panic!("no threads to be had: {e}"));
    let served = actix_web::rt::System::with_tokio_rt(|| runtime).block_on(serve);
    served.unwrap_or_else(|e| panic!("the server failed: {e}"));
}

fn measure(groups: &[&str]) -> ExitCode {
    if let Some(unknown) = groups.iter().find(|group| !GROUPS.contains(group)) {
        eprintln!("there is no group {unknown}; there are {}", GROUPS.join(", "));
        return ExitCode::FAILURE;
    }
    let wanted = |group: &str| groups.is_empty() || groups.contains(&group);
    let (figures, costs) = alone(async {
        let mut figures = Vec::new();
        if wanted("pages") {
            figures.extend(pages::measure().await);
        }
        if wanted("postgres") {
            figures.extend(postgres::measure().await);
        }
        if wanted("sqlite") {
            figures.extend(sqlite::measure().await);
        }
        if wanted("flatness") {
            figures.extend(history::flatness().await);
        }
        if wanted("memory") {
            figures.extend(history::memory().await);
        }
        if wanted("sign_in") {
            figures.extend(sign_in::measure().await);
        }
        let costs = if wanted("costs") { costs::measure().await } else { String::new() };
        (figures, costs)
    });
    print(&format!("{}\n{costs}", report::table(&figures)));
    if groups.is_empty() {
        report::write(&figures, &costs);
    }
    if figures.iter().all(rounds::Figure::reached) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// On this thread alone: processes inherit its core.
fn alone<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.unwrap_or_else(|e| panic!("no runtime to be had: {e}"));
    tokio::task::LocalSet::new().block_on(&runtime, work)
}

/// A line for the process that started this one.
fn tell(what: &Value) {
    print(&format!("{what}\n"));
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
