//! Makes the read models again from the facts, beside the live ones, and swaps readers over when all is there.
//!
//! A rebuild has tables of its own, a generation higher than any before. One transaction makes them the live ones and
//! drops the former; until then nobody reads them, so a crash leaves nothing but tables that the next rebuild drops.
//! Other processes find their tables gone and look up which are live. The swap refuses to go backwards: as long as
//! a helpdesk's former checkpoint is ahead of its new one, there is more to catch up.

use crate::batch::Batch;
use crate::database::Dialect;
use crate::error::ProjectionError;
use crate::facts::Facts;
use crate::projector::{Projector, apply};
use crate::tables::{CHECKPOINT, Tables};
use domain::HelpdeskId;
use sqlx::{Any, Executor as _, Transaction};

/// How far a rebuild is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Helpdesks begun.
    pub helpdesks: u64,
    /// Events applied.
    pub events: u64,
}

/// So many events are read at once.
const PAGE: u32 = 2_000;
/// So many helpdesks are listed at once.
const HELPDESKS: u32 = 500;
/// So many events go into a transaction.
const WRITE_AFTER: usize = 4_000;

struct Building {
    projector: Projector,
    live: i64,
    generation: i64,
    tables: Tables,
    batch: Batch,
    pending: usize,
    progress: Progress,
}

impl Projector {
    /// Makes all read models of all helpdesks again, telling `progress` after each page, and returns how much it was.
    /// Reading and writing go on meanwhile. If another rebuild begins, this one gives up.
    pub async fn rebuild(
        &self,
        facts: &impl Facts,
        mut progress: impl FnMut(Progress) + Send,
    ) -> Result<Progress, ProjectionError> {
        let mut building = self.begin_rebuild().await?;
        let mut after = None;
        loop {
            let page = facts.helpdesks(after.as_ref(), HELPDESKS).await?;
            for helpdesk in &page {
                building.progress.helpdesks += 1;
                building.fill(facts, helpdesk, 0, &mut progress).await?;
            }
            after = page.last().cloned();
            if page.len() < HELPDESKS as usize {
                break;
            }
        }
        building.write().await?;
        for statement in building.tables.index().into_iter().chain(building.tables.analyze()) {
            building.run_alone(&statement).await?;
        }
        building.swap(facts, &mut progress).await?;
        self.look_again().await?;
        self.catch_up_all(facts).await?;
        Ok(building.progress)
    }

    /// Catches up with every helpdesk in the log.
    pub async fn catch_up_all(&self, facts: &impl Facts) -> Result<(), ProjectionError> {
        let mut after = None;
        loop {
            let page = facts.helpdesks(after.as_ref(), HELPDESKS).await?;
            for helpdesk in &page {
                self.catch_up(facts, helpdesk).await?;
            }
            after = page.last().cloned();
            if page.len() < HELPDESKS as usize {
                return Ok(());
            }
        }
    }

    /// Claims a generation, drops what earlier rebuilds left, makes the tables.
    async fn begin_rebuild(&self) -> Result<Building, ProjectionError> {
        let mut transaction = self.begin().await?;
        sqlx::query("UPDATE read_models SET building = building + 1 WHERE hash = $1")
            .bind(&*self.hash)
            .execute(&mut *transaction)
            .await?;
        let (live, generation): (i64, i64) = sqlx::query_as("SELECT live, building FROM read_models WHERE hash = $1")
            .bind(&*self.hash)
            .fetch_one(&mut *transaction)
            .await?;
        let leftovers = (live + 1..generation).flat_map(|old| self.generation(old).drop());
        let tables = self.generation(generation);
        for statement in leftovers.chain(tables.create()) {
            transaction.execute(sqlx::raw_sql(&statement)).await?;
        }
        transaction.commit().await?;
        let (batch, progress) = (Batch::default(), Progress::default());
        Ok(Building { projector: self.clone(), live, generation, tables, batch, pending: 0, progress })
    }
}

impl Building {
    /// Reads the events of `helpdesk` after `after` and writes them, sooner or later. Returns whether there were any.
    async fn fill(
        &mut self,
        facts: &impl Facts,
        helpdesk: &HelpdeskId,
        after: u64,
        progress: &mut (impl FnMut(Progress) + Send),
    ) -> Result<bool, ProjectionError> {
        let mut reached = after;
        loop {
            let events = facts.events_after(helpdesk, reached, PAGE).await?;
            if !events.is_empty() {
                reached = apply(helpdesk, reached, &events, &mut self.batch)?;
                let sequence = crate::projection::number(reached);
                self.batch.put(&CHECKPOINT, vec![helpdesk.as_str().into(), sequence.into()]);
                self.pending += events.len();
                self.progress.events += events.len() as u64;
                progress(self.progress);
            }
            if self.pending >= WRITE_AFTER {
                self.write().await?;
            }
            if events.len() < PAGE as usize {
                return Ok(reached > after);
            }
        }
    }

