//! Attempts that must not end well: used twice, in another browser, through another usersource, or after something
//! changed on the way (R28).

use black_box::remote_login::{alice, token};
use black_box::{Installation, RemoteLogin, Stage, Store, on_both_stores};
use serde_json::json;

on_both_stores!(
    r28_an_attempt_ends_with_its_usersource_or_its_settings,
    r28_what_was_never_enabled_is_not_there,
    an_answer_works_once_and_in_the_browser_that_asked_for_it,
    one_usersource_never_ends_the_attempt_of_another,
    a_posted_answer_is_posted_once_more_by_our_own_page,
    what_is_planted_on_the_way_is_told_nowhere
);

async fn r28_an_attempt_ends_with_its_usersource_or_its_settings(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    let path = format!("/usersources/{}", page.id);
    let mut browser = stage.visitor();

    let departure = browser.open(&page.start()).await;
    stage.admin.disable(&page.id).await.done();
    let refused = browser.open(&RemoteLogin::answer(&departure, &alice())).await;
    let told = browser.open(refused.location()).await.expect(200);
    assert!(told.text().contains("was switched off"), "{told}");
    browser.open(&page.start()).await.expect(404);
    stage.admin.enable(&page.id).await.done();

    let departure = browser.open(&page.start()).await;
    stage.admin.patch(&path, &json!({"settings": {"issuer": "shop"}})).send().await.done();
    let refused = browser.open(&RemoteLogin::answer(&departure, &alice())).await;
    assert!(browser.open(refused.location()).await.text().contains("was changed while you were on your way"));

    let departure = browser.open(&page.start()).await;
    stage.admin.patch(&path, &json!({"title": "Renamed"})).send().await.done();
    let claims = json!({"sub": "7", "iss": "shop"});
    assert_eq!(browser.open(&RemoteLogin::answer(&departure, &claims)).await.location(), "/");
    browser.session().await.expect(200);

    let departure = browser.open(&page.start()).await;
    stage.admin.delete(&path).send().await.done();
    browser.open(&RemoteLogin::answer(&departure, &claims)).await.expect(404);
}

async fn r28_what_was_never_enabled_is_not_there(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::installed(&stage.admin, "users", json!({})).await;
    let mut browser = stage.visitor();
    browser.open(&page.start()).await.expect(404);
    let callback = format!("{}/auth/{}/callback", stage.server.address(), page.id);
    let forged = format!("{callback}?state={}&jwt={}", "a".repeat(43), token(&callback, &alice()));
    browser.open(&forged).await.location();
    browser.open(&format!("{callback}?jwt={}", token(&callback, &alice()))).await.location();
    browser.session().await.expect(401);
    for unknown in
        ["/auth/us_unknown/start", "/auth/us_unknown/callback", "/auth/%00/start", "/auth/us_unknown/metadata"]
    {
        browser.open(unknown).await.expect(404);
    }
}

async fn an_answer_works_once_and_in_the_browser_that_asked_for_it(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    let mut browser = stage.visitor();
    let departure = browser.open(&page.start()).await;
    let mut copied = browser.clone();
    let answer = RemoteLogin::answer(&departure, &alice());
    let mut victim = stage.visitor();
    let refused = victim.open(&answer).await;
    assert!(refused.location().contains("tried=expired"), "another browser: {refused}");
    victim.session().await.expect(401);
    browser.open(&answer).await.location();
    browser.session().await.expect(200);
    let refused = copied.open(&answer).await;
    assert!(refused.location().contains("tried=expired"), "the same cookie, a second time: {refused}");
    copied.session().await.expect(401);
    let reasons = stage.admin.get("/sign-ins?outcome=failed").send().await.done();
    assert_eq!(reasons["sign_ins"][0]["reason"], "attempt_used");
    assert_eq!(reasons["sign_ins"].as_array().unwrap().len(), 1, "a stranger's answer fills no log");

    // A token that was shown once is not believed in another attempt either.
    let departure = browser.open(&page.start()).await;
    let first = RemoteLogin::answer(&departure, &alice());
    let jwt = first.split("&jwt=").nth(1).unwrap().to_owned();
    browser.open(&first).await.location();
    let mut other = stage.visitor();
    let departure = other.open(&page.start()).await;
    let second = RemoteLogin::answer(&departure, &alice());
    let replayed = format!("{}&jwt={jwt}", second.split("&jwt=").next().unwrap());
    assert!(other.open(&replayed).await.location().contains("tried=failed"));
    other.session().await.expect(401);
}

