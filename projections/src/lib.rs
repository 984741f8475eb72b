//! The questions: read models that are built from the facts and can be thrown away.

pub mod database;
pub mod facts;

pub use database::{Database, Dialect, Durability};
pub use facts::{Facts, FactsError};
