//! Where login pages come from when they are not in memory: the read models, brought up to the ledger first.

use crate::pages::{Configured, Front, Source, SourceError};
use crate::store::Ledger;
use domain::HelpdeskId;
use projections::{ProjectionError, Projector, helpdesks, login_options};
use std::sync::Arc;

/// The login front over the read models.
pub type LoginFront = Front<ReadModels>;

/// The read models as a source of login pages.
#[derive(Clone)]
pub struct ReadModels {
    ledger: Arc<Ledger>,
    projector: Arc<Projector>,
}

impl ReadModels {
    /// Reads from `projector`, which reads from `ledger`.
    pub fn new(ledger: Arc<Ledger>, projector: Arc<Projector>) -> Self {
        Self { ledger, projector }
    }
}

impl Source for ReadModels {
    async fn configured(&self, helpdesk: &HelpdeskId) -> Result<Option<Configured>, SourceError> {
        let fault = |error: ProjectionError| SourceError(error.to_string());
        if self.projector.catch_up(self.ledger.as_ref(), helpdesk).await.map_err(fault)? == 0 {
            return Ok(None);
        }
        let (entries, version) = login_options::entries(&self.projector, helpdesk).await.map_err(fault)?;
        let found = helpdesks::by_id(&self.projector, helpdesk).await.map_err(fault)?;
        Ok(found.map(|found| Configured { name: found.name, version, entries }))
    }
}
