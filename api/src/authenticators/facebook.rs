//! `facebook`: OAuth 2.0 and the Graph API's `/me`. Its addresses never match an account (R30).

use super::every::INSECURE;
use super::{Authenticator, FieldSpec, FieldType, Output, SignIn, Unset};
use domain::{Capabilities, Display, Fields, Silent, UsersourceId};

/// The kind.
pub(super) struct Facebook;

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.client_id",
        "App id",
        FieldType::Text(512),
        "From Meta's app dashboard, App settings, Basic.",
    )
    .required(),
    FieldSpec::new(
        "settings.client_secret",
        "App secret",
        FieldType::Secret(1, 4096),
        "From the same page. It also proves each call to the Graph API.",
    )
    .required(),
    FieldSpec::new(
        "settings.login_host",
        "Login host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for Facebook.",
    )
    .unset_is(Unset::Text("https://www.facebook.com")),
    FieldSpec::new(
        "settings.graph_host",
        "Graph API host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for Facebook.",
    )
    .unset_is(Unset::Text("https://graph.facebook.com")),
];

impl Authenticator for Facebook {
    fn slug(&self) -> &'static str {
        "facebook"
    }

    fn label(&self) -> &'static str {
        "Facebook"
    }

    fn summary(&self) -> &'static str {
        "Sign-in with a Facebook account."
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
        serde_json::json!({"title": "Facebook", "settings": {"client_id": "123", "client_secret": "sample-secret"}})
    }
}
