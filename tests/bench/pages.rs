//! What visitors ask for, against a bare handler that returns the same.

use crate::child::Child;
use crate::load::{Load, request};
use crate::machine::{SERVING, computed, on_core};
use crate::rounds::{Figure, Goal, rounds};
use black_box::{Client, Installation, Store, raw};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// What is asked, where, with which headers, with which status, and the share of the bare handler to be reached.
type Case<'a> = (&'static str, &'static str, Vec<(&'static str, &'a str)>, u16, f64);

/// Visitors at a time.
const VISITORS: usize = 32;

/// For how long in each round.
const LASTING: Duration = Duration::from_secs(2);

const OPTIONS: &str = "/api/helpdesks/default/login-options?surface=portal";

/// Measures them all.
pub async fn measure() -> Vec<Figure> {
    let installation = Installation::fresh(Store::Sqlite).await;
    let server = on_core(SERVING, || installation.serve());
    let admin = installation.admin(&server, "default");
    admin.install_saml("users", "Corporate sign-in").await;
    let etag = etag(&admin).await;
    let cases: [Case<'_>; 4] = [
        ("login options, 200", OPTIONS, vec![], 200, 0.80),
        ("login options, 304", OPTIONS, vec![("if-none-match", &etag)], 304, 0.80),
        ("login page", "/login", vec![], 200, 0.75),
        ("login page for one visitor", "/login?return_to=/x", vec![], 200, 0.55),
    ];
    let mut figures = Vec::new();
    for (what, path, mut headers, status, goal) in cases {
        headers.insert(0, ("host", "127.0.0.1"));
        let asked = request("GET", path, &headers, "");
        let bare = bare(server.authority(), path, &asked, &installation);
        let (child, authority) = bare;
        let load = |authority: &str| Load {
            authority: authority.to_owned(),
            connections: vec![vec![asked.clone()]; VISITORS],
            status,
            lasting: LASTING,
        };
        let (to_bare, to_ours) = (load(&authority), load(server.authority()));
        let folder = installation.folder().path();
        let measured = rounds(&mut [&mut |_| capacity(child.id(), &to_bare, folder), &mut |_| {
            capacity(server.id(), &to_ours, folder)
        }]);
        let limit = (measured[0].as_slice(), "a bare handler");
        figures.push(Figure::ratio(what, "answers a second of its core", &measured[1], limit, Goal::AtLeast(goal)));
        drop(child);
    }
    figures
}

/// How many answers a second of its core gives. The rate alone would say nothing where the load, which costs about as
/// much as the answers, is the slower one.
fn capacity(process: u32, load: &Load, folder: &Path) -> f64 {
    let before = computed(process);
    let outcome = load.run(folder);
    let seconds = computed(process) - before;
    eprintln!("{:.0} answers/s, {:.1} µs of the server's core each", outcome.rate, seconds / outcome.answers * 1e6);
    outcome.answers / seconds
}

async fn etag(client: &Client) -> String {
    client.get("/login-options?surface=portal").send().await.expect(200).header("etag").to_owned()
}

/// A bare server that answers what the service answers.
fn bare(authority: &str, path: &str, asked: &str, installation: &Installation) -> (Child, String) {
    let heard = raw::exchange(authority, asked.as_bytes(), Duration::from_millis(300));
    let (head, body) = heard.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {heard}"));
    // What every answer of actix-web has, the bare one gets by itself.
    let own = |name: &str| ["date", "content-length"].iter().any(|own| name.eq_ignore_ascii_case(own));
    let headers: Vec<Value> = head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| !own(name))
        .map(|(name, value)| json!([name, value]))
        .collect();
    let path = path.split('?').next().unwrap_or_default().replace("default", "{helpdesk}");
    let orders = json!([{"path": path, "status": raw::status(&heard), "headers": headers, "body": body}]);
    let file = installation.folder().path().join("bare.json");
    std::fs::write(&file, orders.to_string()).unwrap_or_else(|e| panic!("cannot write orders: {e}"));
    let mut child = Child::serving(&["bare", &file.display().to_string()]);
    let authority = child.told()["authority"].as_str().unwrap_or_default().to_owned();
    (child, authority)
}
