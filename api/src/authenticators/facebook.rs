//! `facebook`: OAuth 2.0 and the Graph API's `/me`. Its addresses never match an account (R30).
//!
//! Spec: Meta's "Manually Build a Login Flow", "OIDC Code Flow with PKCE" and "Securing Graph API Requests".
//! Stops: a token of another app, which the Graph API refuses because `appsecret_proof` is an HMAC under this app's
//! secret. So `debug_token` is not asked: Meta recommends it where a token comes by way of the browser, and here it comes
//! from Meta itself, for a code that this app's secret redeemed; and its request would carry the token in its URL.

use super::every::INSECURE;
use super::oauth::{self, Provider, address, issuer, subject};
use super::{
    Answer, Arrival, Authenticator, Begin, Denied, Departure, FieldSpec, FieldType, Output, Person, Reason,
    RedirectSignIn, SignIn, Source, Trace, Unset,
};
use crate::sign_in::ClaimedEmail;
use async_trait::async_trait;
use aws_lc_rs::hmac;
use domain::chain::hex;
use domain::{Capabilities, Display, Fields, Silent, UsersourceId};
use oauth2::{AccessToken, AuthType};
use serde_json::{Value, json};
use url::Url;

/// The kind.
pub(super) struct Facebook;

/// The Graph API's version. When Meta ends one, it answers such calls with the oldest that is left.
const VERSION: &str = "v24.0";
const LOGIN_HOST: &str = "https://www.facebook.com";
const GRAPH_HOST: &str = "https://graph.facebook.com";

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
    .goes_to(&["settings.graph_host"])
    .required(),
    FieldSpec::new(
        "settings.login_host",
        "Login host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for Facebook.",
    )
    .unset_is(Unset::Text(LOGIN_HOST)),
    FieldSpec::new(
        "settings.graph_host",
        "Graph API host",
        FieldType::Url,
        "Leave it out, unless a proxy or a test stands in for Facebook.",
    )
    .unset_is(Unset::Text(GRAPH_HOST)),
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
        SignIn::Redirect(&Facebook)
    }

    #[cfg(test)]
    fn sample(&self) -> Value {
        json!({"title": "Facebook", "settings": {"client_id": "123", "client_secret": "sample-secret"}})
    }
}

#[async_trait]
impl RedirectSignIn for Facebook {
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
        let facebook = provider(source)?;
        let token = facebook.token(memory, answer, trace).await?;
        let claims = facebook.ask(profile(source, &token)?, &token, trace).await?;
        trace.note("Facebook said who is there", || json!({"claims": claims}));
        let subject = subject(&claims, "id").ok_or_else(|| Denied::new(Reason::Invalid, "Facebook gave no id"))?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let person = Person {
            issuer: issuer(&facebook.token),
            subject,
            // Facebook does not say whether it verified the address (R30).
            email: text("email").and_then(|address| ClaimedEmail::by_claim(address, false)),
            name: text("name").map(str::to_owned),
            claims,
        };
        Ok(Arrival { person, asked_again_at: None, once: Vec::new(), session: None })
    }
}

fn provider<'a>(source: &'a Source<'a>) -> Result<Provider<'a>, Denied> {
    Ok(Provider {
        name: "Facebook",
        source,
        authorize: address(source, "login_host", LOGIN_HOST, &format!("/{VERSION}/dialog/oauth"))?,
        token: address(source, "graph_host", GRAPH_HOST, &format!("/{VERSION}/oauth/access_token"))?,
        scopes: &["public_profile", "email"],
        auth: AuthType::RequestBody,
        refusal,
    })
}

/// The address of `/me`, with the proof that it is this app that asks.
fn profile(source: &Source<'_>, token: &AccessToken) -> Result<Url, Denied> {
    let secret = source.secret("client_secret")?.unwrap_or_default();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let proof = hex(hmac::sign(&key, token.secret().as_bytes()).as_ref());
    let mut url = address(source, "graph_host", GRAPH_HOST, &format!("/{VERSION}/me"))?;
    url.query_pairs_mut().append_pair("fields", "id,name,email").append_pair("appsecret_proof", &proof);
    Ok(url)
}

/// The Graph API's own form of an error, told by its numbers.
fn refusal(body: &[u8]) -> Option<Denied> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let error = answer.get("error")?;
    let number = |name: &str| error.get(name).and_then(Value::as_i64);
    let code = number("code")?;
    let reason = match code {
        // The app's id or secret is wrong, or the app may not do this.
        1 | 3 | 10 | 101 | 200 => Reason::Misconfigured,
        // Out of order, or asked too often.
        2 | 4 | 17 | 32 | 341 | 613 => Reason::Unreachable,
        _ => Reason::Invalid,
    };
    let subcode = number("error_subcode").map(|subcode| format!(", {subcode}")).unwrap_or_default();
    Some(Denied::new(reason, format!("Facebook refused with error {code}{subcode}")))
}

#[cfg(test)]
#[path = "facebook_tests.rs"]
mod tests;
