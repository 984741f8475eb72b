//! A provider that misbehaves as it is told, for tests of faults that no well-kept provider can be brought to.

use super::peer::{ATTEMPT, begin, finish};
use crate::authenticators::signed_tokens::{Algorithm, signing::SigningKey};
use crate::outbound::stand_in::{StandIn, Told};
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{Answer, Arrival, Denied};
use domain::Audience;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// The client's id at it.
pub(super) const CLIENT: &str = "client-1";

/// What it answers at its endpoints.
struct Plan {
    discovery: Told,
    keys: Told,
    token: Told,
    userinfo: Told,
}

/// The provider.
pub(super) struct Rogue {
    /// Its issuer.
    pub(super) issuer: String,
    /// The key that it publishes.
    pub(super) key: SigningKey,
    plan: Arc<Mutex<Plan>>,
    server: StandIn,
}

impl Rogue {
    /// One that behaves, so far.
    pub(super) async fn start() -> Self {
        Self::with(Algorithm::ES256).await
    }

    /// One that signs like this.
    pub(super) async fn with(algorithm: Algorithm) -> Self {
        let nothing = Told::status(404);
        let plan =
            Plan { discovery: nothing.clone(), keys: nothing.clone(), token: nothing.clone(), userinfo: nothing };
        let plan = Arc::new(Mutex::new(plan));
        let planned = Arc::clone(&plan);
        let server = StandIn::start(move |asked| {
            let plan = planned.lock().unwrap();
            match asked.target.as_str() {
                "/.well-known/openid-configuration" => plan.discovery.clone(),
                "/keys" => plan.keys.clone(),
                "/token" => plan.token.clone(),
                "/me" => plan.userinfo.clone(),
                _ => Told::status(404),
            }
        })
        .await;
        let rogue = Self { issuer: server.address.clone(), key: SigningKey::new(algorithm, "k1"), plan, server };
        rogue.describe(|_| {});
        rogue.publish(&[&rogue.key]);
        rogue
    }

    /// Changes its discovery document.
    pub(super) fn describe(&self, change: impl FnOnce(&mut Value)) {
        let at = |path: &str| format!("{}/{path}", self.issuer);
        let mut document = json!({"issuer": self.issuer, "authorization_endpoint": at("auth"),
            "token_endpoint": at("token"), "jwks_uri": at("keys"), "userinfo_endpoint": at("me")});
        change(&mut document);
        self.plan.lock().unwrap().discovery = Told::json(&document);
    }

    /// Lets the discovery document fail.
    pub(super) fn describe_as(&self, told: Told) {
        self.plan.lock().unwrap().discovery = told;
    }

    /// Publishes these keys.
    pub(super) fn publish(&self, keys: &[&SigningKey]) {
        let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
        self.plan.lock().unwrap().keys = Told::json(&json!({ "keys": keys }));
    }

    /// What comes for a code.
    pub(super) fn redeem(&self, told: Told) {
        self.plan.lock().unwrap().token = told;
    }

    /// This ID token comes for a code.
    pub(super) fn give(&self, id_token: &str) {
        self.redeem(Told::json(&json!({"access_token": "access", "token_type": "Bearer", "id_token": id_token})));
    }

    /// What the userinfo endpoint says.
    pub(super) fn tell(&self, told: Told) {
        self.plan.lock().unwrap().userinfo = told;
    }

    /// How many requests came.
    pub(super) fn asked(&self) -> usize {
        self.server.asked()
    }

    /// A usersource that trusts it.
    pub(super) fn usersource(&self) -> Fixture {
        let settings = json!({"issuer": self.issuer, "client_id": CLIENT, "client_secret": "shared-secret",
                              "allow_insecure": true});
        Fixture::new("oidc", Audience::Users, settings)
    }

    /// Claims as they should be.
    pub(super) fn claims(&self, fixture: &Fixture, memory: &Value) -> Value {
        let now = fixture.now.millis() / 1000;
        json!({"iss": self.issuer, "aud": CLIENT, "sub": "jane", "nonce": memory["nonce"], "iat": now, "exp": now + 300,
               "email": "jane@example.com", "email_verified": true})
    }

    /// The browser comes back with a code.
    pub(super) fn back(&self) -> Answer {
        brought(&[("state", ATTEMPT), ("code", "code-1"), ("iss", &self.issuer)])
    }

    /// A whole attempt, in which the ID token is made by `make` from the claims as they should be.
    pub(super) async fn attempt(&self, make: impl FnOnce(Value) -> String) -> Result<Arrival, Denied> {
        let fixture = self.usersource();
        let memory = begin(&fixture, false, false).await?.memory;
        self.give(&make(self.claims(&fixture, &memory)));
        finish(&fixture, Some(&memory), &self.back()).await.0
    }

    /// The same, signed as it should be, with the claims changed.
    pub(super) async fn claiming(&self, change: impl FnOnce(&mut Value)) -> Result<Arrival, Denied> {
        let sign = |mut claims: Value| {
            change(&mut claims);
            self.key.sign(&claims.to_string())
        };
        self.attempt(sign).await
    }
}

/// What the browser brings.
pub(super) fn brought(members: &[(&str, &str)]) -> Answer {
    let query = members.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Answer { query, form: Vec::new(), ..Answer::default() }
}
