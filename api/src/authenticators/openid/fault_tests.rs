//! Every fault in a provider's answer that must let nobody in, one test each.

use super::peer::{ATTEMPT, begin, finish};
use super::rogue::{CLIENT, Rogue, brought};
use crate::authenticators::signed_tokens::{Algorithm, signing::SigningKey};
use crate::outbound::stand_in::Told;
use crate::outbound::{AddressPolicy, Limits, Outbound};
use crate::sign_in::{Arrival, Denied, Reason};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

/// The refusal's reason, and that its cause speaks of `about`.
fn refused(result: Result<Arrival, Denied>, reason: Reason, about: &str) {
    let denied = result.map(|_| ()).unwrap_err();
    assert_eq!(denied.reason, reason, "{denied}");
    assert!(denied.cause.contains(about), "{denied}");
}

/// A sign-in with these claims changed is refused.
async fn faulty(change: impl FnOnce(&mut Value), about: &str) {
    refused(Rogue::start().await.claiming(change).await, Reason::Invalid, about);
}

/// Takes a claim away.
fn without(claims: &mut Value, name: &str) {
    claims.as_object_mut().unwrap().remove(name);
}

#[tokio::test]
async fn without_a_fault_the_person_gets_in() {
    let arrival = Rogue::start().await.claiming(|_| {}).await.unwrap();
    assert_eq!(arrival.person.subject, "jane");
    assert!(arrival.person.email.unwrap().verified().is_some());
    assert!(arrival.session.is_none(), "this provider has no page for signing out");
}

#[tokio::test]
async fn a_bad_signature() {
    let rogue = Rogue::start().await;
    let forged = |claims: Value| {
        let token = rogue.key.sign(&claims.to_string());
        let (message, _) = token.rsplit_once('.').unwrap();
        let other = rogue.key.sign("{}");
        format!("{message}.{}", other.rsplit_once('.').unwrap().1)
    };
    refused(rogue.attempt(forged).await, Reason::Invalid, "signature");
}

#[tokio::test]
async fn another_issuer() {
    faulty(|claims| claims["iss"] = json!("https://evil.example"), "issuer").await;
    faulty(|claims| claims["iss"] = json!([claims["iss"]]), "text").await;
    faulty(|claims| without(claims, "iss"), "issuer").await;
}

#[tokio::test]
async fn another_audience() {
    faulty(|claims| claims["aud"] = json!("client-2"), "client").await;
    faulty(|claims| claims["aud"] = json!(["client-2", "client-3"]), "client").await;
    faulty(|claims| without(claims, "aud"), "client").await;
}

#[tokio::test]
async fn another_authorised_party_or_none_among_several_audiences() {
    faulty(|claims| claims["azp"] = json!("client-2"), "another client").await;
    faulty(|claims| claims["aud"] = json!([CLIENT, "client-2"]), "several").await;
    let both = |claims: &mut Value| {
        claims["aud"] = json!([CLIENT, "client-2"]);
        claims["azp"] = json!(CLIENT);
    };
    assert!(Rogue::start().await.claiming(both).await.is_ok());
}

#[tokio::test]
async fn another_nonce_or_none() {
    faulty(|claims| claims["nonce"] = json!("another"), "nonce").await;
    faulty(|claims| without(claims, "nonce"), "nonce").await;
}

#[tokio::test]
async fn an_expired_token_or_one_without_an_end() {
    faulty(|claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() - 61), "expired").await;
    faulty(|claims| without(claims, "exp"), "exp is missing").await;
    faulty(|claims| claims["exp"] = json!("2126-01-01"), "time").await;
}

#[tokio::test]
async fn a_token_issued_in_the_future_or_at_no_time() {
    faulty(|claims| claims["iat"] = json!(claims["iat"].as_i64().unwrap() + 120), "future").await;
    faulty(|claims| claims["nbf"] = json!(claims["iat"].as_i64().unwrap() + 120), "not valid yet").await;
    faulty(|claims| without(claims, "iat"), "iat is missing").await;
}

#[tokio::test]
async fn a_token_that_names_nobody() {
    faulty(|claims| claims["sub"] = json!(""), "nobody").await;
    faulty(|claims| claims["sub"] = json!("x".repeat(256)), "nobody").await;
    faulty(|claims| claims["sub"] = json!(7), "text").await;
    faulty(|claims| without(claims, "sub"), "nobody").await;
}

