//! The kinds of usersource: one file a kind, and one line here.
//!
//! Each kind owns its name, its fields and the rules between them. The catalogue, the console's forms, validation,
//! sealing, warnings, `docs/kinds.md` and the conformance suite derive from this list.

mod catalogue;
mod docs;
mod every;
mod field;
mod input;
mod pem;
mod text;
mod warnings;

mod database;
mod deskpro;
mod facebook;
mod google;
mod jwt;
mod ldap;
mod oidc;
mod onelogin;
mod saml;
mod twitter;

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod sample_keys;

pub use catalogue::Kinds;
pub use docs::{catalogue_json, catalogue_markdown};
pub use field::{FieldSpec, FieldType, Presence, Risk, Unset};
pub use input::{Input, read_input, seal_input};
pub use onelogin::as_saml;
pub use pem::KeyAlgorithm;
pub use warnings::{Warning, certificate_expiry, warnings};

use domain::{Audience, Capabilities, Fault, Field, Fields, UsersourceId};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Every kind, in the order in which the console offers them.
pub const KINDS: &[&dyn Authenticator] = &[
    &deskpro::Deskpro,
    &saml::Saml,
    &onelogin::OneLogin,
    &jwt::Jwt,
    &oidc::Oidc,
    &ldap::Ldap,
    &database::Database,
    &google::Google,
    &facebook::Facebook,
    &twitter::Twitter,
];

/// One kind of usersource.
pub trait Authenticator: Sync {
    /// The name used in JSON, SQL and URLs. It is in stored events: it never changes.
    fn slug(&self) -> &'static str;

    /// What people call it.
    fn label(&self) -> &'static str;

    /// One sentence on what it is for.
    fn summary(&self) -> &'static str;

    /// Where it appears and what it can do.
    fn capabilities(&self) -> Capabilities;

    /// The fields that it has beside those of every kind, in the form's order.
    fn settings(&self) -> &'static [&'static [FieldSpec]];

    /// What is wrong between fields. A fault with the code `required` hinders enabling, any other hinders the change.
    fn check(&self, fields: &Fields) -> Vec<Fault> {
        every::check_trust(fields)
    }

    /// What is wrong with secrets, which are never seen again after this. `existing` is what is set already.
    fn check_input(&self, input: &BTreeMap<Field, Option<Input>>, existing: &Fields) -> Vec<Fault> {
        let _ = (input, existing);
        Vec::new()
    }

    /// Whether, with these fields, anybody in the world could sign in (R31).
    fn admits_anyone(&self, fields: &Fields) -> bool {
        let _ = fields;
        false
    }

    /// What the other side must be told, made from the helpdesk's URL and the usersource's id (R3).
    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        let _ = (base_url, id);
        Vec::new()
    }

    /// A complete, valid configuration as a request's members, for tests.
    #[cfg(test)]
    fn sample(&self) -> serde_json::Value;

    /// All fields, those of every kind included.
    fn fields(&self) -> Vec<&'static FieldSpec> {
        let button = if self.capabilities().sso { every::BUTTON } else { &[] };
        every::EVERY.iter().chain(button).chain(self.settings().iter().copied().flatten()).collect()
    }

    /// The field called `name`, if this kind has it for `audience`.
    fn field(&self, audience: Audience, name: &str) -> Option<&'static FieldSpec> {
        self.fields().into_iter().find(|spec| spec.name == name && spec.audiences.contains(&audience))
    }
}

impl fmt::Debug for dyn Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// The kind with this slug.
pub fn kind(slug: &str) -> Option<&'static dyn Authenticator> {
    KINDS.iter().copied().find(|kind| kind.slug() == slug)
}

/// A value to copy to the other side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Its name in JSON.
    pub name: &'static str,
    /// What people call it.
    pub label: &'static str,
    /// The value.
    pub value: String,
}

impl Output {
    /// A URL of one usersource: `BASE/auth/ID/END`.
    fn url(name: &'static str, label: &'static str, base_url: &str, id: &UsersourceId, end: &str) -> Self {
        Self { name, label, value: format!("{}/auth/{id}/{end}", base_url.trim_end_matches('/')) }
    }

    /// The callback URL of a kind that redirects and has no other name for it.
    fn callback(base_url: &str, id: &UsersourceId) -> Vec<Self> {
        vec![Self::url("callback_url", "Callback URL", base_url, id, "callback")]
    }
}

/// What the other side of a usersource of `kind` must be told; it exists from the install on (R3).
pub fn outputs(kind: &dyn Authenticator, base_url: &str, id: &UsersourceId) -> Vec<Output> {
    kind.outputs(base_url, id)
}
