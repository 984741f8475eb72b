//! Brings facts to the read models, each exactly once, from any number of processes.
//!
//! Read first, swap second: the events after the checkpoint are read without any lock; then, in one transaction, the
//! checkpoint moves from what was read to what is new, and the rows are written. If it does not move, somebody else
//! was faster, nothing is written, and reading begins again. Replay and live are this one path.

use crate::batch::{Batch, Cell, bind, fetch};
use crate::database::{Database, Dialect};
use crate::error::ProjectionError;
use crate::facts::Facts;
use crate::projection::{PROJECTIONS, number};
use crate::row::Row;
use crate::tables::{self, REGISTRY, Tables};
use domain::{HelpdeskId, Recorded};
use sqlx::{Any, Executor as _, Transaction};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// So many events are read and written at once.
const PAGE: u32 = 500;

/// The read models in one database. Clones share what they know of its tables.
#[derive(Debug, Clone)]
pub struct Projector {
    pub(crate) db: Database,
    pub(crate) hash: Arc<str>,
    live: Arc<AtomicI64>,
}

impl Projector {
    /// Makes what is missing of the tables and finds the live ones.
    pub async fn open(db: Database) -> Result<Self, ProjectionError> {
        let projector = Self { db, hash: tables::hash().into(), live: Arc::new(AtomicI64::new(0)) };
        projector.make().await?;
        projector.look_again().await?;
        Ok(projector)
    }

