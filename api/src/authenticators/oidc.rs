//! `oidc`: OpenID Connect, authorisation code flow with PKCE.
//!
//! The protocol is in `openid`; this is what an admin sets.

use super::every::{EMAIL_DOMAINS, INSECURE, has_items, invalid};
use super::openid::{self, Provider, issuer_fault};
use super::{Authenticator, FieldSpec, FieldType, Output, RedirectSignIn, SignIn, Unset};
use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, ProviderSession, Source, Trace};
use async_trait::async_trait;
use domain::{Capabilities, Display, Fault, Fields, Silent, UsersourceId};
use serde_json::Value;
use url::Url;

/// What is asked for where nothing is set.
const USUAL_SCOPES: &[&str] = &["openid", "email", "profile"];

/// The kind.
pub(super) struct Oidc;

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.issuer",
        "Issuer",
        FieldType::Url,
        "The provider's issuer URL, exactly as it writes it; everything else is discovered from there. \
         Okta: https://ORG.okta.com or https://ORG.okta.com/oauth2/default. \
         Entra: https://login.microsoftonline.com/TENANT-ID/v2.0. Auth0: https://TENANT.auth0.com/ with its slash.",
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
    .goes_to(&["settings.issuer"])
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
    .unset_is(Unset::List(USUAL_SCOPES)),
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
        if let Some(fault) = fields.text("settings.issuer").and_then(issuer_fault) {
            faults.push(invalid("settings.issuer", fault));
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
        SignIn::Redirect(&Oidc)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        serde_json::json!({"title": "Okta", "button_text": "Okta", "settings": {
            "issuer": "https://example.okta.com", "client_id": "0oa1", "private_key": super::sample_keys::private_key(),
            "key_id": "2026", "scopes": ["openid", "email"], "email_domains": ["example.com"],
        }})
    }
}

fn provider<'a>(source: &'a Source<'a>) -> Result<Provider<'a>, Denied> {
    let scopes = source.list("scopes").iter().map(String::as_str).collect::<Vec<_>>();
    Ok(Provider {
        source,
        issuer: source.needed("issuer")?,
        scopes: if scopes.is_empty() { USUAL_SCOPES.to_vec() } else { scopes },
        hosted_domain: None,
        email_domains: source.list("email_domains"),
        ask_again: "login",
    })
}

#[async_trait]
impl RedirectSignIn for Oidc {
    async fn begin(&self, source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        provider(source)?.begin(wish, trace).await
    }

    fn attempt(&self, answer: &Answer) -> Option<String> {
        openid::attempt(answer)
    }

    async fn finish(
        &self,
        source: &Source<'_>,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<Arrival, Denied> {
        provider(source)?.finish(memory, answer, trace).await
    }

    async fn sign_out(&self, source: &Source<'_>, session: &ProviderSession) -> Result<Option<Url>, Denied> {
        provider(source)?.sign_out(session).await
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
