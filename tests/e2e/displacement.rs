//! Two providers and one single sign-on: whoever is switched on displaces the other, in one change that names both.

use black_box::{Stage, Store, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(r11_switching_one_on_switches_the_other_off_in_the_same_change);

async fn r11_switching_one_on_switches_the_other_off_in_the_same_change(store: Store) {
    let stage = Stage::set(store).await;
    let admin = &stage.admin;
    let (old, new) = (admin.install_saml("users", "Old").await, admin.install_saml("users", "New").await);
    let agents = admin.install_saml("agents", "Staff").await;
    admin.set_sso(&agents, "background").await.done();
    let version = admin.set_sso(&old, "automatic").await.version();
    the_portal_goes_to(&stage, &old).await;

    let path = format!("/usersources/{new}/sso");
    let told = admin.put(&path, &json!({"mode": "automatic"})).dry_run().send().await.expect(200).json();
    assert_eq!(told["version"], version, "a dry run appends nothing");
    assert_eq!(actions(&told["events"]), ["sso_changed", "sso_changed"]);
    assert_eq!(titles(&told["events"]), ["Old", "New"], "it says beforehand who is displaced: {told}");
    let portal = &told["login_options"]["portal"];
    assert_eq!(portal["before"]["automatic"]["usersource"], json!(old));
    assert_eq!(portal["after"]["automatic"]["usersource"], json!(new));
    assert_eq!(admin.version().await, version);
    the_portal_goes_to(&stage, &old).await;

    let done = admin.set_sso(&new, "automatic").await;
    assert_eq!(done.version(), version + 2);
    let changes = done.json()["changes"].clone();
    both_are_named_in_one_change(&changes, version);
    let trail = admin.audit_trail().await;
    let newest = json!([trail[1], trail[0]]);
    both_are_named_in_one_change(&newest, version);

    the_portal_goes_to(&stage, &new).await;
    let displaced = admin.usersource(&old).await;
    assert_eq!((&displaced["sso"]["mode"], &displaced["enabled"]), (&json!("off"), &json!(true)), "{displaced}");
    let other = admin.usersource(&agents).await;
    assert_eq!(other["sso"]["mode"], "background", "R10: the other audience is independent");
}

async fn the_portal_goes_to(stage: &Stage, id: &str) {
    let options = stage.admin.login_options("portal").await;
    let url = format!("/auth/{id}/start");
    assert_eq!(options["automatic"]["usersource"], json!(id));
    assert_eq!((&options["form"], &options["buttons"]), (&Value::Null, &json!([])), "R21: nothing else is offered");
    assert_eq!(options["guests_allowed"], false, "R21");
    let page = stage.visitor().open("/login").await;
    assert!(page.location().starts_with(&url) || page.location().starts_with("https://idp.example.com/"), "{page}");
}

fn both_are_named_in_one_change(changes: &Value, before: u64) {
    assert_eq!(actions(changes), ["sso_changed", "sso_changed"]);
    assert_eq!(titles(changes), ["Old", "New"]);
    for change in changes.as_array().unwrap() {
        assert_eq!(change["change"], json!({"first": before + 1, "last": before + 2}), "{change}");
    }
    assert_eq!(changes[0]["changes"], json!([{"field": "sso", "before": "automatic", "after": "off"}]));
    assert_eq!(changes[1]["changes"], json!([{"field": "sso", "before": "off", "after": "automatic"}]));
    assert!(changes[0]["sentence"].as_str().unwrap().ends_with("displaced by New"), "{changes}");
}

fn actions(entries: &Value) -> Vec<&str> {
    entries.as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap()).collect()
}

fn titles(entries: &Value) -> Vec<&str> {
    entries.as_array().unwrap().iter().map(|entry| entry["usersource"]["title"].as_str().unwrap()).collect()
}
