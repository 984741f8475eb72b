//! Appending: contiguous, once, all or nothing, and never over somebody else's event.

use super::{Ground, append, created, desk, grow, meta, on_every_log, said};
use crate::store::{Ledger, Loaded, StoreError};
use cqrs_es::{AggregateError, CqrsFramework, EventStore as _};
use domain::{
    Audience, AuthConfig, Capabilities, Catalogue, Command, Display, Event, Fault, Fields, HelpdeskId, Policy,
    Rejection, Request, Silent, Timestamp,
};
use projections::Facts as _;
use std::collections::BTreeSet;
use std::sync::Arc;

on_every_log! {
    versions_are_contiguous_from_1_and_every_event_knows_its_place_in_its_change
    a_rival_who_appended_first_is_a_conflict_and_the_next_load_sees_them
    twenty_writers_through_two_processes_lose_nothing_and_double_nothing
    a_change_of_several_events_is_all_or_nothing
    nothing_is_appended_behind_an_event_that_is_not_there
    of_many_at_once_the_refused_take_nobody_along
    of_many_at_once_those_in_whose_way_something_stands_take_nobody_along
    of_many_at_once_to_one_stream_the_first_is_written_and_the_others_are_refused
    cqrs_es_commits_through_the_ledger_and_applies_once
    a_command_costs_the_same_when_the_stream_is_long
}

