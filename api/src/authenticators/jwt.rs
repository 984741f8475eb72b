//! `jwt`: a redirect to a login page of your own, which sends the visitor back with a signed token.
//!
//! Spec: RFC 7518 §3.2: an HMAC key is at least as long as its hash. RFC 8725 §3.1: the algorithm is set here.
//! Stops: a secret that is guessed; a token that chooses how it is verified.

use super::every::{INSECURE, TRUST, check_trust, invalid, required};
use super::pem::{self, KeyAlgorithm};
use super::{Authenticator, FieldSpec, FieldType, Input, Output, SignIn, Unset};
use domain::{Capabilities, Display, Fault, Field, Fields, Plain, Silent, UsersourceId};
use std::collections::BTreeMap;

mod public_keys;
mod sign_in;

/// The kind.
pub(super) struct Jwt;

const ALGORITHM: &str = "settings.algorithm";
const SECRET: &str = "settings.secret";
const PUBLIC_KEY: &str = "settings.public_key";
const JWKS_URL: &str = "settings.jwks_url";

const SETTINGS: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.login_url",
        "Remote login URL",
        FieldType::Url,
        "Where the visitor is sent to sign in, with `return` (our callback URL) and `state` in the query. It sends the \
         visitor to `return` with `jwt`, the signed token, and the same `state`, in the query or as a posted form. \
         The token's claims: `sub` or `id`, which never changes for a person; `iat` and `exp`, at most 10 minutes apart; \
         `jti`, another in each token; `aud`; `iss` if an issuer is set; `email` and `name` if they are known. Any \
         other claim is there for the filter.",
    )
    .required()
    .elsewhere("Zendesk: Remote login URL"),
    FieldSpec::new(
        "settings.logout_url",
        "Remote logout URL",
        FieldType::Url,
        "Where the visitor is sent after signing out here, with the page to come back to as `return` in the query.",
    )
    .elsewhere("Zendesk: Remote logout URL"),
    FieldSpec::new(
        ALGORITHM,
        "Algorithm",
        FieldType::Choice(&["HS256", "HS384", "HS512", "RS256", "PS256", "ES256", "EdDSA"]),
        "How the token is signed. A token that says otherwise is refused.",
    )
    .required(),
    FieldSpec::new(
        SECRET,
        "Shared secret",
        FieldType::Secret(32, 1024),
        "The secret that both sides know, at least as long as the hash: 32, 48 or 64 bytes for HS256, HS384 or HS512.",
    )
    .required_if("the algorithm is HS256, HS384 or HS512")
    .elsewhere("Zendesk: Shared secret"),
    FieldSpec::new(
        PUBLIC_KEY,
        "Public key",
        FieldType::PublicKey,
        "The key that verifies the token, as PEM; a certificate gives its key.",
    )
    .required_if("the algorithm is RS256, PS256, ES256 or EdDSA and there is no jwks_url"),
    FieldSpec::new(
        JWKS_URL,
        "JWKS URL",
        FieldType::Url,
        "Where the other side publishes its keys, instead of one public key here.",
    )
    .required_if("the algorithm is RS256, PS256, ES256 or EdDSA and there is no public_key"),
    FieldSpec::new(
        "settings.issuer",
        "Issuer",
        FieldType::Text(1024),
        "If it is set, the token's `iss` must be this.",
    ),
    FieldSpec::new(
        "settings.audience",
        "Audience",
        FieldType::Text(1024),
        "The token's `aud` must be or contain this. It is always checked.",
    )
    .unset_is(Unset::Told("the callback URL")),
];

/// The length of the hash of an HS algorithm, in bytes.
fn hash_length(algorithm: &str) -> Option<usize> {
    match algorithm {
        "HS256" => Some(32),
        "HS384" => Some(48),
        "HS512" => Some(64),
        _ => None,
    }
}

fn signs_with(algorithm: &str) -> Option<KeyAlgorithm> {
    match algorithm {
        "RS256" | "PS256" => Some(KeyAlgorithm::Rsa),
        "ES256" => Some(KeyAlgorithm::P256),
        "EdDSA" => Some(KeyAlgorithm::Ed25519),
        _ => None,
    }
}

impl Authenticator for Jwt {
    fn slug(&self) -> &'static str {
        "jwt"
    }

    fn label(&self) -> &'static str {
        "JWT"
    }

    fn summary(&self) -> &'static str {
        "Single sign-on with a login page of your own that signs a token."
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { display: Display::Button, sso: true, silent: Silent::Never, built_in: false }
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[SETTINGS, TRUST, INSECURE]
    }

    fn check(&self, fields: &Fields) -> Vec<Fault> {
        let mut faults = check_trust(fields);
        let Some(algorithm) = fields.text(ALGORITHM) else { return faults };
        if hash_length(algorithm).is_some() && fields.get(SECRET).is_none() {
            faults.push(required(SECRET, "this algorithm needs the shared secret"));
        }
        if let Some(needed) = signs_with(algorithm) {
            let (key, url) = (fields.text(PUBLIC_KEY), fields.get(JWKS_URL));
            match key {
                None if url.is_none() => {
                    faults.push(required(PUBLIC_KEY, "this algorithm needs public_key or jwks_url"));
                }
                Some(_) if url.is_some() => faults.push(invalid(PUBLIC_KEY, "give public_key or jwks_url, not both")),
                Some(key) if pem::key_algorithm(key) != Some(needed) => {
                    faults.push(invalid(PUBLIC_KEY, format!("this key is none for {algorithm}")));
                }
                _ => {}
            }
        }
        faults
    }

    /// A secret is measured while it is open: when it comes, and again when the hash grows.
    fn check_input(&self, input: &BTreeMap<Field, Option<Input>>, existing: &Fields) -> Vec<Fault> {
        let before = existing.text(ALGORITHM);
        let after = match input.get(&Field::new(ALGORITHM)) {
            Some(Some(Input::Plain(Plain::Text(algorithm)))) => Some(algorithm.as_str()),
            Some(_) => None,
            None => before,
        };
        let length = |algorithm: Option<&str>| algorithm.and_then(hash_length);
        let Some(needed) = length(after) else { return Vec::new() };
        match input.get(&Field::new(SECRET)) {
            Some(Some(Input::Secret(secret))) if secret.len() < needed => {
                vec![invalid(SECRET, format!("this algorithm needs a secret of at least {needed} bytes"))]
            }
            None if existing.get(SECRET).is_some() && length(before).is_none_or(|had| had < needed) => {
                vec![invalid(SECRET, "set the secret again, together with the algorithm: its length must fit")]
            }
            _ => Vec::new(),
        }
    }

    fn outputs(&self, base_url: &str, id: &UsersourceId) -> Vec<Output> {
        Output::callback(base_url, id)
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Redirect(&Jwt)
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "Shop", "settings": {
            "login_url": "https://shop.example/login?from=help", "algorithm": "HS256",
            "secret": "0123456789abcdef0123456789abcdef", "issuer": "shop",
        }})
    }
}

#[cfg(test)]
#[path = "jwt/settings_tests.rs"]
mod tests;
