//! Kill -9 in the middle of a stream of commands: what was acknowledged is there, and the read models are what a
//! rebuild makes of the ledger.

use black_box::{Client, Server, Stage, Store, on_both_stores};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

on_both_stores!(every_acknowledged_version_survives_kill_9_and_a_rebuild_answers_the_same);

const CLIENTS: usize = 6;
const ROUNDS: usize = 3;
const ACKNOWLEDGED_A_ROUND: usize = 40;

type Acknowledged = Arc<Mutex<Vec<(u64, String)>>>;

async fn every_acknowledged_version_survives_kill_9_and_a_rebuild_answers_the_same(store: Store) {
    let mut stage = Stage::set(store).await;
    let mut sources = Vec::new();
    for client in 0..CLIENTS {
        sources.push(stage.admin.install_saml("users", &format!("Source {client}")).await);
    }
    let acknowledged = Acknowledged::default();
    for round in 1..=ROUNDS {
        let streams: Vec<_> = sources
            .iter()
            .map(|id| tokio::spawn(rename_until_silence(stage.admin.clone(), id.clone(), round, acknowledged.clone())))
            .collect();
        while acknowledged.lock().unwrap().len() < round * ACKNOWLEDGED_A_ROUND {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stage = stage.again(Server::kill);
        for stream in streams {
            stream.await.expect("a client ends when the service is silent, and for no other reason");
        }
        let so_far = acknowledged.lock().unwrap().clone();
        all_are_there(&stage.admin, &so_far).await;
    }
    a_rebuild_answers_the_same(stage).await;
}

/// Gives one usersource title after title. An answer counts; silence ends it.
async fn rename_until_silence(admin: Client, id: String, round: usize, acknowledged: Acknowledged) {
    for count in 0.. {
        let title = format!("Round {round}, {id}, {count}");
        let call = admin.patch(&format!("/usersources/{id}"), &serde_json::json!({"title": title}));
        let Ok(answer) = call.try_send().await else { return };
        let version = answer.version();
        acknowledged.lock().unwrap().push((version, title));
    }
}

async fn all_are_there(admin: &Client, acknowledged: &[(u64, String)]) {
    let trail = admin.audit_trail().await;
    let by_version: BTreeMap<u64, &Value> = trail.iter().map(|e| (e["version"].as_u64().unwrap(), e)).collect();
    assert_eq!(by_version.len(), trail.len(), "no version is there twice");
    let (first, last) = (by_version.keys().next(), by_version.keys().next_back());
    assert_eq!((first, last), (Some(&1), Some(&(trail.len() as u64))), "there is no gap");
    for (version, title) in acknowledged {
        let entry =
            by_version.get(version).unwrap_or_else(|| panic!("{version} was acknowledged and is gone: {title}"));
        assert_eq!(entry["changes"][0]["after"], title.as_str(), "version {version}");
    }
    assert_eq!(admin.version().await, trail.len() as u64, "the list of usersources is as new as the ledger");
    assert_eq!(admin.login_options("portal").await["version"], trail.len() as u64);
}

async fn a_rebuild_answers_the_same(stage: Stage) {
    let before = answers(&stage.admin).await;
    let stage = {
        let Stage { server, admin, installation } = stage;
        server.kill();
        installation.run(&["rebuild"]).text();
        let server = installation.serve();
        Stage { admin: admin.at(server.address()), server, installation }
    };
    assert_eq!(answers(&stage.admin).await, before);
    stage.installation.run(&["rebuild"]).text();
    assert_eq!(answers(&stage.admin).await, before, "also while the service runs");
}

/// What the read models answer.
async fn answers(admin: &Client) -> Vec<String> {
    let mut answers = Vec::new();
    for path in [
        "/usersources",
        "/login-options?surface=portal",
        "/login-options?surface=agent",
        "/login-options?surface=admin",
    ] {
        // What is to be copied to the other side names the address, which is another at each start.
        answers.push(admin.get(path).send().await.expect(200).text().replace(admin.address(), "http://here"));
    }
    answers.extend(admin.audit_trail().await.iter().map(Value::to_string));
    answers
}
