//! The ledger as cqrs-es sees it.
//!
//! The library hands `commit` an aggregate that has the new events in it, since ours applies as it emits. So nothing
//! is applied here a second time, and no snapshot is the library's.

use super::StoreError;
use super::ledger::{Appended, Ledger, Loaded};
use cqrs_es::{AggregateContext, AggregateError, EventEnvelope, EventStore};
use domain::{AuthConfig, Event, HelpdeskId, Metadata, Recorded, Rejection};
use std::collections::HashMap;
use std::sync::Arc;

/// A helpdesk between loading and committing.
pub struct Context {
    helpdesk: HelpdeskId,
    base: Arc<Loaded>,
    state: AuthConfig,
}

impl AggregateContext<AuthConfig> for Context {
    fn aggregate(&mut self) -> &mut AuthConfig {
        &mut self.state
    }
}

impl Ledger {
    /// A helpdesk to decide upon `base`, which the caller has looked at: what is appended follows that and nothing else.
    pub fn context(&self, helpdesk: &HelpdeskId, base: &Arc<Loaded>) -> Context {
        Context { helpdesk: helpdesk.clone(), state: base.state.clone(), base: Arc::clone(base) }
    }

    /// What `EventStore::commit` does, in our own terms: events and metadata need not become texts and back.
    pub async fn commit_change(
        &self,
        events: Vec<Event>,
        context: Context,
        meta: Metadata,
    ) -> Result<Appended, StoreError> {
        let Context { helpdesk, base, state } = context;
        self.append_applied(&helpdesk, &base, state, events, meta).await
    }
}

/// So many events are read at once.
const PAGE: u32 = 1_000;

impl EventStore<AuthConfig> for Ledger {
    type AC = Context;

    async fn load_events(&self, id: &str) -> Result<Vec<EventEnvelope<AuthConfig>>, AggregateError<Rejection>> {
        let helpdesk = HelpdeskId::new(id);
        let mut envelopes = Vec::new();
        loop {
            let page = self.recorded_after(&helpdesk, envelopes.len() as u64, PAGE).await?;
            let whole = page.len() < PAGE as usize;
            envelopes.extend(page.into_iter().map(envelope));
            if whole {
                return Ok(envelopes);
            }
        }
    }

    /// Possibly stale: then the commit is refused as a conflict, and the next load looks into the log.
    async fn load_aggregate(&self, id: &str) -> Result<Context, AggregateError<Rejection>> {
        let helpdesk = HelpdeskId::new(id);
        let base = self.load(&helpdesk).await?;
        Ok(self.context(&helpdesk, &base))
    }

    /// `metadata` is `Metadata::to_map` of the command; the events' places, hashes and links are filled in here.
    async fn commit(
        &self,
        events: Vec<Event>,
        context: Context,
        metadata: HashMap<String, String>,
    ) -> Result<Vec<EventEnvelope<AuthConfig>>, AggregateError<Rejection>> {
        let meta = Metadata::from_map(&metadata).map_err(|error| AggregateError::UnexpectedError(Box::new(error)))?;
        let appended = self.commit_change(events, context, meta).await?;
        Ok(appended.recorded.into_iter().map(envelope).collect())
    }
}

fn envelope(recorded: Recorded) -> EventEnvelope<AuthConfig> {
    EventEnvelope {
        aggregate_id: recorded.helpdesk.as_str().to_owned(),
        sequence: usize::try_from(recorded.version).unwrap_or(usize::MAX),
        payload: recorded.event,
        metadata: recorded.metadata.to_map(),
    }
}
