//! Turning a code into tokens: how this client proves itself, and what the provider answers.
//!
//! Spec: RFC 6749 §4.1.3 and §2.3.1; OpenID Connect Core, 9 (client authentication); RFC 7523 (private_key_jwt).
//! Stops: a secret in a URL, a trace or a cause: of what the provider says, only codes that are known are told.

use super::Provider;
use super::discovery::Discovery;
use crate::authenticators::signed_tokens::OurKey;
use crate::outbound::OutboundError;
use crate::sign_in::{Denied, Reason, Trace};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicTokenType};
use oauth2::{
    AsyncHttpClient, AuthType, AuthorizationCode, Client, ClientId, ClientSecret, EndpointNotSet, EndpointSet,
    ExtraTokenFields, PkceCodeVerifier, RedirectUrl, RequestTokenError, StandardRevocableToken, StandardTokenResponse,
    TokenUrl,
};
use oauth2::{TokenResponse as _, basic};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// For so many seconds our own signed word is good.
const ASSERTION: i64 = 60;

#[derive(Debug, Serialize, Deserialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for WithIdToken {}

type Response = StandardTokenResponse<WithIdToken, BasicTokenType>;
type TokenError = RequestTokenError<OutboundError, BasicErrorResponse>;
type Asking = Client<
    BasicErrorResponse,
    Response,
    basic::BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    basic::BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What the provider gave for the code. Secrets, so no `Debug`.
pub(super) struct Tokens {
    access: String,
    id: String,
}

impl Tokens {
    /// The ID token, not yet verified.
    pub(super) fn id_token(&self) -> &str {
        &self.id
    }

    /// The access token.
    pub(super) fn access_token(&self) -> &str {
        &self.access
    }
}

/// How this client proves itself.
enum Proof {
    /// By nothing but the verifier.
    Verifier,
    /// By a secret, sent as the provider likes it.
    Secret(ClientSecret, AuthType),
    /// By something that we signed.
    Signed(String),
}

impl Proof {
    fn name(&self) -> &'static str {
        match self {
            Self::Verifier => "none",
            Self::Secret(_, AuthType::RequestBody) => "client_secret_post",
            Self::Secret(..) => "client_secret_basic",
            Self::Signed(_) => "private_key_jwt",
        }
    }
}

