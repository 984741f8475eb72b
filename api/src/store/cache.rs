//! The helpdesks' states in memory, the least recently used forgotten first.
//!
//! What is here may be stale: an append states the version it builds upon, so a stale one can only be refused.

use super::ledger::Loaded;
use domain::HelpdeskId;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(super) struct Cache {
    capacity: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    slots: HashMap<HelpdeskId, Slot>,
    clock: u64,
}

struct Slot {
    loaded: Arc<Loaded>,
    used: u64,
    doubted: bool,
    /// The version of the last snapshot, as far as this process knows.
    snapshot: u64,
}

/// What the cache knows of a helpdesk.
pub(super) struct Found {
    pub(super) loaded: Arc<Loaded>,
    /// An append upon it was refused or got no answer: look before using it.
    pub(super) doubted: bool,
}

impl Cache {
    pub(super) fn new(capacity: usize) -> Self {
        Self { capacity, kept: Mutex::default() }
    }

    pub(super) fn find(&self, helpdesk: &HelpdeskId) -> Option<Found> {
        let mut kept = self.lock();
        kept.clock += 1;
        let now = kept.clock;
        let slot = kept.slots.get_mut(helpdesk)?;
        slot.used = now;
        Some(Found { loaded: slot.loaded.clone(), doubted: slot.doubted })
    }

    /// Keeps `loaded` unless something newer is there, and returns the newer. A helpdesk without events is not kept.
    pub(super) fn keep(&self, helpdesk: &HelpdeskId, loaded: Arc<Loaded>) -> Arc<Loaded> {
        if loaded.state.version == 0 {
            return loaded;
        }
        let mut kept = self.lock();
        kept.clock += 1;
        let now = kept.clock;
        let slot = kept.slots.entry(helpdesk.clone()).or_insert_with(|| Slot {
            loaded: loaded.clone(),
            used: now,
            doubted: false,
            snapshot: 0,
        });
        if slot.loaded.state.version <= loaded.state.version {
            slot.loaded = loaded;
            slot.doubted = false;
        }
        let newest = slot.loaded.clone();
        kept.shrink(self.capacity);
        newest
    }

    pub(super) fn doubt(&self, helpdesk: &HelpdeskId) {
        if let Some(slot) = self.lock().slots.get_mut(helpdesk) {
            slot.doubted = true;
        }
    }

    pub(super) fn forget(&self, helpdesk: &HelpdeskId) {
        self.lock().slots.remove(helpdesk);
    }

    pub(super) fn snapshot_is_at(&self, helpdesk: &HelpdeskId, version: u64) {
        if let Some(slot) = self.lock().slots.get_mut(helpdesk) {
            slot.snapshot = slot.snapshot.max(version);
        }
    }

    /// True once for every `every` events since the last snapshot.
    pub(super) fn takes_snapshot(&self, helpdesk: &HelpdeskId, version: u64, every: u64) -> bool {
        let mut kept = self.lock();
        let Some(slot) = kept.slots.get_mut(helpdesk) else { return false };
        let due = version >= slot.snapshot + every;
        if due {
            slot.snapshot = version;
        }
        due
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// Forgets an eighth at once, so that a full cache does not search itself at every newcomer.
    fn shrink(&mut self, capacity: usize) {
        if self.slots.len() <= capacity {
            return;
        }
        let surplus = self.slots.len() - capacity + capacity / 8;
        let mut uses: Vec<u64> = self.slots.values().map(|slot| slot.used).collect();
        uses.sort_unstable();
        if let Some(oldest) = uses.get(surplus) {
            self.slots.retain(|_, slot| slot.used >= *oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(version: u64) -> Arc<Loaded> {
        let mut loaded = Loaded::default();
        loaded.state.version = version;
        Arc::new(loaded)
    }

    fn version(cache: &Cache, helpdesk: &str) -> Option<u64> {
        cache.find(&HelpdeskId::from(helpdesk)).map(|found| found.loaded.state.version)
    }

    #[test]
    fn the_least_recently_used_is_forgotten_and_the_bound_is_kept() {
        let cache = Cache::new(2);
        cache.keep(&"a".into(), at(1));
        cache.keep(&"b".into(), at(1));
        cache.find(&"a".into());
        cache.keep(&"c".into(), at(1));
        assert_eq!(version(&cache, "b"), None);
        assert_eq!((version(&cache, "a"), version(&cache, "c")), (Some(1), Some(1)));
    }

    #[test]
    fn an_older_state_never_displaces_a_newer_one() {
        let cache = Cache::new(2);
        cache.keep(&"a".into(), at(7));
        assert_eq!(cache.keep(&"a".into(), at(6)).state.version, 7);
        assert_eq!(version(&cache, "a"), Some(7));
    }

    #[test]
    fn a_helpdesk_without_events_takes_no_room() {
        let cache = Cache::new(2);
        cache.keep(&"a".into(), at(0));
        assert_eq!(version(&cache, "a"), None);
    }

    #[test]
    fn a_snapshot_is_due_once_in_so_many_events() {
        let cache = Cache::new(2);
        cache.keep(&"a".into(), at(1));
        let due = |version| cache.takes_snapshot(&"a".into(), version, 100);
        assert_eq!([99, 100, 101, 199, 203, 204].map(due), [false, true, false, false, true, false]);
    }
}
