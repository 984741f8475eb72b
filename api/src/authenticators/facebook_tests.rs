//! Signing in with Facebook, against its look-alike, and everything that must not sign anybody in.

use super::*;
use crate::authenticators::social_peer::{
    ATTEMPT, address, begin, finish, impatient, refused, register, sign_in, social, visit,
};
use crate::sign_in::fixture::Fixture;

async fn facebook(settings: Value) -> Fixture {
    social("facebook", "facebook", "graph_host", settings).await
}

fn reason(refused: &(Reason, String)) -> Reason {
    refused.0
}

#[tokio::test]
async fn r30_a_person_comes_with_the_id_for_this_app_and_an_address_that_matches_nobody() {
    let fixture = facebook(json!({})).await;
    let person = sign_in(&fixture, &[("as", "alice")]).await.unwrap().person;
    assert_eq!((person.issuer, person.subject.as_str()), (address(), "4001"));
    let email = person.email.unwrap();
    assert!(email.email().as_str() == "alice@example.com" && email.verified().is_none());
    assert_eq!(person.name.as_deref(), Some("Alice Archer"));
    let claims = json!({"id": "4001", "name": "Alice Archer", "email": "alice@example.com"});
    assert_eq!(Value::Object(person.claims), claims);
    let without = sign_in(&fixture, &[("as", "bob")]).await.unwrap().person;
    assert!(without.email.is_none());
}

#[tokio::test]
async fn the_departure_names_the_app_our_callback_the_attempt_and_a_challenge_and_no_secret() {
    let fixture = Fixture::new(
        "facebook",
        domain::Audience::Users,
        json!({"client_id": "123", "client_secret": "shared-secret"}),
    );
    let departure = begin(&fixture).await;
    assert!(departure.to.as_str().starts_with("https://www.facebook.com/v24.0/dialog/oauth?"), "{}", departure.to);
    let asked: std::collections::BTreeMap<_, _> = departure.to.query_pairs().into_owned().collect();
    let member = |name: &str| asked.get(name).map(String::as_str);
    assert_eq!(member("client_id"), Some("123"));
    assert_eq!(member("redirect_uri"), Some("https://help.example/auth/us_1/callback"));
    assert_eq!(member("state"), Some(ATTEMPT));
    assert_eq!((member("response_type"), member("scope")), (Some("code"), Some("public_profile email")));
    assert_eq!(member("code_challenge_method"), Some("S256"));
    let verifier = departure.memory["verifier"].as_str().unwrap();
    assert!(verifier.len() >= 43 && !departure.to.as_str().contains(verifier));
    assert!(!departure.to.as_str().contains("shared-secret"));
    let again = begin(&fixture).await;
    assert_ne!(again.memory, departure.memory, "each attempt has a verifier of its own");
}

#[tokio::test]
async fn a_trace_shows_the_claims_and_neither_secret_code_token_nor_verifier() {
    let fixture = facebook(json!({})).await;
    let departure = begin(&fixture).await;
    let answer = visit(&departure.to, &fixture.source().callback_url(), &[("as", "alice")]).await;
    let (arrived, trace) = finish(&fixture, Some(&departure.memory), &answer).await;
    assert!(arrived.is_ok() && trace.contains("Alice Archer"), "{trace}");
    let secrets = ["shared-secret", answer.query("code").unwrap(), departure.memory["verifier"].as_str().unwrap()];
    for secret in secrets {
        assert!(!trace.contains(secret), "{trace}");
    }
    assert!(!trace.contains("access_token") && !trace.contains("appsecret_proof"), "{trace}");
}

#[tokio::test]
async fn a_code_works_once_and_only_with_the_verifier_of_its_own_attempt() {
    let fixture = facebook(json!({})).await;
    let (departure, other) = (begin(&fixture).await, begin(&fixture).await);
    let back = fixture.source().callback_url();
    let answer = visit(&departure.to, &back, &[("as", "alice")]).await;
    assert!(finish(&fixture, Some(&departure.memory), &answer).await.0.is_ok());
    let again = finish(&fixture, Some(&departure.memory), &answer).await.0.err().unwrap();
    assert_eq!((again.reason, again.cause.as_str()), (Reason::Invalid, "Facebook refused with error 100, 36009"));
    let answer = visit(&departure.to, &back, &[("as", "alice")]).await;
    let injected = finish(&fixture, Some(&other.memory), &answer).await.0.err().unwrap();
    assert_eq!(injected.reason, Reason::Invalid);
    let answer = visit(&departure.to, &back, &[("as", "alice")]).await;
    let unasked = finish(&fixture, None, &answer).await.0.err().unwrap();
    assert_eq!((unasked.reason, unasked.cause.as_str()), (Reason::Invalid, "nobody asked for this answer"));
}

#[tokio::test]
async fn a_wrong_secret_or_an_unknown_app_is_for_an_admin_to_mend() {
    let wrong = facebook(json!({"client_secret": "another-secret"})).await;
    let told = refused(&wrong, &[("as", "alice")]).await;
    assert_eq!(told, (Reason::Misconfigured, "Facebook refused with error 1".to_owned()));
    // Known to the page, not where codes become tokens: as if the admin changed the id in between.
    let fixture = facebook(json!({})).await;
    let departure = begin(&fixture).await;
    let answer = visit(&departure.to, &fixture.source().callback_url(), &[("as", "alice")]).await;
    let settings = json!({"client_id": "gone", "client_secret": "x", "allow_insecure": true, "graph_host": address()});
    let gone = Fixture::new("facebook", domain::Audience::Users, settings);
    let denied = finish(&gone, Some(&departure.memory), &answer).await.0.err().unwrap();
    assert_eq!(denied.reason, Reason::Misconfigured);
}

