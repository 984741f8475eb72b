//! The helpdesks' pages in memory: read without a lock, swapped in only when newer, bounded in bytes.
//!
//! Two things could bring an old page back: a slow render that overwrites a newer one, and a slow render that comes
//! after the newer one was evicted. The first meets a comparison of versions; the second meets the [`Moment`] that
//! was taken before its facts were read: if anything was evicted since, it is answered but not kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};

use domain::HelpdeskId;
use domain::offer::Entry;
use papaya::{Compute, HashMap, Operation};

use super::surfaces::{RenderError, Surfaces};

/// When reading the facts began. Take it before the read, hand it to [`Pages::swap`] with what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(u64);

/// What waits in memory.
#[derive(Debug)]
pub struct Pages {
    kept: HashMap<String, Arc<Surfaces>>,
    limit: i64,
    used: AtomicI64,
    evictions: AtomicU64,
    hand: AtomicUsize,
    sweeping: AtomicBool,
}

impl Pages {
    /// Memory for at most `limit` bytes of pages.
    pub fn new(limit: usize) -> Self {
        Self {
            kept: HashMap::new(),
            limit: i64::try_from(limit).unwrap_or(i64::MAX),
            used: AtomicI64::new(0),
            evictions: AtomicU64::new(0),
            hand: AtomicUsize::new(0),
            sweeping: AtomicBool::new(false),
        }
    }

    /// The pages of the helpdesk with this id, if they are in memory.
    pub fn get(&self, helpdesk: &str) -> Option<Arc<Surfaces>> {
        let found = self.kept.pin().get(helpdesk).cloned()?;
        found.visit();
        Some(found)
    }

    /// Whether pages of the helpdesk with this id are in memory; asking is no visit.
    pub fn holds(&self, helpdesk: &str) -> bool {
        self.kept.pin().contains_key(helpdesk)
    }

    /// To be taken before reading what [`Pages::swap`] is given.
    pub fn moment(&self) -> Moment {
        Moment(self.evictions.load(Ordering::SeqCst))
    }

    /// Renders `helpdesk`'s pages and keeps them, unless newer ones are there. The answer is what to serve: the newest
    /// of the two.
    pub fn swap(
        &self,
        read_at: Moment,
        helpdesk: &HelpdeskId,
        version: u64,
        name: &str,
        entries: &[Entry],
    ) -> Result<Arc<Surfaces>, RenderError> {
        let fresh = Arc::new(Surfaces::render(helpdesk, version, name, entries)?);
        let guard = self.kept.pin();
        let outcome = guard.compute(helpdesk.as_str().to_owned(), |there| match there {
            Some((_, kept)) if kept.version >= version => Operation::Abort(Some(Arc::clone(kept))),
            None if self.moment() != read_at => Operation::Abort(None),
            Some(_) | None => Operation::Insert(Arc::clone(&fresh)),
        });
        match outcome {
            Compute::Inserted(..) => self.charge(weight(&fresh)),
            Compute::Updated { old: (_, old), .. } => self.charge(weight(&fresh) - weight(old)),
            Compute::Aborted(Some(newer)) => return Ok(newer),
            Compute::Aborted(None) | Compute::Removed(..) => return Ok(fresh),
        }
        if self.moment() != read_at {
            // Something was evicted meanwhile; it may have been a newer page of this helpdesk.
            self.remove(&fresh);
        }
        self.keep_within_limit();
        Ok(fresh)
    }

    /// Drops `helpdesk`'s pages: they are older than what somebody else was promised. The next visit reads anew.
    pub fn forget(&self, helpdesk: &HelpdeskId) {
        self.evictions.fetch_add(1, Ordering::SeqCst);
        if let Some(gone) = self.kept.pin().remove(helpdesk.as_str()) {
            self.charge(-weight(gone));
        }
    }

    /// How many bytes are in use, at most.
    pub fn bytes(&self) -> usize {
        usize::try_from(self.used.load(Ordering::SeqCst)).unwrap_or(0)
    }

    /// How many helpdesks have pages in memory.
    pub fn len(&self) -> usize {
        self.kept.pin().len()
    }

    /// Whether nothing is in memory.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Signed, because what was just inserted may be swept before it is charged.
    fn charge(&self, bytes: i64) {
        self.used.fetch_add(bytes, Ordering::SeqCst);
    }

    /// One sweeper at a time. It looks once more after letting go, so what was inserted meanwhile is not overlooked.
    fn keep_within_limit(&self) {
        while self.used.load(Ordering::SeqCst) > self.limit && !self.sweeping.swap(true, Ordering::SeqCst) {
            self.sweep();
            self.sweeping.store(false, Ordering::SeqCst);
        }
    }

