//! Reading a row's columns.

use crate::error::ProjectionError;
use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// One row of an answer.
pub(crate) struct Row(pub(crate) AnyRow);

impl Row {
    pub(crate) fn text(&self, column: &'static str) -> Result<String, ProjectionError> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn maybe_text(&self, column: &'static str) -> Result<Option<String>, ProjectionError> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn number(&self, column: &'static str) -> Result<i64, ProjectionError> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn maybe_number(&self, column: &'static str) -> Result<Option<i64>, ProjectionError> {
        Ok(self.0.try_get(column)?)
    }

    pub(crate) fn version(&self, column: &'static str) -> Result<u64, ProjectionError> {
        u64::try_from(self.number(column)?).map_err(|_| ProjectionError::Damaged(column))
    }

    pub(crate) fn flag(&self, column: &'static str) -> Result<bool, ProjectionError> {
        Ok(self.number(column)? != 0)
    }

    /// JSON that was stored as a text.
    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, ProjectionError> {
        serde_json::from_str(&self.text(column)?).map_err(|_| ProjectionError::Damaged(column))
    }

    /// One of an enum's words.
    pub(crate) fn word<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, ProjectionError> {
        self.maybe_word(column)?.ok_or(ProjectionError::Damaged(column))
    }

    pub(crate) fn maybe_word<T: DeserializeOwned>(&self, column: &'static str) -> Result<Option<T>, ProjectionError> {
        self.maybe_text(column)?
            .map(|word| serde_json::from_value(serde_json::Value::String(word)))
            .transpose()
            .map_err(|_| ProjectionError::Damaged(column))
    }
}
