//! The rules, one subject a file, each with its given/when/then tests.

pub mod helpdesk;
pub mod lockout;
pub mod order;
pub mod policies;
pub mod settings;
pub mod sso;
pub mod usersources;

#[cfg(test)]
pub(crate) mod given;
#[cfg(test)]
mod properties;
