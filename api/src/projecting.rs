//! Brings the read models, and the login pages in memory, up to the ledger: after each command of ours, on word from
//! another process, and by a poll that heals a lost word.
//!
//! Nothing waits for it. Whoever reads catches up first, so an answer is never older than the ledger was.

use crate::read_models::LoginFront;
use crate::store::{Cursor, Ledger, StoreError};
use domain::{HelpdeskId, Recorded};
use projections::Projector;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// How often other processes' changes are looked for. A word from the database usually comes first.
const POLL: Duration = Duration::from_millis(500);

/// How long a change waits for others to be written to the read models together with it. Under load each helpdesk is
/// then written twice a second at most, however many changes it sees. Whoever reads earlier does not wait for this.
const BREATH: Duration = Duration::from_millis(500);

/// So many events are kept in hand while they wait. What comes then is read from the log when its turn comes.
const IN_HAND: usize = 4_000;

/// The helpdesks that wait to be brought up to date, each once however often it was named.
#[derive(Clone, Default)]
pub struct Projecting {
    waiting: Arc<Mutex<Waiting>>,
    word: Arc<Notify>,
}

/// The helpdesks, with those of their events that are in hand.
#[derive(Default)]
struct Waiting {
    helpdesks: BTreeMap<HelpdeskId, Vec<Recorded>>,
    events: usize,
}

impl Projecting {
    /// Starts the tasks; they end with the runtime.
    pub fn start(ledger: Arc<Ledger>, projector: Arc<Projector>, front: Arc<LoginFront>) -> Self {
        let projecting = Self::default();
        tokio::spawn(projecting.clone().project(Arc::clone(&ledger), projector));
        tokio::spawn(projecting.clone().poll(Arc::clone(&ledger), Arc::clone(&front)));
        tokio::spawn(projecting.clone().listen(ledger, front));
        projecting
    }

    /// This helpdesk has changed, by these events and perhaps by others.
    pub fn wake(&self, helpdesk: &HelpdeskId, events: &[Recorded]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = waiting.events + events.len() <= IN_HAND;
        waiting.events += if fits { events.len() } else { 0 };
        let in_hand = waiting.helpdesks.entry(helpdesk.clone()).or_default();
        in_hand.extend(events.iter().filter(|_| fits).cloned());
        drop(waiting);
        self.word.notify_one();
    }

    fn take(&self) -> BTreeMap<HelpdeskId, Vec<Recorded>> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner)).helpdesks
    }

    async fn project(self, ledger: Arc<Ledger>, projector: Arc<Projector>) {
        loop {
            self.word.notified().await;
            tokio::time::sleep(BREATH).await;
            let mut in_hand = self.take();
            // Commands that ran side by side may have come here in another order.
            in_hand.values_mut().for_each(|events| events.sort_by_key(|event| event.version));
            let behind = projector.apply_in_hand(&in_hand).await.unwrap_or_else(|error| {
                tracing::debug!(%error, "events in hand could not be applied together; they are read from the log");
                in_hand.into_keys().collect()
            });
            // All that wait have their turn once: one that cannot be read holds up nobody.
            for helpdesk in behind {
                if let Err(error) = projector.catch_up(ledger.as_ref(), &helpdesk).await {
                    tracing::warn!(%helpdesk, %error, "the read models lag; they will be caught up");
                    self.wake(&helpdesk, &[]);
                }
            }
        }
    }

    async fn poll(self, ledger: Arc<Ledger>, front: Arc<LoginFront>) {
        let mut cursor = None;
        loop {
            match self.look(&ledger, &front, cursor).await {
                Ok(next) => cursor = Some(next),
                Err(error) => tracing::debug!(%error, "looking for other processes' changes failed"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Takes in what changed since `cursor`; the first look only finds out where to begin.
    async fn look(&self, ledger: &Ledger, front: &LoginFront, cursor: Option<Cursor>) -> Result<Cursor, StoreError> {
        let Some(cursor) = cursor else { return ledger.cursor().await };
        let (changed, next) = ledger.changed_since(cursor).await?;
        for helpdesk in changed {
            self.learn(ledger, front, &helpdesk).await;
        }
        Ok(next)
    }

    async fn listen(self, ledger: Arc<Ledger>, front: Arc<LoginFront>) {
        let Some(mut words) = ledger.listen() else { return };
        while let Some(helpdesk) = words.recv().await {
            self.learn(&ledger, &front, &helpdesk).await;
        }
    }

    /// Shows what another process changed, if this one shows that helpdesk at all.
    async fn learn(&self, ledger: &Ledger, front: &LoginFront, helpdesk: &HelpdeskId) {
        match ledger.refresh(helpdesk).await {
            Ok(loaded) => {
                front.show(helpdesk, &loaded.state);
                self.wake(helpdesk, &[]);
            }
            Err(error) => tracing::debug!(%helpdesk, %error, "another process's change could not be read yet"),
        }
    }
}
