//! Searching the audit trail (R52): newest first, page by page, by indexes alone.

use crate::audit_trail::{AuditEntry, BLOCK, entry};
use crate::batch::Cell;
use crate::error::ProjectionError;
use crate::projection::number;
use crate::projector::Projector;
use crate::words::{end_of, words};
use domain::{Audience, HelpdeskId, Timestamp, UsersourceId};

/// What is looked for. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The id of who acted.
    pub actor: Option<String>,
    /// The usersource that it concerns.
    pub usersource: Option<UsersourceId>,
    /// The event's name.
    pub action: Option<String>,
    /// The audience that it concerns.
    pub audience: Option<Audience>,
    /// At this moment or later.
    pub since: Option<Timestamp>,
    /// At this moment or earlier.
    pub until: Option<Timestamp>,
    /// Words, each of which some word of the change begins with. Only the first sixteen count. Blank is no wish; signs
    /// without a word are found nowhere.
    pub words: Option<String>,
}

/// One page of what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// If there is more: the `before` that gives it.
    pub next: Option<u64>,
    /// The helpdesk's version at which it is so.
    pub version: u64,
}

const MOST_WORDS: usize = 16;

/// At most `limit` changes of `helpdesk` that `filter` asks for, of versions before `before`.
pub async fn search(
    projector: &Projector,
    helpdesk: &HelpdeskId,
    filter: &Filter,
    before: Option<u64>,
    limit: u32,
) -> Result<Page, ProjectionError> {
    let (sql, cells) = statement(helpdesk, filter, before, limit);
    let rows = projector.fetch(&sql, cells).await?;
    let version = rows.first().map_or(Ok(0), |row| row.version("sequence"))?;
    let mut entries = Vec::new();
    for row in &rows {
        if row.maybe_number("version")?.is_some() {
            entries.push(entry(row)?);
        }
    }
    let more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| more).map(|last| last.version);
    Ok(Page { entries, next, version })
}

