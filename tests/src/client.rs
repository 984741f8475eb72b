//! A program that speaks the HTTP API with a token, or without one.

use crate::Answer;
use reqwest::{Method, redirect};
use serde_json::{Value, json};
use std::time::Duration;

/// How long any answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Talks about one helpdesk at one address.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    address: String,
    helpdesk: String,
    token: Option<String>,
}

/// One call, not yet sent.
#[derive(Debug)]
#[must_use = "a call is made by `send`"]
pub struct Call {
    asked: String,
    request: reqwest::RequestBuilder,
}

/// An HTTP client that follows nothing and remembers nothing.
pub(crate) fn http() -> reqwest::Client {
    // Whoever comes second finds it there already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let built = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(PATIENCE).build();
    built.unwrap_or_else(|e| panic!("cannot make an HTTP client: {e}"))
}

impl Client {
    /// Somebody without a credential.
    pub fn new(address: &str, helpdesk: &str) -> Self {
        Self { http: http(), address: address.to_owned(), helpdesk: helpdesk.to_owned(), token: None }
    }

    /// The same with a token.
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The same about another helpdesk.
    pub fn about(mut self, helpdesk: &str) -> Self {
        helpdesk.clone_into(&mut self.helpdesk);
        self
    }

    /// The address that it talks to.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The same at another address, over connections of its own.
    pub fn at(mut self, address: &str) -> Self {
        self.http = http();
        address.clone_into(&mut self.address);
        self
    }

    /// What stands in the header `Authorization`, or "".
    pub fn authorization(&self) -> String {
        self.token.as_ref().map_or(String::new(), |token| format!("Bearer {token}"))
    }

    /// A call to `path` below this helpdesk's part of the API: `/usersources`.
    pub fn call(&self, method: Method, path: &str) -> Call {
        self.call_root(method, &format!("/api/helpdesks/{}{path}", self.helpdesk))
    }

    /// A call to `path` as it stands.
    pub fn call_root(&self, method: Method, path: &str) -> Call {
        let mut request = self.http.request(method.clone(), format!("{}{path}", self.address));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Call { asked: format!("{method} {path}"), request }
    }

    /// GET.
    pub fn get(&self, path: &str) -> Call {
        self.call(Method::GET, path)
    }

    /// POST with a body.
    pub fn post(&self, path: &str, body: &Value) -> Call {
        self.call(Method::POST, path).json(body)
    }

    /// PUT with a body.
    pub fn put(&self, path: &str, body: &Value) -> Call {
        self.call(Method::PUT, path).json(body)
    }

    /// PATCH with a body.
    pub fn patch(&self, path: &str, body: &Value) -> Call {
        self.call(Method::PATCH, path).json(body)
    }

    /// DELETE.
    pub fn delete(&self, path: &str) -> Call {
        self.call(Method::DELETE, path)
    }

    /// What visitors of `surface` may choose.
    pub async fn login_options(&self, surface: &str) -> Value {
        self.get(&format!("/login-options?surface={surface}")).send().await.done()
    }

    /// The version that the helpdesk is at.
    pub async fn version(&self) -> u64 {
        let answer = self.get("/usersources").send().await.expect(200);
        answer.header("etag").trim_matches('"').parse().unwrap_or_else(|_| panic!("no version in the ETag: {answer}"))
    }

    /// Every entry of the audit trail, newest first.
    pub async fn audit_trail(&self) -> Vec<Value> {
        let answer = self.get("/audit-trail").header("accept", "application/x-ndjson").send().await.expect(200);
        let text = answer.text();
        let entry = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("no JSON ({e}): {line}"));
        text.lines().map(entry).collect()
    }

    /// The id of the one `deskpro` of `audience`.
    pub async fn deskpro(&self, audience: &str) -> String {
        let listed = self.get(&format!("/usersources?audience={audience}")).send().await.done();
        let sources = listed["usersources"].as_array().unwrap_or_else(|| panic!("no usersources: {listed}"));
        let deskpro = sources.iter().find(|source| source["kind"] == "deskpro");
        deskpro.and_then(|d| d["id"].as_str()).unwrap_or_else(|| panic!("no deskpro: {listed}")).to_owned()
    }

    /// The usersource `id` as admins see it.
    pub async fn usersource(&self, id: &str) -> Value {
        self.get(&format!("/usersources/{id}")).send().await.done()
    }

    /// Switches single sign-on.
    pub async fn set_sso(&self, id: &str, mode: &str) -> Answer {
        self.put(&format!("/usersources/{id}/sso"), &json!({"mode": mode})).send().await
    }

    /// Changes an audience's policy.
    pub async fn change_policy(&self, audience: &str, name: &str, value: i64) -> Answer {
        self.patch("/policies", &json!({audience: {name: value}})).send().await
    }

    /// Installs a usersource and returns its id.
    pub async fn install(&self, body: &Value) -> String {
        let answer = self.post("/usersources", body).send().await.expect(201);
        let id = answer.header("location").rsplit('/').next().unwrap_or_default().to_owned();
        assert!(!id.is_empty(), "no id in the Location: {answer}");
        id
    }

    /// Installs a `saml` usersource with all that it needs, enables it, and returns its id.
    pub async fn install_saml(&self, audience: &str, title: &str) -> String {
        let body = json!({"kind": "saml", "audience": audience, "title": title, "settings": saml_settings()});
        let id = self.install(&body).await;
        self.enable(&id).await.done();
        id
    }

    /// Enables a usersource.
    pub async fn enable(&self, id: &str) -> Answer {
        self.post(&format!("/usersources/{id}/enable"), &json!({})).send().await
    }

    /// Disables a usersource.
    pub async fn disable(&self, id: &str) -> Answer {
        self.post(&format!("/usersources/{id}/disable"), &json!({})).send().await
    }

    /// Changes a usersource's title.
    pub async fn rename(&self, id: &str, title: &str) -> Answer {
        self.patch(&format!("/usersources/{id}"), &json!({"title": title})).send().await
    }
}

impl Call {
    /// With a JSON body.
    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.json(body);
        self
    }

    /// With these bytes as the body, said to be JSON.
    pub fn body(mut self, body: impl Into<reqwest::Body>) -> Self {
        self.request = self.request.header("content-type", "application/json").body(body);
        self
    }

    /// With a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    /// Only if the helpdesk is at `version`.
    pub fn if_match(self, version: u64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    /// Told only, not done.
    pub fn dry_run(mut self) -> Self {
        self.request = self.request.query(&[("dry_run", "true")]);
        self
    }

    /// With a reason for the ledger.
    pub fn reason(self, reason: &str) -> Self {
        self.header("gateledger-reason", reason)
    }

    /// With an idempotency key.
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// Makes the call; a panic if there is no answer.
    pub async fn send(self) -> Answer {
        Answer::read(self.asked, self.request.send().await).await
    }

    /// Makes the call; an error if there is no answer.
    pub async fn try_send(self) -> Result<Answer, reqwest::Error> {
        Answer::try_read(self.asked, self.request.send().await).await
    }
}

/// Everything that a `saml` usersource needs to be enabled. The certificate is nobody's.
pub fn saml_settings() -> Value {
    json!({
        "sso_url": "https://idp.example.com/sso",
        "idp_entity_id": "https://idp.example.com/metadata",
        "certificates": include_str!("certificate.pem"),
    })
}