#[tokio::test]
async fn a_token_of_another_app_signs_nobody_in() {
    let fixture = facebook(json!({})).await;
    let told = refused(&fixture, &[("as", "alice"), ("fault", "token-of-another-app")]).await;
    assert_eq!(told, (Reason::Invalid, "Facebook refused with error 100".to_owned()));
}

#[tokio::test]
async fn a_code_of_another_app_is_refused() {
    let (fixture, other) = (facebook(json!({})).await, facebook(json!({})).await);
    let departure = begin(&other).await;
    let answer = visit(&departure.to, &other.source().callback_url(), &[("as", "alice")]).await;
    let denied = finish(&fixture, Some(&departure.memory), &answer).await.0.err().unwrap();
    assert_eq!(denied.reason, Reason::Invalid);
}

#[tokio::test]
async fn who_lets_go_at_facebook_has_cancelled() {
    let fixture = facebook(json!({})).await;
    let told = refused(&fixture, &[("as", "nobody")]).await;
    assert_eq!(told, (Reason::Cancelled, "Facebook answered access_denied".to_owned()));
}

#[tokio::test]
async fn without_an_id_nobody_is_there() {
    let fixture = facebook(json!({})).await;
    let told = refused(&fixture, &[("as", "alice"), ("fault", "me-no-id")]).await;
    assert_eq!(told, (Reason::Invalid, "Facebook gave no id".to_owned()));
}

#[tokio::test]
async fn a_facebook_that_is_out_of_order_is_unreachable() {
    let fixture = facebook(json!({})).await;
    for fault in ["token-500", "me-500", "me-text"] {
        assert_eq!(
            reason(&refused(&fixture, &[("as", "alice"), ("fault", fault)]).await),
            Reason::Unreachable,
            "{fault}"
        );
    }
    let told = refused(&fixture, &[("as", "alice"), ("fault", "token-text")]).await;
    assert_eq!(reason(&told), Reason::Invalid);
}

#[tokio::test]
async fn a_facebook_that_hangs_is_given_up() {
    let fixture = impatient(facebook(json!({})).await);
    let (at_token, at_me) = tokio::join!(
        refused(&fixture, &[("as", "alice"), ("fault", "token-hang")]),
        refused(&fixture, &[("as", "alice"), ("fault", "me-hang")]),
    );
    for told in [at_token, at_me] {
        assert!(reason(&told) == Reason::Unreachable && told.1.contains("no answer in time"), "{told:?}");
    }
}

#[tokio::test]
async fn over_http_nothing_is_asked_unless_the_settings_allow_it() {
    let id = register("facebook", "shared-secret", "https://help.example/auth/us_1/callback").await;
    let settings = json!({"client_id": id, "client_secret": "shared-secret", "graph_host": address()});
    let fixture = Fixture::new("facebook", domain::Audience::Users, settings);
    let departure = begin(&fixture).await;
    let answer = Answer { query: vec![("code".into(), "any".into())], form: Vec::new(), ..Answer::default() };
    let denied = finish(&fixture, Some(&departure.memory), &answer).await.0.err().unwrap();
    assert_eq!(denied.reason, Reason::Misconfigured);
}

#[test]
fn an_answer_names_its_attempt_once_in_the_query_or_not_at_all() {
    let answer = |query: &[(&str, &str)]| Answer {
        query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        form: vec![("state".to_owned(), "of-a-form".to_owned())],
        ..Answer::default()
    };
    assert_eq!(Facebook.attempt(&answer(&[("state", "a"), ("code", "c")])).as_deref(), Some("a"));
    assert_eq!(Facebook.attempt(&answer(&[("code", "c")])), None);
    assert_eq!(Facebook.attempt(&answer(&[("state", ""), ("code", "c")])), None);
    assert_eq!(Facebook.attempt(&answer(&[("state", "a"), ("state", "b")])), None);
}

#[test]
fn an_error_of_the_graph_api_is_told_by_its_numbers_alone() {
    let body = br#"{"error": {"message": "code AQDsecret was used", "type": "OAuthException", "code": 190}}"#;
    assert_eq!(refusal(body), Some(Denied::new(Reason::Invalid, "Facebook refused with error 190")));
    assert_eq!(refusal(br#"{"error": {"code": 4}}"#).unwrap().reason, Reason::Unreachable);
    for other in [&b"<html>"[..], b"{}", b"[]", br#"{"error": "text"}"#, br#"{"error": {"code": "1"}}"#] {
        assert_eq!(refusal(other), None);
    }
}

#[tokio::test]
async fn what_an_answer_calls_an_error_is_told_only_if_it_can_be_a_code() {
    let fixture = Fixture::new("facebook", domain::Audience::Users, Facebook.sample()["settings"].clone());
    let mut told = Vec::new();
    for error in ["server_error", "invalid_scope", "access_denied", "<script>", "planted value"] {
        let answer = Answer {
            query: vec![("error".into(), error.into()), ("code".into(), "c".into())],
            form: vec![],
            ..Answer::default()
        };
        let denied = finish(&fixture, Some(&json!({"verifier": "v"})), &answer).await.0.err().unwrap();
        assert!(!denied.cause.contains("script") && !denied.cause.contains("planted"), "{denied}");
        told.push(denied.reason);
    }
    let invalid = Reason::Invalid;
    assert_eq!(told, [Reason::Unreachable, Reason::Misconfigured, Reason::Cancelled, invalid, invalid]);
}
