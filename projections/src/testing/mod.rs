//! Ground for the tests of this crate: both databases, histories made by the real rules, and a log in memory.

mod ground;
mod log;

pub(crate) use ground::{Ground, dump, on_both};
pub(crate) use log::{Log, Meanwhile, helpdesk, wishes};
