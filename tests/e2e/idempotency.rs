//! The same request twice is one change and one answer, also when the service was killed in between.

use black_box::{Client, Server, Stage, Store, on_both_stores};
use futures::future::join_all;
use serde_json::{Value, json};

on_both_stores!(
    r60_a_repeat_gets_the_first_answer_also_after_a_crash_and_before_if_match_is_judged,
    r60_a_repeat_is_answered_also_when_what_it_changed_is_gone,
    r60_ten_copies_at_once_are_one_change,
    r60_a_key_belongs_to_its_caller_and_a_dry_run_does_not_use_it_up
);

fn saml(title: &str) -> Value {
    json!({"kind": "saml", "audience": "users", "title": title})
}

async fn r60_a_repeat_gets_the_first_answer_also_after_a_crash_and_before_if_match_is_judged(store: Store) {
    let stage = Stage::set(store).await;
    let seen = stage.admin.version().await;
    let ask = async |admin: &Client| admin.post("/usersources", &saml("Once")).key("one").if_match(seen).send().await;
    let first = ask(&stage.admin).await.expect(201);
    let version = first.version();
    stage.admin.install(&saml("Somebody else's")).await;

    let repeat = ask(&stage.admin).await.expect(201);
    assert_eq!(repeat.json(), first.json());
    assert_eq!(repeat.header("location"), first.header("location"));
    let other = stage.admin.post("/usersources", &saml("Another")).key("one").send().await;
    other.refused(422, "idempotency_mismatch");

    let stage = stage.again(Server::kill);
    let repeat = ask(&stage.admin).await.expect(201);
    assert_eq!(repeat.json(), first.json(), "rebuilt from the ledger");
    assert_eq!(stage.admin.version().await, version + 1, "one change, and somebody else's");
}

async fn r60_a_repeat_is_answered_also_when_what_it_changed_is_gone(store: Store) {
    let stage = Stage::set(store).await;
    let (one, two) = (stage.admin.install(&saml("One")).await, stage.admin.install(&saml("Two")).await);
    let renamed = async || {
        let call = stage.admin.patch(&format!("/usersources/{one}"), &json!({"title": "Renamed"}));
        call.key("rename").send().await.expect(200).json()
    };
    let first = renamed().await;
    stage.admin.delete(&format!("/usersources/{one}")).send().await.done();
    assert_eq!(renamed().await, first);

    let commands = json!({"commands": [
        {"command": "change_usersource", "usersource": two, "title": "Gone soon"},
        {"command": "uninstall_usersource", "usersource": two},
    ]});
    let both = async || stage.admin.post("/changes", &commands).key("both").send().await.expect(200).json();
    let first = both().await;
    assert_eq!(both().await, first);

    let only =
        json!({"commands": [{"command": "install_usersource", "kind": "saml", "audience": "users", "title": "T"}]});
    let install = async || stage.admin.post("/changes", &only).key("only").send().await;
    let (first, repeat) = (install().await, install().await);
    assert_eq!((first.status, first.header("location")), (repeat.status, repeat.header("location")));
}

async fn r60_ten_copies_at_once_are_one_change(store: Store) {
    let stage = Stage::set(store).await;
    let before = stage.admin.version().await;
    let copies = (0..10).map(|_| stage.admin.post("/usersources", &saml("Once")).key("all").send());
    let answers: Vec<Value> = join_all(copies).await.into_iter().map(|answer| answer.expect(201).json()).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:#?}");
    assert_eq!(stage.admin.version().await, before + 1);
}

async fn r60_a_key_belongs_to_its_caller_and_a_dry_run_does_not_use_it_up(store: Store) {
    let stage = Stage::set(store).await;
    let before = stage.admin.version().await;
    stage.admin.post("/usersources", &saml("Once")).key("mine").dry_run().send().await.expect(200);
    assert_eq!(stage.admin.version().await, before, "a dry run appends nothing");
    stage.admin.post("/usersources", &saml("Once")).key("mine").send().await.expect(201);

    stage.installation.account("default", "karl@example.com", "Karl", "admin");
    let words = ["token", "create", "--role", "admin", "--label", "Karl's", "--owner", "karl@example.com"];
    let token = stage.installation.run(&words).text().to_owned();
    let karl = Client::new(stage.server.address(), "default").with_token(&token);
    karl.post("/usersources", &saml("Karl's own")).key("mine").send().await.expect(201);

    let long = "k".repeat(10_000);
    for wrong in ["", long.as_str(), "two words"] {
        let answer = stage.admin.post("/usersources", &saml("Never")).key(wrong).send().await;
        assert!((400..500).contains(&answer.status), "{answer}");
        answer.problem();
    }
}
