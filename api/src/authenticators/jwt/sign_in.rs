//! Signing in with a token that a login page of the customer's own signed.
//!
//! Spec: RFC 7519 (claims), RFC 8725 §3.1 (one algorithm, set here), §3.8 and §3.9 (issuer and audience), §3.11 (a token
//! lives minutes and is used once).
//! Stops: a token that somebody else was given for this helpdesk, brought into this browser by a link (login CSRF): the
//! answer must name an attempt that this browser began, by a `state` that nobody can guess; a token that is replayed
//! (`jti`); a token for another usersource, helpdesk or application (`aud` is always checked, and by default it is the
//! callback URL, which no other usersource has); a token that never ends.

use super::super::signed_tokens::{Algorithm, Claims, Keys, SKEW, TokenFault, verify, verify_by_url};
use super::{Jwt, public_keys};
use crate::authenticators::RedirectSignIn;
use crate::outbound::Schemes;
use crate::sign_in::{Answer, Arrival, Begin, Denied, Departure, Person, ProviderSession, Reason, Source, Trace};
use async_trait::async_trait;
use domain::Timestamp;
use jsonwebtoken::AlgorithmFamily;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};

/// Longest time from `iat` to `exp`, in seconds.
const LONGEST_LIFE: i64 = 600;
/// Longest subject and longest `jti`, in bytes.
const LONGEST_NAME: usize = 255;

#[async_trait]
impl RedirectSignIn for Jwt {
    async fn begin(&self, source: &Source<'_>, wish: &Begin, trace: &mut Trace) -> Result<Departure, Denied> {
        let callback = source.callback_url();
        let mut to = page(source, source.needed("login_url")?, &["return", "state"])?;
        to.query_pairs_mut().append_pair("return", &callback).append_pair("state", &wish.attempt);
        trace.note(
            "The login page was asked who is there",
            || json!({"host": to.host_str(), "path": to.path(), "return": callback}),
        );
        Ok(Departure { to, post: Vec::new(), memory: json!({}) })
    }

    fn attempt(&self, answer: &Answer) -> Option<String> {
        only(answer, "state").map(str::to_owned)
    }

    async fn finish(
        &self,
        source: &Source<'_>,
        memory: Option<&Value>,
        answer: &Answer,
        trace: &mut Trace,
    ) -> Result<Arrival, Denied> {
        if memory.is_none() {
            return Err(invalid("nobody asked for this answer"));
        }
        let token = only(answer, "jwt").ok_or_else(|| invalid("the answer holds no token, or several"))?;
        let verified = verified(source, token).await;
        let claims = verified.inspect_err(|denied| {
            trace.failed("The token's signature was checked", || json!({"cause": denied.cause}));
        })?;
        trace.note("The token's signature was checked", || json!({"claims": claims.told(&[])}));
        let arrived = arrival(source, claims);
        arrived.inspect_err(|denied| trace.failed("The claims were judged", || json!({"cause": denied.cause})))
    }

    async fn sign_out(&self, source: &Source<'_>, _: &ProviderSession) -> Result<Option<Url>, Denied> {
        let Some(logout) = source.text("logout_url") else { return Ok(None) };
        let mut to = page(source, logout, &["return"])?;
        to.query_pairs_mut().append_pair("return", &format!("{}/signed-out", source.base_url));
        Ok(Some(to))
    }
}

/// The claims of a token that the other side signed with the algorithm and the key of the settings.
async fn verified(source: &Source<'_>, token: &str) -> Result<Claims, Denied> {
    let algorithm: Result<Algorithm, _> = source.needed("algorithm")?.parse();
    let algorithm = algorithm.map_err(|_| Denied::new(Reason::Misconfigured, "the setting algorithm is none"))?;
    let missing = |what: &str| Denied::new(Reason::Misconfigured, format!("the setting {what} is missing"));
    let misfit = |fault: TokenFault| Denied::new(Reason::Misconfigured, fault.to_string());
    if algorithm.family() == AlgorithmFamily::Hmac {
        let secret = source.secret("secret")?.ok_or_else(|| missing("secret"))?;
        let keys = Keys::secret(secret.as_bytes(), algorithm).map_err(misfit)?;
        return Ok(verify(token, &keys, &[algorithm])?);
    }
    if let Some(pem) = source.text("public_key") {
        let keys = public_keys::parsed(pem, algorithm).map_err(misfit)?;
        return Ok(verify(token, &keys, &[algorithm])?);
    }
    let url = source.text("jwks_url").ok_or_else(|| missing("public_key"))?;
    verify_by_url(token, source.outbound, url, source.schemes(), &[algorithm]).await
}

