//! The questions: read models that are built from the facts and can be thrown away.

pub mod audit_search;
pub mod audit_trail;
pub mod batch;
pub mod database;
pub mod error;
pub mod facts;
pub mod helpdesks;
pub mod login_options;
pub mod projection;
pub mod projector;
pub mod rebuild;
mod row;
pub mod tables;
#[cfg(test)]
mod testing;
pub mod usersources;
mod words;

pub use database::{Database, Dialect, Durability};
pub use error::ProjectionError;
pub use facts::{Facts, FactsError};
pub use projection::{PROJECTIONS, Projection};
pub use projector::Projector;
