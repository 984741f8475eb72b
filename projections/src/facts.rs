//! Where projections read from: the event log, as far as they need to know it.

use domain::{HelpdeskId, Recorded};
use std::future::Future;

/// The log could not be read. Nothing was changed; reading again later is safe.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The store did not answer.
    #[error("the event log does not answer: {0}")]
    Unavailable(String),
    /// An event is not readable by this program.
    #[error(transparent)]
    Unreadable(#[from] domain::UnreadableEvent),
}

/// Streams of facts, one a helpdesk, numbered from 1 without gaps.
pub trait Facts: Send + Sync {
    /// The events of `helpdesk` after version `after`, in order, at most `limit`.
    fn events_after(
        &self,
        helpdesk: &HelpdeskId,
        after: u64,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Recorded>, FactsError>> + Send;

    /// Every helpdesk that has a stream, after `after` in the order of their ids, at most `limit`.
    fn helpdesks(
        &self,
        after: Option<&HelpdeskId>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<HelpdeskId>, FactsError>> + Send;
}
