//! Whole sign-ins at a certified provider.

use super::peer::{ATTEMPT, Browser, Realm, answer, begin, finish, sign_in};
use crate::authenticators::SignIn;
use crate::authenticators::signed_tokens::{Algorithm, signing::SigningKey};
use crate::outbound::{AddressPolicy, Limits, Outbound};
use crate::sign_in::fixture::{BASE_URL, Fixture};
use crate::sign_in::{Denied, Person, Reason};
use domain::Audience;
use serde_json::{Value, json};
use std::time::Duration;

const ALICE: &[(&str, &str)] = &[("as", "alice")];

fn reason<T>(result: Result<T, Denied>) -> Reason {
    result.map(|_| ()).unwrap_err().reason
}

/// The address, and whether it is verified.
fn address(person: &Person) -> (String, bool) {
    let email = person.email.as_ref().unwrap();
    (email.email().as_str().to_owned(), email.verified().is_some())
}

async fn signed_in(fixture: &Fixture, form: &[(&str, &str)]) -> Person {
    sign_in(fixture, &mut Browser::default(), form).await.unwrap().person
}

#[tokio::test]
async fn a_person_is_known_by_issuer_and_subject_and_brings_a_verified_address() {
    for wishes in [json!({}), json!({"claims_in_id_token": true}), json!({"says_who_answers": false})] {
        let realm = Realm::new(wishes).await;
        let fixture = realm.usersource(json!({}), json!({})).await;
        let alice = signed_in(&fixture, ALICE).await;
        assert_eq!((&alice.issuer, alice.subject.as_str()), (&realm.issuer, "alice"));
        assert_eq!(address(&alice), ("alice@example.com".to_owned(), true));
        assert_eq!(alice.name.as_deref(), Some("Alice Archer"));
        assert_eq!(alice.claims["email"], json!("alice@example.com"));
        for absent in ["nonce", "at_hash"] {
            assert!(!alice.claims.contains_key(absent));
        }
        let bob = signed_in(&fixture, &[("as", "bob")]).await;
        assert_eq!(address(&bob), ("bob@example.com".to_owned(), false));
        assert!(signed_in(&fixture, &[("as", "dave")]).await.email.is_none());
    }
}

#[tokio::test]
async fn every_algorithm_of_the_provider_is_verified() {
    let realm = Realm::new(json!({})).await;
    for algorithm in ["RS256", "PS256", "ES256", "EdDSA"] {
        let fixture = realm.usersource(json!({"id_token_signed_response_alg": algorithm}), json!({})).await;
        assert_eq!(signed_in(&fixture, ALICE).await.subject, "alice", "{algorithm}");
    }
}

#[tokio::test]
async fn a_client_proves_itself_as_it_is_registered() {
    let realm = Realm::new(json!({})).await;
    let public = realm.usersource(json!({"token_endpoint_auth_method": "none"}), json!({})).await;
    assert!(public.usersource.fields.setting("client_secret").is_none());
    assert_eq!(signed_in(&public, ALICE).await.subject, "alice");
    let secret = realm.usersource(json!({"token_endpoint_auth_method": "client_secret_basic"}), json!({})).await;
    assert_eq!(signed_in(&secret, ALICE).await.subject, "alice");
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let key = SigningKey::new(algorithm, "ours");
        let client = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [key.jwk()]}});
        let fixture = realm.usersource(client, json!({"private_key": key.private_pem(), "key_id": "ours"})).await;
        assert_eq!(signed_in(&fixture, ALICE).await.subject, "alice", "{algorithm:?}");
    }
    let wrong = realm.usersource(json!({}), json!({"client_secret": "not the secret"})).await;
    let denied = sign_in(&wrong, &mut Browser::default(), ALICE).await;
    assert_eq!(reason(denied), Reason::Misconfigured);
}

