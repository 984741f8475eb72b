//! What tokens must be like, each fault on its own.

use super::super::super::signed_tokens::signing::SigningKey;
use super::super::super::social_peer::{self, ATTEMPT, begin, finish, register, visit};
use super::*;
use crate::outbound::stand_in::{StandIn, Told};
use crate::outbound::{AddressPolicy, Limits, Outbound};
use crate::sign_in::fixture::Fixture;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Audience;
use jsonwebtoken::EncodingKey;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SECRET: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const CALLBACK: &str = "https://help.example/auth/us_1/callback";

fn fixture(settings: Value) -> Fixture {
    let mut all = json!({"login_url": "https://shop.example/login"});
    all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    Fixture::new("jwt", Audience::Users, all)
}

fn hs256() -> Fixture {
    fixture(json!({"algorithm": "HS256", "secret": SECRET}))
}

fn now(fixture: &Fixture) -> i64 {
    fixture.now.millis() / 1000
}

/// Claims that pass, with `changes`; null takes a claim away.
fn claims(fixture: &Fixture, changes: Value) -> String {
    let now = now(fixture);
    let mut claims = json!({"sub": "u-1", "aud": CALLBACK, "iat": now, "exp": now + 300, "jti": "j-1",
                            "email": "alice@example.com", "name": "Alice", "plan": "gold"});
    let members = claims.as_object_mut().unwrap();
    members.extend(changes.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    claims.to_string()
}

fn hs(algorithm: Algorithm, secret: &str, claims: &str) -> String {
    let header = json!({"alg": algorithm, "typ": "JWT"}).to_string();
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let key = EncodingKey::from_secret(secret.as_bytes());
    format!("{message}.{}", jsonwebtoken::crypto::sign(message.as_bytes(), &key, algorithm).unwrap())
}

async fn arrive(fixture: &Fixture, token: &str) -> Result<Arrival, Denied> {
    let answer = Answer {
        query: vec![("jwt".into(), token.into()), ("state".into(), ATTEMPT.into())],
        form: vec![],
        ..Answer::default()
    };
    finish(fixture, Some(&json!({})), &answer).await.0
}

async fn with(fixture: &Fixture, changes: Value) -> Result<Arrival, Denied> {
    arrive(fixture, &hs(Algorithm::HS256, SECRET, &claims(fixture, changes))).await
}

/// Why claims with these `changes` let nobody in.
async fn refused(fixture: &Fixture, changes: Value) -> String {
    let told = changes.to_string();
    let denied = with(fixture, changes).await.err().unwrap_or_else(|| panic!("accepted: {told}"));
    assert_eq!(denied.reason, Reason::Invalid, "{denied}");
    denied.cause
}

#[tokio::test]
async fn r30_who_comes_is_known_by_the_usersource_and_sub_and_the_address_matches_nobody() {
    let fixture = hs256();
    let arrival = with(&fixture, json!({})).await.unwrap();
    let person = arrival.person;
    assert_eq!((person.issuer.as_str(), person.subject.as_str()), ("us_1", "u-1"));
    assert_eq!(person.name.as_deref(), Some("Alice"));
    assert!(person.email.unwrap().verified().is_none());
    assert_eq!(person.claims["plan"], "gold");
    let until = Timestamp::from_millis((now(&fixture) + 300 + 60) * 1000);
    assert_eq!(arrival.once, [("j-1".to_owned(), until)]);
    assert!(arrival.asked_again_at.is_none() && arrival.session.is_none());
}

#[tokio::test]
async fn r30_an_address_is_verified_in_the_trusted_domains_alone() {
    let trust = json!({"algorithm": "HS256", "secret": SECRET, "trust_email": true, "email_domains": ["example.com"]});
    let fixture = fixture(trust);
    let email = |arrival: Result<Arrival, Denied>| arrival.unwrap().person.email.unwrap();
    assert!(email(with(&fixture, json!({})).await).verified().is_some());
    assert!(email(with(&fixture, json!({"email": "a@sub.example.com"})).await).verified().is_none());
    assert!(with(&fixture, json!({"email": "no address"})).await.unwrap().person.email.is_none());
}

#[tokio::test]
async fn every_algorithm_of_the_settings_verifies_its_own_tokens_and_no_others() {
    let mut made = Vec::new();
    for name in ["HS256", "HS384", "HS512"] {
        let us = fixture(json!({"algorithm": name, "secret": SECRET}));
        let token = hs(name.parse().unwrap(), SECRET, &claims(&us, json!({})));
        made.push((name, us, token));
    }
    for name in ["RS256", "PS256", "ES256", "EdDSA"] {
        let key = SigningKey::new(name.parse().unwrap(), "k1");
        let us = fixture(json!({"algorithm": name, "public_key": key.public_pem()}));
        let token = key.sign(&claims(&us, json!({})));
        made.push((name, us, token));
    }
    for (set, us, _) in &made {
        for (used, _, token) in &made {
            let arrived = arrive(us, token).await;
            assert_eq!(arrived.is_ok(), set == used, "{used} where {set} is set: {:?}", arrived.err());
        }
    }
}

#[tokio::test]
async fn a_public_key_is_no_shared_secret() {
    let key = SigningKey::new(Algorithm::RS256, "k1");
    let us = fixture(json!({"algorithm": "RS256", "public_key": key.public_pem()}));
    let stored = us.source().text("public_key").unwrap().to_owned();
    for secret in [stored.as_str(), stored.trim(), &key.public_pem()] {
        let forged = hs(Algorithm::HS256, secret, &claims(&us, json!({})));
        assert_eq!(arrive(&us, &forged).await.err().unwrap().reason, Reason::Invalid);
    }
}

#[tokio::test]
async fn a_token_that_is_unsigned_altered_or_of_another_key_signs_nobody_in() {
    let us = hs256();
    let good = hs(Algorithm::HS256, SECRET, &claims(&us, json!({})));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, _) = message.split_once('.').unwrap();
    let other = URL_SAFE_NO_PAD.encode(claims(&us, json!({"sub": "admin"})));
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
    let forged = [
        format!("{header}.{other}.{signature}"),
        format!("{none}.{other}."),
        format!("{none}.{other}.{signature}"),
        format!("{message}."),
        message.to_owned(),
        hs(Algorithm::HS256, &SECRET.to_uppercase(), &claims(&us, json!({}))),
        hs(Algorithm::HS256, "", &claims(&us, json!({}))),
    ];
    for token in forged {
        let denied = arrive(&us, &token).await.err().unwrap_or_else(|| panic!("accepted {token}"));
        assert_eq!(denied.reason, Reason::Invalid);
    }
    assert!(arrive(&us, &good).await.is_ok());
}

