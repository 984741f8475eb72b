//! `twitter`: X's OAuth 2.0 with PKCE and `/2/users/me`. No address comes, so none matches an account (R30).

use super::every::INSECURE;
use super::{Authenticator, FieldSpec, FieldType, Output, SignIn, Unset};
use domain::{Capabilities, Display, Fields, Silent, UsersourceId};

/// The kind.
pub(super) struct Twitter;

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.client_id",
        "Client id",
        FieldType::Text(512),
        "From X's developer portal, Keys and tokens, OAuth 2.0 client.",
    )
    .required(),
    FieldSpec::new(
        "settings.client_secret",
        "Client secret",
        FieldType::Secret(1, 4096),
        "From the same page; the app's type is web app.",
    )
    .required(),
    FieldSpec::new(
        "settings.login_host",
        "Login host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for X.",
    )
    .unset_is(Unset::Text("https://x.com")),
    FieldSpec::new(
        "settings.api_host",
        "API host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for X.",
    )
    .unset_is(Unset::Text("https://api.x.com")),
];

impl Authenticator for Twitter {
    fn slug(&self) -> &'static str {
        "twitter"
    }

    fn label(&self) -> &'static str {
        "X (Twitter)"
    }

    fn summary(&self) -> &'static str {
        "Sign-in with an account at X."
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { display: Display::Icon, sso: false, silent: Silent::Never, built_in: false }
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[SETTINGS, INSECURE]
    }

    fn admits_anyone(&self, _: &Fields) -> bool {
        true
    }

    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        Output::callback(base_url, id)
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Later
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "X", "settings": {"client_id": "abc", "client_secret": "sample-secret"}})
    }
}
