//! Login pages: rendered once for each version, answered from memory.
//!
//! A request for a login page copies a pointer and writes bytes: no lock, no database and no template are on its path.

pub mod answers;
pub mod assets;
pub mod first_admin;
pub mod frame;
pub mod front;
pub mod hosts;
pub mod login;
pub mod memory;
pub mod notices;
pub mod options;
pub mod passwords;
pub mod redirects;
pub mod surfaces;
pub mod texts;

pub use answers::{Encoded, Page};
pub use frame::{Frame, Notice};
pub use front::{Configured, Front, Source, SourceError};
pub use hosts::{Hosts, Site, Transport};
pub use memory::{Moment, Pages};
pub use surfaces::{Answers, RenderError, Surfaces};
pub use texts::{Language, Texts};
