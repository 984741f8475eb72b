//! `twitter`: X's OAuth 2.0 with PKCE and `/2/users/me`. No address comes, so none matches an account (R30).
//!
//! Spec: X's "OAuth 2.0 Authorization Code Flow with PKCE" for confidential clients, and "GET /2/users/me".
//! Stops: taking people for each other by their user name, which may change hands; the id never does.

use super::every::INSECURE;
use super::oauth::{self, Provider, address, issuer, subject};
use super::{
    Answer, Arrival, Authenticator, Begin, Denied, Departure, FieldSpec, FieldType, Output, Person, Reason,
    RedirectSignIn, SignIn, Source, Trace, Unset,
};
use async_trait::async_trait;
use domain::{Capabilities, Display, Fields, Silent, UsersourceId};
use oauth2::AuthType;
use serde_json::{Value, json};

/// The kind.
pub(super) struct Twitter;

const LOGIN_HOST: &str = "https://x.com";
const API_HOST: &str = "https://api.x.com";

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
    .goes_to(&["settings.api_host"])
    .required(),
    FieldSpec::new(
        "settings.login_host",
        "Login host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for X.",
    )
    .unset_is(Unset::Text(LOGIN_HOST)),
    FieldSpec::new(
        "settings.api_host",
        "API host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for X.",
    )
    .unset_is(Unset::Text(API_HOST)),
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
        SignIn::Redirect(&Twitter)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!({"title": "X", "settings": {"client_id": "abc", "client_secret": "sample-secret"}})
    }
}

#[async_trait]
impl RedirectSignIn for Twitter {
    async fn begin(&self, source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        provider(source)?.begin(wish, trace)
    }

    fn attempt(&self, answer: &Answer) -> Option<String> {
        oauth::attempt(answer)
    }

    async fn finish(
        &self,
        source: &Source<'_>,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<Arrival, Denied> {
        let x = provider(source)?;
        let token = x.token(memory, answer, trace).await?;
        let mut said = x.ask(address(source, "api_host", API_HOST, "/2/users/me")?, &token, trace).await?;
        let Some(Value::Object(claims)) = said.remove("data") else {
            return Err(Denied::new(Reason::Invalid, "X did not say who is there"));
        };
        trace.note("X said who is there", || json!({"claims": claims}));
        let subject = subject(&claims, "id").ok_or_else(|| Denied::new(Reason::Invalid, "X gave no id"))?;
        let name = claims.get("name").and_then(Value::as_str).map(str::to_owned);
        let person = Person { issuer: issuer(&x.token), subject, email: None, name, claims };
        Ok(Arrival { person, asked_again_at: None, once: Vec::new(), session: None })
    }
}

fn provider<'a>(source: &'a Source<'a>) -> Result<Provider<'a>, Denied> {
    Ok(Provider {
        name: "X",
        source,
        authorize: address(source, "login_host", LOGIN_HOST, "/i/oauth2/authorize")?,
        token: address(source, "api_host", API_HOST, "/2/oauth2/token")?,
        // X answers /2/users/me only to both.
        scopes: &["users.read", "tweet.read"],
        auth: AuthType::BasicAuth,
        refusal: |_| None,
    })
}

#[cfg(test)]
#[path = "twitter_tests.rs"]
mod tests;