    /// Clock with a second chance: whoever was visited since the hand last came by stays. It goes a little below the
    /// limit, so that not every insertion sweeps.
    fn sweep(&self) {
        let goal = self.limit - self.limit / 8;
        for _ in 0..2 {
            let guard = self.kept.pin();
            let start = self.hand.load(Ordering::Relaxed).checked_rem(guard.len()).unwrap_or(0);
            let round = guard.iter().skip(start).chain(guard.iter().take(start));
            for (steps, (_, surfaces)) in round.enumerate() {
                if self.used.load(Ordering::SeqCst) <= goal {
                    self.hand.store(start + steps, Ordering::Relaxed);
                    return;
                }
                if !surfaces.forget_visit() {
                    self.remove(surfaces);
                }
            }
        }
    }

    /// Removes exactly these pages. The count rises first, so that whoever finds them gone finds it risen too.
    fn remove(&self, surfaces: &Arc<Surfaces>) {
        self.evictions.fetch_add(1, Ordering::SeqCst);
        let guard = self.kept.pin();
        let removed = guard.remove_if(surfaces.helpdesk.as_str(), |_, there| Arc::ptr_eq(there, surfaces));
        if let Ok(Some(_)) = removed {
            self.charge(-weight(surfaces));
        }
    }
}

/// What the entry in the map takes beside the pages themselves.
const ENTRY: usize = 128;

fn weight(surfaces: &Surfaces) -> i64 {
    i64::try_from(surfaces.weight() + ENTRY).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::surfaces::tests::everything;
    use std::thread;

    const PLENTY: usize = 1 << 30;

    fn put(pages: &Pages, helpdesk: &str, version: u64) -> Arc<Surfaces> {
        pages.swap(pages.moment(), &helpdesk.into(), version, "Help", &everything()).unwrap()
    }

    #[test]
    fn an_older_render_never_overwrites_a_newer_one() {
        let pages = Pages::new(PLENTY);
        put(&pages, "a", 7);
        assert_eq!(put(&pages, "a", 5).version, 7, "whoever comes late is given the newer one");
        assert_eq!(pages.get("a").unwrap().version, 7);
        put(&pages, "a", 8);
        assert_eq!(pages.get("a").unwrap().version, 8);
        assert!(pages.get("b").is_none());
    }

    #[test]
    fn what_readers_see_never_goes_backwards_while_many_swap() {
        let pages = Pages::new(PLENTY);
        thread::scope(|scope| {
            for writer in 0..4_u64 {
                let pages = &pages;
                scope.spawn(move || (0..100).for_each(|n| drop(put(pages, "a", (n * 7 + writer * 13) % 101 + 1))));
            }
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut last = 0;
                    for _ in 0..20_000 {
                        let seen = pages.get("a").map_or(0, |s| s.version);
                        assert!(seen >= last, "{seen} after {last}");
                        last = seen;
                    }
                });
            }
        });
        assert_eq!(pages.get("a").unwrap().version, 101);
        assert_eq!(pages.bytes(), usize::try_from(weight(&pages.get("a").unwrap())).unwrap(), "the books balance");
    }

    #[test]
    fn a_slow_render_does_not_return_after_a_newer_one_was_evicted() {
        let pages = Pages::new(PLENTY);
        let slow = pages.moment();
        put(&pages, "a", 9);
        pages.forget(&"a".into());
        let served = pages.swap(slow, &"a".into(), 4, "Help", &everything()).unwrap();
        assert_eq!(served.version, 4);
        assert!(pages.get("a").is_none(), "served once, but not kept");
        assert_eq!(pages.bytes(), 0);
    }

    #[test]
    fn memory_stays_within_its_bound_and_the_visited_survive() {
        let one = usize::try_from(weight(&put(&Pages::new(PLENTY), "h000", 1))).unwrap();
        let pages = Pages::new(20 * one);
        put(&pages, "dear", 1);
        for n in 0..300 {
            put(&pages, &format!("h{n:03}"), 1);
            assert!(pages.bytes() <= 20 * one, "{} bytes after {n}", pages.bytes());
            assert!(pages.get("dear").is_some(), "visited all the time, gone at {n}");
        }
        assert!(pages.len() >= 15, "it does not throw away more than it must");
    }

    #[test]
    fn memory_stays_within_its_bound_when_many_insert_at_once() {
        let one = usize::try_from(weight(&put(&Pages::new(PLENTY), "h0000", 1))).unwrap();
        let pages = Pages::new(10 * one);
        thread::scope(|scope| {
            for writer in 0..4 {
                let pages = &pages;
                scope.spawn(move || (0..100).for_each(|n| drop(put(pages, &format!("h{writer}{n:03}"), 1))));
            }
        });
        assert!(pages.bytes() <= 10 * one);
        let held: i64 = pages.kept.pin().values().map(|s| weight(s)).sum();
        assert_eq!(usize::try_from(held).unwrap(), pages.bytes(), "the books balance");
    }

    #[test]
    fn what_alone_exceeds_the_bound_is_served_and_not_kept() {
        let pages = Pages::new(10);
        assert_eq!(put(&pages, "a", 1).version, 1);
        assert_eq!((pages.len(), pages.bytes()), (0, 0));
        assert!(pages.is_empty());
    }
}
