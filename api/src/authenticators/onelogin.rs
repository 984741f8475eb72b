//! `onelogin`: SAML under the names that OneLogin's own pages use.

use super::every::{INSECURE, TRUST};
use super::{Authenticator, FieldSpec, FieldType, Output, SignIn, saml};
use domain::{Capabilities, Field, Fields, UsersourceId};

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

    fn sign_in(&self) -> SignIn {
        SignIn::Later
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
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
