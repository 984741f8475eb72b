//! What a provider says of itself: its endpoints and how it wants to be asked.
//!
//! Spec: OpenID Connect Discovery 1.0, 3 and 4; RFC 8414; RFC 9207 §3.
//! Stops: a document that speaks for another issuer; endpoints over plain http, or of schemes that a browser would run.

use crate::outbound::Schemes;
use crate::sign_in::{Denied, Reason, Source};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use url::Url;

/// The members of the document that we use.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Discovery {
    pub(super) issuer: String,
    pub(super) authorization_endpoint: Url,
    pub(super) token_endpoint: Url,
    pub(super) jwks_uri: Url,
    pub(super) userinfo_endpoint: Option<Url>,
    pub(super) end_session_endpoint: Option<Url>,
    #[serde(rename = "token_endpoint_auth_methods_supported")]
    pub(super) auth_methods: Option<Vec<String>>,
    #[serde(rename = "token_endpoint_auth_signing_alg_values_supported")]
    pub(super) auth_algorithms: Option<Vec<String>>,
    #[serde(rename = "authorization_response_iss_parameter_supported", default)]
    pub(super) says_who_answers: bool,
}

/// The discovery document of `issuer`, judged.
pub(super) async fn of(source: &Source<'_>, issuer: &str) -> Result<Arc<Discovery>, Denied> {
    // A slash at the end belongs to the issuer's name (Auth0), but not to the document's address (4.1).
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let discovery = source.outbound.document(&url, source.schemes(), read).await?;
    judge(&discovery, issuer, source.schemes())?;
    Ok(discovery)
}

fn judge(discovery: &Discovery, issuer: &str, schemes: Schemes) -> Result<(), Denied> {
    if discovery.issuer != issuer {
        let cause = format!(
            "the provider calls itself {:?}; the setting issuer must be exactly that, and a provider for everybody \
             must be asked under the name of one tenant",
            shortened(&discovery.issuer)
        );
        return Err(Denied::new(Reason::Misconfigured, cause));
    }
    for (name, endpoint) in discovery.endpoints() {
        let allowed = match endpoint.scheme() {
            "https" => true,
            "http" => schemes == Schemes::HttpToo,
            _ => false,
        };
        if !allowed || !endpoint.has_host() {
            return Err(Denied::new(Reason::Misconfigured, format!("the provider's {name} is no https URL")));
        }
    }
    Ok(())
}

impl Discovery {
    fn endpoints(&self) -> impl Iterator<Item = (&'static str, &Url)> {
        [
            ("authorization_endpoint", Some(&self.authorization_endpoint)),
            ("token_endpoint", Some(&self.token_endpoint)),
            ("jwks_uri", Some(&self.jwks_uri)),
            ("userinfo_endpoint", self.userinfo_endpoint.as_ref()),
            ("end_session_endpoint", self.end_session_endpoint.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, endpoint)| Some((name, endpoint?)))
    }
}

/// What is wrong with an issuer that can be known without asking it.
pub(in crate::authenticators) fn issuer_fault(issuer: &str) -> Option<&'static str> {
    if issuer.contains(['?', '#']) {
        return Some("an issuer has no part after ? or #");
    }
    if issuer.ends_with("/.well-known/openid-configuration") {
        return Some("give the issuer alone, without /.well-known/openid-configuration");
    }
    // Their documents carry a placeholder for the tenant, so that anybody's token would have to be believed.
    let everybody = ["common", "organizations", "consumers"];
    let mut parts = issuer.split("://").nth(1)?.split('/');
    let entra = parts.next()?.trim_end_matches('.').to_lowercase().starts_with("login.microsoftonline.");
    let all = parts.next().is_some_and(|tenant| everybody.contains(&tenant.to_lowercase().as_str()));
    (entra && all).then_some(
        "this is every tenant of Entra at once; name yours: https://login.microsoftonline.com/TENANT-ID/v2.0",
    )
}

fn read(body: &[u8]) -> Result<Discovery, String> {
    serde_json::from_slice(body).map_err(|error| format!("this is no discovery document: {error}"))
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn judged(member: &str, value: Value, schemes: Schemes) -> Result<(), Denied> {
        let mut document = json!({"issuer": "https://id.example", "authorization_endpoint": "https://id.example/auth",
            "token_endpoint": "https://id.example/token", "jwks_uri": "https://id.example/keys"});
        document[member] = value;
        judge(&read(document.to_string().as_bytes()).unwrap(), "https://id.example", schemes)
    }

    #[test]
    fn a_document_speaks_for_its_issuer_alone_to_the_letter() {
        assert!(judged("issuer", json!("https://id.example"), Schemes::Https).is_ok());
        for other in ["https://id.example/", "https://ID.example", "https://evil.example", "http://id.example", ""] {
            assert!(judged("issuer", json!(other), Schemes::Https).is_err(), "{other}");
        }
    }

    #[test]
    fn endpoints_are_https_unless_http_is_allowed_and_never_anything_else() {
        for endpoint in
            ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"]
        {
            let with = |url: &str, schemes| judged(endpoint, json!(url), schemes).is_ok();
            assert!(with("https://other.example/x", Schemes::Https), "{endpoint}");
            assert!(!with("http://id.example/x", Schemes::Https), "{endpoint}");
            assert!(with("http://id.example/x", Schemes::HttpToo), "{endpoint}");
            assert!(!with("javascript:alert(1)", Schemes::HttpToo), "{endpoint}");
            assert!(!with("data:text/html,x", Schemes::HttpToo), "{endpoint}");
        }
        for body in ["", "<html>", "{}", r#"{"issuer": "https://id.example"}"#] {
            assert!(read(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn an_issuer_that_speaks_for_every_tenant_is_refused_and_one_tenant_s_is_not() {
        let entra = "https://login.microsoftonline.com";
        for tenant in ["common", "organizations", "consumers", "Common"] {
            assert!(issuer_fault(&format!("{entra}/{tenant}/v2.0")).is_some_and(|fault| fault.contains("TENANT-ID")));
        }
        assert!(issuer_fault("https://login.microsoftonline.us/common/v2.0").is_some());
        for fine in [
            &format!("{entra}/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0"),
            "https://example.okta.com",
            "https://example.okta.com/oauth2/default",
            "https://example.eu.auth0.com/",
            "https://login.example.com/common/v2.0",
        ] {
            assert_eq!(issuer_fault(fine), None, "{fine}");
        }
        assert!(issuer_fault("https://example.okta.com/?x").is_some());
        assert!(issuer_fault("https://example.okta.com/.well-known/openid-configuration").is_some());
    }
}