#[tokio::test]
async fn keys_that_the_provider_changes_are_read_anew() {
    let realm = Realm::new(json!({})).await;
    let mut fixture = realm.usersource(json!({}), json!({})).await;
    let limits = Limits { floor: Duration::ZERO, ..Limits::SERVICE };
    fixture.outbound = Outbound::within(AddressPolicy::PrivateToo, limits).unwrap();
    signed_in(&fixture, ALICE).await;
    realm.rotate().await;
    assert_eq!(signed_in(&fixture, ALICE).await.subject, "alice");
    // With the floor of the service, a rotation right after the keys were read is not seen yet.
    fixture.outbound = Outbound::new(AddressPolicy::PrivateToo).unwrap();
    signed_in(&fixture, ALICE).await;
    realm.rotate().await;
    assert_eq!(reason(sign_in(&fixture, &mut Browser::default(), ALICE).await), Reason::Invalid);
}

#[tokio::test]
async fn r25_a_silent_attempt_shows_nothing_and_fails_where_it_would_have_to() {
    let realm = Realm::new(json!({})).await;
    let fixture = realm.usersource(json!({}), json!({})).await;
    let mut browser = Browser::default();
    let departure = begin(&fixture, true, false).await.unwrap();
    let at = browser.visit(&departure.to, &[]).await;
    assert_eq!(reason(finish(&fixture, Some(&departure.memory), &answer(&at)).await.0), Reason::NotSilent);
    sign_in(&fixture, &mut browser, ALICE).await.unwrap();
    let departure = begin(&fixture, true, false).await.unwrap();
    let at = browser.visit(&departure.to, &[]).await;
    let (arrival, _) = finish(&fixture, Some(&departure.memory), &answer(&at)).await;
    assert_eq!(arrival.unwrap().person.subject, "alice");
}

#[tokio::test]
async fn r41_a_provider_that_was_told_to_ask_again_says_when_the_person_signed_in() {
    let realm = Realm::new(json!({})).await;
    let fixture = realm.usersource(json!({}), json!({})).await;
    let mut browser = Browser::default();
    let first = sign_in(&fixture, &mut browser, ALICE).await.unwrap();
    assert_eq!(first.asked_again_at, None, "nobody told it to");
    let departure = begin(&fixture, false, true).await.unwrap();
    let at = browser.visit(&departure.to, ALICE).await;
    let (arrival, _) = finish(&fixture, Some(&departure.memory), &answer(&at)).await;
    let at = arrival.unwrap().asked_again_at.unwrap();
    assert!((at.millis() - fixture.now.millis()).abs() < 30_000, "{at}");
}

#[tokio::test]
async fn a_person_who_says_no_is_let_go() {
    let realm = Realm::new(json!({})).await;
    let fixture = realm.usersource(json!({}), json!({})).await;
    assert_eq!(reason(sign_in(&fixture, &mut Browser::default(), &[("deny", "yes")]).await), Reason::Cancelled);
}

#[tokio::test]
async fn a_code_works_once_and_only_with_the_verifier_of_its_beginning() {
    let realm = Realm::new(json!({})).await;
    let fixture = realm.usersource(json!({}), json!({})).await;
    let departure = begin(&fixture, false, false).await.unwrap();
    let back = answer(&Browser::default().visit(&departure.to, ALICE).await);
    let mut other = departure.memory.clone();
    other["verifier"] = json!("another-verifier-another-verifier-another-v");
    assert_eq!(reason(finish(&fixture, Some(&other), &back).await.0), Reason::Invalid);
    let departure = begin(&fixture, false, false).await.unwrap();
    let back = answer(&Browser::default().visit(&departure.to, ALICE).await);
    assert_eq!(back.query("state"), Some(ATTEMPT));
    assert!(finish(&fixture, Some(&departure.memory), &back).await.0.is_ok());
    assert_eq!(reason(finish(&fixture, Some(&departure.memory), &back).await.0), Reason::Invalid);
}

