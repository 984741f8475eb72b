//! Documents of providers that are kept: keys, discovery, metadata.
//!
//! A provider that is down slows nobody: what was kept is answered, and who has nothing is told so at once. What is
//! kept is bounded; the document that was used longest ago goes first.

use super::{Limits, OutboundError, Schemes};
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::time::timeout;

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    url: String,
    schemes: Schemes,
    kind: TypeId,
}

/// One document: what is known of it, and the turn of whoever reads it anew.
#[derive(Default)]
struct Slot {
    known: Mutex<Known>,
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Known {
    kept: Option<Kept>,
    /// The last failure, if nothing was read since.
    failed: Option<(Instant, OutboundError)>,
    used: Option<Instant>,
}

#[derive(Clone)]
struct Kept {
    document: Arc<dyn Any + Send + Sync>,
    length: usize,
    read: Instant,
}

/// All of them.
pub(super) struct Documents {
    limits: Limits,
    slots: Mutex<HashMap<Key, Arc<Slot>>>,
}

/// What a look at a slot comes to.
enum Look<T> {
    /// This is the answer.
    Answer(Result<Arc<T>, OutboundError>),
    /// The provider must be asked; this will do if it does not answer.
    Ask(Option<Arc<T>>),
}

impl Documents {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, slots: Mutex::default() }
    }

    /// The document, read by `fetch` if what is kept is too old.
    pub(super) async fn current<T, F, R>(&self, url: &str, schemes: Schemes, fetch: F) -> Result<Arc<T>, OutboundError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> R,
        R: Future<Output = Result<(Arc<T>, usize), OutboundError>>,
    {
        let slot = self.slot::<T>(url, schemes);
        let look = || slot.look(|known| self.fresh(known));
        self.answer(&slot, look, fetch).await
    }

    /// The document as it is after `than`.
    pub(super) async fn newer<T, F, R>(
        &self,
        url: &str,
        schemes: Schemes,
        than: &Arc<T>,
        fetch: F,
    ) -> Result<Arc<T>, OutboundError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> R,
        R: Future<Output = Result<(Arc<T>, usize), OutboundError>>,
    {
        let slot = self.slot::<T>(url, schemes);
        let look = || slot.look(|known| self.fresher(known, than));
        self.answer(&slot, look, fetch).await
    }

    /// One of all who want a document asks for it; the others wait for what comes of that.
    async fn answer<T, F, R>(&self, slot: &Slot, look: impl Fn() -> Look<T>, fetch: F) -> Result<Arc<T>, OutboundError>
    where
        T: Send + Sync + 'static,
        F: FnOnce() -> R,
        R: Future<Output = Result<(Arc<T>, usize), OutboundError>>,
    {
        if let Look::Answer(answer) = look() {
            return answer;
        }
        let _turn = slot.turn.lock().await;
        let older = match look() {
            Look::Answer(answer) => return answer,
            Look::Ask(older) => older,
        };
        let patience = if older.is_some() { self.limits.patience } else { Duration::MAX };
        let fetched = timeout(patience, fetch()).await;
        let fetched = fetched.unwrap_or_else(|_| Err(OutboundError::Unreachable("no answer in time".to_owned())));
        slot.note(&fetched);
        self.make_room();
        match fetched {
            Ok((document, _)) => Ok(document),
            Err(error) => {
                // Where a provider may no longer be asked at all, nothing of it is believed either.
                older.filter(|_| !matches!(error, OutboundError::Forbidden(_))).ok_or(error)
            }
        }
    }

    fn fresh<T: Send + Sync + 'static>(&self, known: &Known) -> Look<T> {
        let kept = known.kept.as_ref().filter(|kept| kept.read.elapsed() < self.limits.stale);
        let document = kept.and_then(Kept::document);
        match (&known.failed, document) {
            (_, Some(document)) if kept.is_some_and(|kept| kept.read.elapsed() < self.limits.kept) => {
                Look::Answer(Ok(document))
            }
            (Some((at, error)), None) if at.elapsed() < self.limits.back_off => Look::Answer(Err(error.clone())),
            (Some((at, error)), Some(document)) if at.elapsed() < self.limits.long_back_off => match error {
                OutboundError::Forbidden(_) => Look::Answer(Err(error.clone())),
                OutboundError::Unreachable(_) | OutboundError::Unusable(_) => Look::Answer(Ok(document)),
            },
            (_, document) => Look::Ask(document),
        }
    }

    fn fresher<T: Send + Sync + 'static>(&self, known: &Known, than: &Arc<T>) -> Look<T> {
        if let Some((at, error)) = &known.failed
            && at.elapsed() < self.limits.back_off
        {
            return Look::Answer(Err(error.clone()));
        }
        let Some((kept, document)) = known.kept.as_ref().and_then(|kept| Some((kept, kept.document::<T>()?))) else {
            return Look::Ask(None);
        };
        if !Arc::ptr_eq(&document, than) || kept.read.elapsed() < self.limits.floor {
            return Look::Answer(Ok(document));
        }
        Look::Ask(None)
    }

    fn slot<T: 'static>(&self, url: &str, schemes: Schemes) -> Arc<Slot> {
        let key = Key { url: url.to_owned(), schemes, kind: TypeId::of::<T>() };
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(key).or_default())
    }

    /// Forgets what was used longest ago until the rest is within bounds.
    fn make_room(&self) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let size = |(key, slot): (&Key, &Arc<Slot>)| {
            let known = slot.known.lock().unwrap_or_else(PoisonError::into_inner);
            (known.used, key.url.len() + known.kept.as_ref().map_or(0, |kept| kept.length))
        };
        let mut bytes: usize = slots.iter().map(|slot| size(slot).1).sum();
        while slots.len() > 1 && (slots.len() > self.limits.documents || bytes > self.limits.bytes) {
            let Some(oldest) = slots.iter().min_by_key(|slot| size(*slot).0).map(|(key, _)| key.clone()) else {
                return;
            };
            if let Some(gone) = slots.remove(&oldest) {
                bytes = bytes.saturating_sub(size((&oldest, &gone)).1);
            }
        }
    }
}

impl Slot {
    fn look<T>(&self, look: impl FnOnce(&Known) -> Look<T>) -> Look<T> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.used = Some(Instant::now());
        look(&known)
    }

    fn note<T: Send + Sync + 'static>(&self, fetched: &Result<(Arc<T>, usize), OutboundError>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match fetched {
            Ok((document, length)) => {
                known.kept = Some(Kept { document: Arc::clone(document) as _, length: *length, read: now });
                known.failed = None;
            }
            Err(error) => known.failed = Some((now, error.clone())),
        }
    }
}

impl Kept {
    fn document<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        Arc::clone(&self.document).downcast().ok()
    }
}