#[tokio::test]
async fn the_audience_is_always_checked_so_that_no_token_serves_two_usersources() {
    let us = hs256();
    let other = "https://help.example/auth/us_2/callback";
    for aud in [json!(null), json!(other), json!([other]), json!(""), json!([]), json!([CALLBACK, 7]), json!(7)] {
        assert!(refused(&us, json!({"aud": aud})).await.contains("aud"), "{aud}");
    }
    assert!(with(&us, json!({"aud": [other, CALLBACK]})).await.is_ok());
    let named = fixture(json!({"algorithm": "HS256", "secret": SECRET, "audience": "help"}));
    assert!(with(&named, json!({"aud": "help"})).await.is_ok());
    assert!(refused(&named, json!({"aud": CALLBACK})).await.contains("aud"));
}

#[tokio::test]
async fn an_issuer_that_is_set_must_be_the_tokens_and_is_then_the_persons() {
    let us = fixture(json!({"algorithm": "HS256", "secret": SECRET, "issuer": "shop"}));
    assert_eq!(with(&us, json!({"iss": "shop"})).await.unwrap().person.issuer, "shop");
    for iss in [json!(null), json!("Shop"), json!(["shop"]), json!(7)] {
        refused(&us, json!({"iss": iss})).await;
    }
    let unset = hs256();
    assert_eq!(with(&unset, json!({"iss": "anybody"})).await.unwrap().person.issuer, "us_1");
    refused(&unset, json!({"iss": 7})).await;
}

#[tokio::test]
async fn a_token_must_end_soon_and_must_not_have_ended() {
    let us = hs256();
    let now = now(&us);
    for exp in [json!(null), json!((now + 300).to_string()), json!(true), json!([now + 300]), json!(1e300)] {
        refused(&us, json!({"exp": exp})).await;
    }
    assert!(refused(&us, json!({"iat": now - 300, "exp": now - 60})).await.contains("expired"));
    assert!(with(&us, json!({"iat": now - 300, "exp": now - 59})).await.is_ok());
    assert!(with(&us, json!({"exp": now + 600})).await.is_ok());
    assert!(refused(&us, json!({"exp": now + 601})).await.contains("10 minutes"));
    assert!(refused(&us, json!({"exp": 4_000_000_000_i64})).await.contains("10 minutes"));
    assert!(refused(&us, json!({"exp": i64::MAX / 1000})).await.contains("10 minutes"));
}

