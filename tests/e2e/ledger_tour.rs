//! From an empty list to a button on the agents' login page, and what the page says to those who ask again.

use black_box::client::saml_settings;
use black_box::{Client, Stage, Store, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    r3_r4_r23_saml_is_installed_completed_enabled_and_offered,
    an_unchanged_page_is_not_sent_again,
    several_commands_are_one_change
);

async fn r3_r4_r23_saml_is_installed_completed_enabled_and_offered(store: Store) {
    let stage = Stage::set(store).await;
    let admin = &stage.admin;
    let body = json!({"kind": "saml", "audience": "agents", "title": "Staff", "button_text": "Staff sign-in"});
    let id = admin.install(&body).await;
    let installed = admin.usersource(&id).await;
    assert_eq!(installed["enabled"], false, "R3");
    assert!(installed["outputs"].to_string().contains(&format!("/auth/{id}/")), "R3: values to copy: {installed}");

    let before = admin.version().await;
    let refused = admin.enable(&id).await.refused(422, "settings_incomplete");
    assert_eq!(
        fields(&refused),
        ["settings.certificates", "settings.idp_entity_id", "settings.sso_url"],
        "R4: every field at fault, not the first"
    );
    assert_eq!(admin.version().await, before, "a refusal appends nothing");
    assert_eq!(admin.login_options("agent").await["buttons"], json!([]));

    admin.patch(&format!("/usersources/{id}"), &json!({"settings": saml_settings()})).send().await.done();
    let enabled = admin.enable(&id).await;
    assert_eq!(enabled.actions(), ["usersource_enabled"]);
    assert_eq!(enabled.header("etag"), format!("\"{}\"", enabled.version()));
    assert_eq!(admin.version().await, enabled.version(), "R61: a read reflects the write");
    the_button_is_there(&stage, &id, enabled.version()).await;
}

async fn the_button_is_there(stage: &Stage, id: &str, version: u64) {
    let deskpro = stage.admin.deskpro("agents").await;
    let url = format!("/auth/{id}/start");
    for surface in ["agent", "admin"] {
        let options = stage.admin.login_options(surface).await;
        assert_eq!(options["version"], version);
        assert_eq!(
            (&options["helpdesk"], &options["surface"], &options["audience"]),
            (&json!("default"), &json!(surface), &json!("agents"))
        );
        assert_eq!(
            options["buttons"],
            json!([{"usersource": id, "kind": "saml", "text": "Staff sign-in", "url": url}])
        );
        assert_eq!(options["form"]["usersources"], json!([deskpro]));
        assert_eq!(
            (&options["automatic"], &options["silent"], &options["icons"]),
            (&Value::Null, &Value::Null, &json!([]))
        );
        let page = stage.visitor().open(&format!("/{surface}/login")).await.expect(200).text();
        assert!(page.contains("Staff sign-in") && page.contains(&url), "{page}");
    }
    let portal = stage.admin.login_options("portal").await;
    assert_eq!(portal["buttons"], json!([]), "the other audience is untouched");
    let page = stage.visitor().open("/login").await.expect(200).text();
    assert!(!page.contains("Staff sign-in"), "{page}");
}

async fn an_unchanged_page_is_not_sent_again(store: Store) {
    let stage = Stage::set(store).await;
    let public = Client::new(stage.server.address(), "default");
    let ask = async |tag: &str| {
        let call = public.get("/login-options?surface=portal").header("origin", "https://portal.example.com");
        call.header("if-none-match", tag).send().await
    };
    let first = ask("\"none\"").await.expect(200);
    assert_eq!(first.header("cache-control"), "no-cache");
    let again = ask(first.header("etag")).await.expect(304);
    assert!(again.body.is_empty());
    for answer in [&first, &again] {
        assert_eq!(answer.header("access-control-allow-origin"), "*", "on 304 too: {answer}");
        assert_eq!(answer.header("access-control-allow-credentials"), "");
    }
    let mut visitor = stage.visitor();
    let page = visitor.open("/login").await.expect(200);
    visitor.open_with("/login", &[("if-none-match", page.header("etag"))]).await.expect(304);

    let deskpro = stage.admin.deskpro("users").await;
    stage.admin.disable(&deskpro).await.done();
    let changed = ask(first.header("etag")).await.expect(200);
    assert_ne!(changed.header("etag"), first.header("etag"));
    assert_eq!(changed.json()["form"], Value::Null);
    let changed = visitor.open_with("/login", &[("if-none-match", page.header("etag"))]).await.expect(200);
    assert_ne!(changed.header("etag"), page.header("etag"));
}

async fn several_commands_are_one_change(store: Store) {
    let stage = Stage::set(store).await;
    let install = json!({"command": "install_usersource", "kind": "saml", "audience": "users", "title": "Portal",
                         "settings": saml_settings()});
    let enable = json!({"command": "enable_usersource", "usersource": "$0"});
    let incomplete = json!({"command": "install_usersource", "kind": "saml", "audience": "users", "title": "Empty"});

    let before = stage.admin.version().await;
    let half = json!({"commands": [incomplete, enable]});
    stage.admin.post("/changes", &half).send().await.refused(422, "settings_incomplete");
    assert_eq!(stage.admin.version().await, before, "it stands or falls as one");

    let sso = json!({"command": "set_sso", "usersource": "$0", "mode": "background"});
    let done = stage.admin.post("/changes", &json!({"commands": [install, enable, sso]})).send().await;
    assert_eq!(done.actions(), ["usersource_installed", "usersource_enabled", "sso_changed"]);
    assert_eq!(done.version(), before + 3);
    for entry in done.json()["changes"].as_array().unwrap() {
        assert_eq!(entry["change"], json!({"first": before + 1, "last": before + 3}), "{entry}");
    }
    let options = stage.admin.login_options("portal").await;
    assert_eq!(options["buttons"][0]["text"], "Sign in with Portal", "R23");
}

fn fields(problem: &Value) -> Vec<&str> {
    let mut fields: Vec<&str> =
        problem["errors"].as_array().into_iter().flatten().filter_map(|error| error["field"].as_str()).collect();
    fields.sort_unstable();
    fields
}
