//! What a long history and many helpdesks cost: the latency of a command after 100,000 events, and memory.

use crate::desks::Desks;
use crate::machine::{SERVING, on_core, resident};
use crate::rounds::{Figure, Goal, rounds};
use black_box::{Client, Installation, PrivatePostgres, Store};
use domain::{Actor, ActorType, Command, Field, HelpdeskId, Metadata, Request, Setting, Timestamp, UsersourceId, Via};
use gateledger::authenticators::Kinds;
use gateledger::store::{Ledger, Loaded};
use reqwest::Method;
use std::sync::Arc;
use std::time::Duration;

const EVENTS: usize = 100_000;
/// So many at once.
const CHANGE: usize = 500;
const HELPDESKS: usize = 1_000;
/// Megabytes.
const MOST: f64 = 60.0;

/// The median latency of a command in a long stream, against one in a stream that has just begun.
pub async fn flatness() -> Vec<Figure> {
    let cluster = PrivatePostgres::start();
    let (sqlite, postgres) = (Installation::fresh(Store::Sqlite).await, Installation::on(&cluster.url()));
    vec![
        flat("a command after 100,000 events, SQLite", sqlite, None).await,
        flat("a command after 100,000 events, PostgreSQL", postgres, Some(&cluster.url())).await,
    ]
}

async fn flat(what: &str, installation: Installation, database: Option<&str>) -> Figure {
    let desks = Desks::set_up(installation, 2).await;
    let (helpdesk, usersource) = desks.names(1);
    let desks = desks
        .meanwhile(async |installation: &Installation| {
            lengthen(&ledger(installation, database).await, &helpdesk, &usersource).await;
        })
        .await;
    let measured =
        rounds(&mut [&mut |round| desks.command(round, 0..1).median, &mut |round| desks.command(round, 1..2).median]);
    let limit = (measured[0].as_slice(), "a young stream");
    Figure::ratio(what, "ms", &measured[1], limit, Goal::AtMost(1.3))
}

async fn ledger(installation: &Installation, database: Option<&str>) -> Ledger {
    let opened = match database {
        Some(url) => Ledger::open_postgres(url, 2).await,
        None => Ledger::open_sqlite(&installation.folder().path().join("events.db")).await,
    };
    opened.unwrap_or_else(|e| panic!("cannot open the ledger: {e}"))
}

async fn lengthen(ledger: &Ledger, helpdesk: &str, usersource: &str) {
    let helpdesk = HelpdeskId::new(helpdesk);
    let mut loaded = ledger.refresh(&helpdesk).await.unwrap_or_else(|e| panic!("cannot read the ledger: {e}"));
    for _ in 0..EVENTS / CHANGE {
        let rename = |number: usize| Command::ChangeUsersource {
            id: UsersourceId::new(usersource),
            fields: [(Field::new(Field::TITLE), Some(Setting::text(format!("Directory {number}"))))].into(),
        };
        loaded = append(ledger, &helpdesk, &loaded, (0..CHANGE).map(rename).collect()).await;
    }
}

async fn append(ledger: &Ledger, helpdesk: &HelpdeskId, base: &Loaded, commands: Vec<Command>) -> Arc<Loaded> {
    let at = Timestamp::from_millis(1_800_000_000_000);
    let request = Request { commands, at, accept_lockout: None };
    let events = base.state.decide(&request, &Kinds).unwrap_or_else(|e| panic!("the rules refuse: {e}"));
    let actor = Actor { id: "service".into(), kind: ActorType::Service, role: None, personal: None, acting_for: None };
    let metadata = Metadata {
        command: uuid::Uuid::new_v4().to_string(),
        index: 0,
        first: 0,
        last: 0,
        at,
        actor,
        via: Via::Service,
        request: None,
        reason: None,
        idempotency: None,
        prev: String::new(),
        hash: String::new(),
    };
    let appended = ledger.append(helpdesk, base, events, metadata).await;
    appended.unwrap_or_else(|e| panic!("cannot append: {e}")).loaded
}

/// Memory when nobody has come yet, and when every page of 1,000 helpdesks was visited.
pub async fn memory() -> Vec<Figure> {
    let installation = Installation::fresh(Store::Sqlite).await;
    let server = on_core(SERVING, || installation.serve());
    server.kill();
    let log = ledger(&installation, None).await;
    for number in 0..HELPDESKS {
        let create = Command::CreateHelpdesk {
            name: format!("Helpdesk {number}"),
            url: Some(format!("https://{number}.example.com")),
            users_deskpro: UsersourceId::new(format!("us_u{number}")),
            agents_deskpro: UsersourceId::new(format!("us_a{number}")),
        };
        append(&log, &HelpdeskId::new(format!("desk-{number}")), &Loaded::default(), vec![create]).await;
    }
    drop(log);
    let server = on_core(SERVING, || installation.serve());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = resident(server.id());
    let client = Client::new(server.address(), "default");
    for number in 0..HELPDESKS {
        for surface in ["portal", "agent", "admin"] {
            client.clone().about(&format!("desk-{number}")).login_options(surface).await;
        }
        for path in ["/login", "/agent/login", "/admin/login"] {
            let host = format!("{number}.example.com");
            client.call_root(Method::GET, path).header("host", &host).send().await.expect(200);
        }
    }
    vec![
        Figure::size("memory, 1,000 helpdesks, nobody came", "MB", idle, Goal::AtMost(MOST)),
        Figure::size("memory, 1,000 helpdesks, all visited", "MB", resident(server.id()), Goal::AtMost(MOST)),
    ]
}
