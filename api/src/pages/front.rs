//! The login front: pages from memory, and where they come from when they are not there.
//!
//! However many visitors ask for the same missing page at once, its source is asked once.

use std::future::Future;
use std::sync::Arc;

use domain::HelpdeskId;
use domain::offer::Entry;
use papaya::HashMap;
use tokio::sync::OnceCell;

use super::{Hosts, Pages, Surfaces};

/// What the pages of a helpdesk are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// What the helpdesk is called.
    pub name: String,
    /// At which version it was read.
    pub version: u64,
    /// Its usersources, in the admins' order.
    pub entries: Vec<Entry>,
}

/// The pages' source does not answer. Asking again later is safe.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the source of the login pages does not answer: {0}")]
pub struct SourceError(pub String);

/// Where the configuration is read when a page is not in memory.
pub trait Source: Send + Sync {
    /// What `helpdesk` is configured to, or `None` if there is no such helpdesk.
    fn configured(&self, helpdesk: &HelpdeskId)
    -> impl Future<Output = Result<Option<Configured>, SourceError>> + Send;
}

/// What the handlers of the login front share.
#[derive(Debug)]
pub struct Front<S> {
    /// The pages in memory.
    pub pages: Pages,
    /// Whose host is whose.
    pub hosts: Hosts,
    source: S,
    flights: HashMap<String, Arc<Flight>>,
}

/// One question that is under way, and its answer for all who wait.
type Flight = OnceCell<Result<Option<Arc<Surfaces>>, SourceError>>;

impl<S: Source> Front<S> {
    /// A front over `source`, with pages and hosts as far as they are known.
    pub fn new(pages: Pages, hosts: Hosts, source: S) -> Self {
        Self { pages, hosts, source, flights: HashMap::new() }
    }

    /// The pages of `helpdesk`: from memory, else from the source; `None` if there is no such helpdesk, which is not
    /// remembered.
    pub async fn surfaces(&self, helpdesk: &str) -> Result<Option<Arc<Surfaces>>, SourceError> {
        match self.pages.get(helpdesk) {
            Some(found) => Ok(Some(found)),
            None => self.load(helpdesk).await,
        }
    }

    /// Whether the pages of `helpdesk` are being read from the source at this moment.
    pub fn is_loading(&self, helpdesk: &str) -> bool {
        self.flights.pin().contains_key(helpdesk)
    }

    async fn load(&self, helpdesk: &str) -> Result<Option<Arc<Surfaces>>, SourceError> {
        let flight = Arc::clone(self.flights.pin().get_or_insert_with(helpdesk.to_owned(), Arc::default));
        let landing = Landing { flights: &self.flights, helpdesk, flight };
        landing.flight.get_or_init(|| self.read(helpdesk)).await.clone()
    }

    async fn read(&self, helpdesk: &str) -> Result<Option<Arc<Surfaces>>, SourceError> {
        let helpdesk = HelpdeskId::new(helpdesk);
        let moment = self.pages.moment();
        let Some(Configured { name, version, entries }) = self.source.configured(&helpdesk).await? else {
            return Ok(None);
        };
        let swapped = self.pages.swap(moment, &helpdesk, version, &name, &entries);
        swapped.map(Some).map_err(|fault| SourceError(fault.to_string()))
    }
}

/// Takes a flight off the list when anybody on it has the answer, or goes away: whoever comes later asks anew, and
/// nothing is left behind.
struct Landing<'a> {
    flights: &'a HashMap<String, Arc<Flight>>,
    helpdesk: &'a str,
    flight: Arc<Flight>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        // Removed already, or another flight by now: both are well.
        let _ = self.flights.pin().remove_if(self.helpdesk, |_, there| Arc::ptr_eq(there, &self.flight));
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::pages::surfaces::tests::everything;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::time::Duration;
    use url::Url;

    /// One helpdesk, `default`, kept in the program's own memory, that counts how often it was read.
    #[derive(Debug, Default)]
    pub struct OneHelpdesk {
        pub entries: Vec<Entry>,
        pub reads: AtomicUsize,
        pub lost: AtomicBool,
    }

    impl Source for OneHelpdesk {
        async fn configured(&self, helpdesk: &HelpdeskId) -> Result<Option<Configured>, SourceError> {
            self.reads.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(5)).await;
            if self.lost.load(Ordering::SeqCst) {
                return Err(SourceError("gone".into()));
            }
            let found = || Configured { name: "Help".into(), version: 17, entries: self.entries.clone() };
            Ok((helpdesk.as_str() == "default").then(found))
        }
    }

    /// A front over these usersources, reached at `public_url`.
    pub fn front(public_url: &str, entries: Vec<Entry>) -> Front<OneHelpdesk> {
        let hosts = Hosts::new(Url::parse(public_url).unwrap());
        hosts.set(&"default".into(), None);
        Front::new(Pages::new(1 << 20), hosts, OneHelpdesk { entries, ..OneHelpdesk::default() })
    }

    impl<S> Front<S> {
        /// The source itself, to look at its counters.
        pub fn source(&self) -> &S {
            &self.source
        }
    }

    fn reads(front: &Front<OneHelpdesk>) -> usize {
        front.source.reads.load(Ordering::SeqCst)
    }

    #[tokio::test]
    async fn many_visitors_of_a_missing_page_ask_its_source_once() {
        let front = front("http://h.example", everything());
        let all = futures::future::join_all((0..50).map(|_| front.surfaces("default"))).await;
        assert!(all.iter().all(|answer| answer.as_ref().unwrap().as_ref().unwrap().version == 17));
        assert_eq!(reads(&front), 1);
        front.surfaces("default").await.unwrap();
        assert_eq!(reads(&front), 1, "afterwards it is in memory");
        assert!(front.flights.pin().is_empty());
    }

    #[tokio::test]
    async fn an_unknown_helpdesk_is_not_remembered() {
        let front = front("http://h.example", everything());
        assert_eq!(front.surfaces("nobody").await.unwrap().map(|s| s.version), None);
        assert!(front.pages.is_empty() && front.flights.pin().is_empty());
    }

    #[tokio::test]
    async fn a_lost_source_is_asked_again_by_the_next_visitor() {
        let front = front("http://h.example", everything());
        front.source.lost.store(true, Ordering::SeqCst);
        assert!(front.surfaces("default").await.is_err());
        front.source.lost.store(false, Ordering::SeqCst);
        assert!(front.surfaces("default").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn who_waits_is_served_though_the_first_visitor_went_away() {
        let front = front("http://h.example", everything());
        let mut first = Box::pin(front.surfaces("default"));
        let mut second = Box::pin(front.surfaces("default"));
        assert!(futures::poll!(&mut first).is_pending() && futures::poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.unwrap().is_some());
        assert!(front.flights.pin().is_empty());
    }
}
