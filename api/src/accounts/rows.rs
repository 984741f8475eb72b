//! How a row's columns become values. A column that does not fit is an unreadable row, never a default.

use super::AccountsError;
use domain::Timestamp;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::str::FromStr;

pub(super) fn text(row: &AnyRow, column: &str) -> Result<String, AccountsError> {
    Ok(row.try_get(column)?)
}

pub(super) fn optional_text(row: &AnyRow, column: &str) -> Result<Option<String>, AccountsError> {
    Ok(row.try_get(column)?)
}

pub(super) fn number(row: &AnyRow, column: &str) -> Result<i64, AccountsError> {
    Ok(row.try_get(column)?)
}

pub(super) fn optional_number(row: &AnyRow, column: &str) -> Result<Option<i64>, AccountsError> {
    Ok(row.try_get(column)?)
}

pub(super) fn flag(row: &AnyRow, column: &str) -> Result<bool, AccountsError> {
    Ok(number(row, column)? == 1)
}

pub(super) fn time(row: &AnyRow, column: &str) -> Result<Timestamp, AccountsError> {
    Ok(Timestamp::from_millis(number(row, column)?))
}

pub(super) fn optional_time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, AccountsError> {
    Ok(optional_number(row, column)?.map(Timestamp::from_millis))
}

/// One of the words of an enum.
pub(super) fn word<T: FromStr>(row: &AnyRow, column: &'static str) -> Result<T, AccountsError> {
    text(row, column)?.parse().map_err(|_| AccountsError::Unreadable(column))
}

/// A version as SQL keeps it.
pub(super) fn from_version(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}

/// A version as the program knows it.
pub(super) fn to_version(stored: i64) -> Result<u64, AccountsError> {
    u64::try_from(stored).map_err(|_| AccountsError::Unreadable("version"))
}
