//! Whose a host is: no helpdesk takes another's, however it spells it, also not by waiting for a restart.

use black_box::{Installation, Stage, Store, on_both_stores};
use serde_json::json;

on_both_stores!(r0_a_host_that_another_helpdesk_has_is_refused_in_every_spelling_and_stays_its_own);

/// The helpdesk that answers to `host`.
async fn named(stage: &Stage, host: &str) -> String {
    let page = stage.visitor().open_with("/login?a=b", &[("host", host)]).await;
    if page.status == 404 { "nobody".to_owned() } else { page.expect(200).text() }
}

async fn r0_a_host_that_another_helpdesk_has_is_refused_in_every_spelling_and_stays_its_own(store: Store) {
    let stage = Stage::set(store).await;
    // Named so that it comes first wherever helpdesks are put in the order of their ids.
    let thief = stage.installation.another_helpdesk(&stage.server, "a-thief");
    stage.installation.another_helpdesk(&stage.server, "owner");
    let wanted = |url: &str| json!({"helpdesk": {"url": url}});
    for url in ["https://owner.example.com", "https://owner.example.com:443", "http://owner.example.com"] {
        thief.patch("/policies", &wanted(url)).send().await.refused(409, "url_taken");
        let change = |url: &str| json!({"command": "change_helpdesk", "url": url});
        let several = json!({"commands": [change("https://free.example.com"), change(url)]});
        thief.post("/changes", &several).send().await.refused(409, "url_taken");
        refused_on_the_command_line(&stage.installation, url);
    }
    assert!(named(&stage, "owner.example.com").await.contains("owner"));
    let stage = stage.again(black_box::Server::kill);
    assert!(named(&stage, "owner.example.com").await.contains("owner"));
}

fn refused_on_the_command_line(installation: &Installation, url: &str) {
    let ran = installation.run(&["helpdesk", "create", "another-thief", "--name", "Thief", "--url", url]);
    assert_ne!(ran.code, Some(0), "{ran:?}");
}