#[tokio::test]
async fn a_token_was_issued_and_begins_before_now() {
    let us = hs256();
    let now = now(&us);
    assert!(refused(&us, json!({"iat": null})).await.contains("iat"));
    refused(&us, json!({"iat": now.to_string()})).await;
    assert!(refused(&us, json!({"iat": now + 61})).await.contains("future"));
    assert!(with(&us, json!({"iat": now + 60})).await.is_ok());
    assert!(refused(&us, json!({"nbf": now + 61})).await.contains("not valid yet"));
    refused(&us, json!({"nbf": "soon"})).await;
    assert!(with(&us, json!({"nbf": now})).await.is_ok());
}

#[tokio::test]
async fn a_token_has_a_name_of_its_own() {
    let us = hs256();
    for jti in [json!(null), json!(""), json!(7), json!(["j"]), json!("j".repeat(256))] {
        refused(&us, json!({"jti": jti})).await;
    }
    assert!(with(&us, json!({"jti": "j".repeat(255)})).await.is_ok());
}

#[tokio::test]
async fn a_subject_is_sub_or_id_a_text_or_a_whole_number() {
    let us = hs256();
    for (changes, expected) in [
        (json!({"sub": 42}), "42"),
        (json!({"sub": null, "id": "i-1"}), "i-1"),
        (json!({"sub": null, "id": 18_446_744_073_709_551_615_u64}), "18446744073709551615"),
        (json!({"sub": "u-1", "id": "i-1"}), "u-1"),
    ] {
        assert_eq!(with(&us, changes).await.unwrap().person.subject, expected);
    }
    for sub in [json!(null), json!(""), json!(1.5), json!(true), json!(["u"]), json!({"id": 1}), json!("u".repeat(256))]
    {
        refused(&us, json!({"sub": sub})).await;
    }
    // A subject that is no subject is not passed over in favour of another claim.
    refused(&us, json!({"sub": false, "id": "i-1"})).await;
    for claim in ["email", "name"] {
        refused(&us, json!({claim: 7})).await;
    }
}

/// A usersource whose keys are at a URL that publishes `first`, and then `then`.
async fn with_keys(first: &SigningKey, then: &SigningKey) -> (Fixture, StandIn) {
    let sets = [first, then].map(|key| json!({"keys": [key.jwk()]}));
    let asked = AtomicUsize::new(0);
    let keys = StandIn::start(move |_| Told::json(&sets[asked.fetch_add(1, Ordering::SeqCst).min(1)])).await;
    let url = format!("{}/keys", keys.address);
    let mut us = fixture(json!({"algorithm": "ES256", "jwks_url": url, "allow_insecure": true}));
    us.outbound =
        Outbound::within(AddressPolicy::PrivateToo, Limits { floor: Duration::ZERO, ..Limits::SERVICE }).unwrap();
    (us, keys)
}

#[tokio::test]
async fn keys_by_url_are_kept_and_read_anew_for_a_key_that_is_not_among_them() {
    let (old, new) = (SigningKey::new(Algorithm::ES256, "k1"), SigningKey::new(Algorithm::ES256, "k2"));
    let (us, keys) = with_keys(&old, &new).await;
    for _ in 0..3 {
        assert!(arrive(&us, &old.sign(&claims(&us, json!({})))).await.is_ok());
    }
    assert_eq!(keys.asked(), 1);
    assert!(arrive(&us, &new.sign(&claims(&us, json!({})))).await.is_ok());
    assert_eq!(keys.asked(), 2);
}

#[tokio::test]
async fn keys_by_url_verify_nothing_that_another_key_signed() {
    let (ours, theirs) = (SigningKey::new(Algorithm::ES256, "k1"), SigningKey::new(Algorithm::ES256, "k2"));
    let same_name = SigningKey::new(Algorithm::ES256, "k1");
    let (us, _keys) = with_keys(&ours, &ours).await;
    for other in [theirs, same_name] {
        let denied = arrive(&us, &other.sign(&claims(&us, json!({})))).await.err().unwrap();
        assert_eq!(denied.reason, Reason::Invalid);
    }
    let gone = fixture(json!({"algorithm": "ES256", "jwks_url": "http://127.0.0.1:9/", "allow_insecure": true}));
    let denied = arrive(&gone, &ours.sign(&claims(&us, json!({})))).await.err().unwrap();
    assert_eq!(denied.reason, Reason::Unreachable);
}

#[tokio::test]
async fn an_answer_that_nobody_asked_for_or_without_a_single_token_signs_nobody_in() {
    let us = hs256();
    let token = hs(Algorithm::HS256, SECRET, &claims(&us, json!({})));
    let one = || vec![("jwt".to_owned(), token.clone())];
    let denied = |query, form, memory: Option<Value>| {
        let us = &us;
        async move {
            finish(us, memory.as_ref(), &Answer { query, form, ..Answer::default() })
                .await
                .0
                .err()
                .map(|denied| denied.reason)
        }
    };
    assert_eq!(denied(one(), vec![], Some(json!({}))).await, None);
    assert_eq!(denied(vec![], one(), Some(json!({}))).await, None);
    assert_eq!(denied(one(), vec![], None).await, Some(Reason::Invalid));
    assert_eq!(denied(vec![], vec![], Some(json!({}))).await, Some(Reason::Invalid));
    assert_eq!(denied(one(), one(), Some(json!({}))).await, Some(Reason::Invalid));
}

