//! `saml`: SAML 2.0 web single sign-on; we are the service provider.

mod agreement;
mod assertion;
mod document;
mod fields;
mod log_out;
mod metadata;
mod name_id;
mod person;
mod provider_metadata;
mod redirect_binding;
mod requests;
mod responses;
mod shape;
pub(super) mod signing_keys;
mod verifier;

#[cfg(test)]
mod tests;

pub(super) use fields::COMMON;
pub use provider_metadata::changed_metadata;

use super::every::{INSECURE, TRUST, check_trust, invalid, required};
use super::{Authenticator, FieldSpec, Input, Output, RedirectSignIn, SignIn};
use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, LogOut, ProviderSession, Source, Trace};
use crate::vault::VaultError;
use async_trait::async_trait;
use domain::{Capabilities, Display, Fault, Field, Fields, Silent, UsersourceId};
use fields::SETTINGS;
use serde_json::Value;
use signing_keys::PRIVATE_KEY;
use std::collections::BTreeMap;
use url::Url;

/// The kind.
pub(super) struct Saml;

/// What `saml` and its presets can do.
pub(super) fn capabilities() -> Capabilities {
    let silent = Silent::IfSet(Field::setting("passive"));
    Capabilities { display: Display::Button, sso: true, silent, built_in: false }
}

/// What the provider must be told of us.
pub(super) fn outputs(base_url: &str, id: &UsersourceId) -> Vec<Output> {
    [
        ("acs_url", "ACS URL (single sign-on URL at our side)", "callback"),
        ("entity_id", "Entity id (audience)", "metadata"),
        ("metadata_url", "Metadata URL", "metadata"),
        ("slo_url", "Single log-out URL at our side", "logout"),
    ]
    .into_iter()
    .map(|(name, label, end)| Output::url(name, label, base_url, id, end))
    .collect()
}

/// What must be signed needs a key, and trust needs domains.
pub(super) fn check(fields: &Fields) -> Vec<Fault> {
    let mut faults = check_trust(fields);
    if fields.flag("settings.sign_requests") && fields.get(PRIVATE_KEY).is_none() {
        faults.push(required(PRIVATE_KEY, "sign_requests needs a key pair: give one, or turn sign_requests off"));
    }
    faults
}

#[async_trait]
impl RedirectSignIn for Saml {
    async fn begin(&self, source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        requests::begin(source, wish, trace)
    }

    fn attempt(&self, answer: &Answer) -> Option<String> {
        answer.form("RelayState").map(str::to_owned)
    }

    async fn finish(
        &self,
        source: &Source<'_>,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<Arrival, Denied> {
        responses::finish(source, memory, answer, trace)
    }

    async fn sign_out(&self, source: &Source<'_>, session: &ProviderSession) -> Result<Option<Url>, Denied> {
        log_out::sign_out(source, session)
    }

    fn metadata(&self, source: &Source<'_>) -> Result<Option<String>, Denied> {
        metadata::ours(source).map(Some)
    }

    async fn log_out(&self, source: &Source<'_>, answer: &Answer) -> Result<LogOut, Denied> {
        log_out::log_out(source, answer)
    }
}

impl Authenticator for Saml {
    fn slug(&self) -> &'static str {
        "saml"
    }

    fn label(&self) -> &'static str {
        "SAML"
    }

    fn summary(&self) -> &'static str {
        "SAML 2.0 single sign-on with Okta, Entra, AD FS, Google Workspace and others."
    }

    fn capabilities(&self) -> Capabilities {
        capabilities()
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[SETTINGS, COMMON, TRUST, INSECURE]
    }

    fn check(&self, fields: &Fields) -> Vec<Fault> {
        let mut faults = check(fields);
        if fields.setting("metadata").is_some() && fields.setting("metadata_url").is_some() {
            faults.push(invalid("settings.metadata", "give the metadata document or its URL, not both"));
        }
        faults
    }

    fn check_input(&self, input: &BTreeMap<Field, Option<Input>>, existing: &Fields) -> Vec<Fault> {
        signing_keys::check_input(input, existing)
    }

    fn made_at_install(&self) -> Result<BTreeMap<Field, Input>, VaultError> {
        signing_keys::made_at_install()
    }

    fn complete_input(&self, input: &mut BTreeMap<Field, Option<Input>>) -> Vec<Fault> {
        provider_metadata::complete(input)
    }

    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        outputs(base_url, id)
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Redirect(&Self)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        serde_json::json!({"title": "Staff", "button_text": "Staff intranet", "settings": {
            "sso_url": "https://idp.example/sso", "slo_url": "https://idp.example/slo",
            "idp_entity_id": "https://idp.example/metadata", "metadata_url": "https://idp.example/metadata.xml",
            "certificates": super::sample_keys::CERTIFICATE, "want": "either", "passive": true,
            "trust_email": true, "email_domains": ["example.com"], "name_id_format": "persistent",
            "email_attribute": "mail",
        }})
    }
}
