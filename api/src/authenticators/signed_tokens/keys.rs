//! The keys that verify a provider's tokens: read from a key set, from PEM, or one shared secret.
//!
//! They are brought into the form that the signature check takes once, when they are read, so that a sign-in costs
//! little more than that check.
//!
//! Spec: RFC 7517 (JWK Set), RFC 7518 §6, RFC 8037 (Ed25519).
//! Stops: a key that verifies under an algorithm it was not made for; secrets published in a key set.

use super::{Algorithm, TokenFault};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{AlgorithmFamily, DecodingKey};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// Most keys of one set that are kept.
const MOST: usize = 100;
/// Most keys that are tried on a token that names none.
const MOST_TRIED: usize = 8;

/// Keys of one provider.
pub struct Keys {
    keys: Vec<Key>,
}

/// One key, its name, and what it may verify.
pub(super) struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// One of them may be a secret.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("count", &self.keys.len()).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl Keys {
    /// Reads a JWK Set. Keys for something else, and of kinds that are not known here, are passed over, as RFC 7517 §5
    /// asks.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let set: Set = serde_json::from_slice(body).map_err(|_| "this is no set of keys".to_owned())?;
        if set.keys.len() > MOST {
            return Err(format!("there are more than {MOST} keys"));
        }
        Ok(Self { keys: set.keys.into_iter().filter_map(published).collect() })
    }

    /// One public key as PEM, for one algorithm; it verifies tokens whatever key they name.
    pub fn pem(pem: &str, algorithm: Algorithm) -> Result<Self, TokenFault> {
        let key = match algorithm.family() {
            AlgorithmFamily::Rsa => DecodingKey::from_rsa_pem(pem.as_bytes()),
            AlgorithmFamily::Ec => DecodingKey::from_ec_pem(pem.as_bytes()),
            AlgorithmFamily::Ed => DecodingKey::from_ed_pem(pem.as_bytes()),
            AlgorithmFamily::Hmac => return Err(TokenFault::Algorithm),
        };
        let key = key.map_err(|_| TokenFault::Malformed("the public key does not fit the algorithm"))?;
        Ok(Self { keys: vec![Key { id: None, algorithms: vec![algorithm], key }] })
    }

    /// One secret that both sides know, for one HMAC algorithm; it verifies tokens whatever key they name.
    pub fn secret(secret: &[u8], algorithm: Algorithm) -> Result<Self, TokenFault> {
        if algorithm.family() != AlgorithmFamily::Hmac {
            return Err(TokenFault::Algorithm);
        }
        Ok(Self { keys: vec![Key { id: None, algorithms: vec![algorithm], key: DecodingKey::from_secret(secret) }] })
    }

    /// The keys to try on a token, and whether the token names one of them by its id.
    pub(super) fn candidates(&self, id: Option<&str>, algorithm: Algorithm) -> (bool, Vec<&Key>) {
        let fitting = || self.keys.iter().filter(|key| key.algorithms.contains(&algorithm));
        let named: Vec<_> = fitting().filter(|key| id.is_some() && key.id.as_deref() == id).collect();
        if !named.is_empty() {
            return (true, named);
        }
        (false, fitting().filter(|key| id.is_none() || key.id.is_none()).take(MOST_TRIED).collect())
    }
}

impl Key {
    pub(super) fn key(&self) -> &DecodingKey {
        &self.key
    }
}

/// The algorithm with this name. EdDSA with Ed25519 has two: RFC 8037 and RFC 9864.
pub(super) fn algorithm_called(name: &str) -> Option<Algorithm> {
    if name == "Ed25519" { Some(Algorithm::EdDSA) } else { name.parse().ok() }
}

/// A published key, if it may verify signatures that only its owner can make.
fn published(key: Value) -> Option<Key> {
    let only = match key.get("alg") {
        Some(Value::String(name)) => Some(algorithm_called(name)?),
        Some(_) => return None,
        None => None,
    };
    let key: Jwk = serde_json::from_value(key).ok()?;
    let for_signatures = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature))
        && key.common.key_operations.as_ref().is_none_or(|uses| uses.contains(&KeyOperations::Verify));
    let mut algorithms = algorithms_of(&key.algorithm);
    algorithms.retain(|algorithm| only.is_none_or(|only| only == *algorithm));
    if !for_signatures || algorithms.is_empty() {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    Some(Key { id: key.common.key_id, algorithms, key: decoding })
}

fn algorithms_of(parameters: &AlgorithmParameters) -> Vec<Algorithm> {
    let curve = match parameters {
        AlgorithmParameters::RSA(_) => return AlgorithmFamily::Rsa.algorithms().to_vec(),
        AlgorithmParameters::EllipticCurve(key) => &key.curve,
        AlgorithmParameters::OctetKeyPair(key) => &key.curve,
        AlgorithmParameters::OctetKey(_) | AlgorithmParameters::Other(_) | _ => return Vec::new(),
    };
    match curve {
        EllipticCurve::P256 => vec![Algorithm::ES256],
        EllipticCurve::P384 => vec![Algorithm::ES384],
        EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        EllipticCurve::P521 | _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const X: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

    fn count(keys: Value) -> usize {
        Keys::read(&serde_json::to_vec(&json!({ "keys": keys })).unwrap()).unwrap().keys.len()
    }

    #[test]
    fn what_is_no_key_for_signatures_is_passed_over() {
        let ed = json!({"kty": "OKP", "crv": "Ed25519", "x": X});
        let with = |name: &str, value: Value| {
            let mut key = ed.clone();
            key[name] = value;
            json!([key])
        };
        assert_eq!(count(json!([ed])), 1);
        assert_eq!(count(with("use", json!("sig"))), 1);
        assert_eq!(count(with("alg", json!("EdDSA"))), 1);
        assert_eq!(count(with("alg", json!("Ed25519"))), 1);
        assert_eq!(count(with("key_ops", json!(["verify"]))), 1);
        assert_eq!(count(with("use", json!("enc"))), 0);
        assert_eq!(count(with("key_ops", json!(["encrypt"]))), 0);
        assert_eq!(count(with("alg", json!("ES256"))), 0, "an algorithm of another kind of key");
        assert_eq!(count(with("crv", json!("Ed448"))), 0);
        assert_eq!(count(json!([{"kty": "oct", "k": X}])), 0, "a secret is never published");
        assert_eq!(count(json!([{"kty": "new"}, 7, "x"])), 0);
    }

    #[test]
    fn a_document_that_is_no_set_or_has_too_many_keys_is_unusable() {
        for body in ["", "[]", "{}", r#"{"keys": {}}"#, "<html>"] {
            assert!(Keys::read(body.as_bytes()).is_err(), "{body}");
        }
        let many = serde_json::to_vec(&json!({"keys": vec![json!({}); MOST + 1]})).unwrap();
        assert!(Keys::read(&many).is_err());
    }
}