    async fn write(&mut self) -> Result<(), ProjectionError> {
        self.pending = 0;
        let batch = std::mem::take(&mut self.batch);
        let mut transaction = self.projector.begin().await?;
        self.claim(&mut transaction).await?;
        batch.write(&self.tables, &mut transaction).await?;
        Ok(transaction.commit().await?)
    }

    /// Makes sure that no other rebuild has begun, and that none begins before the transaction ends.
    async fn claim(&self, transaction: &mut Transaction<'_, Any>) -> Result<(), ProjectionError> {
        let claim = "UPDATE read_models SET building = building WHERE hash = $1 AND live = $2 AND building = $3";
        let claimed = sqlx::query(claim)
            .bind(&*self.projector.hash)
            .bind(self.live)
            .bind(self.generation)
            .execute(&mut **transaction)
            .await?;
        if claimed.rows_affected() == 0 { Err(ProjectionError::Overtaken) } else { Ok(()) }
    }

    async fn run_alone(&self, statement: &str) -> Result<(), ProjectionError> {
        let mut transaction = self.projector.begin().await?;
        self.claim(&mut transaction).await?;
        transaction.execute(sqlx::raw_sql(statement)).await?;
        Ok(transaction.commit().await?)
    }

    /// Catches up until nothing is behind, and makes this generation the live one.
    async fn swap(
        &mut self,
        facts: &impl Facts,
        progress: &mut (impl FnMut(Progress) + Send),
    ) -> Result<(), ProjectionError> {
        let mut whatever_comes = false;
        loop {
            let behind = self.try_swap(whatever_comes).await?;
            if behind.is_empty() {
                return Ok(());
            }
            let mut found = false;
            for (helpdesk, after) in behind {
                found |= self.fill(facts, &helpdesk, after, progress).await?;
            }
            self.write().await?;
            // A former checkpoint that is ahead of the log itself (a log put back from a backup) is never reached.
            whatever_comes = !found;
        }
    }

