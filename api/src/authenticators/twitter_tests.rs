//! Signing in with X, against its look-alike, and everything that must not sign anybody in.

use super::*;
use crate::authenticators::social_peer::{ATTEMPT, address, begin, finish, impatient, refused, sign_in, social, visit};
use crate::sign_in::fixture::Fixture;

async fn x(settings: Value) -> Fixture {
    social("twitter", "x", "api_host", settings).await
}

#[tokio::test]
async fn r30_a_person_comes_with_the_id_and_without_an_address() {
    let fixture = x(json!({})).await;
    let person = sign_in(&fixture, &[("as", "alice")]).await.unwrap().person;
    assert_eq!((person.issuer, person.subject.as_str()), (address(), "4001"));
    assert!(person.email.is_none());
    assert_eq!(person.name.as_deref(), Some("Alice Archer"));
    let claims = json!({"id": "4001", "name": "Alice Archer", "username": "alice_archer"});
    assert_eq!(Value::Object(person.claims), claims);
}

#[tokio::test]
async fn the_departure_names_the_app_our_callback_the_attempt_and_a_challenge_and_no_secret() {
    let settings = json!({"client_id": "abc", "client_secret": "shared-secret"});
    let departure = begin(&Fixture::new("twitter", domain::Audience::Users, settings)).await;
    let asked: std::collections::BTreeMap<_, _> = departure.to.query_pairs().into_owned().collect();
    assert!(departure.to.as_str().starts_with("https://x.com/i/oauth2/authorize?"), "{}", departure.to);
    let expected = [
        ("client_id", "abc"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", "https://help.example/auth/us_1/callback"),
        ("response_type", "code"),
        ("scope", "users.read tweet.read"),
        ("state", ATTEMPT),
    ];
    for (name, value) in expected {
        assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert_eq!(asked.len(), expected.len() + 1, "and code_challenge: {asked:?}");
    assert!(!departure.to.as_str().contains("shared-secret"));
}

#[tokio::test]
async fn a_code_works_once_and_only_with_the_verifier_of_its_own_attempt() {
    let fixture = x(json!({})).await;
    let (departure, other) = (begin(&fixture).await, begin(&fixture).await);
    let back = fixture.source().callback_url();
    let answer = visit(&departure.to, &back, &[("as", "alice")]).await;
    assert!(finish(&fixture, Some(&departure.memory), &answer).await.0.is_ok());
    let again = finish(&fixture, Some(&departure.memory), &answer).await.0.err().unwrap();
    assert_eq!((again.reason, again.cause.as_str()), (Reason::Invalid, "X gave no token: invalid_request"));
    let answer = visit(&departure.to, &back, &[("as", "alice")]).await;
    let injected = finish(&fixture, Some(&other.memory), &answer).await.0.err().unwrap();
    assert_eq!(injected.reason, Reason::Invalid);
    let answer = visit(&departure.to, &back, &[("as", "alice")]).await;
    let unasked = finish(&fixture, None, &answer).await.0.err().unwrap();
    assert_eq!(unasked.reason, Reason::Invalid);
}

#[tokio::test]
async fn a_wrong_secret_is_for_an_admin_to_mend() {
    let fixture = x(json!({"client_secret": "another:secret %"})).await;
    let told = refused(&fixture, &[("as", "alice")]).await;
    assert_eq!(told, (Reason::Misconfigured, "X gave no token: unauthorized_client".to_owned()));
}

#[tokio::test]
async fn a_token_of_another_app_signs_nobody_in() {
    let fixture = x(json!({})).await;
    let told = refused(&fixture, &[("as", "alice"), ("fault", "token-of-another-app")]).await;
    assert_eq!(told, (Reason::Invalid, "X refused its own token with status 401".to_owned()));
}

#[tokio::test]
async fn who_lets_go_at_x_has_cancelled() {
    let fixture = x(json!({})).await;
    assert_eq!(refused(&fixture, &[("as", "nobody")]).await.0, Reason::Cancelled);
}

#[tokio::test]
async fn without_an_id_nobody_is_there() {
    let fixture = x(json!({})).await;
    let told = refused(&fixture, &[("as", "alice"), ("fault", "me-no-id")]).await;
    assert_eq!(told, (Reason::Invalid, "X gave no id".to_owned()));
}

#[tokio::test]
async fn an_x_that_is_out_of_order_is_unreachable() {
    let fixture = x(json!({})).await;
    for fault in ["token-500", "me-500", "me-text"] {
        let told = refused(&fixture, &[("as", "alice"), ("fault", fault)]).await;
        assert_eq!(told.0, Reason::Unreachable, "{fault}: {}", told.1);
    }
    assert_eq!(refused(&fixture, &[("as", "alice"), ("fault", "token-text")]).await.0, Reason::Invalid);
}

#[tokio::test]
async fn an_x_that_hangs_is_given_up() {
    let fixture = impatient(x(json!({})).await);
    let (at_token, at_me) = tokio::join!(
        refused(&fixture, &[("as", "alice"), ("fault", "token-hang")]),
        refused(&fixture, &[("as", "alice"), ("fault", "me-hang")]),
    );
    for told in [at_token, at_me] {
        assert!(told.0 == Reason::Unreachable && told.1.contains("no answer in time"), "{told:?}");
    }
}

#[test]
fn an_answer_without_state_answers_no_attempt() {
    let answer = Answer { query: vec![("code".to_owned(), "c".to_owned())], form: Vec::new(), ..Answer::default() };
    assert_eq!(Twitter.attempt(&answer), None);
}
