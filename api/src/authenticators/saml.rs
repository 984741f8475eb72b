//! `saml`: SAML 2.0 web single sign-on; we are the service provider.

use super::every::{INSECURE, TRUST, check_trust, invalid};
use super::{Authenticator, FieldSpec, FieldType, Output, SignIn, Unset};
use domain::{Capabilities, Display, Fault, Field, Fields, Silent, UsersourceId};

/// The kind.
pub(super) struct Saml;

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.sso_url",
        "Single sign-on URL",
        FieldType::Url,
        "Where the browser is sent to sign in: the provider's SAML 2.0 endpoint.",
    )
    .required()
    .elsewhere("Zendesk: SAML SSO URL"),
    FieldSpec::new(
        "settings.slo_url",
        "Single log-out URL",
        FieldType::Url,
        "Where the browser is sent to sign out at the provider too.",
    )
    .elsewhere("Zendesk: Remote logout URL"),
    FieldSpec::new(
        "settings.idp_entity_id",
        "Provider's entity id",
        FieldType::Text(1024),
        "The provider's own name. A response from any other issuer is refused.",
    )
    .required(),
    FieldSpec::new(
        "settings.metadata",
        "Provider's metadata",
        FieldType::Xml(200_000),
        "The provider's metadata document. It fills in the URLs, the entity id and the certificates.",
    ),
    FieldSpec::new(
        "settings.metadata_url",
        "Provider's metadata URL",
        FieldType::Url,
        "Where the provider publishes its metadata. It is read again every day, so that a new certificate arrives by itself.",
    ),
    FieldSpec::new(
        "settings.certificates",
        "Signing certificates",
        FieldType::Certificates,
        "The certificates that the provider signs with, as PEM. Give the old and the new one during a roll-over. \
         A fingerprint is not enough.",
    )
    .required()
    .elsewhere("Zendesk: Certificate fingerprint (there only a fingerprint; here the whole certificate)"),
];

/// What `saml` and its presets have in common.
pub(super) const COMMON: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.want",
        "What must be signed",
        FieldType::Choice(&["assertion", "response", "either"]),
        "The part of the answer that the provider has to sign.",
    )
    .unset_is(Unset::Text("assertion")),
    FieldSpec::new(
        "settings.sign_requests",
        "Sign requests",
        FieldType::Flag,
        "Signs what we send to the provider, with a key pair of this usersource.",
    )
    .unset_is(Unset::Flag(false)),
    FieldSpec::new(
        "settings.allow_sha1",
        "Allow SHA-1",
        FieldType::Flag,
        "Takes signatures made with SHA-1, for old providers.",
    )
    .unset_is(Unset::Flag(false))
    .risky(&[], "sha1_allowed", "A signature over SHA-1 can be forged with effort; ask the provider for SHA-256."),
    FieldSpec::new(
        "settings.passive",
        "Silent attempts",
        FieldType::Flag,
        "Under background single sign-on, asks the provider once whether the visitor is signed in there already (IsPassive).",
    )
    .unset_is(Unset::Flag(false)),
    FieldSpec::new(
        "settings.allow_idp_initiated",
        "Allow sign-ins that the provider begins",
        FieldType::Flag,
        "Takes answers to which we sent no request, such as a click on a tile in the provider's portal.",
    )
    .unset_is(Unset::Flag(false))
    .risky(&[], "idp_initiated_allowed", "An answer without a request can be slipped to another person's browser."),
    FieldSpec::new(
        "settings.name_id_format",
        "Form of the name id",
        FieldType::Choice(&["unspecified", "persistent", "email_address"]),
        "What we ask the provider to identify a person by. A transient name id identifies nobody and is refused.",
    )
    .unset_is(Unset::Text("unspecified")),
    FieldSpec::new(
        "settings.email_attribute",
        "Attribute for the e-mail address",
        FieldType::Text(256),
        "Leave it out for the names that Okta, Entra, AD FS and Google Workspace use.",
    ),
    FieldSpec::new(
        "settings.name_attribute",
        "Attribute for the name",
        FieldType::Text(256),
        "Leave it out for the usual names, or where first and last name come apart.",
    ),
    FieldSpec::new(
        "settings.first_name_attribute",
        "Attribute for the first name",
        FieldType::Text(256),
        "Leave it out for the usual names.",
    ),
    FieldSpec::new(
        "settings.last_name_attribute",
        "Attribute for the last name",
        FieldType::Text(256),
        "Leave it out for the usual names.",
    ),
];

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
        let mut faults = check_trust(fields);
        if fields.setting("metadata").is_some() && fields.setting("metadata_url").is_some() {
            faults.push(invalid("settings.metadata", "give the metadata document or its URL, not both"));
        }
        faults
    }

    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        outputs(base_url, id)
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Later
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "Staff", "button_text": "Staff intranet", "settings": {
            "sso_url": "https://idp.example/sso", "slo_url": "https://idp.example/slo",
            "idp_entity_id": "https://idp.example/metadata", "metadata_url": "https://idp.example/metadata.xml",
            "certificates": super::sample_keys::CERTIFICATE, "want": "either", "sign_requests": true, "passive": true,
            "trust_email": true, "email_domains": ["example.com"], "name_id_format": "persistent",
            "email_attribute": "mail",
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Setting;

    #[test]
    fn metadata_comes_from_one_place() {
        let mut fields = Fields::from_iter([(Field::setting("metadata"), Setting::text("<x/>"))]);
        assert_eq!(Saml.check(&fields), []);
        fields.set(Field::setting("metadata_url"), Some(Setting::text("https://idp.example/m")));
        assert_eq!(Saml.check(&fields).len(), 1);
    }

    #[test]
    fn r3_the_other_side_is_told_urls_made_from_base_and_id() {
        let told: Vec<_> =
            outputs("https://help.example/", &"us_1".into()).into_iter().map(|o| (o.name, o.value)).collect();
        let expected = [
            ("acs_url", "https://help.example/auth/us_1/callback"),
            ("entity_id", "https://help.example/auth/us_1/metadata"),
            ("metadata_url", "https://help.example/auth/us_1/metadata"),
            ("slo_url", "https://help.example/auth/us_1/logout"),
        ];
        assert_eq!(told, expected.map(|(name, value)| (name, value.to_owned())));
    }
}
