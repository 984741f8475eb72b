//! What can go wrong between the ledger and its database, and what to do about it.
//!
//! Stops: a connection URL's password in a log or an answer. No text here is made from a URL.

use cqrs_es::AggregateError;
use domain::{Rejection, UnreadableEvent};
use projections::FactsError;

/// Why the ledger has no answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Somebody else appended first, and nothing was written. Refresh and decide again.
    #[error("another change came first")]
    Conflict,
    /// No database, no room, no right to write, or no answer in time. After an append it is unknown whether it was
    /// written: look for the command before trying again.
    #[error("the event log does not answer: {0}")]
    Unavailable(String),
    /// A newer program wrote this event, or it is damaged. Trying again will not help.
    #[error(transparent)]
    Unreadable(#[from] UnreadableEvent),
    /// The stream has a hole: somebody removed an event. Trying again will not help.
    #[error("event {version} of helpdesk {helpdesk} is missing")]
    Missing {
        /// Whose stream.
        helpdesk: String,
        /// The version that is not there.
        version: u64,
    },
    /// An event of ours has no canonical form, and nothing was written.
    #[error(transparent)]
    NotCanonical(#[from] domain::chain::NotCanonical),
}

/// SQLite's extended codes for a taken version: the primary key, and the trigger that guards it from `REPLACE`.
const SQLITE_TAKEN: [&str; 2] = ["1555", "1811"];

/// PostgreSQL's codes for a taken version: unique violation, serialization failure, deadlock.
const POSTGRES_TAKEN: [&str; 3] = ["23505", "40001", "40P01"];

impl StoreError {
    /// An append's failure: a taken version is a conflict.
    pub(super) fn of_append(error: sqlx::Error) -> Self {
        if Self::is_taken(&error) { Self::Conflict } else { error.into() }
    }

    /// The same accident, told to everybody whom it hit.
    pub(super) fn to_everybody(&self) -> Self {
        match self {
            Self::Conflict => Self::Conflict,
            Self::Unavailable(why) => Self::Unavailable(why.clone()),
            other @ (Self::Unreadable(_) | Self::Missing { .. } | Self::NotCanonical(_)) => {
                Self::Unavailable(other.to_string())
            }
        }
    }

    /// Whether the database refused because the version is taken.
    pub(super) fn is_taken(error: &sqlx::Error) -> bool {
        let code = error.as_database_error().and_then(|error| error.code());
        code.is_some_and(|code| SQLITE_TAKEN.contains(&&*code) || POSTGRES_TAKEN.contains(&&*code))
    }

    pub(super) fn silent() -> Self {
        Self::Unavailable("no answer in time".to_owned())
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Configuration(_) = error {
            return Self::Unavailable("the database's address cannot be read".to_owned());
        }
        Self::Unavailable(error.to_string())
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Unavailable(format!("its tables could not be made: {error}"))
    }
}

impl From<StoreError> for FactsError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unreadable(event) => Self::Unreadable(event),
            StoreError::Unavailable(why) => Self::Unavailable(why),
            other @ (StoreError::Conflict | StoreError::Missing { .. } | StoreError::NotCanonical(_)) => {
                Self::Unavailable(other.to_string())
            }
        }
    }
}

impl From<StoreError> for AggregateError<Rejection> {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::AggregateConflict,
            StoreError::Unavailable(_) => Self::DatabaseConnectionError(Box::new(error)),
            StoreError::Unreadable(_) | StoreError::Missing { .. } => Self::DeserializationError(Box::new(error)),
            StoreError::NotCanonical(_) => Self::UnexpectedError(Box::new(error)),
        }
    }
}
