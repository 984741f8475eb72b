//! A forgotten password: a mail, a link that works once, and what ends with the old password.

use black_box::html::Form;
use black_box::{Answer, Browser, PASSWORD, Stage, Store, on_both_stores};
use std::time::Duration;

on_both_stores!(
    r24_a_mailed_link_sets_a_new_password_once_and_ends_old_sessions,
    r24_an_unknown_address_is_answered_the_same_and_gets_no_mail,
    r24_disabling_deskpro_kills_the_link_that_was_mailed
);

const UMA: &str = "uma@example.com";
const NEW_PASSWORD: &str = "a new password for Uma";

async fn stage_with_uma(store: Store) -> Stage {
    let stage = Stage::set(store).await;
    stage.installation.account("default", UMA, "Uma", "user");
    stage
}

async fn r24_a_mailed_link_sets_a_new_password_once_and_ends_old_sessions(store: Store) {
    let stage = stage_with_uma(store).await;
    let mut old_session = stage.visitor();
    old_session.sign_in("/login", UMA, PASSWORD).await.location();
    old_session.session().await.expect(200);

    let mut visitor = stage.visitor();
    ask_for_a_link(&stage, &mut visitor, UMA).await;
    let link = mailed_link(&stage).await;
    visitor.open(&link).await.expect(200);
    let short = use_link(&mut visitor, &link, "elevenchars").await;
    assert!((400..500).contains(&short.status), "R64: {short}");
    let done = use_link(&mut visitor, &link, NEW_PASSWORD).await;
    assert!(matches!(done.status, 200 | 303), "{done}");

    old_session.session().await.expect(401);
    let mut again = stage.visitor();
    let refused = again.sign_in("/login", UMA, PASSWORD).await;
    assert!((400..500).contains(&refused.status), "the old password is over: {refused}");
    again.sign_in("/login", UMA, NEW_PASSWORD).await.location();
    again.session().await.expect(200);
    let second = stage.visitor().open(&link).await;
    assert!(matches!(second.status, 404 | 410), "a link works once: {second}");
}

async fn r24_an_unknown_address_is_answered_the_same_and_gets_no_mail(store: Store) {
    let stage = stage_with_uma(store).await;
    let known = ask_for_a_link(&stage, &mut stage.visitor(), UMA).await;
    mailed_link(&stage).await;
    let unknown = ask_for_a_link(&stage, &mut stage.visitor(), "nobody@example.com").await;
    assert_eq!(unknown.status, known.status);
    assert_eq!(unknown.header("location"), known.header("location"));
    assert_eq!(unknown.text().replace("nobody@example.com", UMA), known.text());
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(stage.installation.mails().len(), 1, "nobody gets no mail");
}

async fn r24_disabling_deskpro_kills_the_link_that_was_mailed(store: Store) {
    let stage = stage_with_uma(store).await;
    let mut visitor = stage.visitor();
    ask_for_a_link(&stage, &mut visitor, UMA).await;
    let link = mailed_link(&stage).await;
    let page = visitor.open(&link).await.expect(200).text();
    let form = Form::on(&page, "").fill_passwords(NEW_PASSWORD);
    let deskpro = stage.admin.deskpro("users").await;
    stage.admin.disable(&deskpro).await.done();

    visitor.open(&link).await.expect(404);
    visitor.submit(&form).await.expect(404);
    stage.admin.enable(&deskpro).await.done();
    let mut uma = stage.visitor();
    let refused = uma.sign_in("/login", UMA, NEW_PASSWORD).await;
    assert!((400..500).contains(&refused.status), "the password was not set: {refused}");
    uma.sign_in("/login", UMA, PASSWORD).await.location();
}

async fn ask_for_a_link(stage: &Stage, visitor: &mut Browser, email: &str) -> Answer {
    let options = stage.admin.login_options("portal").await;
    let path = options["form"]["lost_password"].as_str().unwrap_or_else(|| panic!("no lost password: {options}"));
    let page = visitor.open(path).await.expect(200).text();
    let answer = visitor.submit(&Form::on(&page, path).fill_only_text(email)).await;
    assert!(matches!(answer.status, 200 | 303), "{answer}");
    answer
}

/// The link in the only mail; waits for it.
async fn mailed_link(stage: &Stage) -> String {
    for _ in 0..200 {
        if let [mail] = stage.installation.mails().as_slice() {
            let link = mail.split_whitespace().find(|word| word.starts_with(stage.server.address()));
            return link.unwrap_or_else(|| panic!("no link in the mail: {mail}")).to_owned();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no mail came: {:?}", stage.installation.mails())
}

async fn use_link(visitor: &mut Browser, link: &str, password: &str) -> Answer {
    let page = visitor.open(link).await.expect(200).text();
    visitor.submit(&Form::on(&page, "").fill_passwords(password)).await
}
