//! Gateledger's service: the door through which configuration changes, and the pages that its decisions drive.

pub mod accounts;
