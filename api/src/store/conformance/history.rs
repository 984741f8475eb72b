//! Replays and snapshots: the same history always makes the same state, wherever the replay begins.

use super::{Ground, append, created, desk, grow, on_every_log, said};
use crate::store::Ledger;
use crate::store::snapshot::{EVERY, SCHEMA, Snapshot};
use domain::values::Proof;
use domain::{AccountId, Audience, Event, Field, FieldChange, HelpdeskId, Plain, Policy, Setting, Standing};
use domain::{Timestamp, UsersourceId, UsersourceRef};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use std::time::Duration;

on_every_log! {
    replay_upon_a_snapshot_equals_replay_from_zero
    a_snapshot_is_never_replaced_by_an_older_one
    a_snapshot_of_an_unknown_schema_is_passed_over_and_replaced
    a_snapshot_that_does_not_fit_the_stream_is_passed_over
    refresh_takes_in_more_than_one_page
}

/// Waits until the background task wrote a snapshot of the first helpdesk at `version`.
pub(super) async fn until_snapshot_at(ground: &Ground, version: u64) {
    for _ in 0..500 {
        let at = ground.texts("SELECT CAST(sequence AS text) FROM snapshots WHERE aggregate_id = 'default'").await;
        if at == [version.to_string()] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("no snapshot at {version}");
}

fn histories() -> impl Strategy<Value = Vec<Vec<Event>>> {
    let name = prop::sample::select(vec!["a", "b", "c"]);
    let usersource = name.clone().prop_map(|id| UsersourceRef {
        id: UsersourceId::from(id),
        kind: "saml".into(),
        audience: Audience::Users,
        title: id.to_uppercase(),
    });
    let capabilities = domain::Capabilities {
        display: domain::Display::Button,
        sso: true,
        silent: domain::Silent::Always,
        built_in: false,
    };
    let text = |text: String| Some(Setting::Plain(Plain::Text(text)));
    let changes =
        "\\PC{0,12}".prop_map(move |t| vec![FieldChange { field: Field::new("title"), before: None, after: text(t) }]);
    let standing = |admin| Standing { admin, active: true, has_password: true };
    let event = prop_oneof![
        usersource.clone().prop_map(move |usersource| Event::UsersourceInstalled {
            usersource,
            capabilities: capabilities.clone(),
            fields: domain::Fields::default(),
        }),
        (usersource.clone(), changes)
            .prop_map(|(usersource, changes)| Event::UsersourceChanged { usersource, changes }),
        usersource.clone().prop_map(|usersource| Event::UsersourceEnabled { usersource }),
        (usersource.clone(), any::<u32>()).prop_map(|(usersource, at)| Event::SessionsEnded {
            usersource,
            before: None,
            after: Timestamp::from_millis(at.into()),
        }),
        (usersource, name.clone()).prop_map(|(usersource, account)| Event::ProofRecorded {
            usersource,
            digest: "d".into(),
            account: AccountId::from(account),
        }),
        (name, any::<bool>()).prop_map(move |(account, admin)| Event::StandingChanged {
            account: AccountId::from(account),
            before: Standing::default(),
            after: standing(admin),
        }),
        (8_i64..100).prop_map(|value| Event::PolicyChanged {
            audience: Audience::Agents,
            changes: Policy::default().change("password_min_length", value).into_iter().collect(),
        }),
    ];
    prop::collection::vec(prop::collection::vec(event, 1..40), 4..10)
}

fn some_histories(count: usize) -> Vec<Vec<Vec<Event>>> {
    let mut runner = TestRunner::new(Config::default());
    (0..count).map(|_| histories().new_tree(&mut runner).unwrap().current()).collect()
}

async fn replay_upon_a_snapshot_equals_replay_from_zero(ground: Ground) {
    let writer = ground.open().await;
    for (number, history) in some_histories(12).into_iter().enumerate() {
        let helpdesk = HelpdeskId::new(format!("h{number}"));
        append(&writer, &helpdesk, vec![created()]).await.unwrap();
        for change in history.clone() {
            append(&writer, &helpdesk, change).await.unwrap();
            keep(&writer, &helpdesk, number % 3 == 0).await;
        }
        let live = writer.load(&helpdesk).await.unwrap();
        assert!(live.state.proofs.iter().all(|Proof { digest, .. }| digest == "d"));
        let upon_snapshot = ground.open().await.load(&helpdesk).await.unwrap();
        ground.execute("DELETE FROM snapshots").await.unwrap();
        let from_zero = ground.open().await.load(&helpdesk).await.unwrap();
        assert_eq!((&upon_snapshot, &from_zero), (&live, &live), "{history:?}");
    }
}

/// Takes a snapshot now, or leaves it to the ledger.
async fn keep(ledger: &Ledger, helpdesk: &HelpdeskId, now: bool) {
    if now {
        let loaded = ledger.load(helpdesk).await.unwrap();
        ledger.log().keep_snapshot(helpdesk, &Snapshot::of(&loaded).unwrap()).await.unwrap();
    }
}

async fn a_snapshot_is_never_replaced_by_an_older_one(ground: Ground) {
    let ledger = ground.open().await;
    let at = |sequence, payload: &str| Snapshot { schema: SCHEMA, sequence, hash: "h".into(), payload: payload.into() };
    for snapshot in [at(5, "five"), at(4, "four"), at(5, "five again"), at(3, "three")] {
        ledger.log().keep_snapshot(&desk(), &snapshot).await.unwrap();
    }
    assert_eq!(ledger.log().snapshot(&desk()).await.unwrap(), Some(at(5, "five")));
    ledger.log().keep_snapshot(&desk(), &at(6, "six")).await.unwrap();
    assert_eq!(ledger.log().snapshot(&desk()).await.unwrap(), Some(at(6, "six")));
}

async fn a_snapshot_of_an_unknown_schema_is_passed_over_and_replaced(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), EVERY as usize).await;
    until_snapshot_at(&ground, EVERY).await;
    ground.execute("UPDATE snapshots SET schema = 99, payload = 'not ours'").await.unwrap();
    let other = ground.open().await;
    assert_eq!(other.load(&desk()).await.unwrap(), ledger.load(&desk()).await.unwrap());
    for _ in 0..500 {
        if ground.texts("SELECT CAST(schema AS text) FROM snapshots").await == [SCHEMA.to_string()] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the unknown snapshot was not replaced");
}

async fn a_snapshot_that_does_not_fit_the_stream_is_passed_over(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 3).await;
    let mut snapshot = Snapshot::of(&ledger.load(&desk()).await.unwrap()).unwrap();
    snapshot.payload = snapshot.payload.replace("Acme", "Forged");
    snapshot.hash = "00".into();
    ledger.log().keep_snapshot(&desk(), &snapshot).await.unwrap();
    assert_eq!(ground.open().await.load(&desk()).await.unwrap().state.name, "Acme");
}

async fn refresh_takes_in_more_than_one_page(ground: Ground) {
    let (ours, theirs) = (ground.open().await, ground.open().await);
    grow(&ours, &desk(), 2).await;
    theirs.load(&desk()).await.unwrap();
    for length in [1_500, 700] {
        append(&theirs, &desk(), (0..length).map(|n| said(&n.to_string())).collect()).await.unwrap();
    }
    assert_eq!(ours.refresh(&desk()).await.unwrap(), theirs.load(&desk()).await.unwrap());
    assert_eq!(ours.load(&desk()).await.unwrap().state.version, 2_202);
}