impl Provider<'_> {
    /// The tokens for `code`.
    pub(super) async fn redeem(
        &self,
        discovery: &Discovery,
        code: &str,
        verifier: PkceCodeVerifier,
        trace: &mut Trace,
    ) -> Result<Tokens, Denied> {
        let proof = self.proof(discovery)?;
        trace.note(
            "the provider is asked for tokens",
            || json!({"token_endpoint": discovery.token_endpoint, "client_authentication": proof.name()}),
        );
        let client = self.asking(discovery, &proof)?;
        let mut request = client.exchange_code(AuthorizationCode::new(code.to_owned())).set_pkce_verifier(verifier);
        if let Proof::Signed(assertion) = &proof {
            request = request
                .add_extra_param("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .add_extra_param("client_assertion", assertion);
        }
        let answer = request.request_async(self).await.map_err(|error| denied(&error))?;
        if *answer.token_type() != BasicTokenType::Bearer {
            return Err(Denied::new(Reason::Invalid, "the provider gave a token of another type than Bearer"));
        }
        let id_token = answer.extra_fields().id_token.clone();
        let id = id_token.ok_or_else(|| Denied::new(Reason::Invalid, "the provider gave no ID token"))?;
        Ok(Tokens { access: answer.access_token().secret().clone(), id })
    }

    fn asking(&self, discovery: &Discovery, proof: &Proof) -> Result<Asking, Denied> {
        let redirect = RedirectUrl::new(self.source.callback_url());
        let redirect = redirect.map_err(|_| Denied::new(Reason::Misconfigured, "our callback URL is no URL"))?;
        let client = Client::new(ClientId::new(self.source.needed("client_id")?.to_owned()))
            .set_token_uri(TokenUrl::from_url(discovery.token_endpoint.clone()))
            .set_redirect_uri(redirect);
        Ok(match proof {
            Proof::Secret(secret, way) => client.set_client_secret(secret.clone()).set_auth_type(way.clone()),
            Proof::Verifier | Proof::Signed(_) => client.set_auth_type(AuthType::RequestBody),
        })
    }

    fn proof(&self, discovery: &Discovery) -> Result<Proof, Denied> {
        if let Some(key) = self.source.secret("private_key")? {
            return self.signed(discovery, &key).map(Proof::Signed);
        }
        let Some(secret) = self.source.secret("client_secret")? else { return Ok(Proof::Verifier) };
        // Where nothing is said, the header is meant (Discovery, 3).
        let takes = |way: &str| discovery.auth_methods.as_ref().is_some_and(|ways| ways.iter().any(|w| w == way));
        let in_body = takes("client_secret_post") && !takes("client_secret_basic");
        let way = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(Proof::Secret(ClientSecret::new(secret.as_str().to_owned()), way))
    }

    fn signed(&self, discovery: &Discovery, key: &str) -> Result<String, Denied> {
        let unusable = |cause: &str| Denied::new(Reason::Misconfigured, cause);
        let key = OurKey::read(key).ok_or_else(|| unusable("the private key cannot be used"))?;
        let known = discovery.auth_algorithms.as_deref();
        let algorithm = key.algorithm(|name| known.is_none_or(|known| known.iter().any(|k| k == name)));
        let client_id = self.source.needed("client_id")?;
        let now = self.source.now.millis() / 1000;
        let claims = json!({
            "iss": client_id, "sub": client_id, "aud": discovery.token_endpoint, "iat": now, "exp": now + ASSERTION,
            "jti": uuid::Uuid::new_v4(),
        });
        let signed = key.sign(algorithm, self.source.text("key_id"), &claims);
        signed.ok_or_else(|| unusable("the private key does not sign"))
    }

    /// A provider that is out of order is told from one that refuses.
    async fn send(&self, request: oauth2::HttpRequest) -> Result<oauth2::HttpResponse, OutboundError> {
        let answer = self.source.outbound.send(request, self.source.schemes()).await?;
        let status = answer.status();
        if status.is_server_error() || status == http::StatusCode::TOO_MANY_REQUESTS {
            let told = format!("the token endpoint answered with status {}", status.as_u16());
            return Err(OutboundError::Unreachable(told));
        }
        Ok(answer)
    }
}

impl<'c> AsyncHttpClient<'c> for Provider<'_> {
    type Error = OutboundError;
    type Future = BoxFuture<'c, Result<oauth2::HttpResponse, OutboundError>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        self.send(request).boxed()
    }
}

fn denied(error: &TokenError) -> Denied {
    let (reason, told) = match error {
        RequestTokenError::Request(error) => return error.clone().into(),
        RequestTokenError::ServerResponse(answer) => match answer.error() {
            BasicErrorResponseType::InvalidClient => (Reason::Misconfigured, "invalid_client"),
            BasicErrorResponseType::UnauthorizedClient => (Reason::Misconfigured, "unauthorized_client"),
            BasicErrorResponseType::InvalidScope => (Reason::Misconfigured, "invalid_scope"),
            BasicErrorResponseType::UnsupportedGrantType => (Reason::Misconfigured, "unsupported_grant_type"),
            BasicErrorResponseType::InvalidGrant => (Reason::Invalid, "invalid_grant"),
            BasicErrorResponseType::InvalidRequest => (Reason::Invalid, "invalid_request"),
            BasicErrorResponseType::Extension(_) => (Reason::Invalid, "an error that is not known"),
        },
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => (Reason::Invalid, "what cannot be read"),
    };
    Denied::new(reason, format!("the provider gave no token but {told}"))
}
