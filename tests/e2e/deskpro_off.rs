//! "Who disabled Deskpro authentication, when, why, and what did the login page look like before?"

use black_box::html::{forms, links};
use black_box::{PASSWORD, Stage, Store, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(r13_r24_r51_deskpro_is_disabled_for_users_and_the_ledger_answers_for_it);

/// Everything that the forms on those pages ask for.
const FILLED_IN: [(&str, &str); 3] =
    [("email", "uma@example.com"), ("current_password", PASSWORD), ("password", "another long password")];

async fn r13_r24_r51_deskpro_is_disabled_for_users_and_the_ledger_answers_for_it(store: Store) {
    let stage = Stage::set(store).await;
    let admin = &stage.admin;
    let deskpro = admin.deskpro("users").await;
    let options = admin.login_options("portal").await;
    let own_pages = own_pages(&options);
    let mut visitor = stage.visitor();
    for page in &own_pages {
        assert_ne!(visitor.open(page).await.status, 404, "{page} is there while deskpro is enabled");
    }
    let page = visitor.open("/login").await.expect(200).text();
    assert!(links(&page).contains(&own_pages[0]), "{page}");
    assert!(forms(&page).iter().any(|form| form.action == "/login"), "{page}");

    let call = admin.post(&format!("/usersources/{deskpro}/disable"), &json!({}));
    let version = call.reason("Customers sign in with their passport").send().await.version();

    for page in &own_pages {
        visitor.open(page).await.expect(404);
        visitor.post(page, &FILLED_IN).await.expect(404);
    }
    let page = visitor.open("/login").await.expect(200).text();
    assert!(!forms(&page).iter().any(|form| form.action == "/login"), "no form is left: {page}");
    assert!(!links(&page).iter().any(|link| own_pages.contains(link)), "no link is left: {page}");
    assert_eq!(admin.login_options("portal").await["form"], Value::Null);
    agents_keep_theirs(&stage).await;
    the_ledger_answers(&stage, &deskpro, version).await;
}

/// The pages that there are only while `deskpro` is enabled, as the login options name them.
fn own_pages(options: &Value) -> Vec<String> {
    ["lost_password", "change_password"].map(|page| options["form"][page].as_str().unwrap().to_owned()).to_vec()
}

async fn agents_keep_theirs(stage: &Stage) {
    let agents = stage.admin.login_options("agent").await;
    for page in own_pages(&agents) {
        assert_ne!(stage.visitor().open(&page).await.status, 404, "{page} belongs to the other audience");
    }
    let page = stage.visitor().open("/agent/login").await.expect(200).text();
    assert!(forms(&page).iter().any(|form| form.action == "/agent/login"), "{page}");
}

async fn the_ledger_answers(stage: &Stage, deskpro: &str, version: u64) {
    let path = format!("/audit-trail?usersource={deskpro}&action=usersource_disabled");
    let found = stage.admin.get(&path).send().await.done();
    let [entry] = found["entries"].as_array().unwrap().as_slice() else { panic!("one entry: {found}") };
    assert_eq!(entry["version"], version);
    assert_eq!(entry["sentence"], "Jane Doe disabled Deskpro for users");
    assert_eq!(entry["reason"], "Customers sign in with their passport");
    assert_eq!(entry["changes"], json!([{"field": "enabled", "before": true, "after": false}]));
    assert_eq!((&entry["audience"], &entry["via"]), (&json!("users"), &json!("api")));
    let usersource = &entry["usersource"];
    assert_eq!((&usersource["id"], &usersource["kind"]), (&json!(deskpro), &json!("deskpro")));
    assert_eq!((&entry["actor"]["name"], &entry["actor"]["role"]), (&json!("Jane Doe"), &json!("admin")));
    assert_eq!((&entry["actor"]["type"], &entry["ip"]), (&json!("token"), &json!("127.0.0.1")));
    let at = entry["at"].as_str().unwrap();
    assert!(at.len() == 24 && at.ends_with('Z'), "R50: UTC, milliseconds: {at}");
    let alone = stage.admin.get(&format!("/audit-trail/{version}")).send().await.done();
    assert_eq!(alone["entries"], json!([entry]), "one change in full");
}
