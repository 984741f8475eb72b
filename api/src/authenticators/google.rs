//! `google`: OpenID Connect at Google's issuer.

use super::every::INSECURE;
use super::{Authenticator, FieldSpec, FieldType, Output, SignIn, Unset};
use domain::{Capabilities, Display, Fields, Silent, UsersourceId};

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
    .unset_is(Unset::Text("https://accounts.google.com")),
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
        SignIn::Later
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "Google", "settings": {
            "client_id": "1.apps.googleusercontent.com", "client_secret": "sample-secret", "hosted_domain": "example.com",
        }})
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
