//! Why a question had no answer, or a fact did not reach its rows.

use crate::facts::FactsError;
use domain::HelpdeskId;

/// Nothing was half done: what failed can be tried again.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The database refused or did not answer. Try again later.
    #[error("the read models' database does not answer: {0}")]
    Database(#[from] sqlx::Error),
    /// The event log did. Try again later.
    #[error(transparent)]
    Facts(#[from] FactsError),
    /// Events were handed over that do not follow one another in one stream. A fault of the caller or of the log.
    #[error("the events of helpdesk {helpdesk} do not follow version {after}")]
    Gap {
        /// Whose stream.
        helpdesk: HelpdeskId,
        /// The version after which they should come.
        after: u64,
    },
    /// A row holds what no program of this schema writes. A rebuild heals it.
    #[error("the read models are damaged at {0}; rebuild them")]
    Damaged(&'static str),
    /// Another rebuild began after this one. Its tables will be the live ones.
    #[error("another rebuild began and goes on")]
    Overtaken,
}
