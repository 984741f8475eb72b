//! Stories about the whole program, one file each: what visitors, admins, auditors and operators live through.

mod bad_input;
mod crash;
mod deskpro_off;
mod displacement;
mod first_admin;
mod full_disk;
mod headers;
mod hosts;
mod idempotency;
mod keys;
mod kinds;
mod ledger_tour;
mod nodes;
mod outage;
mod passwords;
mod people;
mod provider_faults;
mod provider_sign_in;
mod provider_tests;
mod roles;
mod secrets;
mod shutdown;
mod sign_in;
mod single_sign_on;
mod versions;
mod writers;
