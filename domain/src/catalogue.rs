//! What the rules must know of a kind of usersource. They are handed it; they never know what SAML is.

use crate::values::{Audience, Field, Fields};
use serde::{Deserialize, Serialize};

/// How a kind appears on the login page (R23).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Display {
    /// It takes a login and a password.
    Form,
    /// A button with a text.
    Button,
    /// A social icon.
    Icon,
}

impl Display {
    /// The name used in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Button => "button",
            Self::Icon => "icon",
        }
    }
}

/// Whether a kind can try a sign-in without showing anything (R25).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Silent {
    /// Its protocol has no silent attempt.
    Never,
    /// It always can.
    Always,
    /// It can if this flag is set.
    IfSet(Field),
}

/// What a kind can do. An install event records it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Where it appears.
    pub display: Display,
    /// Whether it takes an SSO mode other than `off` (R12).
    pub sso: bool,
    /// Whether it can try silently.
    pub silent: Silent,
    /// Whether every helpdesk has it from the start, once per audience (R2): `deskpro`.
    pub built_in: bool,
}

/// One field at fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which field.
    pub field: Field,
    /// A stable code: `required`, `invalid`, `unknown_field`, `too_long`.
    pub code: String,
    /// What to do about it.
    pub detail: String,
}

impl Fault {
    /// A fault of `field`.
    pub fn new(field: &Field, code: &str, detail: impl Into<String>) -> Self {
        Self { field: field.clone(), code: code.to_owned(), detail: detail.into() }
    }
}

/// The kinds as the rules see them: pure functions, so that batches and restores are judged like single commands.
pub trait Catalogue: Send + Sync {
    /// What `kind` can do, or `None` if there is no such kind.
    fn capabilities(&self, kind: &str) -> Option<Capabilities>;

    /// Every field that has a value which can never be right, or that this kind and audience does not have.
    fn invalid(&self, kind: &str, audience: Audience, fields: &Fields) -> Vec<Fault>;

    /// Every field that stands in the way of enabling: missing ones, and what `invalid` says (R4).
    fn incomplete(&self, kind: &str, audience: Audience, fields: &Fields) -> Vec<Fault>;

    /// Whether, with these fields, anybody in the world could sign in (R31).
    fn admits_anyone(&self, kind: &str, fields: &Fields) -> bool;
}
