//! Testing a usersource before anybody else uses it (R42).

use black_box::remote_login::alice;
use black_box::{JANE, PASSWORD, RemoteLogin, Stage, Store, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    r42_a_disabled_usersource_is_tested_by_a_real_round_trip_that_makes_nothing_but_a_proof,
    r42_a_test_that_fails_says_where,
    r42_a_test_belongs_to_the_admin_who_began_it
);

fn test_path(page: &RemoteLogin) -> String {
    format!("/api/helpdesks/default/usersources/{}/test/start", page.id)
}

async fn jane(stage: &Stage) -> black_box::Browser {
    let mut jane = stage.visitor();
    jane.sign_in("/admin/login", JANE, PASSWORD).await.location();
    jane
}

async fn r42_a_disabled_usersource_is_tested_by_a_real_round_trip_that_makes_nothing_but_a_proof(store: Store) {
    let stage = Stage::set(store).await;
    let trust = json!({"settings": {"trust_email": true, "email_domains": ["example.com"]}});
    let page = RemoteLogin::installed(&stage.admin, "agents", trust).await;
    let mut jane = jane(&stage).await;
    let session = jane.cookies()["gateledger"].clone();
    let before = stage.admin.get("/accounts").send().await.done();
    let departure = jane.fetch(&test_path(&page)).await;
    let report = jane.open(&RemoteLogin::answer(&departure, &json!({"sub": "j", "email": JANE}))).await.expect(200);
    let text = report.text();
    assert!(text.contains("This person would get in") && text.contains("counts as a proven way in"), "{report}");
    assert!(text.contains("The token") && text.contains("jane@example.com"), "steps and claims: {report}");
    assert!(!text.contains(black_box::remote_login::SECRET));
    assert_eq!(jane.cookies()["gateledger"], session, "no session is made");
    assert_eq!(stage.admin.get("/accounts").send().await.done(), before, "no account");
    let id = before["accounts"][0]["id"].as_str().unwrap();
    let identities = stage.admin.get(&format!("/accounts/{id}/identities")).send().await.done();
    assert_eq!(identities["identities"], json!([]), "no link");
    assert_eq!(stage.admin.audit_trail().await[0]["action"], "proof_recorded");
    stage.admin.enable(&page.id).await.done();
    let deskpro = stage.admin.deskpro("agents").await;
    stage.admin.disable(&deskpro).await.done();
}

async fn r42_a_test_that_fails_says_where(store: Store) {
    let stage = Stage::set(store).await;
    let filter = json!({"filter": "claims.department == 'Support'"});
    let page = RemoteLogin::installed(&stage.admin, "agents", filter).await;
    let mut jane = jane(&stage).await;
    let version = stage.admin.version().await;
    for (claims, told) in [
        (json!({"sub": "j", "department": "Sales"}), "filtered"),
        (json!({"sub": "j", "department": "Support"}), "no_account"),
        (json!({"sub": "j", "exp": 1}), "answer_invalid"),
        (json!({"sub": Value::Null}), "answer_invalid"),
    ] {
        let departure = jane.fetch(&test_path(&page)).await;
        let report = jane.open(&RemoteLogin::answer(&departure, &claims)).await.expect(200);
        assert!(report.text().contains(told), "{told}: {report}");
    }
    assert_eq!(stage.admin.version().await, version, "nothing is proved");
    let path = format!("/usersources/{}/test", page.id);
    let form = json!({"login": "x", "password": "y"});
    stage.admin.post(&path, &form).send().await.refused(422, "not_testable");
}

async fn r42_a_test_belongs_to_the_admin_who_began_it(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::installed(&stage.admin, "users", json!({})).await;
    stage.visitor().open(&test_path(&page)).await.expect(401);
    let path = format!("/usersources/{}/test/start", page.id);
    stage.admin.get(&path).send().await.refused(403, "forbidden");
    let mut jane = jane(&stage).await;
    let departure = jane.fetch(&test_path(&page)).await;
    jane.post("/logout", &[]).await;
    let refused = jane.open(&RemoteLogin::answer(&departure, &alice())).await;
    assert!(refused.location().contains("tried="), "signed out meanwhile: {refused}");
    stage.installation.account("default", "aud@example.com", "Aud", "auditor");
    let mut auditor = stage.visitor();
    auditor.sign_in("/admin/login", "aud@example.com", PASSWORD).await.location();
    auditor.fetch(&test_path(&page)).await.refused(403, "forbidden");
}
