//! The ledger of every change: load a helpdesk, append to it, and learn what others appended.
//!
//! An append names the event that it builds upon, by version and hash; the log takes all of it behind that event, in
//! one durable commit, or nothing. So what is in memory may be stale without harm, and a command costs the same
//! after a hundred thousand events as after ten.

use super::cache::Cache;
use super::postgres::PostgresLog;
use super::snapshot::{self, Due, EVERY, Snapshot};
use super::sqlite::SqliteLog;
use super::{EventLog, StoreError};
use cqrs_es::persist::SerializedEvent;
use domain::{AuthConfig, Event, HelpdeskId, Metadata, Recorded};
use projections::{Facts, FactsError};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::mpsc;

/// One event log and the states that it made. Clones share everything.
#[derive(Clone)]
pub struct Ledger {
    log: Arc<EventLog>,
    cache: Arc<Cache>,
    snapshots: mpsc::Sender<Due>,
}

/// A helpdesk's state and the hash of the event that made it so. Version 0: there is no such helpdesk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Loaded {
    /// What the events made.
    pub state: AuthConfig,
    /// The last event's hash; empty at version 0.
    pub hash: String,
}

/// What an append left behind.
#[derive(Debug, Clone)]
pub struct Appended {
    /// The events as they are stored.
    pub recorded: Vec<Recorded>,
    /// The state after them.
    pub loaded: Arc<Loaded>,
}

/// Up to where changes are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// On the database's clock, in milliseconds.
    moment: i64,
    /// Where the database counts what others write into it: how far it had counted before we looked.
    edition: Option<i64>,
}

/// So many helpdesks' states stay in memory.
const REMEMBERED: usize = 10_000;

/// So many events are read at once.
const PAGE: u32 = 1_000;

