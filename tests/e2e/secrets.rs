//! Secrets are planted wherever people put them, and then looked for wherever they must not be.

use black_box::html::Form;
use black_box::{Answer, JANE, PASSWORD, Stage, Store, on_both_stores};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;

on_both_stores!(planted_secrets_appear_nowhere);

const CLIENT_SECRET: &str = "planted-client-secret-6f1d0c";
const SECOND_SECRET: &str = "planted-second-secret-90ab77";
const WRONG_PASSWORD: &str = "planted-wrong-password-41e5";

async fn planted_secrets_appear_nowhere(store: Store) {
    let stage = Stage::set(store).await;
    let mut seen = as_an_admin(&stage).await;
    let cookies = as_a_visitor(&stage, &mut seen).await;
    let link = stage.installation.mails().concat();

    let token = stage.admin.authorization().trim_start_matches("Bearer ").to_owned();
    let mut planted = vec![CLIENT_SECRET, SECOND_SECRET, WRONG_PASSWORD, PASSWORD, &token];
    planted.extend(cookies.iter().map(String::as_str));
    for answer in &seen {
        not_in(&planted, &format!("the answer to {}", answer.asked), format!("{answer}").as_bytes());
    }
    let Stage { server, installation, .. } = stage;
    let said = server.said();
    not_in(&planted, "what the service said", said.as_bytes());
    let reset = reset_token(&link);
    not_in(&[&reset], "what the service said", said.as_bytes());
    server.kill();
    for (name, bytes) in installation.kept() {
        not_in(&planted, &name, &bytes);
        if !name.ends_with(".eml") {
            not_in(&[&reset], &name, &bytes);
        }
    }
}

/// Installs, changes, reads and mistypes; returns all answers.
async fn as_an_admin(stage: &Stage) -> Vec<Answer> {
    let admin = &stage.admin;
    let settings = json!({"issuer": "https://id.example.com", "client_id": "us", "client_secret": CLIENT_SECRET});
    let body = json!({"kind": "oidc", "audience": "users", "title": "Oidc", "settings": settings});
    let id = admin.install(&body).await;
    let path = format!("/usersources/{id}");
    let second = json!({"settings": {"client_secret": SECOND_SECRET}});
    let calls = [
        admin.get(&path),
        admin.post("/usersources", &body).dry_run(),
        admin.patch(&path, &second).dry_run(),
        admin.patch(&path, &second),
        admin.post(&format!("{path}/enable"), &json!({})),
        admin.patch(&path, &json!({"settings": {"client_secret": {"deep": CLIENT_SECRET}}})),
        admin.patch(&path, &json!({"settings": {"client_secret": [CLIENT_SECRET]}})),
        admin.patch(&path, &json!({"settings": {"issuer": CLIENT_SECRET}})),
        admin.patch(&path, &json!({"settings": CLIENT_SECRET})),
        admin.call(Method::PATCH, &path).body(format!("{{\"settings\": {{\"client_secret\": {CLIENT_SECRET}")),
        admin.get("/usersources"),
        admin.get("/audit-trail"),
        admin.get("/audit-trail").header("accept", "text/csv"),
        admin.get("/audit-trail").header("accept", "application/x-ndjson"),
        admin.get(&format!("/audit-trail?q={}", "planted")),
        admin.get("/login-options?surface=portal"),
    ];
    let mut seen = Vec::new();
    for call in calls {
        seen.push(call.send().await);
    }
    let secret = &seen[0].done()["settings"]["client_secret"];
    assert_eq!(secret["set"], true, "it is told that a secret is set: {}", seen[0]);
    assert!(secret["fingerprint"].as_str().is_some_and(|text| text.len() >= 8), "R51: {}", seen[0]);
    let changed = &seen[3].done()["changes"][0]["changes"][0];
    assert_ne!(changed["before"]["fingerprint"], changed["after"]["fingerprint"], "R51: that it changed is seen");
    seen
}

/// Signs in wrongly, rightly, and asks for a reset; returns the values of the cookies that a sign-in sets.
async fn as_a_visitor(stage: &Stage, seen: &mut Vec<Answer>) -> Vec<String> {
    let mut visitor = stage.visitor();
    seen.push(visitor.sign_in("/agent/login", JANE, WRONG_PASSWORD).await);
    // Typed into the wrong field: the page may show it to whoever typed it, and nothing may keep it.
    visitor.sign_in("/login", WRONG_PASSWORD, WRONG_PASSWORD).await;
    let options = stage.admin.login_options("agent").await;
    let lost = options["form"]["lost_password"].as_str().unwrap_or_else(|| panic!("no lost password: {options}"));
    let page = visitor.open(lost).await.expect(200);
    seen.push(visitor.submit(&Form::on(&page.text(), lost).fill_only_text(JANE)).await);
    for _ in 0..100 {
        if !stage.installation.mails().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    visitor.sign_in("/admin/login", JANE, PASSWORD).await.location();
    let new: Vec<String> = visitor.cookies().values().filter(|value| value.len() >= 16).cloned().collect();
    assert!(!new.is_empty(), "a session has a cookie with a long value: {:?}", visitor.cookies());
    new
}

/// The longest word of letters and digits in the mail: the reset link's secret.
fn reset_token(mail: &str) -> String {
    let links = mail.split_whitespace().filter(|word| word.starts_with("http://"));
    let words = links.flat_map(|link| link.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')));
    let token = words.max_by_key(|word| word.len()).unwrap_or_default().to_owned();
    assert!(token.len() >= 20, "no reset link in the mail: {mail}");
    token
}

/// None of the secrets is in `bytes`, plainly, in hexadecimal or in base64.
fn not_in(secrets: &[&str], place: &str, bytes: &[u8]) {
    use base64::Engine as _;
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets {
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let base64 = base64::engine::general_purpose::STANDARD_NO_PAD.encode(secret);
        for form in [(*secret).to_owned(), hex, base64[..base64.len() - 2].to_owned()] {
            assert!(!text.contains(&form), "{secret} is in {place}");
        }
    }
}
