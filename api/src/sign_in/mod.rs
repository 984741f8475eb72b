//! Signing in: what a source says of a person, and the one gate that decides who gets in.
//!
//! A kind of usersource only ever answers "this is who came, by this proof"; it opens no session. The gate alone does,
//! and no kind can walk around it.

pub mod denied;
pub mod filter;
#[cfg(test)]
pub(crate) mod fixture;
pub mod form;
pub mod person;
pub mod redirect;
pub mod source;
pub mod trace;

pub use denied::{Denied, Reason};
pub use form::{Admitted, Attempt, Refused};
pub use person::{ClaimedEmail, Person};
pub use redirect::{Answer, Arrival, Begin, Departure, LogOut, ProviderSession};
pub use source::Source;
pub use trace::Trace;