impl Ledger {
    /// Opens, or makes, the SQLite file at `path`.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        Ok(Self::over(EventLog::Sqlite(SqliteLog::open(path).await?)))
    }

    /// Opens the PostgreSQL database at `url` with at most `connections`, one more to append, and two to speak with other nodes.
    pub async fn open_postgres(url: &str, connections: u32) -> Result<Self, StoreError> {
        Ok(Self::over(EventLog::Postgres(Box::new(PostgresLog::open(url, connections).await?))))
    }

    fn over(log: EventLog) -> Self {
        let log = Arc::new(log);
        Self { snapshots: snapshot::start(log.clone()), cache: Arc::new(Cache::new(REMEMBERED)), log }
    }

    /// The helpdesk as this process last saw it: from memory, or else from the log. Good to decide upon, since an
    /// append upon a stale state is refused.
    pub async fn load(&self, helpdesk: &HelpdeskId) -> Result<Arc<Loaded>, StoreError> {
        match self.cache.find(helpdesk) {
            Some(found) if !found.doubted => Ok(found.loaded),
            Some(_) => self.refresh(helpdesk).await,
            None => self.replay(helpdesk).await,
        }
    }

    /// The helpdesk as it is now. One indexed query when nothing is new.
    pub async fn refresh(&self, helpdesk: &HelpdeskId) -> Result<Arc<Loaded>, StoreError> {
        let Some(found) = self.cache.find(helpdesk) else { return self.replay(helpdesk).await };
        let mut loaded = Loaded::clone(&found.loaded);
        let behind = loaded.state.version.saturating_sub(1);
        let events = self.log.events_after(helpdesk, behind, PAGE).await?;
        let Some(news) = after_its_head(&loaded, &events) else {
            // The log was put back to an earlier day under our feet.
            self.cache.forget(helpdesk);
            return self.replay(helpdesk).await;
        };
        let whole = events.len() < PAGE as usize;
        if news.is_empty() {
            return Ok(self.cache.keep(helpdesk, found.loaded));
        }
        loaded.take(helpdesk, news.iter().cloned())?;
        if !whole {
            self.take_pages(helpdesk, &mut loaded).await?;
        }
        Ok(self.remember(helpdesk, loaded))
    }

    /// From the snapshot, if there is one that fits the stream, or else from the first event.
    async fn replay(&self, helpdesk: &HelpdeskId) -> Result<Arc<Loaded>, StoreError> {
        let snapshot = self.log.snapshot(helpdesk).await?.and_then(Snapshot::open);
        let Some(mut loaded) = snapshot else { return self.replay_from_zero(helpdesk).await };
        let version = loaded.state.version;
        let events = self.log.tail(helpdesk, version.saturating_sub(1)).await?;
        let Some(news) = after_its_head(&loaded, &events) else {
            tracing::warn!(%helpdesk, version, "a snapshot does not fit its stream and is passed over");
            return self.replay_from_zero(helpdesk).await;
        };
        loaded.take(helpdesk, news.iter().cloned())?;
        let loaded = self.cache.keep(helpdesk, Arc::new(loaded));
        self.cache.snapshot_is_at(helpdesk, version);
        self.offer_snapshot(helpdesk, &loaded);
        Ok(loaded)
    }

    async fn replay_from_zero(&self, helpdesk: &HelpdeskId) -> Result<Arc<Loaded>, StoreError> {
        let mut loaded = Loaded::default();
        self.take_pages(helpdesk, &mut loaded).await?;
        Ok(self.remember(helpdesk, loaded))
    }

    async fn take_pages(&self, helpdesk: &HelpdeskId, loaded: &mut Loaded) -> Result<(), StoreError> {
        loop {
            let events = self.log.events_after(helpdesk, loaded.state.version, PAGE).await?;
            let whole = events.len() < PAGE as usize;
            loaded.take(helpdesk, events)?;
            if whole {
                return Ok(());
            }
        }
    }

    /// Appends `events` behind `base`, in one durable commit. `meta` needs no place in the stream yet.
    ///
    /// # Errors
    /// `Conflict`: somebody was faster; nothing was written. `Unavailable`: perhaps it was; ask `find_command`.
    pub async fn append(
        &self,
        helpdesk: &HelpdeskId,
        base: &Loaded,
        events: Vec<Event>,
        meta: Metadata,
    ) -> Result<Appended, StoreError> {
        let mut state = base.state.clone();
        events.iter().for_each(|event| state.evolve(event));
        self.append_applied(helpdesk, base, state, events, meta).await
    }

    /// The same, where `state` has the events in it already.
    pub(super) async fn append_applied(
        &self,
        helpdesk: &HelpdeskId,
        base: &Loaded,
        state: AuthConfig,
        events: Vec<Event>,
        meta: Metadata,
    ) -> Result<Appended, StoreError> {
        if events.is_empty() {
            return Ok(Appended { recorded: Vec::new(), loaded: Arc::new(base.clone()) });
        }
        let (recorded, stored) = link(helpdesk, base, events, &meta)?;
        if let Err(error) = self.log.append(&base.hash, stored).await {
            self.cache.doubt(helpdesk);
            return Err(error);
        }
        self.log.tell(helpdesk);
        let hash = recorded.last().map(|last| last.metadata.hash.clone()).unwrap_or_default();
        let loaded = Arc::new(Loaded { state, hash });
        self.cache.keep(helpdesk, loaded.clone());
        self.offer_snapshot(helpdesk, &loaded);
        Ok(Appended { recorded, loaded })
    }

    /// The version of the helpdesk's last event; 0 if it has none.
    pub async fn head(&self, helpdesk: &HelpdeskId) -> Result<u64, StoreError> {
        self.log.head(helpdesk).await
    }

    /// The events that the command `command` appended after version `after`, if it did: what a writer asks that lost
    /// its answer.
    pub async fn find_command(
        &self,
        helpdesk: &HelpdeskId,
        command: &str,
        after: u64,
    ) -> Result<Option<Vec<Recorded>>, StoreError> {
        let events = self.log.events_of_command(helpdesk, command, after).await?;
        let recorded: Vec<Recorded> = read(events)?;
        Ok((!recorded.is_empty()).then_some(recorded))
    }

    /// Where polling begins: the database's present. Take it first, then catch up with every helpdesk, then poll.
    pub async fn cursor(&self) -> Result<Cursor, StoreError> {
        let edition = self.log.edition().await?.map(|(edition, _)| edition);
        let (_, moment) = self.log.changed_since(i64::MAX).await?;
        Ok(Cursor { moment, edition })
    }

    /// Every helpdesk that others changed since `cursor`, and some that changed a little before or were changed by us,
    /// and where to go on. Asked every few seconds it misses nothing, also when the clock is set back.
    pub async fn changed_since(&self, cursor: Cursor) -> Result<(Vec<HelpdeskId>, Cursor), StoreError> {
        // Read before looking: what is written meanwhile makes another edition, and a new look.
        let (edition, now) = self.log.edition().await?.unzip();
        if let Some(moment) = now.filter(|_| edition == cursor.edition) {
            return Ok((Vec::new(), Cursor { moment, edition }));
        }
        let (helpdesks, moment) = self.log.changed_since(cursor.moment).await?;
        Ok((helpdesks, Cursor { moment, edition }))
    }

    /// The helpdesks that other nodes change, as they say so; `None` where there can be no other node. To be called
    /// once. A word can be lost: poll `changed_since` as well.
    pub fn listen(&self) -> Option<mpsc::Receiver<HelpdeskId>> {
        match self.log.as_ref() {
            EventLog::Postgres(log) => Some(log.words.listen()),
            EventLog::Sqlite(_) => None,
        }
    }

    pub(super) async fn recorded_after(
        &self,
        helpdesk: &HelpdeskId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Recorded>, StoreError> {
        read(self.log.events_after(helpdesk, after, limit).await?)
    }

    fn remember(&self, helpdesk: &HelpdeskId, loaded: Loaded) -> Arc<Loaded> {
        let loaded = self.cache.keep(helpdesk, Arc::new(loaded));
        self.offer_snapshot(helpdesk, &loaded);
        loaded
    }

    fn offer_snapshot(&self, helpdesk: &HelpdeskId, loaded: &Arc<Loaded>) {
        if self.cache.takes_snapshot(helpdesk, loaded.state.version, EVERY) {
            let _ = self.snapshots.try_send((helpdesk.clone(), loaded.clone()));
        }
    }

    #[cfg(test)]
    pub(super) fn log(&self) -> &EventLog {
        &self.log
    }
}

