//! The words of the domain as types, one subject a file.

mod audience;
mod fields;
mod ids;
mod policy;
mod sealed;
mod timestamp;
mod unseen;
mod usersource;

pub use audience::{Audience, SsoMode, Surface};
pub use fields::{Field, FieldChange, Fields, Plain, Setting, differences};
pub use ids::{AccountId, HelpdeskId, UsersourceId};
pub use policy::Policy;
pub use sealed::Sealed;
pub use timestamp::Timestamp;
pub use unseen::unseen;
pub use usersource::{Proof, Standing, Usersource, UsersourceRef};
