//! The kinds of usersource: one file a kind, and one line here.
//!
//! Each kind owns its name, its fields and the rules between them. The catalogue, the console's forms, validation,
//! sealing, warnings, `docs/kinds.md` and the conformance suite derive from this list.

mod authorities;
mod catalogue;
mod docs;
mod encryption;
mod every;
mod field;
mod input;
mod judged;
mod oauth;
mod pem;
pub mod signed_tokens;
mod text;
mod turns;
mod unverified;
mod warnings;

mod database;
mod deskpro;
mod facebook;
mod google;
mod jwt;
mod ldap;
mod oidc;
mod onelogin;
mod openid;
mod saml;
mod twitter;

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod sample_keys;
#[cfg(test)]
mod social_peer;

pub use catalogue::Kinds;
pub use docs::{catalogue_json, catalogue_markdown};
pub use field::{FieldSpec, FieldType, Presence, Risk, Unset};
pub use input::{Input, read_input, seal_input};
pub use onelogin::as_saml;
pub use pem::KeyAlgorithm;
pub use saml::changed_metadata;
pub use warnings::{Warning, certificate_expiry, warnings};

use crate::sign_in::{
    Answer, Arrival, Begin, Denied, Departure, LogOut, Person, ProviderSession, Reason, Source, Trace,
};
use crate::vault::VaultError;
use async_trait::async_trait;
use domain::{Audience, Capabilities, Fault, Field, Fields, UsersourceId};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use url::Url;
use zeroize::Zeroizing;

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

/// How people sign in through a kind.
#[derive(Clone, Copy)]
pub enum SignIn {
    /// With a login and a password of our own accounts.
    Own,
    /// With a login and a password that the kind asks its source about.
    Form(&'static dyn FormSignIn),
    /// By being sent to the provider and coming back.
    Redirect(&'static dyn RedirectSignIn),
}

/// A kind that takes a login and a password.
#[async_trait]
pub trait FormSignIn: Sync {
    /// Whom login and password belong to; `None` for an unknown login or a wrong password, which nobody may tell
    /// apart. An empty password is refused before anybody is asked.
    async fn ask(
        &self,
        source: &Source<'_>,
        login: &str,
        password: &Zeroizing<String>,
        trace: &mut Trace,
    ) -> Result<Option<Person>, Denied>;
}

/// A kind that sends people to a provider.
#[async_trait]
pub trait RedirectSignIn: Sync {
    /// The beginning of an attempt. It touches no database.
    async fn begin(&self, source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied>;

    /// The name of the attempt that `answer` claims to answer; `None` for an answer to no attempt.
    fn attempt(&self, answer: &Answer) -> Option<String>;

    /// What answers have that can be used only once beside the attempt itself, such as an assertion's id, is told by
    /// `finish` in the arrival. `memory` is what `begin` left; without it nobody asked for this answer, and only a
    /// provider that may begin by itself is believed.
    async fn finish(
        &self,
        source: &Source<'_>,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<Arrival, Denied>;

    /// Where the browser goes to sign out at the provider too (R27), if the provider can; it comes back to
    /// `/signed-out`.
    async fn sign_out(&self, source: &Source<'_>, session: &ProviderSession) -> Result<Option<Url>, Denied> {
        let _ = (source, session);
        Ok(None)
    }

    /// What the provider reads to know us: SAML metadata, XML. `None` for a kind that has none.
    fn metadata(&self, source: &Source<'_>) -> Result<Option<String>, Denied> {
        let _ = source;
        Ok(None)
    }

    /// Reads what came to the log-out address, verified like a sign-in.
    async fn log_out(&self, source: &Source<'_>, answer: &Answer) -> Result<LogOut, Denied> {
        let _ = (source, answer);
        Err(Denied::new(Reason::Invalid, "this kind has no log-out address"))
    }
}

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

    /// What is made at install and kept with the settings, such as a key pair of ours.
    fn made_at_install(&self) -> Result<BTreeMap<Field, Input>, VaultError> {
        Ok(BTreeMap::new())
    }

    /// Completes what a request sets from what it brings, such as the fields that a metadata document fills in.
    fn complete_input(&self, input: &mut BTreeMap<Field, Option<Input>>) -> Vec<Fault> {
        let _ = input;
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

    /// How people sign in through it.
    fn sign_in(&self) -> SignIn;

    /// A complete, valid configuration as a request's members, for tests.
    #[cfg(test)]
    fn sample(&self) -> Value;

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