async fn versions_are_contiguous_from_1_and_every_event_knows_its_place_in_its_change(ground: Ground) {
    let ledger = ground.open().await;
    append(&ledger, &desk(), vec![created()]).await.unwrap();
    let appended = append(&ledger, &desk(), vec![said("a"), said("b"), said("c")]).await.unwrap();
    let facts = ledger.events_after(&desk(), 0, 10).await.unwrap();
    assert_eq!(facts.iter().map(|f| f.version).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(facts[1..], appended.recorded, "the answer is what is stored");
    let places: Vec<_> = facts.iter().map(|f| (f.metadata.index, f.metadata.first, f.metadata.last)).collect();
    assert_eq!(places, [(0, 1, 1), (0, 2, 4), (1, 2, 4), (2, 2, 4)]);
    assert_eq!(facts[0].metadata.prev, "");
    assert!(facts.windows(2).all(|pair| pair[1].metadata.prev == pair[0].metadata.hash));
    assert_eq!(ledger.head(&desk()).await.unwrap(), 4);
    assert_eq!(ledger.head(&"nobody".into()).await.unwrap(), 0);
}

async fn a_rival_who_appended_first_is_a_conflict_and_the_next_load_sees_them(ground: Ground) {
    let (ours, theirs) = (ground.open().await, ground.open().await);
    append(&ours, &desk(), vec![created()]).await.unwrap();
    append(&theirs, &desk(), vec![said("theirs")]).await.unwrap();
    let refused = append(&ours, &desk(), vec![said("ours")]).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(ours.load(&desk()).await.unwrap().state.version, 2);
    append(&ours, &desk(), vec![said("ours")]).await.unwrap();
    assert_eq!(theirs.load(&desk()).await.unwrap().state.version, 2, "load may be stale");
    assert_eq!(theirs.refresh(&desk()).await.unwrap(), ours.load(&desk()).await.unwrap());
}

async fn twenty_writers_through_two_processes_lose_nothing_and_double_nothing(ground: Ground) {
    let ledgers = [ground.open().await, ground.open().await];
    append(&ledgers[0], &desk(), vec![created()]).await.unwrap();
    let writers = (0..20).map(|writer| {
        let ledger = ledgers[writer % 2].clone();
        tokio::spawn(async move {
            for number in 0..5 {
                let events = vec![said(&format!("{writer}.{number}.a")), said(&format!("{writer}.{number}.b"))];
                until_appended(&ledger, events).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    let facts = ledgers[0].events_after(&desk(), 1, 1_000).await.unwrap();
    let words = |event: &Event| if let Event::LockoutAccepted { reason } = event { reason.clone() } else { panic!() };
    assert_eq!(facts.len(), 200);
    assert_eq!(facts.iter().map(|f| words(&f.event)).collect::<BTreeSet<_>>().len(), 200);
    assert!(facts.chunks(2).all(|change| change[0].metadata.command == change[1].metadata.command));
    assert!((2..).zip(&facts).all(|(version, fact)| fact.version == version));
}

async fn until_appended(ledger: &Ledger, events: Vec<Event>) {
    loop {
        let base = ledger.refresh(&desk()).await.unwrap();
        let command = uuid::Uuid::new_v4().to_string();
        match ledger.append(&desk(), &base, events.clone(), meta(&command)).await {
            Ok(_) => return,
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn a_change_of_several_events_is_all_or_nothing(ground: Ground) {
    let ledger = ground.open().await;
    let loaded = append(&ledger, &desk(), vec![created()]).await.unwrap().loaded;
    // A lone event further on, in the way of the second of two.
    let row =
        "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
               VALUES ('auth_config', 'default', 3, 'x', '1', '{}', '{}')";
    ground.execute(row).await.unwrap();
    let refused = ledger.append(&desk(), &loaded, vec![said("a"), said("b")], meta("c2")).await;
    assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    assert_eq!(ground.texts("SELECT CAST(sequence AS text) FROM events ORDER BY sequence").await, ["1", "3"]);
}

async fn nothing_is_appended_behind_an_event_that_is_not_there(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 2).await;
    let real = ledger.load(&desk()).await.unwrap();
    let mut ahead = Loaded::clone(&real);
    ahead.state.version = 7;
    let other = Loaded { hash: "00".into(), ..Loaded::clone(&real) };
    for base in [ahead, other] {
        let refused = ledger.append(&desk(), &base, vec![said("a")], meta("c3")).await;
        assert!(matches!(refused, Err(StoreError::Conflict)), "{refused:?}");
    }
    assert_eq!(ledger.head(&desk()).await.unwrap(), 2);
}

async fn of_many_at_once_the_refused_take_nobody_along(ground: Ground) {
    let (ledger, rival) = (ground.open().await, ground.open().await);
    let desks: Vec<_> = (0..24).map(|n| HelpdeskId::new(format!("d{n:02}"))).collect();
    for (number, desk) in desks.iter().enumerate() {
        append(&ledger, desk, vec![created()]).await.unwrap();
        if number % 3 == 0 {
            append(&rival, desk, vec![said("rival")]).await.unwrap();
        }
    }
    let appends = desks.iter().map(|desk| append(&ledger, desk, vec![said("a"), said("b")]));
    let answers = futures::future::join_all(appends).await;
    for (number, (desk, answer)) in desks.iter().zip(&answers).enumerate() {
        let head = rival.head(desk).await.unwrap();
        match number % 3 {
            0 => assert!(matches!(answer, Err(StoreError::Conflict)) && head == 2, "{desk}: {answer:?}, {head}"),
            _ => assert!(answer.is_ok() && head == 3, "{desk}: {answer:?}, {head}"),
        }
    }
}

/// Unlike those that come too late, these are seen only when they are written.
async fn of_many_at_once_those_in_whose_way_something_stands_take_nobody_along(ground: Ground) {
    let ledger = ground.open().await;
    let desks: Vec<_> = (0..9).map(|n| HelpdeskId::new(format!("d{n}"))).collect();
    for desk in &desks {
        append(&ledger, desk, vec![created()]).await.unwrap();
    }
    for blocked in ["d3", "d7"] {
        let row = format!(
            "INSERT INTO events (aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata)
             VALUES ('auth_config', '{blocked}', 3, 'x', '1', '{{}}', '{{}}')"
        );
        ground.execute(&row).await.unwrap();
    }
    let appends = desks.iter().map(|desk| append(&ledger, desk, vec![said("a"), said("b")]));
    for (desk, answer) in desks.iter().zip(futures::future::join_all(appends).await) {
        let blocked = ["d3", "d7"].contains(&desk.as_str());
        match answer {
            Ok(appended) => assert!(!blocked && appended.loaded.state.version == 3, "{desk}"),
            Err(error) => assert!(blocked && matches!(error, StoreError::Conflict), "{desk}: {error}"),
        }
    }
    let half = "SELECT aggregate_id FROM events WHERE aggregate_id IN ('d3', 'd7') AND sequence = 2";
    assert!(ground.texts(half).await.is_empty());
}

async fn of_many_at_once_to_one_stream_the_first_is_written_and_the_others_are_refused(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 1).await;
    grow(&ledger, &"other".into(), 1).await;
    let other = HelpdeskId::from("other");
    let one = desk();
    let appends = (0..12).map(|n| append(&ledger, if n == 5 { &other } else { &one }, vec![said(&n.to_string())]));
    let answers = futures::future::join_all(appends).await;
    let written = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(written, 2, "{answers:?}");
    assert!(answers.get(5).unwrap().is_ok(), "{answers:?}");
    assert!(answers.iter().all(|answer| matches!(answer, Ok(_) | Err(StoreError::Conflict))), "{answers:?}");
    assert_eq!((ledger.head(&desk()).await.unwrap(), ledger.head(&other).await.unwrap()), (2, 2));
}

async fn cqrs_es_commits_through_the_ledger_and_applies_once(ground: Ground) {
    let ledger = ground.open().await;
    let framework = CqrsFramework::<AuthConfig, _>::new(ledger.clone(), vec![], Arc::new(Plain));
    let run = |command: Command, id: &str| {
        let request = Request { commands: vec![command], at: Timestamp::from_millis(1), accept_lockout: None };
        framework.execute_with_metadata("default", request, meta(id).to_map())
    };
    let create = Command::CreateHelpdesk {
        name: "Acme".into(),
        url: None,
        users_deskpro: "us_1".into(),
        agents_deskpro: "us_2".into(),
    };
    run(create, "c1").await.unwrap();
    let values = [("lockout_failures".to_owned(), Policy::default().lockout_failures + 1)];
    let change = || Command::ChangePolicy { audience: Audience::Users, values: values.clone().into() };
    run(change(), "c2").await.unwrap();
    let again = run(change(), "c3").await;
    assert!(matches!(again, Err(AggregateError::UserError(Rejection::NothingToChange))), "{again:?}");

    let envelopes = ledger.load_events("default").await.unwrap();
    assert!((1..).zip(&envelopes).all(|(version, envelope)| envelope.sequence == version));
    let other = ground.open().await.load(&desk()).await.unwrap();
    assert_eq!(other.state.version, envelopes.len() as u64);
    assert_eq!(other, ledger.load(&desk()).await.unwrap(), "in memory as in the log");

    append(&ground.open().await, &desk(), vec![said("rival")]).await.unwrap();
    let mut context = ledger.load_aggregate("default").await.unwrap();
    cqrs_es::AggregateContext::aggregate(&mut context).evolve(&said("ours"));
    let refused = ledger.commit(vec![said("ours")], context, meta("c4").to_map()).await;
    assert!(matches!(refused, Err(AggregateError::AggregateConflict)), "{refused:?}");
}

/// Kinds without needs of their own.
struct Plain;

impl Catalogue for Plain {
    fn capabilities(&self, _: &str) -> Option<Capabilities> {
        Some(Capabilities { display: Display::Form, sso: false, silent: Silent::Never, built_in: true })
    }

    fn invalid(&self, _: &str, _: Audience, _: &Fields) -> Vec<Fault> {
        Vec::new()
    }

    fn incomplete(&self, _: &str, _: Audience, _: &Fields) -> Vec<Fault> {
        Vec::new()
    }

    fn admits_anyone(&self, _: &str, _: &Fields) -> bool {
        false
    }
}

async fn a_command_costs_the_same_when_the_stream_is_long(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 1).await;
    for _ in 0..20 {
        append(&ledger, &desk(), (0..100).map(|n| said(&n.to_string())).collect()).await.unwrap();
    }
    super::history::until_snapshot_at(&ground, 2_001).await;
    // A process that knows nothing reads what came after the snapshot, and not the two thousand before it.
    ground.drop_triggers().await;
    ground.execute("DELETE FROM events WHERE sequence < 1900").await.unwrap();
    let other = ground.open().await;
    assert_eq!(other.load(&desk()).await.unwrap(), ledger.load(&desk()).await.unwrap());
}