    async fn make(&self) -> Result<(), ProjectionError> {
        if self.db.dialect == Dialect::Sqlite {
            // By itself, since it only reads if the table is there.
            self.db.write.execute(sqlx::raw_sql(REGISTRY)).await?;
        }
        let mut transaction = self.begin().await?;
        if self.db.dialect == Dialect::Postgres {
            // Making the same table twice at once is an error there, IF NOT EXISTS or not.
            let alone = "DO $$ BEGIN PERFORM pg_advisory_xact_lock(4741); END $$";
            transaction.execute(sqlx::raw_sql(alone)).await?;
            transaction.execute(sqlx::raw_sql(REGISTRY)).await?;
        }
        let first = "INSERT INTO read_models (hash, live, building) VALUES ($1, 1, 1) ON CONFLICT (hash) DO NOTHING";
        sqlx::query(first).bind(&*self.hash).execute(&mut *transaction).await?;
        let (live,): (i64,) = sqlx::query_as("SELECT live FROM read_models WHERE hash = $1")
            .bind(&*self.hash)
            .fetch_one(&mut *transaction)
            .await?;
        let tables = self.generation(live);
        for statement in tables.create().into_iter().chain(tables.index()) {
            transaction.execute(sqlx::raw_sql(&statement)).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// The version of `helpdesk` that the read models show; 0 if they know nothing of it.
    pub async fn version(&self, helpdesk: &HelpdeskId) -> Result<u64, ProjectionError> {
        let sql = "SELECT sequence FROM {checkpoint} WHERE helpdesk = $1";
        let rows = self.fetch(sql, vec![helpdesk.as_str().into()]).await?;
        rows.first().map_or(Ok(0), |row| row.version("sequence"))
    }

    /// Applies every event of `helpdesk` that the read models lack, and returns the version reached: at least the
    /// last that was in the log when this was called.
    pub async fn catch_up(&self, facts: &impl Facts, helpdesk: &HelpdeskId) -> Result<u64, ProjectionError> {
        loop {
            let read = self.version(helpdesk).await?;
            let events = facts.events_after(helpdesk, read, PAGE).await?;
            if events.is_empty() {
                return Ok(read);
            }
            if let Some(reached) = self.swap(helpdesk, read, &events).await?
                && events.len() < PAGE as usize
            {
                return Ok(reached);
            }
        }
    }

    /// Applies events that the caller has in hand, of all these helpdesks in one transaction. Returns those at which it
    /// was not to be done, because the read models do not stand right before the events, and at which nothing was done:
    /// they need `catch_up`, or somebody else has applied them.
    pub async fn apply_in_hand(
        &self,
        in_hand: &BTreeMap<HelpdeskId, Vec<Recorded>>,
    ) -> Result<Vec<HelpdeskId>, ProjectionError> {
        let moves: BTreeMap<&HelpdeskId, Move<'_>> =
            in_hand.iter().filter_map(|(helpdesk, events)| Some((helpdesk, Move::of(helpdesk, events)?))).collect();
        let tables = self.generation(self.live.load(Ordering::Acquire));
        let moved = match self.move_all(&tables, &moves).await {
            // A rebuild dropped the tables: whoever catches up finds the new ones.
            Err(ProjectionError::Database(error)) if is_gone(&error) => BTreeSet::new(),
            moved => moved?,
        };
        Ok(in_hand.keys().filter(|helpdesk| !moved.contains(helpdesk.as_str())).cloned().collect())
    }

    async fn move_all(
        &self,
        tables: &Tables,
        moves: &BTreeMap<&HelpdeskId, Move<'_>>,
    ) -> Result<BTreeSet<String>, ProjectionError> {
        let mut moved = BTreeSet::new();
        if moves.is_empty() {
            return Ok(moved);
        }
        let mut transaction = self.begin().await?;
        let steps = moves.values().map(|one| vec![number(one.from).into(), number(one.to).into()]);
        let rows = moves.keys().zip(steps).map(|(helpdesk, step)| [vec![helpdesk.as_str().into()], step].concat());
        for row in fetch(tables, &mut transaction, SWAP_ALL, rows.collect()).await? {
            moved.insert(row.text("helpdesk")?);
        }
        let mut batch = Batch::default();
        for (helpdesk, one) in moves.iter().filter(|(helpdesk, _)| moved.contains(helpdesk.as_str())) {
            apply(helpdesk, one.from, one.events, &mut batch)?;
        }
        batch.write(tables, &mut transaction).await?;
        transaction.commit().await?;
        Ok(moved)
    }

    async fn swap(
        &self,
        helpdesk: &HelpdeskId,
        read: u64,
        events: &[Recorded],
    ) -> Result<Option<u64>, ProjectionError> {
        let mut batch = Batch::default();
        let reached = apply(helpdesk, read, events, &mut batch)?;
        let live = self.live.load(Ordering::Acquire);
        match self.swap_in(&self.generation(live), helpdesk, read, reached, batch).await {
            Err(ProjectionError::Database(error)) if is_gone(&error) => match self.look_again().await? {
                // A rebuild dropped the tables. Whoever called reads again, from the tables that are live now.
                now if now != live => Ok(None),
                _ => Err(error.into()),
            },
            answer => answer,
        }
    }

    async fn swap_in(
        &self,
        tables: &Tables,
        helpdesk: &HelpdeskId,
        read: u64,
        reached: u64,
        batch: Batch,
    ) -> Result<Option<u64>, ProjectionError> {
        let mut transaction = self.begin().await?;
        let sql = match read {
            0 => "INSERT INTO {checkpoint} (helpdesk, sequence) VALUES ($1, $2) ON CONFLICT (helpdesk) DO NOTHING",
            _ => "UPDATE {checkpoint} SET sequence = $2 WHERE helpdesk = $1 AND sequence = $3",
        };
        let sql = tables.sql(sql);
        let mut swap = sqlx::query(&sql).bind(helpdesk.as_str()).bind(number(reached));
        if read > 0 {
            swap = swap.bind(number(read));
        }
        if swap.execute(&mut *transaction).await?.rows_affected() == 0 {
            transaction.rollback().await?;
            return Ok(None);
        }
        batch.write(tables, &mut transaction).await?;
        transaction.commit().await?;
        Ok(Some(reached))
    }

    /// A transaction whose commit need not survive a power cut. Its first statement must be a write.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self.db.dialect {
            Dialect::Sqlite => self.db.write.begin().await,
            Dialect::Postgres => self.db.write.begin_with("BEGIN; SET LOCAL synchronous_commit = off").await,
        }
    }