/// One statement, so that rows and version belong together. It asks for one row more than the page holds.
fn statement(helpdesk: &HelpdeskId, filter: &Filter, before: Option<u64>, limit: u32) -> (String, Vec<Cell>) {
    let mut cells = vec![helpdesk.as_str().into()];
    let mut wishes = String::new();
    let mut wish = |text: &str, cell: Option<Cell>| {
        if let Some(cell) = cell {
            cells.push(cell);
            wishes += &format!(" AND {}", text.replace('?', &format!("${}", cells.len())));
        }
    };
    wish("a.version < ?", before.map(|version| number(version).into()));
    wish("a.actor = ?", filter.actor.as_deref().map(Cell::from));
    wish("a.usersource = ?", filter.usersource.as_ref().map(|id| id.as_str().into()));
    wish("a.action = ?", filter.action.as_deref().map(Cell::from));
    wish("a.audience = ?", filter.audience.map(|audience| audience.as_str().into()));
    wish("a.at >= ?", filter.since.map(|at| at.millis().into()));
    wish("a.at <= ?", filter.until.map(|at| at.millis().into()));
    let mut blocks = Vec::new();
    if let Some(text) = filter.words.as_deref().filter(|text| !text.trim().is_empty()) {
        let asked = words([text], MOST_WORDS);
        if asked.is_empty() {
            wish("? = 'a word'", Some("no word".into()));
        }
        for word in &asked {
            // Nothing in a word has a meaning to LIKE.
            wish("a.words LIKE ?", Some(format!("% {word}%").into()));
        }
        for word in &asked {
            cells.extend([word.as_str().into(), end_of(word).into()]);
            let (from, to) = (cells.len() - 1, cells.len());
            blocks.push(format!(
                "SELECT w.block FROM {{audit_words}} w WHERE w.helpdesk = $1 AND w.word >= ${from} AND w.word < ${to}"
            ));
        }
    }
    // The index of words tells the blocks of versions in which to look; CROSS JOIN has SQLite begin there.
    let within = match blocks.as_slice() {
        [] => String::new(),
        [one] => format!("({}) blocks CROSS JOIN ", one.replace("SELECT", "SELECT DISTINCT")),
        _ => format!("({}) blocks CROSS JOIN ", blocks.join(" INTERSECT ")),
    };
    if !blocks.is_empty() {
        wishes += &format!(" AND a.version >= blocks.block AND a.version < blocks.block + {BLOCK}");
    }
    cells.push((i64::from(limit) + 1).into());
    let sql = format!(
        "SELECT c.sequence, found.* FROM {{checkpoint}} c LEFT JOIN (\
           SELECT a.* FROM {within}{{audit_trail}} a WHERE a.helpdesk = $1{wishes} ORDER BY a.version DESC LIMIT ${}\
         ) found ON found.helpdesk = c.helpdesk WHERE c.helpdesk = $1 ORDER BY found.version DESC",
        cells.len()
    );
    (sql, cells)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Dialect;
    use crate::testing::{Ground, Log, helpdesk, on_both, wishes};
    use domain::{Command, Field, Setting};
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::TestRunner;

    fn history() -> Log {
        let log = Log::begun();
        let mut runner = TestRunner::deterministic();
        for _ in 0..6 {
            let wishes = wishes(60).new_tree(&mut runner).unwrap().current();
            wishes.into_iter().for_each(|wish| log.wished(&helpdesk(), wish));
        }
        log.begin(&"other".into());
        log
    }

    fn filters(log: &Log) -> Vec<Filter> {
        let half = log.events(&helpdesk()).len() as i64 / 2;
        let moment = Timestamp::from_millis(1_800_000_000_000 + half * 1_000);
        let none = Filter::default;
        vec![
            none(),
            Filter { actor: Some("acc_1".into()), ..none() },
            Filter { usersource: Some("us_1".into()), ..none() },
            Filter { action: Some("usersource_enabled".into()), ..none() },
            Filter { audience: Some(Audience::Agents), ..none() },
            Filter { since: Some(moment), ..none() },
            Filter { until: Some(moment), ..none() },
            Filter { words: Some("USERSOURCE_enab".into()), ..none() },
            Filter { words: Some("staff switched autom".into()), ..none() },
            Filter { words: Some("nothing has this".into()), ..none() },
            Filter { words: Some("ticket".into()), actor: Some("acc_2".into()), ..none() },
            Filter { actor: Some("acc_0".into()), audience: Some(Audience::Users), until: Some(moment), ..none() },
            Filter { usersource: Some("us_2".into()), action: Some("sso_changed".into()), ..none() },
        ]
    }

    /// The same judgement, made without a database.
    fn wanted(log: &Log, filter: &Filter) -> Vec<u64> {
        let asked = words([filter.words.as_deref().unwrap_or_default()], 16);
        let mut versions = Vec::new();
        for event in log.events(&helpdesk()).iter().rev() {
            let change = event.event.change();
            let shown: Vec<String> = change
                .fields
                .iter()
                .flat_map(|f| [f.field.clone(), f.before.to_string(), f.after.to_string()])
                .chain(change.usersource.iter().flat_map(|u| [u.title.clone(), u.kind.clone()]))
                .chain(change.account.iter().map(ToString::to_string))
                .chain([change.predicate.clone(), change.action.into()])
                .chain(event.metadata.reason.clone())
                .collect();
            let found = words(shown.iter().map(String::as_str), usize::MAX);
            let usersource = change.usersource.map(|u| u.id);
            if filter.actor.as_ref().is_none_or(|a| *a == event.metadata.actor.id)
                && filter.usersource.is_none_or_equal(usersource.as_ref())
                && filter.action.as_deref().is_none_or(|a| a == change.action)
                && filter.audience.is_none_or_equal(change.audience.as_ref())
                && filter.since.is_none_or(|at| event.metadata.at >= at)
                && filter.until.is_none_or(|at| event.metadata.at <= at)
                && asked.iter().all(|word| found.iter().any(|f| f.starts_with(word.as_str())))
            {
                versions.push(event.version);
            }
        }
        versions
    }

    trait NoneOrEqual<T> {
        fn is_none_or_equal(&self, other: Option<&T>) -> bool;
    }

    impl<T: PartialEq> NoneOrEqual<T> for Option<T> {
        fn is_none_or_equal(&self, other: Option<&T>) -> bool {
            self.as_ref().is_none_or(|one| Some(one) == other)
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r52_every_filter_finds_exactly_its_set_page_by_page_without_gap_or_double() {
        on_both(async |ground| {
            let log = history();
            let projector = ground.projector().await;
            projector.catch_up_all(&log).await.unwrap();
            let version = log.state(&helpdesk()).version;
            for filter in filters(&log) {
                let wanted = wanted(&log, &filter);
                for limit in [1, 3, 7, 100_000] {
                    let (mut found, mut before) = (Vec::new(), None);
                    loop {
                        let page = search(&projector, &helpdesk(), &filter, before, limit).await.unwrap();
                        assert_eq!(page.version, version);
                        assert!(page.entries.len() <= limit as usize);
                        found.extend(page.entries.iter().map(|entry| entry.version));
                        before = page.next;
                        if before.is_none() {
                            break;
                        }
                        assert_eq!(page.entries.len(), limit as usize, "a page that is not the last is full");
                    }
                    assert_eq!(found, wanted, "{filter:?} by {limit}");
                }
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r52_words_are_found_by_their_beginning_in_any_script_and_personal_ones_never() {
        on_both(async |ground| {
            let log = Log::begun();
            let title = "\u{202e}مرحبا\u{202c} Straße ΟΔΟΣ b\u{ad}old";
            let fields = [(Field::new(Field::TITLE), Some(Setting::text(title)))].into();
            log.done(&helpdesk(), Command::ChangeUsersource { id: "us_1".into(), fields });
            let projector = ground.projector().await;
            let version = projector.catch_up(&log, &helpdesk()).await.unwrap();
            for (asked, there) in [
                ("مرح", true),
                ("STRAß", true),
                ("οδ οδος", true),
                ("bold", true),
                ("bold marhaba", false),
                ("raße", false),
                ("personal", false),
                ("!!!", false),
                ("  ", true),
            ] {
                let filter = Filter { words: Some(asked.into()), ..Filter::default() };
                let page = search(&projector, &helpdesk(), &filter, None, 1).await.unwrap();
                assert_eq!(page.entries.first().is_some_and(|e| e.version == version), there, "{asked}");
                assert_eq!(page.version, version);
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r52_a_word_is_found_at_each_end_of_the_blocks_that_the_index_knows() {
        on_both(async |ground| {
            let log = Log::begun();
            let first = log.state(&helpdesk()).version + 1;
            let last = BLOCK as u64 * 3;
            for version in first..=last {
                let fields = [(Field::new(Field::TITLE), Some(Setting::text(format!("now x{version:04}"))))].into();
                log.done(&helpdesk(), Command::ChangeUsersource { id: "us_1".into(), fields });
            }
            let projector = ground.projector().await;
            assert_eq!(projector.catch_up(&log, &helpdesk()).await.unwrap(), last);
            for block in 1..=2 {
                let begins = BLOCK as u64 * block;
                for version in [begins - 1, begins, begins + 1] {
                    let words = Some(format!("now x{version:04}"));
                    let filter = Filter { words, ..Filter::default() };
                    let page = search(&projector, &helpdesk(), &filter, None, 9).await.unwrap();
                    // It is what was before in the event after.
                    let found: Vec<_> = page.entries.iter().map(|entry| entry.version).collect();
                    assert_eq!(found, [version + 1, version]);
                }
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r52_no_filter_reads_a_whole_table() {
        let ground = Ground::new(Dialect::Sqlite).await;
        let projector = ground.projector().await;
        let log = history();
        projector.catch_up_all(&log).await.unwrap();
        for filter in filters(&log) {
            for before in [None, Some(40)] {
                let (sql, cells) = statement(&helpdesk(), &filter, before, 10);
                let plan = projector.fetch(&format!("EXPLAIN QUERY PLAN {sql}"), cells).await.unwrap();
                let steps: Vec<_> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
                // `found` is the page itself, at most as long as its limit; `blocks` is what the index of words told.
                let own = |step: &str| step.starts_with("SCAN found") || step.starts_with("SCAN blocks");
                let scans: Vec<_> = steps.iter().filter(|s| s.starts_with("SCAN") && !own(s)).collect();
                assert!(scans.is_empty(), "{filter:?}: {steps:#?}");
                assert!(steps.iter().any(|s| s.starts_with("SEARCH a USING INDEX")), "{steps:#?}");
            }
        }
        ground.clear().await;
    }
}
