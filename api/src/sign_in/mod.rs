//! Signing in: what a source says of a person, and the one gate that decides who gets in.
//!
//! A kind of usersource only ever answers "this is who came, by this proof"; it opens no session. The gate alone does,
//! and no kind can walk around it.

pub mod attempt;
pub mod denied;
pub mod filter;
#[cfg(test)]
pub(crate) mod fixture;
pub mod form;
pub mod gate;
pub mod metadata;
pub mod person;
pub mod provision;
pub mod redirect;
pub mod redirecting;
pub mod sign_out;
pub mod source;
pub mod stopped;
pub mod testing;
pub mod trace;
pub mod unlinking;

pub use attempt::{Purpose, RedirectAttempt};
pub use denied::{Denied, Reason};
pub use form::{Admitted, Attempt, Refused};
pub use person::{ClaimedEmail, Person};
pub use redirect::{Answer, Arrival, Begin, Departure, LogOut, ProviderSession};
pub use source::Source;
pub use stopped::{Stopped, Tried};
pub use trace::{Step, Trace};
