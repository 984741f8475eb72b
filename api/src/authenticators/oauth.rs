//! The OAuth 2.0 code flow of the kinds whose providers are no OpenID providers.
//!
//! Spec: RFC 6749 §4.1 and §5.2, RFC 7636 (PKCE, S256 alone), RFC 6750 §2.1 (a token travels in a header), RFC 9700 §2.1.
//! Stops: a code of somebody else that is brought into this browser (the verifier lies in the cookie of the browser that
//! began, and `state` names that beginning); a secret or a token in a URL, a trace or a cause: of what a provider says
//! about a refusal, only words that can be codes are told.

use crate::outbound::OutboundError;
use crate::sign_in::{Answer, Begin, Denied, Departure, Reason, Source, Trace};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use oauth2::basic::{BasicClient, BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AccessToken, AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken,
    EndpointNotSet, EndpointSet, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    TokenResponse as _, TokenUrl,
};
use serde_json::{Map, Value, json};
use url::Url;

/// One provider, and the usersource that asks it.
pub(super) struct Provider<'a> {
    /// What people call it.
    pub(super) name: &'static str,
    /// The usersource.
    pub(super) source: &'a Source<'a>,
    /// Its page for people.
    pub(super) authorize: Url,
    /// Where a code becomes a token.
    pub(super) token: Url,
    /// What we ask to see.
    pub(super) scopes: &'static [&'static str],
    /// How we prove who we are.
    pub(super) auth: AuthType,
    /// Reads the provider's own form of an error, if it has one.
    pub(super) refusal: fn(&[u8]) -> Option<Denied>,
}

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;
type TokenError = RequestTokenError<OutboundError, BasicErrorResponse>;