async fn one_usersource_never_ends_the_attempt_of_another(store: Store) {
    let stage = Stage::set(store).await;
    let ours = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    let theirs = RemoteLogin::enabled(&stage.admin, "users", json!({"title": "Other shop"})).await;
    let mut browser = stage.visitor();
    let departure = browser.open(&ours.start()).await;
    let mixed = RemoteLogin::answer(&departure, &alice()).replace(&ours.id, &theirs.id);
    let refused = browser.open(&mixed).await;
    assert!(refused.location().contains("tried=expired"), "{refused}");
    browser.session().await.expect(401);
}

/// A provider that posts does so from another site, where the browser sends no cookie of ours along. Our page posts the
/// same once more, and then it does.
async fn a_posted_answer_is_posted_once_more_by_our_own_page(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    let mut browser = stage.visitor();
    let departure = browser.open(&page.start()).await;
    let answer = RemoteLogin::answer(&departure, &alice());
    let (callback, query) = answer.split_once('?').unwrap();
    let fields: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    let from = [("origin", "https://shop.example"), ("sec-fetch-site", "cross-site")];
    let page = stage.visitor().post_from(&from, callback, &fields).await.expect(200);
    let once_more = black_box::html::Form::on(&page.text(), "/auth/");
    let mut stranger = stage.visitor();
    assert!(stranger.submit(&once_more).await.location().contains("tried=expired"), "no cookie, and no circle");
    stranger.session().await.expect(401);
    assert_eq!(browser.submit(&once_more).await.location(), "/");
    browser.session().await.expect(200);
    assert!(browser.submit(&once_more).await.location().contains("tried=expired"), "once");
}

async fn what_is_planted_on_the_way_is_told_nowhere(store: Store) {
    let stage = Stage::set(store).await;
    let page = RemoteLogin::enabled(&stage.admin, "users", json!({})).await;
    let mut browser = stage.visitor();
    let departure = browser.open(&page.start()).await;
    let answer = RemoteLogin::answer(&departure, &alice());
    let jwt = answer.split("&jwt=").nth(1).unwrap().to_owned();
    let cookie = browser.cookies().iter().find(|(name, _)| name.contains("attempt")).unwrap().1.clone();
    browser.open(&answer).await.location();
    browser.open(&answer.replace("&jwt=", "&jwt=x")).await.location();
    let session = browser.cookies()["gateledger"].clone();
    let signature = jwt.rsplit('.').next().unwrap().to_owned();
    let planted = [jwt, signature, cookie, session, black_box::remote_login::SECRET.to_owned()];
    let mut everything = stage.installation.kept();
    everything.push(("the log".to_owned(), stage.server.said().into_bytes()));
    for (name, bytes) in everything {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        for secret in &planted {
            assert!(!text.contains(secret.as_str()), "{secret} stands in {name}");
        }
    }
}

/// Any node finishes what another began (attempts are sealed cookies).
#[tokio::test]
async fn an_attempt_begun_at_one_node_ends_at_another_and_only_once() {
    let installation = Installation::fresh(Store::Postgres).await;
    let first = installation.serve_with(&["--public-url", "http://help.example.com"]);
    let second = installation.serve_with(&["--public-url", "http://help.example.com"]);
    let admin = installation.admin(&first, "default");
    let page = RemoteLogin::enabled(&admin, "users", json!({})).await;
    let keys = installation.folder().path().join("keys.json");
    assert!(keys.is_file(), "both nodes have one key ring");
    let mut browser = installation.visitor(&first);
    let departure = browser.open(&page.start()).await;
    let answer = RemoteLogin::answer(&departure, &alice());
    let path = answer.strip_prefix("http://help.example.com").unwrap();
    let mut there = browser.clone().at(second.address());
    let mut twice = there.clone();
    assert_eq!(there.open(path).await.location(), "/");
    there.session().await.expect(200);
    let mut here = there.clone().at(first.address());
    here.session().await.expect(200);
    assert!(twice.open(path).await.location().contains("tried=expired"));
}
