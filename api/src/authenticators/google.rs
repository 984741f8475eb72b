//! `google`: OpenID Connect at Google's issuer.
//!
//! Spec: Google's OpenID Connect, `hd`: that it was asked for proves nothing, so the claim is checked.

use super::every::INSECURE;
use super::openid::{self, Provider};
use super::{Authenticator, FieldSpec, FieldType, Output, RedirectSignIn, SignIn, Unset};
use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, Source, Trace};
use async_trait::async_trait;
use domain::{Capabilities, Display, Fields, Silent, UsersourceId};
use serde_json::Value;

/// Google itself.
const GOOGLE: &str = "https://accounts.google.com";

/// The kind.
pub(super) struct Google;

const HOSTED_DOMAIN: &str = "settings.hosted_domain";

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.client_id",
        "Client id",
        FieldType::Text(512),
        "From the Google Cloud console, Credentials, OAuth 2.0 client of the type web application.",
    )
    .required(),
    FieldSpec::new(
        "settings.client_secret",
        "Client secret",
        FieldType::Secret(1, 4096),
        "The secret that Google gave with the client id.",
    )
    .goes_to(&["settings.issuer"])
    .required(),
    FieldSpec::new(
        HOSTED_DOMAIN,
        "Hosted domain",
        FieldType::Domain,
        "If it is set, only people of this Google Workspace domain get in. The claim `hd` is checked, not only asked for.",
    ),
    FieldSpec::new(
        "settings.issuer",
        "Issuer",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for Google.",
    )
    .unset_is(Unset::Text(GOOGLE)),
];

impl Authenticator for Google {
    fn slug(&self) -> &'static str {
        "google"
    }

    fn label(&self) -> &'static str {
        "Google"
    }

    fn summary(&self) -> &'static str {
        "Sign-in with a Google account, or with one Google Workspace domain alone."
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { display: Display::Icon, sso: false, silent: Silent::Never, built_in: false }
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[SETTINGS, INSECURE]
    }

    fn admits_anyone(&self, fields: &Fields) -> bool {
        fields.text(HOSTED_DOMAIN).is_none()
    }

    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        Output::callback(base_url, id)
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Redirect(&Google)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        serde_json::json!({"title": "Google", "settings": {
            "client_id": "1.apps.googleusercontent.com", "client_secret": "sample-secret", "hosted_domain": "example.com",
        }})
    }
}

fn provider<'a>(source: &'a Source<'a>) -> Provider<'a> {
    Provider {
        source,
        issuer: source.text("issuer").unwrap_or(GOOGLE),
        scopes: vec!["openid", "email", "profile"],
        hosted_domain: source.text("hosted_domain"),
        email_domains: &[],
        // Google knows no `prompt=login`; what it says of the time of the sign-in is checked as anywhere.
        ask_again: "select_account",
    }
}

#[async_trait]
impl RedirectSignIn for Google {
    async fn begin(&self, source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        provider(source).begin(wish, trace).await
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
        provider(source).finish(memory, answer, trace).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Field, Setting};

    #[test]
    fn r31_without_a_hosted_domain_anybody_may_get_in() {
        assert!(Google.admits_anyone(&Fields::default()));
        let fields = Fields::from_iter([(Field::new(HOSTED_DOMAIN), Setting::text("example.com"))]);
        assert!(!Google.admits_anyone(&fields));
    }
}
