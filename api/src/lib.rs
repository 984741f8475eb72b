//! Gateledger's service: the door through which configuration changes, and the pages that its decisions drive.

pub mod accounts;
pub mod app;
pub mod authenticators;
pub mod caller;
pub mod command_line;
pub mod commands;
pub mod http;
pub mod idempotency;
pub mod key_ring;
pub mod logs;
pub mod outbound;
pub mod pages;
pub mod people;
pub mod personal_key;
pub mod projecting;
pub mod read_models;
pub mod serve;
pub mod settings;
pub mod sign_in;
pub mod sites;
pub mod store;
pub mod tasks;
mod together;
pub mod vault;
