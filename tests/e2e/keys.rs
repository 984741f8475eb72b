//! The key ring is lost: it is said at once, and an installation that gives it up goes on without what it sealed.

use black_box::{Stage, Store, on_both_stores};
use serde_json::Value;

on_both_stores!(a_lost_key_ring_is_said_at_once_and_can_be_given_up);

async fn a_lost_key_ring_is_said_at_once_and_can_be_given_up(store: Store) {
    let stage = Stage::set(store).await;
    let id = stage.admin.install_saml("users", "Before").await;
    let before = stage.admin.version().await;
    let Stage { server, admin, installation } = stage;
    server.kill();
    std::fs::remove_file(installation.folder().path().join("keys.json")).unwrap();

    let refused = installation.run(&["token", "list"]);
    assert_ne!(refused.code, Some(0));
    assert!(refused.stderr.contains("sealed with other keys"), "{}", refused.stderr);

    let server = installation.serve_with(&["--accept-new-keys"]);
    let admin = admin.at(server.address());
    let trail = admin.audit_trail().await;
    assert_eq!(trail.len() as u64, before, "nothing else is lost");
    let own = trail.iter().find(|entry| entry["usersource"]["id"] == id.as_str()).unwrap();
    assert_eq!(own["actor"]["name"], Value::Null, "the name was sealed");
    assert!(own["actor"]["id"].as_str().unwrap().starts_with("acc_"), "the account is known");
    admin.rename(&id, "After").await.done();
    assert!(installation.run(&["token", "list"]).code == Some(0), "the new keys are the keys now");
}