impl Loaded {
    fn take(
        &mut self,
        helpdesk: &HelpdeskId,
        events: impl IntoIterator<Item = SerializedEvent>,
    ) -> Result<(), StoreError> {
        for event in events {
            let event = Recorded::try_from(event)?;
            let version = self.state.version + 1;
            if event.version != version {
                return Err(StoreError::Missing { helpdesk: helpdesk.to_string(), version });
            }
            self.state.evolve(&event.event);
            self.hash = event.metadata.hash;
        }
        Ok(())
    }
}

/// `events` without the first, if that is the one that `loaded` ends with.
fn after_its_head<'e>(loaded: &Loaded, events: &'e [SerializedEvent]) -> Option<&'e [SerializedEvent]> {
    let (head, news) = events.split_first()?;
    let hash = head.metadata.get("hash").and_then(|hash| hash.as_str());
    (head.sequence as u64 == loaded.state.version && hash == Some(&loaded.hash)).then_some(news)
}

fn link(
    helpdesk: &HelpdeskId,
    base: &Loaded,
    events: Vec<Event>,
    meta: &Metadata,
) -> Result<(Vec<Recorded>, Vec<SerializedEvent>), StoreError> {
    let first = base.state.version + 1;
    let last = base.state.version + events.len() as u64;
    let mut prev = base.hash.clone();
    let mut linked = (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
    for (index, event) in (0..).zip(events) {
        let metadata = Metadata { index, first, last, ..meta.clone() };
        let recorded = Recorded { helpdesk: helpdesk.clone(), version: first + index, event, metadata };
        let (recorded, stored) = recorded.link(&prev)?;
        prev.clone_from(&recorded.metadata.hash);
        linked.0.push(recorded);
        linked.1.push(stored);
    }
    Ok(linked)
}

fn read(events: Vec<SerializedEvent>) -> Result<Vec<Recorded>, StoreError> {
    Ok(events.into_iter().map(Recorded::try_from).collect::<Result<_, _>>()?)
}

impl Facts for Ledger {
    async fn events_after(&self, helpdesk: &HelpdeskId, after: u64, limit: u32) -> Result<Vec<Recorded>, FactsError> {
        Ok(self.recorded_after(helpdesk, after, limit).await?)
    }

    async fn helpdesks(&self, after: Option<&HelpdeskId>, limit: u32) -> Result<Vec<HelpdeskId>, FactsError> {
        Ok(self.log.helpdesks(after, limit).await?)
    }
}
