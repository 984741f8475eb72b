//! HTTP: what comes in is judged here, and what goes out gets its headers here.

pub mod assets;
pub mod conditional;
pub mod html;
pub mod origin;
pub mod problem;
pub mod public;
pub mod return_to;
pub mod security_headers;
