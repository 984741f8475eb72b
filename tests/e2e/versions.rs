//! Two admins at once: whoever says which version they have seen never overwrites what they have not (R60, R62).

use black_box::{Stage, Store, on_both_stores};
use serde_json::json;

on_both_stores!(r60_r62_a_stale_version_is_refused_with_what_changed_since_where_it_matters);

async fn r60_r62_a_stale_version_is_refused_with_what_changed_since_where_it_matters(store: Store) {
    let stage = Stage::set(store).await;
    let admin = &stage.admin;
    let (one, two) = (admin.install_saml("users", "One").await, admin.install_saml("users", "Two").await);
    let seen = admin.version().await;
    let rename = async |id: &str, title: &str, version: u64| {
        admin.patch(&format!("/usersources/{id}"), &json!({"title": title})).if_match(version).send().await
    };
    let mine = rename(&one, "Mine", seen).await.version();

    let stale = rename(&one, "Theirs", seen).await;
    let problem = stale.refused(412, "version_mismatch");
    assert_eq!(problem["since"][0]["version"], mine, "what changed since: {problem}");
    assert_eq!(problem["since"][0]["usersource"]["id"], one.as_str());
    let elsewhere = rename(&two, "Elsewhere", seen).await;
    assert_eq!(elsewhere.actions(), ["usersource_changed"], "another usersource is no conflict");

    let newest = admin.version().await;
    rename(&one, "Future", newest + 100).await.refused(412, "version_mismatch");
    for wrong in ["17", "\"seventeen\"", "\"-1\"", "W/", "\"99999999999999999999999\""] {
        let call = admin.patch(&format!("/usersources/{one}"), &json!({"title": "Never"}));
        let answer = call.header("if-match", wrong).send().await;
        assert!(matches!(answer.status, 400 | 412), "{answer}");
        answer.problem();
    }
    assert_eq!(admin.version().await, newest, "no refusal appends anything");
    assert_eq!(admin.usersource(&one).await["title"], "Mine");

    admin.set_sso(&one, "background").await.done();
    let sso = admin.put(&format!("/usersources/{two}/sso"), &json!({"mode": "automatic"})).if_match(newest);
    sso.send().await.refused(412, "version_mismatch");
}
