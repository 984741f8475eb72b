//! No room on the disk: commands are refused with a time to come back, login pages go on, and once there is room again
//! everything works without a restart.

use black_box::{Stage, Store};
use serde_json::json;

/// Less than any database file here has already, so that nothing can be written at all.
const NO_ROOM: u64 = 1;

#[tokio::test]
async fn without_room_commands_wait_outside_and_nothing_acknowledged_is_lost() {
    let stage = Stage::set(Store::Sqlite).await;
    let id = stage.admin.install_saml("users", "Before").await;
    let mut visitor = stage.visitor();
    visitor.open("/login").await.expect(200);
    let mut acknowledged = Vec::new();
    for round in 0..2 {
        let title = format!("Round {round}");
        acknowledged.push((stage.admin.rename(&id, &title).await.version(), title));
        stage.server.limit_files(Some(NO_ROOM));
        for _ in 0..3 {
            let refused = stage.admin.rename(&id, "Without room").await.expect(503);
            assert!(!refused.header("retry-after").is_empty(), "{refused}");
            refused.problem();
        }
        visitor.open("/login").await.expect(200);
        let options = stage.admin.login_options("portal").await;
        assert_eq!(options["version"], acknowledged[round].0, "from memory, as it was");
        stage.server.limit_files(None);
    }
    let renamed = stage.admin.patch(&format!("/usersources/{id}"), &json!({"title": "With room"})).send().await;
    acknowledged.push((renamed.version(), "With room".to_owned()));
    let trail = stage.admin.audit_trail().await;
    for (version, title) in &acknowledged {
        let entry = trail.iter().find(|entry| entry["version"] == *version).expect("acknowledged, and gone");
        assert_eq!(entry["changes"][0]["after"], title.as_str());
    }
    assert!(
        !trail.iter().any(|entry| entry["changes"][0]["after"] == "Without room"),
        "what was refused did not happen"
    );
}
