//! Signing in at an OpenID provider: what the kinds that speak OpenID Connect have in common.
//!
//! Spec: OpenID Connect Core 1.0, 3.1 (code flow); RFC 7636 (PKCE, S256 alone); RFC 9207 (who answers); RFC 9700.
//! Stops: a code of somebody else that is brought into this browser (`state`, nonce and verifier lie in the cookie of the
//! browser that began); another provider that answers in this one's place (mix-up).

mod client;
mod discovery;
mod id_token;
mod log_out;
mod person;

#[cfg(test)]
mod fault_tests;
#[cfg(test)]
pub(super) mod peer;
#[cfg(test)]
mod peer_tests;
#[cfg(test)]
mod rogue;

pub(super) use discovery::issuer_fault;

use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, Reason, Source, Trace};
use discovery::Discovery;
use oauth2::basic::BasicClient;
use oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// One provider, and the usersource that trusts it.
pub(super) struct Provider<'a> {
    /// The usersource.
    pub(super) source: &'a Source<'a>,
    /// The provider's name, exactly.
    pub(super) issuer: &'a str,
    /// What is asked for; openid is asked for in any case.
    pub(super) scopes: Vec<&'a str>,
    /// The one Google Workspace domain whose people get in.
    pub(super) hosted_domain: Option<&'a str>,
    /// The domains whose people get in, with a verified address; all if there is none.
    pub(super) email_domains: &'a [String],
    /// What tells the provider to ask again, whatever it remembers.
    pub(super) ask_again: &'static str,
}

/// What the end needs of the beginning.
#[derive(Serialize, Deserialize)]
struct Memory {
    nonce: String,
    verifier: String,
    /// When the provider was told to ask again, in milliseconds, if it was.
    asked: Option<i64>,
}

/// What the provider says instead of a code when it would have had to show something (Core, 3.1.2.6).
const NOT_SILENT: [&str; 4] =
    ["login_required", "interaction_required", "consent_required", "account_selection_required"];

