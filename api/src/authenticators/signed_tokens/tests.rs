//! Tokens of every algorithm, and every way in which one does not hold.

use super::signing::SigningKey;
use super::*;
use serde_json::json;

const CLAIMS: &str = r#"{"sub":"jane","exp":1790000000}"#;

fn set(keys: &[&SigningKey]) -> Keys {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    Keys::read(&serde_json::to_vec(&json!({ "keys": keys })).unwrap()).unwrap()
}

fn check(token: &str, keys: &Keys) -> Result<(), TokenFault> {
    verify(token, keys, ASYMMETRIC).map(drop)
}

#[test]
fn every_asymmetric_algorithm_verifies_and_a_changed_byte_does_not() {
    for algorithm in ASYMMETRIC {
        let key = SigningKey::new(*algorithm, "k1");
        let keys = set(&[&key]);
        let token = key.sign(CLAIMS);
        assert_eq!(verify(&token, &keys, ASYMMETRIC).unwrap().text("sub"), Ok(Some("jane")), "{algorithm:?}");
        let (message, signature) = token.rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let other = URL_SAFE_NO_PAD.encode(CLAIMS.replace("jane", "john"));
        assert_eq!(check(&format!("{header}.{other}.{signature}"), &keys), Err(TokenFault::Signature));
        let mut changed = URL_SAFE_NO_PAD.decode(signature).unwrap();
        changed[10] ^= 1;
        assert_eq!(check(&format!("{message}.{}", URL_SAFE_NO_PAD.encode(changed)), &keys), Err(TokenFault::Signature));
        assert_eq!(check(&format!("{message}."), &keys), Err(TokenFault::Signature));
    }
}

#[test]
fn the_algorithm_is_ours_to_choose_never_the_token_s() {
    let key = SigningKey::new(Algorithm::ES256, "k1");
    let keys = set(&[&key]);
    assert_eq!(verify(&key.sign(CLAIMS), &keys, &[Algorithm::EdDSA]).map(drop), Err(TokenFault::Algorithm));
    for none in ["none", "None", "nOnE", ""] {
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": none, "kid": "k1"}).to_string());
        let token = format!("{header}.{}.", URL_SAFE_NO_PAD.encode(CLAIMS));
        assert_eq!(check(&token, &keys), Err(TokenFault::Algorithm));
    }
}

#[test]
fn a_public_key_is_no_hmac_secret() {
    let key = SigningKey::new(Algorithm::RS256, "k1");
    let keys = set(&[&key]);
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"k1"}"#);
    let message = format!("{header}.{}", URL_SAFE_NO_PAD.encode(CLAIMS));
    for secret in [key.jwk().to_string(), key.jwk()["n"].as_str().unwrap().to_owned()] {
        let secret = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let mac = jsonwebtoken::crypto::sign(message.as_bytes(), &secret, Algorithm::HS256).unwrap();
        let token = format!("{message}.{mac}");
        assert_eq!(check(&token, &keys), Err(TokenFault::Algorithm));
        // Even where HMAC is allowed, a published key verifies none.
        assert_eq!(verify(&token, &keys, &[Algorithm::HS256]).map(drop), Err(TokenFault::UnknownKey));
    }
}

#[test]
fn a_key_verifies_only_under_algorithms_that_it_is_published_for() {
    let key = SigningKey::new(Algorithm::RS256, "k1");
    let mut published = key.jwk();
    published["alg"] = json!("PS256");
    let keys = Keys::read(json!({"keys": [published]}).to_string().as_bytes()).unwrap();
    assert_eq!(check(&key.sign(CLAIMS), &keys), Err(TokenFault::UnknownKey));
}

#[test]
fn a_token_names_its_key_or_any_key_of_the_set_may_be_it() {
    let (first, second) = (SigningKey::new(Algorithm::ES256, "k1"), SigningKey::new(Algorithm::ES256, "k2"));
    let keys = set(&[&first, &second]);
    assert_eq!(check(&second.sign(CLAIMS), &keys), Ok(()));
    assert_eq!(check(&second.sign_naming(None, CLAIMS), &keys), Ok(()));
    assert_eq!(check(&second.sign_naming(Some("k1"), CLAIMS), &keys), Err(TokenFault::Signature));
    assert_eq!(check(&second.sign_naming(Some("k3"), CLAIMS), &keys), Err(TokenFault::UnknownKey));
    assert_eq!(check(&second.sign_naming(None, CLAIMS), &set(&[&first])), Err(TokenFault::UnknownKey));
}

#[test]
fn a_token_brings_no_key_of_its_own_and_demands_nothing() {
    let (ours, theirs) = (SigningKey::new(Algorithm::ES256, "k1"), SigningKey::new(Algorithm::ES256, "k1"));
    let brought = theirs.sign_with(json!({"alg": "ES256", "kid": "k1", "jwk": theirs.jwk()}), CLAIMS);
    assert_eq!(check(&brought, &set(&[&ours])), Err(TokenFault::Signature));
    let demanding = ours.sign_with(json!({"alg": "ES256", "kid": "k1", "crit": ["b64"], "b64": false}), CLAIMS);
    assert!(matches!(check(&demanding, &set(&[&ours])), Err(TokenFault::Malformed(_))));
}

#[test]
fn what_has_not_the_form_of_a_token_is_refused() {
    let key = SigningKey::new(Algorithm::ES256, "k1");
    let keys = set(&[&key]);
    assert_eq!(check("a.b.c.d.e", &keys), Err(TokenFault::Encrypted));
    assert!(matches!(check(&key.sign("[1]"), &keys), Err(TokenFault::Malformed(_))));
    for odd in ["", ".", "..", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e.f", &"a".repeat(LONGEST + 1)] {
        assert!(matches!(check(odd, &keys), Err(TokenFault::Malformed(_))), "{odd}");
    }
    let spaced = format!("{} ", key.sign(CLAIMS));
    assert!(check(&spaced, &keys).is_err());
}

#[test]
fn a_pasted_key_or_a_secret_verifies_under_its_one_algorithm() {
    let key = SigningKey::new(Algorithm::PS256, "k1");
    let keys = Keys::pem(&key.public_pem(), Algorithm::PS256).unwrap();
    assert_eq!(check(&key.sign(CLAIMS), &keys), Ok(()));
    assert!(Keys::pem(&key.public_pem(), Algorithm::EdDSA).is_err());
    assert!(Keys::pem(&key.public_pem(), Algorithm::HS256).is_err(), "a public key is no secret");
    assert!(Keys::secret(b"secret", Algorithm::RS256).is_err());
    let other = SigningKey::new(Algorithm::RS256, "k1");
    let keys = Keys::pem(&other.public_pem(), Algorithm::PS256).unwrap();
    assert_eq!(check(&other.sign(CLAIMS), &keys), Err(TokenFault::UnknownKey));
}

#[test]
fn ed25519_has_two_names() {
    let key = SigningKey::new(Algorithm::EdDSA, "k1");
    let token = key.sign_with(json!({"alg": "Ed25519", "kid": "k1"}), CLAIMS);
    assert_eq!(check(&token, &set(&[&key])), Ok(()));
}
