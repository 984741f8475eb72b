//! Forty writers at once, also on two processes over one database: nothing is lost, nothing is doubled, nobody is
//! told of an accident.

use black_box::{Answer, Client, Installation, Stage, Store};
use futures::future::join_all;
use serde_json::json;
use std::collections::BTreeSet;

const WRITERS: usize = 40;
const TITLES_EACH: usize = 4;

#[tokio::test]
async fn forty_writers_on_one_process_with_sqlite() {
    let stage = Stage::set(Store::Sqlite).await;
    write_all(std::slice::from_ref(&stage.admin)).await;
}

#[tokio::test]
async fn forty_writers_on_two_processes_with_one_postgres() {
    let installation = Installation::fresh(Store::Postgres).await;
    let (first, second) = (installation.serve(), installation.serve());
    let admin = installation.admin(&first, "default");
    write_all(&[admin.clone(), admin.at(second.address())]).await;
}

async fn write_all(nodes: &[Client]) {
    let install =
        |n| json!({"command": "install_usersource", "kind": "saml", "audience": "users", "title": format!("{n}")});
    let commands: Vec<_> = (0..WRITERS).map(install).collect();
    let installed = nodes[0].post("/changes", &json!({"commands": commands})).send().await.done();
    let ids =
        installed["changes"].as_array().unwrap().iter().map(|c| c["usersource"]["id"].as_str().unwrap().to_owned());
    let ids: Vec<String> = ids.collect();
    let before = installed["version"].as_u64().unwrap();

    let writers = ids.iter().enumerate().map(|(n, id)| {
        let (here, there) = (&nodes[n % nodes.len()], &nodes[(n + 1) % nodes.len()]);
        write(here, there, id)
    });
    let written: Vec<(u64, String)> = join_all(writers).await.into_iter().flatten().collect();

    let count = WRITERS * TITLES_EACH;
    assert_eq!(written.len(), count);
    let versions: BTreeSet<u64> = written.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions.len(), count, "no two writers were given the same version");
    assert_eq!(versions.last(), Some(&(before + count as u64)), "nothing is doubled");
    for node in nodes {
        let trail = node.audit_trail().await;
        let title = |v: u64| trail.iter().find(|e| e["version"] == v).map(|e| e["changes"][0]["after"].clone());
        for (version, wanted) in &written {
            assert_eq!(title(*version), Some(json!(wanted)), "nothing is lost: version {version}");
        }
    }
}

/// Gives one usersource title after title, and reads each back from the other process.
async fn write(here: &Client, there: &Client, id: &str) -> Vec<(u64, String)> {
    let mut written = Vec::new();
    for count in 0..TITLES_EACH {
        let title = format!("{id}, {count}");
        let version = rename_until_done(here, id, &title).await.version();
        let path = format!("/usersources/{id}");
        let read = there.get(&path).header("gateledger-at-least", &version.to_string()).send().await.done();
        assert_eq!(read["title"], title.as_str(), "R61: whoever has the version in hand reads it everywhere");
        written.push((version, title));
    }
    written
}

/// A conflict may be told to a writer, who then asks again under the same key; an accident may not.
async fn rename_until_done(client: &Client, id: &str, title: &str) -> Answer {
    let key = uuid::Uuid::new_v4().to_string();
    for _ in 0..50 {
        let answer = client.patch(&format!("/usersources/{id}"), &json!({"title": title})).key(&key).send().await;
        if answer.status != 409 {
            return answer.expect(200);
        }
        answer.refused(409, "conflict");
    }
    panic!("fifty conflicts in a row for {title}")
}
