//! Reading: what is new, whose it is, and which command made it.

use super::{Ground, append, created, desk, grow, meta, on_every_log, said};
use domain::HelpdeskId;
use projections::Facts as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

on_every_log! {
    events_are_read_after_a_version_and_in_pages
    helpdesks_are_listed_in_the_order_of_their_ids_and_in_pages
    an_unknown_helpdesk_is_at_version_0
    a_lost_answer_is_found_by_its_command
    what_another_process_appended_shows_since_the_cursor
    a_clock_that_was_set_back_hides_nothing
    what_did_not_change_lately_does_not_show
    every_event_has_the_time_at_which_it_was_written
    refresh_notices_that_the_log_was_put_back
}

async fn events_are_read_after_a_version_and_in_pages(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 5).await;
    append(&ledger, &"other".into(), vec![created()]).await.unwrap();
    let page = |after, limit| {
        let ledger = ledger.clone();
        async move {
            ledger.events_after(&desk(), after, limit).await.unwrap().iter().map(|f| f.version).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(0, 2).await, [1, 2]);
    assert_eq!(page(2, 2).await, [3, 4]);
    assert_eq!(page(4, 2).await, [5]);
    assert_eq!(page(5, 2).await, [0_u64; 0]);
}

async fn helpdesks_are_listed_in_the_order_of_their_ids_and_in_pages(ground: Ground) {
    let ledger = ground.open().await;
    for id in ["b", "A", "ä", "a", "B-2"] {
        append(&ledger, &id.into(), vec![created(), said("more")]).await.unwrap();
    }
    let page = |after: Option<&'static str>, limit| {
        let ledger = ledger.clone();
        async move {
            let after = after.map(HelpdeskId::from);
            let ids = ledger.helpdesks(after.as_ref(), limit).await.unwrap();
            ids.iter().map(ToString::to_string).collect::<Vec<_>>()
        }
    };
    assert_eq!(page(None, 3).await, ["A", "B-2", "a"]);
    assert_eq!(page(Some("a"), 3).await, ["b", "ä"]);
    assert_eq!(page(Some("ä"), 3).await, [""; 0]);
    assert_eq!(page(None, 0).await, [""; 0]);
}

async fn an_unknown_helpdesk_is_at_version_0(ground: Ground) {
    let ledger = ground.open().await;
    for _ in 0..2 {
        let loaded = ledger.load(&desk()).await.unwrap();
        assert_eq!((loaded.state.version, loaded.hash.as_str()), (0, ""));
    }
    append(&ground.open().await, &desk(), vec![created()]).await.unwrap();
    assert_eq!(ledger.load(&desk()).await.unwrap().state.version, 1);
}

async fn a_lost_answer_is_found_by_its_command(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 3).await;
    let base = ledger.load(&desk()).await.unwrap();
    let appended = ledger.append(&desk(), &base, vec![said("a"), said("b")], meta("mine")).await.unwrap();
    append(&ledger, &desk(), vec![said("later")]).await.unwrap();
    assert_eq!(ledger.find_command(&desk(), "mine", 3).await.unwrap(), Some(appended.recorded.clone()));
    assert_eq!(ledger.find_command(&desk(), "mine", 0).await.unwrap(), Some(appended.recorded));
    assert_eq!(ledger.find_command(&desk(), "mine", 5).await.unwrap(), None);
    assert_eq!(ledger.find_command(&desk(), "other", 0).await.unwrap(), None);
}

async fn what_another_process_appended_shows_since_the_cursor(ground: Ground) {
    let (ours, theirs) = (ground.open().await, ground.open().await);
    let cursor = ours.cursor().await.unwrap();
    append(&theirs, &"h1".into(), vec![created(), said("more")]).await.unwrap();
    append(&theirs, &"h2".into(), vec![created()]).await.unwrap();
    let (mut changed, cursor) = ours.changed_since(cursor).await.unwrap();
    changed.sort();
    assert_eq!(changed, ["h1".into(), "h2".into()]);
    // Still within the overlap, and so shown again wherever something new was written.
    append(&theirs, &"h3".into(), vec![created()]).await.unwrap();
    let (changed, mut cursor) = ours.changed_since(cursor).await.unwrap();
    assert_eq!(changed.len(), 3);
    // What we write ourselves we know; it hides nothing that others write before or after.
    for number in 0..3 {
        append(&ours, &"ours".into(), vec![said("ours")]).await.unwrap();
        let theirs_too = HelpdeskId::new(format!("h4-{number}"));
        append(&theirs, &theirs_too, vec![created()]).await.unwrap();
        append(&ours, &"ours".into(), vec![said("ours")]).await.unwrap();
        let changed;
        (changed, cursor) = ours.changed_since(cursor).await.unwrap();
        assert!(changed.contains(&theirs_too), "{changed:?}");
        let (_, later) = ours.changed_since(cursor).await.unwrap();
        cursor = later;
    }
}

async fn a_clock_that_was_set_back_hides_nothing(ground: Ground) {
    let ledger = ground.open().await;
    let (_, now) = ledger.log().changed_since(0).await.unwrap();
    grow(&ledger, &desk(), 1).await;
    let an_hour_ahead = now + 3_600_000;
    let (changed, later) = ledger.log().changed_since(an_hour_ahead).await.unwrap();
    assert_eq!(changed, [desk()]);
    assert!(later < an_hour_ahead, "the cursor follows the clock back");
}

async fn what_did_not_change_lately_does_not_show(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &"old".into(), 1).await;
    ground.drop_triggers().await;
    let an_hour = match &ground {
        Ground::Sqlite(_) => "UPDATE events SET recorded_at = recorded_at - 3600000",
        Ground::Postgres { .. } => "UPDATE events SET recorded_at = recorded_at - interval '1 hour'",
    };
    ground.execute(an_hour).await.unwrap();
    grow(&ledger, &"new".into(), 1).await;
    let cursor = ledger.cursor().await.unwrap();
    grow(&ground.open().await, &"others".into(), 1).await;
    let (mut changed, _) = ledger.changed_since(cursor).await.unwrap();
    changed.sort();
    assert_eq!(changed, ["new".into(), "others".into()]);
}

async fn every_event_has_the_time_at_which_it_was_written(ground: Ground) {
    let ledger = ground.open().await;
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let before = now();
    grow(&ledger, &desk(), 1).await;
    let written = match &ground {
        Ground::Sqlite(_) => ground.texts("SELECT CAST(recorded_at AS text) FROM events").await,
        Ground::Postgres { .. } => {
            ground.texts("SELECT CAST(floor(extract(epoch FROM recorded_at) * 1000) AS text) FROM events").await
        }
    };
    let written = Duration::from_millis(written[0].parse().unwrap());
    assert!(before <= written + Duration::from_millis(1) && written <= now() + Duration::from_millis(1));
}

async fn refresh_notices_that_the_log_was_put_back(ground: Ground) {
    let ledger = ground.open().await;
    grow(&ledger, &desk(), 4).await;
    ground.drop_triggers().await;
    ground.execute("DELETE FROM events WHERE sequence > 2").await.unwrap();
    let refused = append(&ledger, &desk(), vec![said("behind what is gone")]).await;
    assert!(refused.is_err());
    assert_eq!(ledger.load(&desk()).await.unwrap().state.version, 2);
    append(&ledger, &desk(), vec![said("behind what is there")]).await.unwrap();
    assert_eq!(ledger.head(&desk()).await.unwrap(), 3);
}
