//! Two processes on one PostgreSQL: what one has promised, the other never answers with the past (R61).

use black_box::{Client, Installation, Stage, Store, on_both_stores};
use std::time::{Duration, Instant};

/// How soon a change must be on another process's login pages. The word comes at once as a rule; the poll that heals a
/// lost one comes twice a second.
const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn r61_what_one_process_promised_the_other_answers_at_once_and_shows_soon() {
    let installation = Installation::fresh(Store::Postgres).await;
    let (first, second) = (installation.serve(), installation.serve());
    let here = installation.admin(&first, "default");
    let there = here.clone().at(second.address());
    let id = here.deskpro("users").await;
    shows_the_form(&there, true).await;
    for round in 0..10 {
        let path = format!("/usersources/{id}/{}", if round % 2 == 0 { "disable" } else { "enable" });
        let promised = here.post(&path, &serde_json::json!({})).send().await.version();
        let read = there.get(&format!("/usersources/{id}")).header("gateledger-at-least", &promised.to_string());
        let read = read.send().await;
        let at: u64 = read.header("etag").trim_matches('"').parse().unwrap();
        assert!(at >= promised, "{read}");
        assert_eq!(read.done()["enabled"], round % 2 == 1);
        shows_the_form(&there, round % 2 == 1).await;
    }
}

/// The login options of this process say so, soon.
async fn shows_the_form(client: &Client, wanted: bool) {
    let began = Instant::now();
    while client.login_options("portal").await["form"].is_null() == wanted {
        assert!(began.elapsed() < SOON, "the form is not {wanted} yet");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

on_both_stores!(r61_a_version_that_nobody_has_reached_is_waited_for_and_then_said_to_lag);

async fn r61_a_version_that_nobody_has_reached_is_waited_for_and_then_said_to_lag(store: Store) {
    let stage = Stage::set(store).await;
    let version = stage.admin.version().await;
    let wait = |least: u64| stage.admin.get("/usersources").header("gateledger-at-least", &least.to_string()).send();
    let began = Instant::now();
    wait(version + 1).await.refused(503, "lagging");
    assert!(began.elapsed() > Duration::from_secs(4), "it was not waited for");
    let id = stage.admin.deskpro("users").await;
    let (read, renamed) = tokio::join!(wait(version + 1), stage.admin.rename(&id, "Meanwhile"));
    renamed.done();
    assert_eq!(read.done()["usersources"][0]["title"], "Meanwhile");
}
