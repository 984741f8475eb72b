//! What a projection is, and which there are.

use crate::batch::Batch;
use crate::tables::Table;
use crate::{audit_trail, helpdesks, login_options, usersources};
use domain::Recorded;

/// Turns facts into rows. Events carry before and after, so it reads nothing and computes next to nothing.
pub trait Projection: Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Raised whenever `apply` writes other rows for the same event: then the tables are new ones.
    fn version(&self) -> u32;

    /// What makes its tables and indexes; `{name}` stands for a table.
    fn schema(&self) -> &'static str;

    /// Every table of its schema.
    fn tables(&self) -> &'static [&'static Table];

    /// Adds to `batch` what this fact changes.
    fn apply(&self, fact: &Recorded, batch: &mut Batch);
}

/// Every projection.
pub static PROJECTIONS: &[&dyn Projection] =
    &[&helpdesks::Rows, &login_options::Rows, &usersources::Rows, &audit_trail::Rows];

/// The place of a usersource that was listed at `version`, the `index`th of those listed then: after everything that
/// was listed before.
pub(crate) fn place(version: u64, index: usize) -> i64 {
    number(version).saturating_mul(1_000_000).saturating_add(i64::try_from(index).unwrap_or(i64::MAX))
}

/// A version as SQL knows it.
pub(crate) fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use crate::database::Dialect;
    use crate::testing::{Ground, Log, dump, wishes};
    use crate::{login_options, usersources};
    use domain::HelpdeskId;
    use proptest::test_runner::{Config, TestRunner};

    #[test]
    fn live_rows_and_rebuilt_rows_are_the_same_for_random_histories() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for dialect in [Dialect::Sqlite, Dialect::Postgres] {
            let (ground, projector) = runtime.block_on(async {
                let ground = Ground::new(dialect).await;
                let projector = ground.projector().await;
                (ground, projector)
            });
            let number = std::sync::atomic::AtomicU32::new(0);
            let log = Log::default();
            let mut runner = TestRunner::new(Config { cases: 25, failure_persistence: None, ..Config::default() });
            let run = runner.run(&(wishes(40), 1..9usize), |(wishes, run)| {
                let id = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                let helpdesk = HelpdeskId::new(format!("h{id}"));
                log.begin(&helpdesk);
                runtime.block_on(async {
                    for wishes in wishes.chunks(run) {
                        wishes.iter().for_each(|wish| log.wished(&helpdesk, *wish));
                        projector.catch_up(&log, &helpdesk).await.unwrap();
                    }
                    let (entries, version) = login_options::entries(&projector, &helpdesk).await.unwrap();
                    let state = log.state(&helpdesk);
                    proptest::prop_assert_eq!(version, state.version);
                    proptest::prop_assert_eq!(entries, state.entries());
                    let (listed, _) = usersources::list(&projector, &helpdesk, None).await.unwrap();
                    let listed: Vec<_> = listed.into_iter().map(|one| one.usersource).collect();
                    proptest::prop_assert_eq!(listed, state.usersources);
                    let live = dump(&projector).await;
                    projector.rebuild(&log, |_| {}).await.unwrap();
                    proptest::prop_assert_eq!(dump(&projector).await, live);
                    Ok(())
                })
            });
            runtime.block_on(ground.clear());
            run.unwrap();
        }
    }
}