#[tokio::test]
async fn r27_signing_out_ends_the_provider_s_session_and_comes_back() {
    let realm = Realm::new(json!({})).await;
    let fixture = realm.usersource(json!({}), json!({})).await;
    let mut browser = Browser::default();
    let session = sign_in(&fixture, &mut browser, ALICE).await.unwrap().session.unwrap();
    let SignIn::Redirect(kind) = fixture.sign_in() else { panic!("the kind does not redirect") };
    let to = kind.sign_out(&fixture.source(), &session).await.unwrap().unwrap();
    let at = browser.visit(&to, &[("logout", "yes")]).await;
    assert_eq!(at.as_str(), format!("{BASE_URL}/signed-out"));
    let departure = begin(&fixture, true, false).await.unwrap();
    let at = browser.visit(&departure.to, &[]).await;
    assert_eq!(answer(&at).query("error"), Some("login_required"), "the session is over");
}

#[tokio::test]
async fn an_encrypted_id_token_is_refused_in_plain_words() {
    let realm = Realm::new(json!({})).await;
    let key = SigningKey::new(Algorithm::ES256, "ours");
    let mut public = key.jwk();
    public["use"] = json!("enc");
    let client = json!({"id_token_encrypted_response_alg": "ECDH-ES", "jwks": {"keys": [public]}});
    let fixture = realm.usersource(client, json!({})).await;
    let denied = sign_in(&fixture, &mut Browser::default(), ALICE).await.map(|_| ()).unwrap_err();
    assert_eq!(denied.reason, Reason::Misconfigured);
    assert!(denied.cause.contains("encrypted"), "{denied}");
}

#[tokio::test]
async fn r31_people_of_other_domains_and_with_unverified_addresses_are_not_admitted() {
    let realm = Realm::new(json!({})).await;
    let fixture = realm.usersource(json!({}), json!({"email_domains": ["example.com"]})).await;
    assert_eq!(signed_in(&fixture, ALICE).await.subject, "alice");
    for other in ["bob", "carol", "dave"] {
        let denied = sign_in(&fixture, &mut Browser::default(), &[("as", other)]).await;
        assert_eq!(reason(denied), Reason::NotAdmitted, "{other}");
    }
}

#[tokio::test]
async fn google_s_hosted_domain_is_asked_for_and_checked() {
    let realm = Realm::new(json!({"claims_in_id_token": true})).await;
    let client = realm.register(json!({})).await;
    let google = |settings: Value| {
        let mut all = json!({"issuer": realm.issuer, "client_id": client["client_id"],
                             "client_secret": client["client_secret"], "allow_insecure": true});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        Fixture::new("google", Audience::Users, all)
    };
    let fixture = google(json!({"hosted_domain": "example.com"}));
    let to = begin(&fixture, false, false).await.unwrap().to;
    assert!(to.query_pairs().any(|(name, value)| name == "hd" && value == "example.com"));
    let alice = signed_in(&fixture, ALICE).await;
    assert_eq!(address(&alice), ("alice@example.com".to_owned(), true));
    for other in ["bob", "carol"] {
        let denied = sign_in(&fixture, &mut Browser::default(), &[("as", other)]).await;
        assert_eq!(reason(denied), Reason::NotAdmitted, "{other}");
    }
    assert_eq!(signed_in(&google(json!({})), &[("as", "carol")]).await.subject, "carol");
}

#[tokio::test]
async fn a_trace_tells_the_steps_and_no_secret() {
    let realm = Realm::new(json!({})).await;
    let fixture = realm.usersource(json!({}), json!({})).await;
    let secret = fixture.source().secret("client_secret").unwrap().unwrap();
    let departure = begin(&fixture, false, false).await.unwrap();
    let back = answer(&Browser::default().visit(&departure.to, ALICE).await);
    let (arrival, trace) = finish(&fixture, Some(&departure.memory), &back).await;
    for step in ["token_endpoint", "client_secret_basic", "alice@example.com", "RS256"] {
        assert!(trace.contains(step), "{step}: {trace}");
    }
    let id_token = arrival.unwrap().session.unwrap().id_token.unwrap();
    let signature = id_token.rsplit('.').next().unwrap();
    let memory = |name: &str| departure.memory[name].as_str().unwrap().to_owned();
    for hidden in [secret.as_str(), signature, back.query("code").unwrap(), &memory("verifier"), &memory("nonce")] {
        assert!(!trace.contains(hidden), "{hidden}: {trace}");
    }
}
