//! `onelogin`: SAML under the names that OneLogin's own pages use.

use super::every::{INSECURE, TRUST};
use super::saml::{self, Saml};
use super::{Authenticator, FieldSpec, FieldType, Input, Output, RedirectSignIn, SignIn};
use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, LogOut, ProviderSession, Source, Trace};
use crate::vault::VaultError;
use async_trait::async_trait;
use domain::values::Usersource;
use domain::{Capabilities, Fault, Field, Fields, UsersourceId};
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// The kind.
pub(super) struct OneLogin;

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.issuer_url",
        "Issuer URL",
        FieldType::Text(1024),
        "As OneLogin's SSO tab shows it. A response from any other issuer is refused.",
    )
    .required(),
    FieldSpec::new(
        "settings.saml_endpoint",
        "SAML 2.0 endpoint (HTTP)",
        FieldType::Url,
        "As OneLogin's SSO tab shows it: where the browser is sent to sign in.",
    )
    .required(),
    FieldSpec::new(
        "settings.slo_endpoint",
        "SLO endpoint (HTTP)",
        FieldType::Url,
        "As OneLogin's SSO tab shows it: where the browser is sent to sign out.",
    )
    .required(),
    FieldSpec::new(
        "settings.certificate",
        "X.509 certificate",
        FieldType::Certificates,
        "From OneLogin's SSO tab, View details. Give the old and the new one during a roll-over.",
    )
    .required(),
];

/// OneLogin's names and those of `saml`.
const NAMES: [(&str, &str); 4] = [
    ("settings.issuer_url", "settings.idp_entity_id"),
    ("settings.saml_endpoint", "settings.sso_url"),
    ("settings.slo_endpoint", "settings.slo_url"),
    ("settings.certificate", "settings.certificates"),
];

/// The same configuration under the names of `saml`, which does the rest.
pub fn as_saml(fields: &Fields) -> Fields {
    let renamed = |field: &Field| {
        let pair = NAMES.iter().find(|(own, _)| *own == field.as_str());
        pair.map_or_else(|| field.clone(), |(_, saml)| Field::new(*saml))
    };
    fields.iter().map(|(field, setting)| (renamed(field), setting.clone())).collect()
}

/// The same usersource as `saml` would have it.
fn renamed(usersource: &Usersource) -> Usersource {
    Usersource { fields: as_saml(&usersource.fields), ..usersource.clone() }
}

fn seen<'a>(source: &Source<'a>, usersource: &'a Usersource) -> Source<'a> {
    Source { usersource, ..*source }
}

/// All of it is `saml`'s.
#[async_trait]
impl RedirectSignIn for OneLogin {
    async fn begin(&self, source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        let usersource = renamed(source.usersource);
        Saml.begin(&seen(source, &usersource), wish, trace).await
    }

    fn attempt(&self, answer: &Answer) -> Option<String> {
        Saml.attempt(answer)
    }

    async fn finish(
        &self,
        source: &Source<'_>,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<Arrival, Denied> {
        let usersource = renamed(source.usersource);
        Saml.finish(&seen(source, &usersource), memory, answer, trace).await
    }

    async fn sign_out(&self, source: &Source<'_>, session: &ProviderSession) -> Result<Option<Url>, Denied> {
        let usersource = renamed(source.usersource);
        Saml.sign_out(&seen(source, &usersource), session).await
    }

    fn metadata(&self, source: &Source<'_>) -> Result<Option<String>, Denied> {
        let usersource = renamed(source.usersource);
        Saml.metadata(&seen(source, &usersource))
    }

    async fn log_out(&self, source: &Source<'_>, answer: &Answer) -> Result<LogOut, Denied> {
        let usersource = renamed(source.usersource);
        Saml.log_out(&seen(source, &usersource), answer).await
    }
}

impl Authenticator for OneLogin {
    fn slug(&self) -> &'static str {
        "onelogin"
    }

    fn label(&self) -> &'static str {
        "OneLogin"
    }

    fn summary(&self) -> &'static str {
        "SAML 2.0 single sign-on with OneLogin, under OneLogin's own names."
    }

    fn capabilities(&self) -> Capabilities {
        saml::capabilities()
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[SETTINGS, saml::COMMON, TRUST, INSECURE]
    }

    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        saml::outputs(base_url, id)
    }

    fn check(&self, fields: &Fields) -> Vec<Fault> {
        saml::check(fields)
    }

    fn check_input(&self, input: &BTreeMap<Field, Option<Input>>, existing: &Fields) -> Vec<Fault> {
        saml::signing_keys::check_input(input, existing)
    }

    fn made_at_install(&self) -> Result<BTreeMap<Field, Input>, VaultError> {
        saml::signing_keys::made_at_install()
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Redirect(&Self)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        serde_json::json!({"title": "OneLogin", "settings": {
            "issuer_url": "https://app.onelogin.com/saml/metadata/1",
            "saml_endpoint": "https://example.onelogin.com/trust/saml2/http-post/sso/1",
            "slo_endpoint": "https://example.onelogin.com/trust/saml2/http-redirect/slo/1",
            "certificate": super::sample_keys::CERTIFICATE_2031,
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticators::{Kinds, conformance::sample_fields};
    use domain::{Audience, Catalogue as _};

    #[test]
    fn a_complete_onelogin_is_a_complete_saml_under_other_names() {
        let fields = sample_fields(&OneLogin, Audience::Agents);
        assert_eq!(Kinds.incomplete("saml", Audience::Agents, &as_saml(&fields)), []);
        assert_eq!(fields.iter().count(), as_saml(&fields).iter().count());
    }
}