    /// The rows of one reading statement over the live tables. A rebuild elsewhere drops the tables that were live:
    /// so a table that is gone means that others are live now, and the statement is run on those.
    pub(crate) async fn fetch(&self, text: &str, cells: Vec<Cell>) -> Result<Vec<Row>, ProjectionError> {
        loop {
            let live = self.live.load(Ordering::Acquire);
            let sql = self.generation(live).sql(text);
            let query = cells.iter().cloned().fold(sqlx::query(&sql), bind);
            match query.fetch_all(&self.db.read).await {
                Ok(rows) => return Ok(rows.into_iter().map(Row).collect()),
                Err(error) if is_gone(&error) && self.look_again().await? != live => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Looks up which generation is live.
    pub(crate) async fn look_again(&self) -> Result<i64, sqlx::Error> {
        let (live,): (i64,) = sqlx::query_as("SELECT live FROM read_models WHERE hash = $1")
            .bind(&*self.hash)
            .fetch_one(&self.db.read)
            .await?;
        self.live.store(live, Ordering::Release);
        Ok(live)
    }

    pub(crate) fn generation(&self, generation: i64) -> Tables {
        Tables::new(self.db.dialect, &self.hash, generation)
    }
}

/// Moves each checkpoint that stands where its row says.
const SWAP_ALL: &str = "UPDATE {checkpoint} SET sequence = v.column3 FROM (VALUES ROWS) AS v \
    WHERE {checkpoint}.helpdesk = v.column1 AND {checkpoint}.sequence = v.column2 RETURNING helpdesk";

/// Events of one helpdesk that follow each other, and the versions before and at the end of them.
struct Move<'e> {
    events: &'e [Recorded],
    from: u64,
    to: u64,
}

impl<'e> Move<'e> {
    /// `None` if there is a gap in them.
    fn of(helpdesk: &HelpdeskId, events: &'e [Recorded]) -> Option<Self> {
        let from = events.first()?.version.checked_sub(1)?;
        let to = from + events.len() as u64;
        let follows = (from + 1..).zip(events).all(|(version, e)| e.version == version && e.helpdesk == *helpdesk);
        follows.then_some(Self { events, from, to })
    }
}

/// Adds to `batch` what `events` change, and returns the last version. They must follow `after` without a gap.
pub(crate) fn apply(
    helpdesk: &HelpdeskId,
    after: u64,
    events: &[Recorded],
    batch: &mut Batch,
) -> Result<u64, ProjectionError> {
    let mut reached = after;
    for event in events {
        if event.version != reached + 1 || event.helpdesk != *helpdesk {
            return Err(ProjectionError::Gap { helpdesk: helpdesk.clone(), after: reached });
        }
        reached = event.version;
        PROJECTIONS.iter().for_each(|projection| projection.apply(event, batch));
    }
    Ok(reached)
}

/// Whether a statement failed because its table is not there any more.
fn is_gone(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else { return false };
    error.code().is_some_and(|code| code == "42P01")
        || error.message().starts_with("no such table")
        || error.message().starts_with("could not open relation with OID")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Ground, Log, Meanwhile, dump, helpdesk, on_both, wishes};
    use domain::{Audience, Command};
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;
    use std::time::Duration;

    fn history(most: usize) -> Arc<Log> {
        let log = Log::begun();
        let mut runner = TestRunner::deterministic();
        for _ in 0..4 {
            let wishes = wishes(most).new_tree(&mut runner).unwrap().current();
            wishes.into_iter().for_each(|wish| log.wished(&helpdesk(), wish));
        }
        Arc::new(log)
    }

    /// The rows of one replay, in a database of its own.
    async fn replayed(ground: &Ground, log: &Log) -> BTreeMap<&'static str, Vec<String>> {
        let ground = Ground::new(ground.dialect).await;
        let projector = ground.projector().await;
        projector.catch_up_all(log).await.unwrap();
        let rows = dump(&projector).await;
        ground.clear().await;
        rows
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn rivals_apply_every_event_exactly_once() {
        on_both(async |ground| {
            let log = Arc::new(Log::begun());
            let (one, two) = (ground.projector().await, ground.projector().await);
            let mut runner = TestRunner::deterministic();
            for _ in 0..12 {
                let wishes = wishes(12).new_tree(&mut runner).unwrap().current();
                wishes.into_iter().for_each(|wish| log.wished(&helpdesk(), wish));
                let version = log.state(&helpdesk()).version;
                let rivals = [&one, &two, &one, &two].map(|projector| {
                    let (projector, log) = (projector.clone(), log.clone());
                    tokio::spawn(async move { projector.catch_up(&*log, &helpdesk()).await.unwrap() })
                });
                for rival in rivals {
                    assert_eq!(rival.await.unwrap(), version);
                }
            }
            assert_eq!(dump(&two).await, replayed(ground, &log).await);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_crash_before_the_commit_leaves_nothing_and_the_next_run_heals() {
        on_both(async |ground| {
            let log = history(30);
            let projector = ground.projector().await;
            let before = dump(&projector).await;
            let events = log.events(&helpdesk());
            let mut batch = Batch::default();
            let reached = apply(&helpdesk(), 0, &events, &mut batch).unwrap();
            let tables = projector.generation(projector.look_again().await.unwrap());
            let mut transaction = projector.begin().await.unwrap();
            let sql = tables.sql("INSERT INTO {checkpoint} (helpdesk, sequence) VALUES ($1, $2)");
            let swap = sqlx::query(&sql).bind("default").bind(number(reached));
            swap.execute(&mut *transaction).await.unwrap();
            batch.write(&tables, &mut transaction).await.unwrap();
            drop(transaction);
            assert_eq!(dump(&projector).await, before);
            for micros in (0..40).map(|n| n * 150) {
                let id = helpdesk();
                let run = projector.catch_up(&*log, &id);
                let _ = tokio::time::timeout(Duration::from_micros(micros), run).await;
            }
            assert_eq!(projector.catch_up(&*log, &helpdesk()).await.unwrap(), reached);
            assert_eq!(dump(&projector).await, replayed(ground, &log).await);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_loses_the_swap_reads_again_and_applies_only_the_rest() {
        on_both(async |ground| {
            let log = history(10);
            let (one, two) = (ground.projector().await, ground.projector().await);
            let facts = Meanwhile::new(&log, |reading| {
                let (two, log) = (two.clone(), log.clone());
                Box::pin(async move {
                    if reading == 1 {
                        two.catch_up(&*log, &helpdesk()).await.unwrap();
                        log.done(&helpdesk(), order("dp_agents"));
                    }
                    Ok(())
                })
            });
            let version = log.state(&helpdesk()).version;
            assert_eq!(one.catch_up(&facts, &helpdesk()).await.unwrap(), version + 1);
            assert_eq!(facts.readings(), 2, "the swap was lost once");
            assert_eq!(dump(&one).await, replayed(ground, &log).await);
        })
        .await;
    }

    fn order(id: &str) -> Command {
        Command::InstallUsersource {
            id: format!("{id}_x").as_str().into(),
            kind: "ldap".into(),
            audience: Audience::Agents,
            fields: domain::Fields::default(),
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn events_in_hand_are_applied_only_right_after_the_checkpoint() {
        on_both(async |ground| {
            let log = Log::begun();
            let projector = ground.projector().await;
            let in_hand = |events: &[&[Recorded]]| BTreeMap::from([(helpdesk(), events.concat())]);
            let apply = async |events: &[&[Recorded]]| projector.apply_in_hand(&in_hand(events)).await.unwrap();
            let first = log.events(&helpdesk());
            let reached = first.len() as u64;
            let second = log.done(&helpdesk(), order("us_8"));
            let third = log.done(&helpdesk(), order("us_9"));
            assert_eq!(apply(&[&second]).await, [helpdesk()], "nothing is there yet");
            assert_eq!(apply(&[&first]).await, [helpdesk()], "a first checkpoint is for whoever catches up");
            assert_eq!(projector.version(&helpdesk()).await.unwrap(), 0);
            let begun = Log::begun();
            projector.catch_up(&begun, &helpdesk()).await.unwrap();
            for (events, why) in [
                (vec![third.as_slice()], "one is lacking"),
                (vec![&second, &second], "twice the same"),
                (vec![&first, &third], "a gap"),
                (vec![&third, &second], "backwards"),
                (vec![], "none"),
            ] {
                assert_eq!(apply(&events).await, [helpdesk()], "{why}");
                assert_eq!(projector.version(&helpdesk()).await.unwrap(), reached, "{why}");
            }
            assert_eq!(apply(&[&second, &third]).await, []);
            assert_eq!(apply(&[&second, &third]).await, [helpdesk()], "they are there");
            assert_eq!(projector.version(&helpdesk()).await.unwrap(), reached + 2);
            assert_eq!(dump(&projector).await, replayed(ground, &log).await);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_many_helpdesks_in_hand_those_that_somebody_caught_up_are_left_out_whole() {
        on_both(async |ground| {
            let log = Log::default();
            let (one, two) = (ground.projector().await, ground.projector().await);
            let desks: Vec<HelpdeskId> = (0..7).map(|n| HelpdeskId::new(format!("h{n}"))).collect();
            desks.iter().for_each(|desk| log.begin(desk));
            one.catch_up_all(&log).await.unwrap();
            let order = |desk: &HelpdeskId| log.done(desk, order("us_8"));
            let in_hand: BTreeMap<_, _> = desks.iter().map(|desk| (desk.clone(), order(desk))).collect();
            for desk in [&desks[2], &desks[5]] {
                two.catch_up(&log, desk).await.unwrap();
            }
            assert_eq!(one.apply_in_hand(&in_hand).await.unwrap(), [desks[2].clone(), desks[5].clone()]);
            assert_eq!(dump(&one).await, replayed(ground, &log).await);
            assert_eq!(one.apply_in_hand(&in_hand).await.unwrap(), desks);
            one.rebuild(&log, |_| {}).await.unwrap();
            assert_eq!(two.apply_in_hand(&in_hand).await.unwrap(), desks, "its tables are gone");
        })
        .await;
    }
}