/// Who came, if the claims are meant for us, now, and name somebody.
fn arrival(source: &Source<'_>, claims: Claims) -> Result<Arrival, Denied> {
    let end = check_life(source, &claims)?;
    let callback = source.callback_url();
    if !claims.is_for(source.text("audience").unwrap_or(&callback)) {
        return Err(invalid("the claim aud does not name the audience that is set, or our callback URL"));
    }
    let said = claims.text("iss")?;
    let issuer = source.text("issuer");
    if issuer.is_some() && said != issuer {
        return Err(invalid("the claim iss is not the issuer that is set"));
    }
    let once = claims.text("jti")?.filter(|jti| fits(jti));
    let once = once.ok_or_else(|| invalid("the claim jti is missing, empty or too long"))?.to_owned();
    let subject = subject(&claims)?;
    let email = claims.text("email")?.and_then(|address| source.email_by_trust(address));
    let name = claims.text("name")?.map(str::to_owned);
    let issuer = issuer.unwrap_or(source.usersource.id.as_str()).to_owned();
    let person = Person { issuer, subject, email, name, claims: claims.into_map() };
    Ok(Arrival { person, asked_again_at: None, once: vec![(once, end.plus_seconds(SKEW))], session: None })
}

/// When the token ends; its life is bounded from both ends, so that its `jti` need not be remembered for long.
fn check_life(source: &Source<'_>, claims: &Claims) -> Result<Timestamp, Denied> {
    let (end, issued) = claims.check_times(source.now)?;
    let issued = issued.ok_or_else(|| invalid("the claim iat is missing"))?;
    if end > issued.plus_seconds(LONGEST_LIFE) {
        return Err(invalid("from iat to exp it is more than 10 minutes"));
    }
    Ok(end)
}

/// `sub`, or `id` where there is none, as a text or a whole number.
fn subject(claims: &Claims) -> Result<String, Denied> {
    let given = |name| claims.value(name).filter(|value| !value.is_null());
    let subject = match given("sub").or_else(|| given("id")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
        Some(_) => return Err(invalid("the claim sub or id is neither a text nor a whole number")),
        None => return Err(invalid("neither the claim sub nor the claim id is there")),
    };
    if fits(&subject) { Ok(subject) } else { Err(invalid("the claim sub or id is empty or too long")) }
}

fn fits(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
}

fn invalid(cause: &str) -> Denied {
    Denied::new(Reason::Invalid, cause)
}

/// The member with this name, from the query or from the form; one that comes twice is none.
fn only<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let members = answer.query.iter().chain(&answer.form);
    let mut found = members.filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
    found.next().filter(|value| !value.is_empty() && found.next().is_none())
}

/// A page of the customer's with its own query, less the members that we set.
fn page(source: &Source<'_>, address: &str, ours: &[&str]) -> Result<Url, Denied> {
    let misconfigured =
        || Denied::new(Reason::Misconfigured, "the login or logout URL is none that a browser may open");
    let mut url = Url::parse(address).map_err(|_| misconfigured())?;
    if url.scheme() != "https" && !(url.scheme() == "http" && source.schemes() == Schemes::HttpToo) {
        return Err(misconfigured());
    }
    // The other members stay as they were written.
    let name = |member: &str| form_urlencoded::parse(member.as_bytes()).next().map(|(name, _)| name.into_owned());
    let kept: Option<Vec<String>> = url.query().map(|query| {
        let members = query.split('&').filter(|member| !member.is_empty());
        members.filter(|member| !name(member).is_some_and(|name| ours.contains(&&*name))).map(str::to_owned).collect()
    });
    url.set_query(kept.filter(|members| !members.is_empty()).map(|members| members.join("&")).as_deref());
    Ok(url)
}

#[cfg(test)]
#[path = "sign_in_tests.rs"]
mod tests;