#[tokio::test]
async fn no_algorithm_at_all() {
    let rogue = Rogue::start().await;
    let unsigned = |claims: Value| {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({"alg": "none"})), part(&claims))
    };
    refused(rogue.attempt(unsigned).await, Reason::Invalid, "algorithm");
}

#[tokio::test]
async fn the_public_key_or_the_client_secret_as_an_hmac_secret() {
    let rogue = Rogue::with(Algorithm::RS256).await;
    for secret in [rogue.key.public_pem(), rogue.key.jwk()["n"].to_string(), "shared-secret".to_owned()] {
        let signed = |claims: Value| {
            let secret = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
            let header = jsonwebtoken::Header { kid: Some("k1".to_owned()), ..Default::default() };
            jsonwebtoken::encode(&header, &claims, &secret).unwrap()
        };
        refused(rogue.attempt(signed).await, Reason::Invalid, "algorithm");
    }
}

#[tokio::test]
async fn a_key_that_the_provider_does_not_publish_is_looked_for_once_more_and_then_refused() {
    let rogue = Rogue::start().await;
    let stranger = SigningKey::new(Algorithm::ES256, "k2");
    let mut fixture = rogue.usersource();
    let limits = Limits { floor: Duration::ZERO, ..Limits::SERVICE };
    fixture.outbound = Outbound::within(AddressPolicy::PrivateToo, limits).unwrap();
    let memory = begin(&fixture, false, false).await.unwrap().memory;
    rogue.give(&stranger.sign(&rogue.claims(&fixture, &memory).to_string()));
    let before = rogue.asked();
    refused(finish(&fixture, Some(&memory), &rogue.back()).await.0, Reason::Invalid, "none of the keys");
    assert_eq!(rogue.asked() - before, 3, "the token, the keys, the keys anew");
    rogue.publish(&[&stranger]);
    assert!(finish(&fixture, Some(&memory), &rogue.back()).await.0.is_ok(), "it was a rotation");
}

#[tokio::test]
async fn the_key_of_another_provider_under_the_same_name() {
    let (rogue, other) = (Rogue::start().await, Rogue::start().await);
    refused(rogue.attempt(|claims| other.key.sign(&claims.to_string())).await, Reason::Invalid, "signature");
}

#[tokio::test]
async fn an_id_token_beside_another_access_token() {
    for (algorithm, right) in [
        // Half of SHA-256, SHA-384 and SHA-512 of "access".
        (Algorithm::ES256, half(&aws_lc_rs::digest::SHA256)),
        (Algorithm::ES384, half(&aws_lc_rs::digest::SHA384)),
        (Algorithm::EdDSA, half(&aws_lc_rs::digest::SHA512)),
    ] {
        let rogue = Rogue::with(algorithm).await;
        assert!(rogue.claiming(|claims| claims["at_hash"] = json!(right)).await.is_ok(), "{algorithm:?}");
        let wrong = rogue.claiming(|claims| claims["at_hash"] = json!(right.to_lowercase())).await;
        refused(wrong, Reason::Invalid, "access token");
    }
}

fn half(hash: &'static aws_lc_rs::digest::Algorithm) -> String {
    let hash = aws_lc_rs::digest::digest(hash, b"access");
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..hash.as_ref().len() / 2])
}

#[tokio::test]
async fn a_provider_that_refuses_the_code_or_the_client() {
    let rogue = Rogue::start().await;
    let fixture = rogue.usersource();
    let memory = begin(&fixture, false, false).await.unwrap().memory;
    for (status, error, reason) in [
        (400, "invalid_grant", Reason::Invalid),
        (401, "invalid_client", Reason::Misconfigured),
        (400, "planted-secret", Reason::Invalid),
    ] {
        let body = json!({"error": error, "error_description": "planted-secret"}).to_string();
        rogue.redeem(Told::Answer(status, Vec::new(), body));
        let (arrival, trace) = finish(&fixture, Some(&memory), &rogue.back()).await;
        let denied = arrival.map(|_| ()).unwrap_err();
        assert_eq!(denied.reason, reason, "{denied}");
        assert!(!trace.contains("planted-secret") && !denied.cause.contains("planted-secret"), "{trace}");
    }
}

