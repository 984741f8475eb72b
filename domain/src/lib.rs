//! The rules of Gateledger: who may sign in to a helpdesk, and how.
//!
//! Everything here is pure and synchronous. Time, chance, keys and look-ups are parameters, so that the same
//! history always gives the same state, and the same state always gives the same answer.

pub mod catalogue;
pub mod chain;
pub mod change;
pub mod command;
pub mod config;
pub mod event;
pub mod metadata;
pub mod offer;
pub mod recorded;
pub mod rejection;
pub mod rules;
pub mod upcast;
pub mod values;

pub use catalogue::{Capabilities, Catalogue, Display, Fault, Silent};
pub use change::{Change, Subject};
pub use command::{Command, Request, subjects};
pub use config::AuthConfig;
pub use event::Event;
pub use metadata::{Actor, ActorType, Metadata, Via};
pub use recorded::{Recorded, UnreadableEvent};
pub use rejection::Rejection;
pub use values::{
    AccountId, Audience, Field, FieldChange, Fields, HelpdeskId, Plain, Policy, Sealed, Setting, SsoMode, Standing,
    Surface, Timestamp, UsersourceId, UsersourceRef,
};
