//! What a projection is, and which there are.

use crate::batch::Batch;
use crate::tables::Table;
use crate::{audit_trail, helpdesks, login_options, usersources};
use domain::Recorded;

/// Turns facts into rows. Events carry before and after, so it reads nothing and computes next to nothing.
pub trait Projection: Send + Sync {
    /// What it is called.
    fn name(&self) -> &'static str;

    /// Raised whenever `apply` writes other rows for the same event: then the tables are new ones.
    fn version(&self) -> u32;

    /// What makes its tables and indexes; `{name}` stands for a table.
    fn schema(&self) -> &'static str;

    /// Every table of its schema.
    fn tables(&self) -> &'static [&'static Table];

    /// Adds to `batch` what this fact changes.
    fn apply(&self, fact: &Recorded, batch: &mut Batch);
}

/// Every projection.
pub static PROJECTIONS: &[&dyn Projection] =
    &[&helpdesks::Rows, &login_options::Rows, &usersources::Rows, &audit_trail::Rows];

/// The place of a usersource that was listed at `version`, the `index`th of those listed then: after everything that
/// was listed before.
pub(crate) fn place(version: u64, index: usize) -> i64 {
    number(version).saturating_mul(1_000_000).saturating_add(i64::try_from(index).unwrap_or(i64::MAX))
}

/// A version as SQL knows it.
pub(crate) fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
