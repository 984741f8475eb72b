//! The first five minutes: a service that was started with nothing prints a link; whoever follows it is its admin.

use black_box::html::Form;
use black_box::{Browser, Installation, PASSWORD, Server, Store, on_both_stores};

on_both_stores!(
    r65_the_printed_link_makes_one_admin_who_signs_in_and_out,
    r65_the_printed_link_is_dead_once_there_is_an_admin
);

const EMAIL: &str = "ada@example.com";

async fn r65_the_printed_link_makes_one_admin_who_signs_in_and_out(store: Store) {
    let installation = Installation::fresh(store).await;
    let server = installation.serve();
    let link = server.word(&format!("{}/", server.address()));

    a_password_that_is_too_short_leaves_the_link_good(&server, &link).await;
    let mut ada = Browser::new(server.address());
    let page = ada.open(&link).await.expect(200).text();
    ada.submit(&filled(&page, PASSWORD)).await.location();
    the_link_is_used_up(&server, &link).await;

    let mut elsewhere = Browser::new(server.address());
    let answer = elsewhere.sign_in("/admin/login", EMAIL, PASSWORD).await;
    assert_eq!(answer.location(), "/admin/");
    let cookie = answer.header("set-cookie").to_lowercase();
    for part in ["; httponly", "; samesite=lax", "; path=/"] {
        assert!(cookie.contains(part), "{part} is missing: {cookie}");
    }
    a_session_is_known_and_sees_no_login_page(&mut elsewhere).await;
    signing_out_ends_the_session_and_not_only_the_cookie(elsewhere).await;
}

async fn r65_the_printed_link_is_dead_once_there_is_an_admin(store: Store) {
    let installation = Installation::fresh(store).await;
    let server = installation.serve();
    let link = server.word(&format!("{}/", server.address()));
    let mut early = Browser::new(server.address());
    let page = early.open(&link).await.expect(200).text();
    installation.admin(&server, "default");

    the_link_is_used_up(&server, &link).await;
    let late = early.submit(&filled(&page, PASSWORD)).await;
    assert!(matches!(late.status, 404 | 410), "it makes the first admin, never the second: {late}");
    early.session().await.expect(401);
}

fn filled(page: &str, password: &str) -> Form {
    Form::on(page, "").fill("email", EMAIL).fill("name", "Ada Lovelace").fill_passwords(password)
}

async fn a_password_that_is_too_short_leaves_the_link_good(server: &Server, link: &str) {
    let mut browser = Browser::new(server.address());
    let page = browser.open(link).await.expect(200).text();
    let refused = browser.submit(&filled(&page, "elevenchars")).await;
    assert!((400..500).contains(&refused.status), "R64: at least 12 characters: {refused}");
    browser.session().await.expect(401);
    browser.open(link).await.expect(200);
}

async fn the_link_is_used_up(server: &Server, link: &str) {
    let mut second = Browser::new(server.address());
    let answer = second.open(link).await;
    assert!(matches!(answer.status, 404 | 410), "a second use: {answer}");
    second.session().await.expect(401);
}

async fn a_session_is_known_and_sees_no_login_page(browser: &mut Browser) {
    let session = browser.session().await.expect(200);
    let told = session.json();
    assert_eq!(told["audience"], "agents", "{session}");
    assert_eq!(told["roles"], serde_json::json!(["admin"]), "{session}");
    assert_eq!(session.header("x-gateledger-audience"), "agents", "for a proxy's auth_request");
    browser.open("/admin/").await.expect(200);
    assert_eq!(browser.open("/admin/login").await.location(), "/admin/", "R20");
}

async fn signing_out_ends_the_session_and_not_only_the_cookie(mut browser: Browser) {
    let mut thief = browser.clone();
    assert_eq!(browser.post("/logout", &[]).await.location(), "/signed-out");
    browser.open("/signed-out").await.expect(200);
    browser.session().await.expect(401);
    thief.session().await.expect(401);
}
