//! The database goes away and comes back: commands wait their turn outside, login pages do not notice.

use black_box::{Client, Installation, PrivatePostgres, Stage};
use serde_json::json;
use std::time::{Duration, Instant};

const RECOVERY: Duration = Duration::from_secs(60);
const PAGES: [&str; 3] = ["/login", "/agent/login", "/api/helpdesks/default/login-options?surface=portal"];

#[tokio::test]
async fn pages_are_answered_commands_are_refused_and_all_comes_back_without_a_restart() {
    let postgres = PrivatePostgres::start();
    let installation = Installation::on(&postgres.url());
    let server = installation.serve();
    let admin = installation.admin(&server, "default");
    let stage = Stage { server, admin, installation };
    let id = stage.admin.install_saml("users", "Before").await;
    let mut acknowledged = vec![(stage.admin.rename(&id, "Last before").await.version(), "Last before".to_owned())];
    let pages = pages(&stage).await;

    for round in 1..=2 {
        postgres.crash();
        for _ in 0..3 {
            let refused = stage.admin.rename(&id, "During").await.expect(503);
            refused.problem();
            let seconds: Option<u64> = refused.header("retry-after").parse().ok();
            assert!(seconds.is_some_and(|seconds| (1..=60).contains(&seconds)), "{refused}");
        }
        assert_eq!(self::pages(&stage).await, pages, "from memory, unchanged");
        stage.visitor().open("/health/live").await.expect(200);
        postgres.resume();
        let title = format!("After {round}");
        acknowledged.push((renamed_again(&stage.admin, &id, &title).await, title));
        everything_acknowledged_is_there(&stage.admin, &acknowledged).await;
        stage.admin.rename(&id, "Last before").await.done();
    }
}

async fn pages(stage: &Stage) -> Vec<(u16, bool)> {
    let mut pages = Vec::new();
    for page in PAGES {
        let began = Instant::now();
        let answer = stage.visitor().open(page).await;
        assert!(began.elapsed() < Duration::from_secs(1), "{page} took {:?}", began.elapsed());
        let offers_the_form = answer.text().contains("/lost-password");
        assert!(offers_the_form, "{answer}");
        pages.push((answer.status, offers_the_form));
    }
    pages
}

/// Asks until the service has found its database again. Refusals in between are 503, nothing else.
async fn renamed_again(admin: &Client, id: &str, title: &str) -> u64 {
    let deadline = Instant::now() + RECOVERY;
    let key = format!("recovery-{}", title.replace(' ', "-"));
    loop {
        let answer = admin.patch(&format!("/usersources/{id}"), &json!({"title": title})).key(&key).send().await;
        if answer.status == 200 {
            return answer.version();
        }
        assert_eq!(answer.status, 503, "{answer}");
        assert!(Instant::now() < deadline, "no recovery within {RECOVERY:?}: {answer}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn everything_acknowledged_is_there(admin: &Client, acknowledged: &[(u64, String)]) {
    let trail = admin.audit_trail().await;
    for (version, title) in acknowledged {
        let entry = trail.iter().find(|entry| entry["version"] == *version);
        let entry = entry.unwrap_or_else(|| panic!("version {version} was acknowledged and is gone"));
        assert_eq!(entry["changes"][0]["after"], title.as_str());
    }
    let during = trail.iter().filter(|entry| entry["changes"][0]["after"] == "During").count();
    assert_eq!(during, 0, "what was refused did not happen");
}
