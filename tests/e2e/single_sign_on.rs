//! `automatic`: everybody goes to the provider at once, and nobody goes round in circles (R21, R22).

use black_box::remote_login::alice;
use black_box::{JANE, PASSWORD, RemoteLogin, Stage, Store, on_both_stores};
use serde_json::json;

on_both_stores!(
    r21_r22_under_automatic_everybody_goes_to_the_provider_and_nobody_in_circles,
    r22_under_automatic_there_is_no_other_way_in
);

async fn r21_r22_under_automatic_everybody_goes_to_the_provider_and_nobody_in_circles(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    stage.admin.set_sso(&page.id, "automatic").await.done();
    let mut browser = stage.visitor();
    let first = browser.open("/login").await;
    assert_eq!(first.location(), page.start());
    let departure = browser.open(first.location()).await;

    // They press "back": the page, with a button, and no redirect.
    let back = browser.open("/login").await.expect(200);
    assert!(back.text().contains("without having signed in") && back.text().contains(&page.start()), "{back}");
    assert!(!back.text().contains("<form"), "the automatic usersource alone");

    let forged = RemoteLogin::answer(&departure, &alice()).replace("&jwt=", "&jwt=x");
    let refused = browser.open(&forged).await;
    let told = browser.open(refused.location()).await.expect(200);
    assert!(told.text().contains("could not be accepted") && told.text().contains("Try again with"), "{told}");
    browser.open("/login").await.expect(200);
    browser.open("/login?return_to=/x").await.expect(200);

    // A browser that keeps no cookies is not sent round either: the address says that it was there.
    let told = stage.visitor().open(refused.location()).await.expect(200);
    assert!(told.text().contains("could not be accepted"), "{told}");

    assert_eq!(page.sign_in(&mut browser, &alice()).await.location(), "/");
    assert!(!browser.cookies().contains_key("gateledger-tried"), "success clears it");
    assert_eq!(browser.open("/login").await.location(), "/", "R20");
    browser.post("/logout", &[]).await.location();
    browser.open("/login").await.expect(200);
}

async fn r22_under_automatic_there_is_no_other_way_in(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    let other = RemoteLogin::enabled(&stage.admin, "users", json!({"title": "Other"})).await;
    let agents = RemoteLogin::enabled(&stage.admin, "agents", json!({"title": "Staff"})).await;
    let mut late = stage.visitor();
    let under_way = late.open(&other.start()).await;
    stage.admin.set_sso(&page.id, "automatic").await.done();
    let mut browser = stage.visitor();
    let refused = browser.open(&other.start()).await;
    assert!(refused.location().contains("tried=switched_off"), "{refused}");
    browser.sign_in("/login", JANE, PASSWORD).await.expect(403);
    let refused = late.open(&RemoteLogin::answer(&under_way, &alice())).await;
    assert!(refused.location().contains("tried=switched_off"), "begun before, judged at its end: {refused}");
    late.session().await.expect(401);
    assert!(browser.open(&agents.start()).await.location().starts_with("https://shop.example"), "the other audience");
}