#[tokio::test]
async fn a_token_answer_without_what_is_needed() {
    let rogue = Rogue::start().await;
    let fixture = rogue.usersource();
    let memory = begin(&fixture, false, false).await.unwrap().memory;
    for (told, about) in [
        (json!({"access_token": "a", "token_type": "Bearer"}), "no ID token"),
        (json!({"access_token": "a", "token_type": "mac", "id_token": "x.y.z"}), "another type"),
        (json!({"token_type": "Bearer", "id_token": "x.y.z"}), "cannot be read"),
        (json!("access"), "cannot be read"),
    ] {
        rogue.redeem(Told::json(&told));
        refused(finish(&fixture, Some(&memory), &rogue.back()).await.0, Reason::Invalid, about);
    }
}

#[tokio::test]
async fn what_the_provider_says_instead_of_a_code() {
    let rogue = Rogue::start().await;
    let fixture = rogue.usersource();
    let memory = begin(&fixture, false, false).await.unwrap().memory;
    for (error, reason) in [
        ("access_denied", Reason::Cancelled),
        ("login_required", Reason::NotSilent),
        ("interaction_required", Reason::NotSilent),
        ("consent_required", Reason::NotSilent),
        ("account_selection_required", Reason::NotSilent),
        ("temporarily_unavailable", Reason::Unreachable),
        ("unauthorized_client", Reason::Misconfigured),
        ("<script>", Reason::Invalid),
    ] {
        let back = brought(&[("state", ATTEMPT), ("error", error)]);
        let denied = finish(&fixture, Some(&memory), &back).await.0.map(|_| ()).unwrap_err();
        assert_eq!(denied.reason, reason, "{error}");
        assert!(!denied.cause.contains('<'));
    }
    refused(finish(&fixture, Some(&memory), &brought(&[("state", ATTEMPT)])).await.0, Reason::Invalid, "no code");
}

#[tokio::test]
async fn another_provider_that_answers_in_this_one_s_place() {
    let rogue = Rogue::start().await;
    let fixture = rogue.usersource();
    let memory = begin(&fixture, false, false).await.unwrap().memory;
    let issuer = rogue.issuer.as_str();
    let asked = rogue.asked();
    for members in [
        &[("code", "c"), ("iss", "https://evil.example")][..],
        &[("error", "access_denied"), ("iss", "https://evil.example")],
        &[("code", "c"), ("iss", "")],
        &[("code", "c"), ("iss", issuer), ("iss", "https://evil.example")],
    ] {
        refused(finish(&fixture, Some(&memory), &brought(members)).await.0, Reason::Invalid, "provider");
    }
    assert_eq!(rogue.asked(), asked, "no code went anywhere");
}

#[tokio::test]
async fn an_answer_without_its_provider_s_name_where_that_was_promised() {
    let rogue = Rogue::start().await;
    rogue.describe(|document| document["authorization_response_iss_parameter_supported"] = json!(true));
    let fixture = rogue.usersource();
    let memory = begin(&fixture, false, false).await.unwrap().memory;
    rogue.give(&rogue.key.sign(&rogue.claims(&fixture, &memory).to_string()));
    let back = brought(&[("state", ATTEMPT), ("code", "code-1")]);
    refused(finish(&fixture, Some(&memory), &back).await.0, Reason::Invalid, "promises");
    assert!(finish(&fixture, Some(&memory), &rogue.back()).await.0.is_ok());
}

#[tokio::test]
async fn an_answer_that_nobody_here_asked_for() {
    let rogue = Rogue::start().await;
    let fixture = rogue.usersource();
    for memory in [None, Some(json!({})), Some(json!({"nonce": "n"}))] {
        refused(finish(&fixture, memory.as_ref(), &rogue.back()).await.0, Reason::Invalid, "nobody");
    }
}

#[tokio::test]
async fn a_token_endpoint_that_is_down_hangs_or_never_ends() {
    let rogue = Rogue::start().await;
    let mut fixture = rogue.usersource();
    let limits = Limits { total: Duration::from_millis(300), longest: 100_000, ..Limits::SERVICE };
    fixture.outbound = Outbound::within(AddressPolicy::PrivateToo, limits).unwrap();
    let memory = begin(&fixture, false, false).await.unwrap().memory;
    for told in [Told::status(503), Told::Hang, Told::Endless, Told::Drip] {
        rogue.redeem(told);
        refused(finish(&fixture, Some(&memory), &rogue.back()).await.0, Reason::Unreachable, "");
    }
    rogue.describe(|document| document["token_endpoint"] = json!("http://127.0.0.1:1/token"));
    let fixture = rogue.usersource();
    refused(finish(&fixture, Some(&memory), &rogue.back()).await.0, Reason::Unreachable, "127.0.0.1");
}

