//! Signing in through a provider: who gets in, as whom, and who does not.

use black_box::remote_login::alice;
use black_box::{JANE, PASSWORD, RemoteLogin, Stage, Store, on_both_stores};
use serde_json::{Value, json};

on_both_stores!(
    r31_an_unknown_user_is_given_an_account_and_comes_back_as_the_same,
    r31_an_unknown_agent_has_no_account_until_auto_agent_gives_one,
    r30_a_trusted_address_finds_the_admin_and_the_sign_in_is_a_proof,
    r30_an_address_that_nobody_vouches_for_finds_nobody,
    r32_a_filter_is_judged_before_any_account_is_made,
    r33_a_disabled_account_stays_out_whatever_the_source_says,
    r30_identities_are_linked_and_unlinked_by_a_fresh_session,
    r27_signing_out_leads_to_the_provider_and_not_in_again
);

async fn accounts(stage: &Stage) -> Vec<Value> {
    stage.admin.get("/accounts").send().await.done()["accounts"].as_array().unwrap().clone()
}

async fn r31_an_unknown_user_is_given_an_account_and_comes_back_as_the_same(store: Store) {
    let stage = Stage::set(store).await;
    let more = json!({"provisioning": {"grant_group": "Customers"}});
    let page = RemoteLogin::enabled(&stage.admin, "users", more).await;
    let mut browser = stage.visitor();
    assert!(browser.open("/login").await.text().contains(&page.start()), "the button is there");
    let start = browser.open(&format!("{}?return_to=/tickets/7", page.start())).await;
    let back = browser.open(&RemoteLogin::answer(&start, &alice())).await;
    assert_eq!(back.location(), "/tickets/7");
    let session = browser.session().await.done();
    assert_eq!((&session["audience"], &session["usersource"]), (&json!("users"), &json!(page.id)));
    assert_eq!(session["account"]["name"], "Alice Archer");
    assert_eq!(session["group"], "Customers");
    assert_eq!(session["account"]["email"], Value::Null, "nobody vouches for the address");
    browser.open("/admin/").await.location();

    let mut again = stage.visitor();
    page.sign_in(&mut again, &alice()).await.location();
    assert_eq!(again.session().await.done()["account"]["id"], session["account"]["id"]);
    page.sign_in(&mut stage.visitor(), &json!({"sub": "8"})).await.location();
    assert_eq!(accounts(&stage).await.len(), 3, "Jane, Alice, and one more");
    let log = stage.admin.get(&format!("/sign-ins?usersource={}", page.id)).send().await.done();
    assert_eq!(log["sign_ins"].as_array().unwrap().len(), 3);
    assert_eq!(log["sign_ins"][0]["outcome"], "admitted");
}

async fn r31_an_unknown_agent_has_no_account_until_auto_agent_gives_one(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "agents", json!({})).await;
    let mut browser = stage.visitor();
    let refused = page.sign_in(&mut browser, &alice()).await;
    let told = browser.open(refused.location()).await.expect(200);
    assert!(told.text().contains("no account here"), "{told}");
    browser.session().await.expect(401);
    let more = json!({"provisioning": {"auto_agent": true, "permission_group": "Night shift"}});
    stage.admin.patch(&format!("/usersources/{}", page.id), &more).send().await.done();
    assert_eq!(page.sign_in(&mut browser, &alice()).await.location(), "/agent/");
    let session = browser.session().await.done();
    assert_eq!((&session["roles"], &session["group"]), (&json!(["agent"]), &json!("Night shift")));
}

async fn r30_a_trusted_address_finds_the_admin_and_the_sign_in_is_a_proof(store: Store) {
    let stage = Stage::set(store).await;
    let trust = json!({"settings": {"trust_email": true, "email_domains": ["example.com"]}});
    let page = RemoteLogin::enabled(&stage.admin, "agents", trust).await;
    let deskpro = stage.admin.deskpro("agents").await;
    stage.admin.disable(&deskpro).await.refused(409, "would_lock_out_admins");
    let mut browser = stage.visitor();
    page.sign_in(&mut browser, &json!({"sub": "jane", "email": "Jane@Example.com"})).await.location();
    let session = browser.session().await.done();
    assert_eq!((&session["account"]["email"], &session["roles"]), (&json!(JANE), &json!(["admin"])));
    let trail = stage.admin.audit_trail().await;
    assert_eq!(trail[0]["action"], "proof_recorded", "R40: a real sign-in by an admin");
    stage.admin.disable(&deskpro).await.done();
    browser.open("/admin/").await.expect(200);
    page.sign_in(&mut stage.visitor(), &json!({"sub": "jane", "email": JANE})).await.location();
    assert_eq!(stage.admin.audit_trail().await[0]["action"], "usersource_disabled", "the same proof is no news");
}

async fn r30_an_address_that_nobody_vouches_for_finds_nobody(store: Store) {
    let stage = Stage::set(store).await;
    let untrusted = RemoteLogin::enabled(&stage.admin, "agents", json!({})).await;
    let elsewhere = json!({"settings": {"trust_email": true, "email_domains": ["example.org"]}});
    let elsewhere = RemoteLogin::enabled(&stage.admin, "agents", elsewhere).await;
    for page in [untrusted, elsewhere] {
        let mut browser = stage.visitor();
        let refused = page.sign_in(&mut browser, &json!({"sub": "mallory", "email": JANE})).await;
        assert!(refused.location().contains("tried=no_account"), "{refused}");
        browser.session().await.expect(401);
    }
}

