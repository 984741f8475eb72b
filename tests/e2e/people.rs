//! People over the API: what is only tried is not done.

use black_box::client::Call;
use black_box::{JANE, Stage, Store, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(r60_what_has_no_dry_run_is_refused_with_one_and_not_done);

async fn r60_what_has_no_dry_run_is_refused_with_one_and_not_done(store: Store) {
    let stage = Stage::set(store).await;
    let admin = &stage.admin;
    let accounts = async || admin.get("/accounts").send().await.done();
    let tokens = async || admin.get("/tokens").send().await.done()["tokens"].as_array().map(Vec::len);
    let new = json!({"email": "karl@example.com", "name": "Karl", "role": "auditor"});
    let karl = admin.post("/accounts", &new).send().await.expect(201).json();
    let karl = format!("/accounts/{}", karl["id"].as_str().unwrap_or_default());
    let before = (accounts().await, tokens().await, admin.version().await);

    let other = json!({"email": "olga@example.com", "name": "Olga", "role": "user"});
    let calls: [Call; 5] = [
        admin.post("/accounts", &other),
        admin.patch(&karl, &json!({"active": false})),
        admin.delete(&karl),
        admin.delete(&format!("{karl}/sessions")),
        admin.post("/tokens", &json!({"role": "auditor", "label": "tried"})),
    ];
    for call in calls {
        call.dry_run().send().await.refused(400, "malformed_query");
    }
    assert_eq!((accounts().await, tokens().await, admin.version().await), before);
    let jane = before.0["accounts"].as_array().and_then(|all| all.iter().find(|a| a["email"] == JANE).cloned());
    assert!(jane.is_some_and(|jane: Value| jane["active"] == true));
}
