//! The form and the session that it makes: what strangers cannot learn, cannot lock, and cannot reach.

use black_box::{Answer, JANE, PASSWORD, Stage, Store, on_both_stores};
use std::time::{Duration, Instant};

on_both_stores!(
    r26_an_unknown_login_and_a_wrong_password_look_alike,
    r64_failures_lock_the_account_but_not_a_browser_that_it_knows,
    r28_an_attempt_under_way_ends_with_its_usersource,
    a_post_from_another_site_is_refused,
    r20_r65_a_session_opens_its_own_audience_alone_and_is_new_at_each_sign_in,
    where_a_sign_in_returns_to_is_never_another_site
);

async fn r26_an_unknown_login_and_a_wrong_password_look_alike(store: Store) {
    let stage = Stage::set(store).await;
    let mut answers = Vec::new();
    for (login, password) in [
        (JANE, "wrong password here"),
        ("nobody@example.com", "wrong password here"),
        ("nobody@example.com", PASSWORD),
        (JANE, ""),
        ("", ""),
    ] {
        let began = Instant::now();
        let mut visitor = stage.visitor();
        let answer = visitor.sign_in("/admin/login", login, password).await;
        if !login.is_empty() && !password.is_empty() {
            assert!(
                began.elapsed() >= Duration::from_millis(245),
                "it answers at a step of 250 ms: {:?}",
                began.elapsed()
            );
        }
        assert!((400..500).contains(&answer.status), "{answer}");
        visitor.session().await.expect(401);
        answers.push((answer.status, answer.text().replace(login_or_dash(login), "-")));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

fn login_or_dash(login: &str) -> &str {
    if login.is_empty() { "-" } else { login }
}

async fn r64_failures_lock_the_account_but_not_a_browser_that_it_knows(store: Store) {
    let stage = Stage::set(store).await;
    stage.admin.change_policy("agents", "lockout_failures", 3).await.done();
    let mut known = stage.visitor();
    known.sign_in("/admin/login", JANE, PASSWORD).await.location();
    known.post("/logout", &[]).await.location();

    let mut stranger = stage.visitor();
    for login in [JANE, "nobody@example.com"] {
        for _ in 0..3 {
            stranger.sign_in("/admin/login", login, "wrong password here").await;
        }
    }
    let right = stage.visitor().sign_in("/admin/login", JANE, PASSWORD).await;
    let unknown = stage.visitor().sign_in("/admin/login", "nobody@example.com", PASSWORD).await;
    assert!((400..500).contains(&right.status), "the account is locked: {right}");
    let seen = |answer: &Answer, login: &str| (answer.status, answer.text().replace(login, "-"));
    assert_eq!(seen(&right, JANE), seen(&unknown, "nobody@example.com"), "an unknown login is locked like a known one");
    known.sign_in("/admin/login", JANE, PASSWORD).await.location();
    known.session().await.expect(200);
}

/// An address that failed often waits before its password is looked at: long enough to disable what it signs in through.
async fn r28_an_attempt_under_way_ends_with_its_usersource(store: Store) {
    let stage = Stage::set(store).await;
    stage.admin.change_policy("users", "lockout_failures", 3).await.done();
    for stranger in ["a", "b", "c", "d"] {
        stage.visitor().sign_in("/login", &format!("{stranger}@example.com"), "wrong password here").await;
    }
    let deskpro = stage.admin.deskpro("users").await;
    let mut jane = stage.visitor();
    let disabled = async {
        tokio::time::sleep(Duration::from_millis(400)).await;
        stage.admin.disable(&deskpro).await.done();
    };
    let (answer, ()) = tokio::join!(jane.sign_in("/login", JANE, PASSWORD), disabled);
    assert!((400..500).contains(&answer.status), "{answer}");
    jane.session().await.expect(401);
}

async fn a_post_from_another_site_is_refused(store: Store) {
    let stage = Stage::set(store).await;
    let fields = [("login", JANE), ("password", PASSWORD)];
    for from in [
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        [("origin", "https://evil.example"), ("sec-fetch-site", "same-site")],
        [("origin", "null"), ("sec-fetch-site", "cross-site")],
        [("origin", "https://evil.example"), ("x-ignored", "no fetch metadata")],
        [("origin", "null"), ("x-ignored", "no fetch metadata")],
    ] {
        for page in ["/login", "/agent/login", "/admin/login"] {
            let mut visitor = stage.visitor();
            visitor.post_from(&from, page, &fields).await.expect(403);
            assert!(visitor.cookies().is_empty(), "{from:?} at {page}");
        }
    }
    let mut jane = stage.visitor();
    jane.sign_in("/admin/login", JANE, PASSWORD).await.location();
    jane.post_from(&[("origin", "https://evil.example")], "/logout", &[]).await.expect(403);
    jane.session().await.expect(200);
}

async fn r20_r65_a_session_opens_its_own_audience_alone_and_is_new_at_each_sign_in(store: Store) {
    let stage = Stage::set(store).await;
    let mut jane = stage.visitor();
    jane.sign_in("/login", JANE, PASSWORD).await.location();
    assert_eq!(jane.session().await.expect(200).json()["audience"], "users", "the URL decides, not the person");
    for page in ["/admin/", "/agent/"] {
        let answer = jane.open(page).await;
        assert!(answer.location().starts_with(&format!("{page}login")), "{answer}");
    }
    let api = jane.fetch("/api/helpdesks/default/usersources").await;
    assert!(matches!(api.status, 401 | 403), "{api}");

    let portal_session = jane.cookies().clone();
    jane.sign_in("/admin/login", JANE, PASSWORD).await.location();
    assert_ne!(*jane.cookies(), portal_session, "R65: every sign-in makes a new session id");
    assert_eq!(jane.session().await.expect(200).json()["audience"], "agents");
    jane.open("/admin/").await.expect(200);
    jane.fetch("/api/helpdesks/default/usersources").await.expect(200);

    let mut second = stage.visitor();
    second.sign_in("/admin/login", JANE, PASSWORD).await.location();
    assert_ne!(second.cookies(), jane.cookies());
    jane.session().await.expect(200);
}

async fn where_a_sign_in_returns_to_is_never_another_site(store: Store) {
    let stage = Stage::set(store).await;
    for elsewhere in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example/",
        "/\t/evil.example/",
        "http:evil.example",
        "javascript:alert(1)",
        "/admin/\r\nSet-Cookie: a=b",
    ] {
        let fields = [("login", JANE), ("password", PASSWORD), ("return_to", elsewhere)];
        let answer = stage.visitor().post("/admin/login", &fields).await;
        if matches!(answer.status, 302 | 303) {
            assert_eq!(answer.location(), "/admin/", "{elsewhere:?}");
        } else {
            assert_eq!(answer.status, 400, "{elsewhere:?}: {answer}");
        }
    }
    let fields = [("login", JANE), ("password", PASSWORD), ("return_to", "/admin/audit-trail?q=a")];
    let answer = stage.visitor().post("/admin/login", &fields).await;
    assert_eq!(answer.location(), "/admin/audit-trail?q=a");
}