async fn r32_a_filter_is_judged_before_any_account_is_made(store: Store) {
    let stage = Stage::set(store).await;
    let filter = json!({"filter": "claims.department == 'Support'"});
    let page = RemoteLogin::enabled(&stage.admin, "users", filter).await;
    let before = accounts(&stage).await.len();
    for claims in [json!({"sub": "7", "department": "Sales"}), json!({"sub": "7"})] {
        let mut browser = stage.visitor();
        let refused = page.sign_in(&mut browser, &claims).await;
        assert!(refused.location().contains("tried=not_admitted"), "{refused}");
        browser.session().await.expect(401);
    }
    assert_eq!(accounts(&stage).await.len(), before);
    let mut browser = stage.visitor();
    page.sign_in(&mut browser, &json!({"sub": "7", "department": "Support"})).await.location();
    browser.session().await.expect(200);
}

async fn r33_a_disabled_account_stays_out_whatever_the_source_says(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    let mut browser = stage.visitor();
    page.sign_in(&mut browser, &alice()).await.location();
    let id = browser.session().await.done()["account"]["id"].as_str().unwrap().to_owned();
    stage.admin.patch(&format!("/accounts/{id}"), &json!({"active": false})).send().await.done();
    browser.session().await.expect(401);
    let refused = page.sign_in(&mut browser, &alice()).await;
    assert!(browser.open(refused.location()).await.text().contains("is disabled"), "{refused}");
    browser.session().await.expect(401);
    let log = stage.admin.get("/sign-ins?outcome=refused").send().await.done();
    assert_eq!((&log["sign_ins"][0]["reason"], &log["sign_ins"][0]["account"]), (&json!("disabled"), &json!(id)));
}

async fn r30_identities_are_linked_and_unlinked_by_a_fresh_session(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "agents", json!({})).await;
    let link = [("link", page.id.as_str())];
    assert!(stage.visitor().post("/identities", &link).await.location().starts_with("/login"), "without a session");
    let mut jane = stage.visitor();
    jane.sign_in("/admin/login", JANE, PASSWORD).await.location();
    assert!(jane.open("/identities").await.expect(200).text().contains(&page.id));
    let from = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    jane.post_from(&from, "/identities", &link).await.expect(403);
    let onward = jane.post("/identities", &link).await.expect(200);
    let to = black_box::html::links(&onward.text()).remove(0);
    assert_eq!(jane.open(&RemoteLogin::answer_to(&to, &json!({"sub": "jane"}))).await.location(), "/identities");
    let mut elsewhere = stage.visitor();
    page.sign_in(&mut elsewhere, &json!({"sub": "jane"})).await.location();
    let account = elsewhere.session().await.done()["account"].clone();
    assert_eq!(account["email"], JANE);

    elsewhere.post("/identities", &link).await.expect(403);
    let listed = jane.open("/identities").await.text();
    let id = listed.split("name=\"unlink\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    elsewhere.post("/identities", &[("unlink", &id)]).await.expect(403);

    // R40: what was proved through it is the only way in for a while.
    let path = format!("/accounts/{}/identities", account["id"].as_str().unwrap());
    let deskpro = stage.admin.deskpro("agents").await;
    stage.admin.disable(&deskpro).await.done();
    stage.admin.delete(&format!("{path}/{id}")).send().await.refused(409, "would_lock_out_admins");
    jane.post("/identities", &[("unlink", &id)]).await.expect(409);
    stage.admin.enable(&deskpro).await.done();

    jane.post("/identities", &[("unlink", &id)]).await.location();
    assert_eq!(stage.admin.audit_trail().await[0]["action"], "proofs_withdrawn");
    elsewhere.session().await.expect(401);
    let refused = page.sign_in(&mut stage.visitor(), &json!({"sub": "jane"})).await;
    assert!(refused.location().contains("tried=no_account"), "{refused}");
    assert_eq!(stage.admin.get(&path).send().await.done()["identities"], json!([]));
    stage.admin.disable(&deskpro).await.refused(409, "would_lock_out_admins");
}

async fn r27_signing_out_leads_to_the_provider_and_not_in_again(store: Store) {
    let stage = Stage::set(store).await;
    let settings = json!({"settings": {"logout_url": "https://shop.example/logout"}});
    let page = RemoteLogin::enabled(&stage.admin, "users", settings).await;
    stage.admin.set_sso(&page.id, "automatic").await.done();
    let mut browser = stage.visitor();
    page.sign_in(&mut browser, &alice()).await.location();
    let onward = browser.post("/logout", &[]).await.expect(200);
    assert!(onward.text().contains("https://shop.example/logout?return="), "{onward}");
    browser.session().await.expect(401);
    browser.open("/signed-out").await.expect(200);
    let login = browser.open("/login").await.expect(200);
    assert!(login.text().contains("You are signed out") && login.text().contains(&page.start()), "{login}");
}
