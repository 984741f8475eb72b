//! Who may: admins everything, auditors reading, nobody anything of another helpdesk.

use black_box::client::Call;
use black_box::{Client, PASSWORD, Stage, Store, on_both_stores};
use serde_json::json;

on_both_stores!(
    r63_an_auditor_reads_everything_and_changes_nothing,
    r0_without_a_credential_or_with_that_of_another_helpdesk_nothing_opens,
    r40_r41_the_last_way_in_stays_and_no_token_gives_it_up
);

const READS: [&str; 7] = ["/kinds", "/usersources", "/audit-trail", "/policies", "/accounts", "/tokens", "/sign-ins"];

fn changes(client: &Client, id: &str) -> Vec<Call> {
    let source = format!("/usersources/{id}");
    let install = json!({"kind": "saml", "audience": "users", "title": "Never"});
    vec![
        client.post("/usersources", &install),
        client.post("/usersources", &install).dry_run(),
        client.patch(&source, &json!({"title": "Never"})),
        client.post(&format!("{source}/enable"), &json!({})),
        client.post(&format!("{source}/disable"), &json!({})),
        client.put(&format!("{source}/sso"), &json!({"mode": "automatic"})),
        client.put("/audiences/users/order", &json!({"usersources": [id]})),
        client.post("/changes", &json!({"commands": [{"command": "enable_usersource", "usersource": id}]})),
        client.delete(&source),
    ]
}

async fn r63_an_auditor_reads_everything_and_changes_nothing(store: Store) {
    let stage = Stage::set(store).await;
    let id = stage.admin.install_saml("users", "Saml").await;
    let before = stage.admin.version().await;
    let token = stage.installation.token("default", "auditor");
    let auditor = Client::new(stage.server.address(), "default").with_token(&token);
    for path in READS {
        auditor.get(path).send().await.expect(200);
    }
    for call in changes(&auditor, &id) {
        call.send().await.refused(403, "forbidden");
    }
    assert_eq!(stage.admin.version().await, before);
}

async fn r0_without_a_credential_or_with_that_of_another_helpdesk_nothing_opens(store: Store) {
    let stage = Stage::set(store).await;
    let id = stage.admin.install_saml("users", "Saml").await;
    let other = stage.installation.another_helpdesk(&stage.server, "other");
    let before = stage.admin.version().await;
    let stranger = Client::new(stage.server.address(), "default");
    let forger = stranger.clone().with_token("glt_0000000000000000000000000000000000000000000");
    for (client, status) in [(stranger, 401), (forger, 401), (other.about("default"), 404)] {
        let reads = READS.iter().map(|path| client.get(path));
        for call in reads.chain(changes(&client, &id)) {
            let answer = call.send().await.expect(status);
            answer.problem();
        }
        client.get("/login-options?surface=portal").send().await.expect(200);
    }
    assert_eq!(stage.admin.version().await, before);
    nothing_tells_a_foreign_helpdesk_from_none(&stage).await;
}

async fn nothing_tells_a_foreign_helpdesk_from_none(stage: &Stage) {
    let answer = async |helpdesk: &str| {
        let answer = stage.admin.clone().about(helpdesk).get("/usersources").send().await.expect(404);
        let problem = answer.problem();
        (problem["code"].clone(), problem["title"].clone(), problem["detail"].clone())
    };
    assert_eq!(answer("other").await, answer("nowhere").await);
}

async fn r40_r41_the_last_way_in_stays_and_no_token_gives_it_up(store: Store) {
    let stage = Stage::set(store).await;
    let deskpro = stage.admin.deskpro("agents").await;
    let saml = stage.admin.install_saml("agents", "Unproven").await;
    let before = stage.admin.version().await;
    stage.admin.disable(&deskpro).await.refused(409, "would_lock_out_admins");
    stage.admin.set_sso(&saml, "automatic").await.refused(409, "would_lock_out_admins");
    let accepted = stage.admin.post(&format!("/usersources/{deskpro}/disable"), &json!({}));
    let accepted = accepted.header("gateledger-accept-lockout", "true").reason("I know what I do");
    let refused = accepted.send().await;
    assert!(matches!(refused.status, 403 | 409), "a token never may: {refused}");
    refused.problem();
    assert_eq!(stage.admin.version().await, before);

    let told = stage.admin.post(&format!("/usersources/{deskpro}/disable"), &json!({})).dry_run().send().await.done();
    assert!(told["warnings"].to_string().contains("would_lock_out_admins"), "a dry run says so: {told}");
    let mut jane = stage.visitor();
    jane.sign_in("/admin/login", black_box::JANE, PASSWORD).await.location();
    jane.session().await.expect(200);
}