impl Provider<'_> {
    /// Sends the visitor to the provider's page. What is remembered is the PKCE verifier.
    pub(super) fn begin(&self, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let client = self.client()?;
        let request = client.authorize_url(|| CsrfToken::new(wish.attempt.clone())).set_pkce_challenge(challenge);
        let (to, _) = request.add_scopes(self.scopes.iter().map(|scope| Scope::new((*scope).to_owned()))).url();
        trace.note(&format!("{} was asked who is there", self.name), || {
            json!({"host": to.host_str(), "client_id": client.client_id().as_str(),
                   "redirect_uri": self.source.callback_url(), "scopes": self.scopes})
        });
        Ok(Departure { to, post: Vec::new(), memory: json!({"verifier": verifier.secret()}) })
    }

    /// The access token for the code that `answer` brings.
    pub(super) async fn token(
        &self,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<AccessToken, Denied> {
        let code = self.code(answer).inspect_err(|denied| self.failed(trace, "sent the visitor back", denied))?;
        let verifier = memory.and_then(|memory| memory.get("verifier")).and_then(Value::as_str);
        let verifier = verifier.ok_or_else(|| Denied::new(Reason::Invalid, "nobody asked for this answer"))?;
        let secret = self.source.secret("client_secret")?;
        let secret =
            secret.ok_or_else(|| Denied::new(Reason::Misconfigured, "the setting client_secret is missing"))?;
        let client = self.client()?.set_client_secret(ClientSecret::new(secret.as_str().to_owned()));
        let verifier = PkceCodeVerifier::new(verifier.to_owned());
        let answered =
            client.exchange_code(AuthorizationCode::new(code)).set_pkce_verifier(verifier).request_async(self).await;
        let token = answered.map_err(|error| self.no_token(&error));
        let token = token.inspect_err(|denied| self.failed(trace, "gave no token for the code", denied))?;
        if *token.token_type() != BasicTokenType::Bearer {
            return Err(Denied::new(Reason::Invalid, format!("the token of {} is of another type", self.name)));
        }
        trace.note(&format!("{} gave a token for the code", self.name), || json!({}));
        Ok(token.access_token().clone())
    }

    /// Asks the provider's API with the token, and reads the object that it answers.
    pub(super) async fn ask(
        &self,
        url: Url,
        token: &AccessToken,
        trace: &mut Trace,
    ) -> Result<Map<String, Value>, Denied> {
        let answered = self.object(url, token).await;
        answered.inspect_err(|denied| self.failed(trace, "did not say who is there", denied))
    }

    async fn object(&self, url: Url, token: &AccessToken) -> Result<Map<String, Value>, Denied> {
        let request = Request::get(url.as_str())
            .header(http::header::AUTHORIZATION, format!("Bearer {}", token.secret()))
            .header(http::header::ACCEPT, "application/json")
            .body(Vec::new());
        let request = request.map_err(|_| self.invalid("gave a token that cannot be sent"))?;
        let answer = self.send(request).await?;
        match answer.status() {
            StatusCode::OK => serde_json::from_slice(answer.body())
                .map_err(|_| Denied::new(Reason::Unreachable, format!("{} did not answer with an object", self.name))),
            StatusCode::FORBIDDEN => Err((self.refusal)(answer.body()).unwrap_or_else(|| {
                Denied::new(Reason::Misconfigured, format!("{} does not let this app see who is there", self.name))
            })),
            status => Err((self.refusal)(answer.body())
                .unwrap_or_else(|| self.invalid(&format!("refused its own token with status {}", status.as_u16())))),
        }
    }

    fn client(&self) -> Result<Client, Denied> {
        let redirect = RedirectUrl::new(self.source.callback_url());
        let redirect = redirect.map_err(|_| Denied::new(Reason::Misconfigured, "our callback URL is no URL"))?;
        Ok(BasicClient::new(ClientId::new(self.source.needed("client_id")?.to_owned()))
            .set_auth_type(self.auth.clone())
            .set_auth_uri(AuthUrl::from_url(self.authorize.clone()))
            .set_token_uri(TokenUrl::from_url(self.token.clone()))
            .set_redirect_uri(redirect))
    }

    /// The code, or why there is none (RFC 6749 §4.1.2.1).
    fn code(&self, answer: &Answer) -> Result<String, Denied> {
        if let Some(error) = answer.query("error") {
            let reason = match error {
                "access_denied" => Reason::Cancelled,
                "server_error" | "temporarily_unavailable" => Reason::Unreachable,
                "invalid_request" | "unauthorized_client" | "unsupported_response_type" | "invalid_scope" => {
                    Reason::Misconfigured
                }
                _ => Reason::Invalid,
            };
            return Err(Denied::new(reason, format!("{} answered {}", self.name, word(error))));
        }
        let code = answer.query("code").filter(|code| !code.is_empty());
        code.map(str::to_owned).ok_or_else(|| self.invalid("sent no code"))
    }

    /// A provider that is out of order or wants to be asked less is told from one that refuses.
    async fn send(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, OutboundError> {
        let answer = self.source.outbound.send(request, self.source.schemes()).await?;
        let status = answer.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            let told = format!("{} answered with status {}", self.name, status.as_u16());
            return Err(OutboundError::Unreachable(told));
        }
        Ok(answer)
    }

    fn no_token(&self, error: &TokenError) -> Denied {
        match error {
            RequestTokenError::Request(error) => error.clone().into(),
            RequestTokenError::ServerResponse(answer) => {
                let reason = match answer.error() {
                    BasicErrorResponseType::InvalidClient
                    | BasicErrorResponseType::UnauthorizedClient
                    | BasicErrorResponseType::InvalidScope
                    | BasicErrorResponseType::UnsupportedGrantType => Reason::Misconfigured,
                    BasicErrorResponseType::InvalidGrant
                    | BasicErrorResponseType::InvalidRequest
                    | BasicErrorResponseType::Extension(_) => Reason::Invalid,
                };
                let told = word(answer.error().as_ref());
                Denied::new(reason, format!("{} gave no token: {told}", self.name))
            }
            RequestTokenError::Parse(_, body) => {
                (self.refusal)(body).unwrap_or_else(|| self.invalid("gave no token, nor an error that can be read"))
            }
            RequestTokenError::Other(_) => self.invalid("gave no token, nor an error that can be read"),
        }
    }

    fn invalid(&self, what: &str) -> Denied {
        Denied::new(Reason::Invalid, format!("{} {what}", self.name))
    }

    fn failed(&self, trace: &mut Trace, what: &str, denied: &Denied) {
        trace.failed(&format!("{} {what}", self.name), || json!({"cause": denied.cause}));
    }
}

impl<'c> AsyncHttpClient<'c> for Provider<'_> {
    type Error = OutboundError;
    type Future = BoxFuture<'c, Result<Response<Vec<u8>>, OutboundError>>;

    fn call(&'c self, request: Request<Vec<u8>>) -> Self::Future {
        self.send(request).boxed()
    }
}

/// The attempt that an answer names.
pub(super) fn attempt(answer: &Answer) -> Option<String> {
    answer.query("state").filter(|state| !state.is_empty()).map(str::to_owned)
}

/// An address at the host that the setting `name` gives, or at `usual`.
pub(super) fn address(source: &Source<'_>, name: &str, usual: &str, path: &str) -> Result<Url, Denied> {
    let host = source.text(name).unwrap_or(usual);
    let url = Url::parse(&format!("{}{path}", host.trim_end_matches('/')));
    url.map_err(|_| Denied::new(Reason::Misconfigured, format!("the setting {name} is no URL of a host")))
}

/// Who vouches for a subject: whoever answers at another host is another.
pub(super) fn issuer(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// A subject as a provider gives it: a text that is not empty, and not longer than any real one.
pub(super) fn subject(claims: &Map<String, Value>, name: &str) -> Option<String> {
    let subject = claims.get(name)?.as_str()?;
    (1..=255).contains(&subject.len()).then(|| subject.to_owned())
}

/// A code of an error as it may be told; what cannot be one might be anything.
pub(super) fn word(told: &str) -> &str {
    let plain = told.len() <= 60 && told.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b));
    if plain { told } else { "something that is no code of an error" }
}
