//! `oidc`: OpenID Connect, authorisation code flow with PKCE.

use super::every::{EMAIL_DOMAINS, INSECURE, has_items, invalid};
use super::{Authenticator, FieldSpec, FieldType, Output, SignIn, Unset};
use domain::{Capabilities, Display, Fault, Fields, Silent, UsersourceId};

/// The kind.
pub(super) struct Oidc;

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.issuer",
        "Issuer",
        FieldType::Url,
        "The provider's issuer URL, exactly as it writes it; everything else is discovered from there.",
    )
    .required()
    .elsewhere("Zendesk: Issuer URL"),
    FieldSpec::new(
        "settings.client_id",
        "Client id",
        FieldType::Text(512),
        "The id that the provider gave this helpdesk.",
    )
    .required()
    .elsewhere("Zendesk: Client ID"),
    FieldSpec::new(
        "settings.client_secret",
        "Client secret",
        FieldType::Secret(1, 4096),
        "The secret that the provider gave with the id. Leave it out for a public client, or where a private key is used.",
    )
    .elsewhere("Zendesk: Client secret"),
    FieldSpec::new(
        "settings.private_key",
        "Private key",
        FieldType::PrivateKey,
        "Signs our requests for tokens (private_key_jwt), instead of a client secret.",
    ),
    FieldSpec::new(
        "settings.key_id",
        "Key id",
        FieldType::Text(256),
        "The `kid` under which the provider knows the private key.",
    ),
    FieldSpec::new(
        "settings.scopes",
        "Scopes",
        FieldType::List(&FieldType::Text(100), 20),
        "What we ask for; openid is always among them.",
    )
    .unset_is(Unset::List(&["openid", "email", "profile"])),
    FieldSpec::new(
        EMAIL_DOMAINS,
        "E-mail domains",
        FieldType::List(&FieldType::Domain, 50),
        "If it is set, only people with a verified address in one of these domains get in.",
    ),
];

impl Authenticator for Oidc {
    fn slug(&self) -> &'static str {
        "oidc"
    }

    fn label(&self) -> &'static str {
        "OpenID Connect"
    }

    fn summary(&self) -> &'static str {
        "OpenID Connect single sign-on with Okta, Entra, Auth0, Keycloak and others."
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { display: Display::Button, sso: true, silent: Silent::Always, built_in: false }
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[SETTINGS, INSECURE]
    }

    fn check(&self, fields: &Fields) -> Vec<Fault> {
        let mut faults = Vec::new();
        if fields.text("settings.issuer").is_some_and(|issuer| issuer.contains('?')) {
            faults.push(invalid("settings.issuer", "an issuer has no part after ?"));
        }
        if fields.setting("private_key").is_some() && fields.setting("client_secret").is_some() {
            faults.push(invalid("settings.private_key", "give client_secret or private_key, not both; clear one"));
        }
        faults
    }

    fn admits_anyone(&self, fields: &Fields) -> bool {
        !has_items(fields, EMAIL_DOMAINS)
    }

    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        let mut outputs = Output::callback(base_url, id);
        outputs.push(Output {
            name: "post_logout_redirect_url",
            label: "Post-logout redirect URL",
            value: format!("{}/signed-out", base_url.trim_end_matches('/')),
        });
        outputs
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Later
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "Okta", "button_text": "Okta", "settings": {
            "issuer": "https://example.okta.com", "client_id": "0oa1", "private_key": super::sample_keys::private_key(),
            "key_id": "2026", "scopes": ["openid", "email"], "email_domains": ["example.com"],
        }})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticators::conformance::sample_fields;
    use domain::{Audience, Field, Plain, Setting};

    #[test]
    fn r31_without_named_domains_anybody_may_get_in() {
        let mut fields = sample_fields(&Oidc, Audience::Agents);
        assert!(!Oidc.admits_anyone(&fields));
        fields.set(Field::new(EMAIL_DOMAINS), Some(Setting::Plain(Plain::List(Vec::new()))));
        assert!(Oidc.admits_anyone(&fields));
        fields.set(Field::new(EMAIL_DOMAINS), None);
        assert!(Oidc.admits_anyone(&fields));
    }

    #[test]
    fn a_client_proves_itself_in_one_way_and_an_issuer_has_no_query() {
        let mut fields = sample_fields(&Oidc, Audience::Agents);
        let key = fields.setting("private_key").cloned();
        fields.set(Field::setting("client_secret"), key);
        assert_eq!(Oidc.check(&fields).len(), 1);
        fields.set(Field::setting("issuer"), Some(Setting::text("https://example.okta.com/?x")));
        assert_eq!(Oidc.check(&fields).len(), 2);
    }
}