impl Provider<'_> {
    /// Sends the browser to the provider.
    pub(super) async fn begin(&self, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        let discovery = self.discover(trace).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let nonce = CsrfToken::new_random_len(32).into_secret();
        let redirect = RedirectUrl::new(self.source.callback_url());
        let redirect = redirect.map_err(|_| Denied::new(Reason::Misconfigured, "our callback URL is no URL"))?;
        let client = BasicClient::new(ClientId::new(self.source.needed("client_id")?.to_owned()))
            .set_auth_uri(AuthUrl::from_url(discovery.authorization_endpoint.clone()))
            .set_redirect_uri(redirect);
        let scopes = self.scopes();
        let mut request = client
            .authorize_url(|| CsrfToken::new(wish.attempt.clone()))
            .add_scopes(scopes.iter().map(|scope| Scope::new((*scope).to_owned())))
            .set_pkce_challenge(challenge)
            .add_extra_param("nonce", &nonce);
        let wishes = self.wishes(wish);
        for (name, value) in &wishes {
            request = request.add_extra_param(*name, value.clone());
        }
        let (to, _) = request.url();
        trace.note("the browser is sent to the provider", || {
            json!({"page": discovery.authorization_endpoint, "client_id": client.client_id().as_str(), "scopes": scopes,
                   "redirect_uri": self.source.callback_url(), "wishes": wishes})
        });
        let memory = Memory {
            nonce,
            verifier: verifier.into_secret(),
            asked: wish.ask_again.then_some(self.source.now.millis()),
        };
        Ok(Departure { to, post: Vec::new(), memory: json!(memory) })
    }

    /// Reads what the provider sent back with the browser, and asks it who came.
    pub(super) async fn finish(
        &self,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<Arrival, Denied> {
        let arrival = self.arrival(memory, answer, trace).await;
        if let Err(denied) = &arrival {
            trace
                .failed("the sign-in was refused", || json!({"reason": denied.reason.as_str(), "cause": denied.cause}));
        }
        arrival
    }

    async fn arrival(&self, memory: Option<&Value>, answer: &Answer, trace: &mut Trace) -> Result<Arrival, Denied> {
        let memory = memory.and_then(|memory| Memory::deserialize(memory).ok());
        let memory = memory.ok_or_else(|| Denied::new(Reason::Invalid, "nobody here asked for this answer"))?;
        let discovery = self.discover(trace).await?;
        trace.note("the provider sent the browser back", || {
            json!({"iss": answer.query("iss"), "error": answer.query("error"), "code": answer.query("code").is_some()})
        });
        let code = code_of(answer, &discovery)?;
        let tokens = self.redeem(&discovery, code, PkceCodeVerifier::new(memory.verifier), trace).await?;
        let claims = self.verify(&discovery, &tokens, &memory.nonce, trace).await?;
        let asked_again_at = match memory.asked {
            Some(asked) => id_token::asked_again_at(&claims, asked)?,
            None => None,
        };
        let session = log_out::session_of(&claims, tokens.id_token(), &discovery);
        let person = self.person(&discovery, claims, &tokens, trace).await?;
        Ok(Arrival { person, asked_again_at, once: Vec::new(), session })
    }

    async fn discover(&self, trace: &mut Trace) -> Result<Arc<Discovery>, Denied> {
        let found = discovery::of(self.source, self.issuer).await;
        match &found {
            Ok(discovery) => trace.note("the provider's discovery document is known", || json!(**discovery)),
            Err(denied) => trace.failed("the provider's discovery document", || json!({"cause": denied.cause})),
        }
        found
    }

    fn scopes(&self) -> Vec<&str> {
        let others = self.scopes.iter().copied().filter(|scope| *scope != "openid");
        std::iter::once("openid").chain(others).collect()
    }

    fn wishes(&self, wish: &Begin) -> Vec<(&'static str, Cow<'_, str>)> {
        let mut wishes = Vec::new();
        if wish.silent {
            wishes.push(("prompt", "none".into()));
        } else if wish.ask_again {
            wishes.push(("prompt", self.ask_again.into()));
        }
        if wish.ask_again {
            wishes.push(("max_age", "0".into()));
        }
        wishes.extend(self.hosted_domain.map(|domain| ("hd", domain.into())));
        wishes
    }
}

/// The attempt that an answer names.
pub(super) fn attempt(answer: &Answer) -> Option<String> {
    answer.query("state").filter(|state| !state.is_empty()).map(str::to_owned)
}

/// The code, or why there is none. Who answers is judged first: what another provider says is nothing to us (RFC 9207).
fn code_of<'a>(answer: &'a Answer, discovery: &Discovery) -> Result<&'a str, Denied> {
    let mixed_up = |cause: &str| Err(Denied::new(Reason::Invalid, cause));
    let named = answer.query.iter().any(|(name, _)| name == "iss");
    match answer.query("iss") {
        Some(issuer) if issuer != discovery.issuer => return mixed_up("another provider answered"),
        None if named => return mixed_up("the answer names its provider more than once"),
        _ => {}
    }
    if let Some(error) = answer.query("error") {
        return Err(refusal(error));
    }
    if !named && discovery.says_who_answers {
        return mixed_up("the answer does not name its provider, though the provider promises that its answers do");
    }
    let code = answer.query("code").filter(|code| !code.is_empty());
    code.ok_or_else(|| Denied::new(Reason::Invalid, "the provider sent no code"))
}

/// RFC 6749 §4.1.2.1; OpenID Connect Core, 3.1.2.6. What is no code that is known is not repeated.
fn refusal(error: &str) -> Denied {
    let reason = match error {
        "access_denied" => Reason::Cancelled,
        error if NOT_SILENT.contains(&error) => Reason::NotSilent,
        "server_error" | "temporarily_unavailable" => Reason::Unreachable,
        "invalid_request" | "unauthorized_client" | "unsupported_response_type" | "invalid_scope" => {
            Reason::Misconfigured
        }
        _ => return Denied::new(Reason::Invalid, "the provider answered with an error that is not known"),
    };
    Denied::new(reason, format!("the provider answered {error}"))
}
