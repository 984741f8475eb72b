//! Gateledger's service: the door through which configuration changes, and the pages that its decisions drive.

pub mod authenticators;
pub mod key_ring;
pub mod personal_key;
pub mod vault;
