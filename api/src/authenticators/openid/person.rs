//! Who came, from what the provider says: the ID token's claims, and those of the userinfo endpoint where the token has
//! no address.
//!
//! Spec: OpenID Connect Core, 5.1 (claims), 5.3 (userinfo: whose `sub` must be the token's), 5.7 (who a person is); R30.
//! Stops: claims of somebody else beside a token; an address that the provider did not verify; people of other domains.

use super::Provider;
use super::client::Tokens;
use super::discovery::Discovery;
use crate::authenticators::signed_tokens::{Claims, TokenFault};
use crate::sign_in::source::in_domains;
use crate::sign_in::{ClaimedEmail, Denied, Person, Reason, Trace};
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Map, Value, json};

/// Claims about the token itself, not about the person.
const OF_THE_TOKEN: [&str; 4] = ["nonce", "at_hash", "c_hash", "s_hash"];
/// The longest name that is taken over, in characters.
const LONGEST_NAME: usize = 200;

impl Provider<'_> {
    /// Whom the claims mean, if the settings admit them.
    pub(super) async fn person(
        &self,
        discovery: &Discovery,
        claims: Claims,
        tokens: &Tokens,
        trace: &mut Trace,
    ) -> Result<Person, Denied> {
        let subject = claims.text("sub")?.unwrap_or_default().to_owned();
        let mut claims = claims.into_map();
        claims.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
        if let (None, Some(endpoint)) = (claims.get("email"), &discovery.userinfo_endpoint) {
            let more = self.userinfo(endpoint.as_str(), tokens.access_token()).await?;
            trace.note("the userinfo endpoint was asked", || json!({"claims": more}));
            if more.get("sub").and_then(Value::as_str) != Some(&subject) {
                return Err(TokenFault::Claim("the userinfo endpoint speaks of somebody else").into());
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        let person =
            Person { issuer: discovery.issuer.clone(), subject, email: email(&claims), name: name(&claims), claims };
        self.admit(&person)?;
        Ok(person)
    }

    async fn userinfo(&self, endpoint: &str, access_token: &str) -> Result<Map<String, Value>, Denied> {
        let invalid = |cause: &str| Denied::new(Reason::Invalid, format!("the userinfo endpoint {cause}"));
        let request = http::Request::get(endpoint)
            .header(AUTHORIZATION, format!("Bearer {access_token}"))
            .header(ACCEPT, "application/json")
            .body(Vec::new())
            .map_err(|_| invalid("cannot be asked with this access token"))?;
        let answer = self.source.outbound.send(request, self.source.schemes()).await?;
        let status = answer.status().as_u16();
        match status {
            200 => serde_json::from_slice(answer.body()).map_err(|_| invalid("does not answer with a JSON object")),
            429 | 500.. => Err(Denied::new(Reason::Unreachable, format!("the userinfo endpoint answered {status}"))),
            _ => Err(invalid(&format!("answered with status {status}"))),
        }
    }

    fn admit(&self, person: &Person) -> Result<(), Denied> {
        let refused = |cause: &str| Err(Denied::new(Reason::NotAdmitted, cause));
        if let Some(domain) = self.hosted_domain {
            let of = person.claims.get("hd").and_then(Value::as_str);
            if !of.is_some_and(|of| of.eq_ignore_ascii_case(domain)) {
                return refused("the account is not of the hosted domain");
            }
        }
        if !self.email_domains.is_empty() {
            let verified = person.email.as_ref().and_then(ClaimedEmail::verified);
            if !verified.is_some_and(|email| in_domains(email, self.email_domains)) {
                return refused("there is no verified address in one of the e-mail domains");
            }
        }
        Ok(())
    }
}

/// The address, verified if the provider says so. Some say it with a text.
fn email(claims: &Map<String, Value>) -> Option<ClaimedEmail> {
    let verified = match claims.get("email_verified") {
        Some(Value::Bool(verified)) => *verified,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    ClaimedEmail::by_claim(claims.get("email")?.as_str()?, verified)
}

fn name(claims: &Map<String, Value>) -> Option<String> {
    let text = |claim: &str| claims.get(claim).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty());
    let parts: Vec<_> = ["given_name", "family_name"].into_iter().filter_map(text).collect();
    let name = text("name").map(str::to_owned).or_else(|| (!parts.is_empty()).then(|| parts.join(" ")))?;
    Some(name.chars().take(LONGEST_NAME).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(claims: Value) -> Map<String, Value> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        claims
    }

    #[test]
    fn r30_an_address_is_verified_only_where_the_provider_says_so_in_so_many_words() {
        let verified = |told: Value| {
            let email = email(&of(json!({"email": "jane@example.com", "email_verified": told}))).unwrap();
            email.verified().is_some()
        };
        assert!(verified(json!(true)) && verified(json!("true")));
        for other in [json!(false), json!("false"), json!("TRUE"), json!("1"), json!(1), json!(null), json!([true])] {
            assert!(!verified(other.clone()), "{other}");
        }
        assert!(email(&of(json!({"email": "jane@example.com"}))).unwrap().verified().is_none());
        assert!(email(&of(json!({"email": 7, "email_verified": true}))).is_none());
        assert!(email(&of(json!({"email": "nobody", "email_verified": true}))).is_none());
    }

    #[test]
    fn a_person_is_called_by_the_whole_name_or_its_parts() {
        let called = |claims| name(&of(claims));
        assert_eq!(called(json!({"name": " Jane Doe ", "given_name": "J"})).unwrap(), "Jane Doe");
        assert_eq!(called(json!({"name": "", "given_name": "Jane", "family_name": "Doe"})).unwrap(), "Jane Doe");
        assert_eq!(called(json!({"family_name": "Doe"})).unwrap(), "Doe");
        assert_eq!(called(json!({"name": 7})), None);
        assert_eq!(called(json!({"name": "x".repeat(1000)})).unwrap().len(), LONGEST_NAME);
    }
}