#[test]
fn an_answer_names_its_attempt_once_in_the_query_or_in_the_form() {
    let state = |value: &str| vec![("state".to_owned(), value.to_owned())];
    assert_eq!(Jwt.attempt(&Answer { query: state("a"), form: vec![], ..Answer::default() }).as_deref(), Some("a"));
    assert_eq!(Jwt.attempt(&Answer { query: vec![], form: state("a"), ..Answer::default() }).as_deref(), Some("a"));
    assert_eq!(Jwt.attempt(&Answer { query: state("a"), form: state("b"), ..Answer::default() }), None);
    assert_eq!(Jwt.attempt(&Answer { query: state(""), form: vec![], ..Answer::default() }), None);
    assert_eq!(Jwt.attempt(&Answer::default()), None);
}

#[tokio::test]
async fn the_login_page_keeps_its_own_query_and_gets_return_and_state_once() {
    let url = "https://shop.example/login?from=a%20b&return=https://evil.example&s%74ate=old&&lang";
    let us = fixture(json!({"algorithm": "HS256", "secret": SECRET, "login_url": url}));
    let to = begin(&us).await.to;
    let expected = format!(
        "https://shop.example/login?from=a%20b&lang&return=https%3A%2F%2Fhelp.example%2Fauth%2Fus_1%2Fcallback&state={ATTEMPT}"
    );
    assert_eq!(to.as_str(), expected);
}

#[tokio::test]
async fn r27_signing_out_leads_to_the_logout_url_where_one_is_set() {
    let session = ProviderSession { index: None, name_id: None, id_token: None };
    assert_eq!(Jwt.sign_out(&hs256().source(), &session).await, Ok(None));
    let settings = json!({"algorithm": "HS256", "secret": SECRET, "logout_url": "https://shop.example/bye?x=1"});
    let to = Jwt.sign_out(&fixture(settings).source(), &session).await.unwrap().unwrap();
    assert_eq!(to.as_str(), "https://shop.example/bye?x=1&return=https%3A%2F%2Fhelp.example%2Fsigned-out");
}

#[tokio::test]
async fn a_trace_shows_the_claims_and_why_and_neither_token_nor_secret() {
    let us = hs256();
    let token = hs(Algorithm::HS256, SECRET, &claims(&us, json!({"aud": "another"})));
    let answer = Answer { query: vec![("jwt".into(), token.clone())], form: vec![], ..Answer::default() };
    let (arrived, trace) = finish(&us, Some(&json!({})), &answer).await;
    assert!(arrived.is_err() && trace.contains("gold") && trace.contains("aud does not name"), "{trace}");
    for part in token.split('.').chain([SECRET]) {
        assert!(!trace.contains(part), "{trace}");
    }
}

#[tokio::test]
async fn a_customers_login_page_that_knows_nothing_of_us_but_the_secret_signs_people_in() {
    let site = register("jwt", SECRET, CALLBACK).await;
    let login = format!("{}/jwt/{site}/login", social_peer::address());
    let settings =
        json!({"algorithm": "HS256", "secret": SECRET, "login_url": login, "allow_insecure": true, "issuer": site});
    let us = fixture(settings);
    let departure = begin(&us).await;
    let answer = visit(&departure.to, CALLBACK, &[("as", "alice")]).await;
    assert_eq!(Jwt.attempt(&answer).as_deref(), Some(ATTEMPT));
    let person = finish(&us, Some(&departure.memory), &answer).await.0.unwrap().person;
    assert_eq!((person.issuer.as_str(), person.subject.as_str()), (site.as_str(), "4001"));
}

proptest::proptest! {
    #[test]
    fn whatever_a_claim_is_nothing_panics_and_whoever_comes_has_a_subject(
        text in ".{0,300}",
        number in proptest::num::f64::ANY,
        name in "sub|id|exp|iat|nbf|jti|aud|iss|email|name",
    ) {
        let us = hs256();
        for value in [json!(text), json!(number), json!([text]), json!({"x": text})] {
            let token = hs(Algorithm::HS256, SECRET, &claims(&us, json!({&name: value})));
            if let Ok(arrival) = futures::executor::block_on(arrive(&us, &token)) {
                proptest::prop_assert!((1..=255).contains(&arrival.person.subject.len()));
                proptest::prop_assert_eq!(arrival.once.len(), 1);
            }
        }
    }
}
