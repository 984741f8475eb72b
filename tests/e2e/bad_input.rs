//! What no well-meaning client sends: each is refused with a problem that has a code, and nothing is appended.

use black_box::client::{Call, Client};
use black_box::{Stage, Store, on_both_stores};
use reqwest::Method;
use serde_json::{Value, json};

on_both_stores!(
    bodies_that_are_not_what_they_should_be_are_refused,
    ids_of_nowhere_and_of_other_helpdesks_resolve_to_nothing,
    a_nul_is_nowhere_and_no_fault_of_a_store,
    titles_keep_out_what_cannot_be_seen
);

async fn bodies_that_are_not_what_they_should_be_are_refused(store: Store) {
    let stage = Stage::set(store).await;
    let admin = &stage.admin;
    let id = admin.install_saml("users", "Saml").await;
    let before = admin.version().await;

    let install = |body: &str| admin.call(Method::POST, "/usersources").body(body.to_owned());
    for malformed in [r#"{"kind":"#, "[]", "\"saml\"", "null", "\u{feff}{}", r#"{"kind": "saml"} trailing"#, "\0"] {
        refused(install(malformed), 400, Some("malformed_json")).await;
    }
    refused(install(&"[".repeat(100_000)), 400, Some("malformed_json")).await;
    refused(install(&"{\"a\":".repeat(10_000)), 400, Some("malformed_json")).await;

    let saml = |more: Value| {
        let mut body = json!({"kind": "saml", "audience": "users", "title": "T"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        admin.post("/usersources", &body)
    };
    for (wrong, member) in [
        (json!({"colour": "red"}), "colour"),
        (json!({"kind": 7}), "kind"),
        (json!({"audience": "everybody"}), "audience"),
        (json!({"title": ["T"]}), "title"),
        (json!({"settings": "none"}), "settings"),
        (json!({"settings": {"colour": "red"}}), "settings.colour"),
        (json!({"settings": {"sso_url": {"deep": 1}}}), "settings.sso_url"),
        (json!({"settings": {"sso_url": "javascript:alert(1)"}}), "settings.sso_url"),
        (json!({"settings": {"certificates": "no certificate"}}), "settings.certificates"),
    ] {
        let problem = refused(saml(wrong), 422, None).await;
        let at_fault = problem["errors"].as_array().unwrap().iter().any(|error| error["field"] == member);
        assert!(at_fault, "{member} is not named: {problem}");
    }
    refused(saml(json!({"kind": "fax"})), 422, Some("unknown_kind")).await;
    refused(saml(json!({"kind": "deskpro"})), 422, Some("deskpro_is_built_in")).await;

    refused(admin.put(&format!("/usersources/{id}/sso"), &json!({"mode": "sometimes"})), 422, None).await;
    refused(admin.put(&format!("/usersources/{id}/sso"), &json!({})), 422, None).await;
    refused(admin.put("/audiences/users/order", &json!({"usersources": "all"})), 422, None).await;
    refused(admin.put("/audiences/users/order", &json!({"usersources": [id]})), 422, Some("not_an_order")).await;
    refused(admin.put("/audiences/everybody/order", &json!({"usersources": []})), 404, None).await;
    refused(admin.post("/changes", &json!({"commands": []})), 422, None).await;
    refused(admin.post("/changes", &json!({"commands": ["enable"]})), 422, None).await;
    refused(admin.post("/changes", &json!({"commands": [{"command": "drop_table"}]})), 422, None).await;
    refused(admin.get("/login-options?surface=moon"), 400, None).await;
    refused(admin.get("/no-such-thing"), 404, None).await;
    let deskpro = admin.deskpro("users").await;
    refused(admin.delete(&format!("/usersources/{deskpro}")), 422, Some("deskpro_is_built_in")).await;
    assert_eq!(admin.version().await, before, "nothing was appended");
}

async fn ids_of_nowhere_and_of_other_helpdesks_resolve_to_nothing(store: Store) {
    let stage = Stage::set(store).await;
    let other = stage.installation.another_helpdesk(&stage.server, "other");
    let theirs = other.install_saml("users", "Theirs").await;
    let versions = (stage.admin.version().await, other.version().await);
    let long = "x".repeat(5_000);
    for id in [theirs.as_str(), "us_none", "%00", "%2e%2e%2fusersources", "%F0%9F%92%A9", "' OR 1=1 --", &long] {
        for call in calls_about(&stage.admin, id) {
            refused(call, 404, None).await;
        }
    }
    for call in calls_about(&stage.admin, &theirs) {
        refused(call, 404, Some("unknown_usersource")).await;
    }
    refused(stage.admin.put("/audiences/users/order", &json!({"usersources": [theirs]})), 422, None).await;
    assert_eq!((stage.admin.version().await, other.version().await), versions);
    stage.visitor().open(&format!("/auth/{theirs}/start")).await.expect(404);
}

async fn a_nul_is_nowhere_and_no_fault_of_a_store(store: Store) {
    let stage = Stage::set(store).await;
    let admin = &stage.admin;
    for path in ["/accounts/%00/sessions", "/usersources/a%00b", "/audit-trail/%00", "/%00"] {
        refused(admin.get(path), 404, None).await;
    }
    refused(admin.patch("/accounts/%00", &json!({"name": "N"})), 404, None).await;
    refused(admin.delete("/tokens/%00"), 404, None).await;
    for path in ["/audit-trail?actor=%00", "/audit-trail?q=a%00b", "/sign-ins?account=%00", "/accounts?after=%00"] {
        refused(admin.get(path), 400, Some("malformed_query")).await;
    }
    refused(admin.clone().about("%00").get("/login-options?surface=portal"), 404, None).await;
    for (login, password) in [("a\0b", "p"), ("a@example.com", "p\0")] {
        stage.visitor().sign_in("/login", login, password).await.expect(401);
    }
    let lost = stage.visitor().post("/lost-password", &[("email", "a\0@example.com")]).await;
    lost.expect(200);
    stage.visitor().open("/reset-password?token=%00").await.expect(404);
    stage.visitor().open("/setup?token=%00").await.expect(404);
}

fn calls_about(admin: &Client, id: &str) -> Vec<Call> {
    let path = format!("/usersources/{id}");
    vec![
        admin.get(&path),
        admin.patch(&path, &json!({"title": "Mine now"})),
        admin.post(&format!("{path}/enable"), &json!({})),
        admin.post(&format!("{path}/disable"), &json!({})),
        admin.put(&format!("{path}/sso"), &json!({"mode": "off"})),
        admin.delete(&path),
    ]
}

async fn titles_keep_out_what_cannot_be_seen(store: Store) {
    let stage = Stage::set(store).await;
    let id = stage.admin.install(&json!({"kind": "saml", "audience": "users", "title": "T"})).await;
    let before = stage.admin.version().await;
    let long = "long ".repeat(2_000);
    for title in ["", " ", "a\0b", "a\nb", "a\u{1b}[31mb", "\u{202e}gpj.exe", "a\u{2066}b", "a\u{200b}", &long] {
        let call = stage.admin.patch(&format!("/usersources/{id}"), &json!({"title": title}));
        let problem = refused(call, 422, Some("invalid_setting")).await;
        assert_eq!(problem["errors"][0]["field"], "title", "{title:?}");
    }
    assert_eq!(stage.admin.version().await, before);
    let plain = "Grüße, 東京 & <b>\"';--";
    stage.admin.rename(&id, plain).await.done();
    assert_eq!(stage.admin.usersource(&id).await["title"], plain);
}

/// The call is refused with this status and, if it is said, this code, in a problem document.
#[track_caller]
fn refused(call: Call, status: u16, code: Option<&'static str>) -> impl Future<Output = Value> {
    let place = std::panic::Location::caller();
    async move {
        let answer = call.send().await;
        assert_eq!(answer.status, status, "{place}: {answer}");
        match code {
            Some(code) => answer.refused(status, code),
            None => answer.problem(),
        }
    }
}