#[tokio::test]
async fn a_discovery_document_of_another_issuer() {
    let rogue = Rogue::start().await;
    rogue.describe(|document| document["issuer"] = json!("https://login.example/{tenantid}/v2.0"));
    let denied = begin(&rogue.usersource(), false, false).await.map(|_| ()).unwrap_err();
    assert_eq!(denied.reason, Reason::Misconfigured);
    assert!(denied.cause.contains("{tenantid}") && denied.cause.contains("tenant"), "{denied}");
}

#[tokio::test]
async fn a_discovery_document_that_does_not_come() {
    for told in [Told::status(500), Told::Hang, Told::Endless, Told::Answer(200, Vec::new(), "<html>".to_owned())] {
        let rogue = Rogue::start().await;
        rogue.describe_as(told);
        let mut fixture = rogue.usersource();
        let limits = Limits { total: Duration::from_millis(300), longest: 100_000, ..Limits::SERVICE };
        fixture.outbound = Outbound::within(AddressPolicy::PrivateToo, limits).unwrap();
        let denied = begin(&fixture, false, false).await.map(|_| ()).unwrap_err();
        assert_eq!(denied.reason, Reason::Unreachable, "{denied}");
    }
}

#[tokio::test]
async fn a_userinfo_endpoint_that_speaks_of_somebody_else_or_not_at_all() {
    let rogue = Rogue::start().await;
    let told = |claims: Value| Told::json(&claims);
    for (told, reason, about) in [
        (told(json!({"sub": "john", "email": "john@example.com"})), Reason::Invalid, "somebody else"),
        (told(json!({"email": "john@example.com", "email_verified": true})), Reason::Invalid, "somebody else"),
        (told(json!(["jane"])), Reason::Invalid, "JSON object"),
        (Told::status(401), Reason::Invalid, "401"),
        (Told::status(500), Reason::Unreachable, "500"),
    ] {
        rogue.tell(told);
        refused(rogue.claiming(|claims| without(claims, "email")).await, reason, about);
    }
    let more = json!({"sub": "jane", "email": "jane@example.com", "iss": "https://evil.example", "hd": "evil.example"});
    rogue.tell(told(more));
    let person = rogue.claiming(|claims| without(claims, "email")).await.unwrap().person;
    assert_eq!(person.claims["iss"], json!(rogue.issuer), "what was signed stays");
    assert!(person.email.unwrap().verified().is_some());
}

#[tokio::test]
async fn r41_a_sign_in_before_the_question_proves_nothing_fresh() {
    let rogue = Rogue::start().await;
    let fixture = rogue.usersource();
    let departure = begin(&fixture, false, true).await.unwrap();
    let asked: Vec<_> = departure.to.query_pairs().filter(|(n, _)| n == "prompt" || n == "max_age").collect();
    assert_eq!(asked, [("prompt".into(), "login".into()), ("max_age".into(), "0".into())]);
    let now = fixture.now.millis() / 1000;
    for (auth_time, proven) in [
        (json!(now + 5), Some(now + 5)),
        (json!(now - 60), Some(now - 60)),
        (json!(now - 61), None),
        (Value::Null, None),
    ] {
        let mut claims = rogue.claims(&fixture, &departure.memory);
        claims["auth_time"] = auth_time;
        rogue.give(&rogue.key.sign(&claims.to_string()));
        let arrival = finish(&fixture, Some(&departure.memory), &rogue.back()).await.0.unwrap();
        assert_eq!(arrival.asked_again_at, proven.map(|seconds| Timestamp::from_millis(seconds * 1000)));
    }
    let mut claims = rogue.claims(&fixture, &departure.memory);
    claims["auth_time"] = json!("now");
    rogue.give(&rogue.key.sign(&claims.to_string()));
    refused(finish(&fixture, Some(&departure.memory), &rogue.back()).await.0, Reason::Invalid, "time");
}