    /// Swaps, if no helpdesk would go backwards; else says which, and from where they lack events.
    async fn try_swap(&self, whatever_comes: bool) -> Result<Vec<(HelpdeskId, u64)>, ProjectionError> {
        let former = self.projector.generation(self.live);
        let mut transaction = self.projector.begin().await?;
        self.claim(&mut transaction).await?;
        if self.projector.db.dialect == Dialect::Postgres {
            let lock = former.sql("LOCK TABLE {checkpoint} IN ACCESS EXCLUSIVE MODE");
            transaction.execute(sqlx::raw_sql(&lock)).await?;
        }
        if !whatever_comes {
            let sql = format!(
                "SELECT o.helpdesk, COALESCE(n.sequence, CAST(0 AS BIGINT)) AS reached FROM {} o \
                 LEFT JOIN {} n ON n.helpdesk = o.helpdesk WHERE COALESCE(n.sequence, 0) < o.sequence",
                former.sql("{checkpoint}"),
                self.tables.sql("{checkpoint}"),
            );
            let behind: Vec<(String, i64)> = sqlx::query_as(&sql).fetch_all(&mut *transaction).await?;
            if !behind.is_empty() {
                transaction.rollback().await?;
                let known = |(id, reached)| (HelpdeskId::new(id), u64::try_from(reached).unwrap_or(0));
                return Ok(behind.into_iter().map(known).collect());
            }
        }
        sqlx::query("UPDATE read_models SET live = $2 WHERE hash = $1")
            .bind(&*self.projector.hash)
            .bind(self.generation)
            .execute(&mut *transaction)
            .await?;
        for statement in former.drop() {
            transaction.execute(sqlx::raw_sql(&statement)).await?;
        }
        transaction.commit().await?;
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::FactsError;
    use crate::testing::{Log, Meanwhile, dump, helpdesk, on_both};
    use crate::{login_options, tables};
    use domain::{AccountId, Command, Standing};
    use std::sync::Arc;

    fn helpdesks() -> [HelpdeskId; 3] {
        ["default", "h2", "h3"].map(HelpdeskId::from)
    }

    fn log() -> Arc<Log> {
        let log = Log::default();
        helpdesks().iter().for_each(|helpdesk| log.begin(helpdesk));
        Arc::new(log)
    }

    fn standing(number: u32) -> Command {
        let account = AccountId::new(format!("acc_x{number}"));
        Command::SetStanding { account, standing: Standing { admin: true, active: true, has_password: false } }
    }

    /// How many tables of any generation there are.
    async fn tables_there(projector: &Projector) -> usize {
        let sql = match projector.db.dialect {
            Dialect::Sqlite => "SELECT name AS name FROM sqlite_master WHERE type = 'table' AND name LIKE $1",
            Dialect::Postgres => "SELECT CAST(tablename AS TEXT) AS name FROM pg_tables WHERE tablename LIKE $1",
        };
        projector.fetch(sql, vec![format!("%\u{5f}{}\u{5f}%", projector.hash).into()]).await.unwrap().len()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_rebuild_that_dies_half_way_leaves_the_live_tables_and_the_next_clears_up() {
        on_both(async |ground| {
            let log = log();
            let projector = ground.projector().await;
            projector.catch_up_all(&*log).await.unwrap();
            let live = dump(&projector).await;
            for _ in 0..2 {
                let dies = Meanwhile::new(&log, |reading| {
                    Box::pin(async move {
                        if reading < 3 { Ok(()) } else { Err(FactsError::Unavailable("it died".into())) }
                    })
                });
                assert!(matches!(projector.rebuild(&dies, |_| {}).await, Err(ProjectionError::Facts(_))));
                assert_eq!(tables_there(&projector).await, tables::all().count() * 2);
                assert_eq!(dump(&projector).await, live);
            }
            let events = helpdesks().iter().map(|h| log.events(h).len() as u64).sum();
            let done = projector.rebuild(&*log, |_| {}).await.unwrap();
            assert_eq!(done, Progress { helpdesks: 3, events });
            assert_eq!(tables_there(&projector).await, tables::all().count());
            assert_eq!(dump(&projector).await, live);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_happens_during_a_rebuild_is_there_after_it_and_versions_never_go_back() {
        on_both(async |ground| {
            let log = log();
            let (one, two) = (ground.projector().await, ground.projector().await);
            one.catch_up_all(&*log).await.unwrap();
            let busy = Meanwhile::new(&log, |reading| {
                let (two, log) = (two.clone(), log.clone());
                Box::pin(async move {
                    if reading < 12 {
                        log.done(&helpdesk(), standing(reading));
                        let reached = two.catch_up(&*log, &helpdesk()).await.unwrap();
                        assert_eq!(reached, log.state(&helpdesk()).version);
                    }
                    Ok(())
                })
            });
            let watcher = tokio::spawn({
                let two = two.clone();
                async move {
                    let mut seen = 0;
                    for _ in 0..200 {
                        let (entries, version) = login_options::entries(&two, &helpdesk()).await.unwrap();
                        assert!(version >= seen && entries.len() == 4, "{version} after {seen}");
                        seen = version;
                    }
                }
            });
            one.rebuild(&busy, |_| {}).await.unwrap();
            watcher.await.unwrap();
            assert!(busy.readings() > 6, "nothing was caught up before the swap");
            log.done(&helpdesk(), standing(99));
            let version = log.state(&helpdesk()).version;
            assert_eq!(two.catch_up(&*log, &helpdesk()).await.unwrap(), version, "who knew the former tables goes on");
            let after = dump(&two).await;
            assert_eq!(dump(&one).await, after);
            one.rebuild(&*log, |_| {}).await.unwrap();
            assert_eq!(dump(&two).await, after);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn of_two_rebuilds_the_later_wins_and_the_earlier_gives_up() {
        on_both(async |ground| {
            let log = log();
            let (one, two) = (ground.projector().await, ground.projector().await);
            one.catch_up_all(&*log).await.unwrap();
            let live = dump(&one).await;
            let overtaken = Meanwhile::new(&log, |reading| {
                let (two, log) = (two.clone(), log.clone());
                Box::pin(async move {
                    if reading == 2 {
                        two.rebuild(&*log, |_| {}).await.unwrap();
                    }
                    Ok(())
                })
            });
            assert!(matches!(one.rebuild(&overtaken, |_| {}).await, Err(ProjectionError::Overtaken)));
            assert_eq!(dump(&one).await, live);
            assert_eq!(tables_there(&one).await, tables::all().count());
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_rebuild_heals_rows_that_are_wrong_or_ahead_of_the_log() {
        on_both(async |ground| {
            let log = log();
            let projector = ground.projector().await;
            projector.catch_up_all(&*log).await.unwrap();
            let right = dump(&projector).await;
            for harm in ["UPDATE {login_options} SET enabled = 7", "UPDATE {checkpoint} SET sequence = 4711"] {
                let tables = projector.generation(projector.look_again().await.unwrap());
                sqlx::query(&tables.sql(harm)).execute(&projector.db.write).await.unwrap();
                assert_ne!(dump(&projector).await, right);
                projector.rebuild(&*log, |_| {}).await.unwrap();
                assert_eq!(dump(&projector).await, right);
            }
        })
        .await;
    }
}
