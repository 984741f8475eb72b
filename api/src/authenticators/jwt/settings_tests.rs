//! Secrets and keys must fit the algorithm.

use super::*;
use crate::authenticators::read_input;
use crate::authenticators::sample_keys::{ED25519, P256, RSA};
use domain::{Audience, Sealed, Setting};
use serde_json::{Value, json};

fn fields(values: &[(&str, &str)]) -> Fields {
    values.iter().map(|(name, value)| (Field::new(*name), Setting::text(*value))).collect()
}

fn with_secret(algorithm: &str) -> Fields {
    let sealed = Sealed { key: "k".into(), ciphertext: "c".into(), fingerprint: "f".into() };
    let mut fields = fields(&[(ALGORITHM, algorithm)]);
    fields.set(Field::new(SECRET), Some(Setting::Sealed(sealed)));
    fields
}

fn read(settings: Value, existing: &Fields) -> bool {
    let Value::Object(members) = json!({"settings": settings}) else { unreachable!() };
    read_input(&Jwt, Audience::Users, &members, existing).is_ok()
}

#[test]
fn a_secret_is_at_least_as_long_as_the_hash() {
    for (algorithm, length) in [("HS256", 32), ("HS384", 48), ("HS512", 64)] {
        let none = Fields::default();
        assert!(!read(json!({"algorithm": algorithm, "secret": "x".repeat(length - 1)}), &none), "{algorithm}");
        assert!(read(json!({"algorithm": algorithm, "secret": "x".repeat(length)}), &none), "{algorithm}");
        let existing = fields(&[(ALGORITHM, algorithm)]);
        assert!(!read(json!({"secret": "x".repeat(length - 1)}), &existing), "{algorithm}");
        assert!(read(json!({"secret": "x".repeat(length)}), &existing), "{algorithm}");
    }
}

#[test]
fn a_longer_hash_needs_the_secret_again_and_a_shorter_one_does_not() {
    assert!(!read(json!({"algorithm": "HS512"}), &with_secret("HS256")));
    assert!(!read(json!({"algorithm": "HS256"}), &with_secret("RS256")));
    assert!(read(json!({"algorithm": "HS256"}), &with_secret("HS512")));
    assert!(read(json!({"algorithm": "HS512", "secret": null}), &with_secret("HS256")));
    assert!(read(json!({"logout_url": "https://shop.example"}), &with_secret("HS512")));
}

#[test]
fn hs_needs_a_secret_and_the_others_exactly_one_source_of_keys() {
    let codes = |fields: &Fields| -> Vec<(String, String)> {
        Jwt.check(fields).into_iter().map(|fault| (fault.field.as_str().to_owned(), fault.code)).collect()
    };
    let fault = |field: &str, code: &str| vec![(field.to_owned(), code.to_owned())];
    assert_eq!(codes(&fields(&[(ALGORITHM, "HS256")])), fault(SECRET, "required"));
    assert_eq!(codes(&with_secret("HS256")), []);
    assert_eq!(codes(&with_secret("RS256")), fault(PUBLIC_KEY, "required"), "a secret is no public key");
    assert_eq!(codes(&fields(&[(ALGORITHM, "RS256"), (JWKS_URL, "https://shop.example/keys")])), []);
    let both = fields(&[(ALGORITHM, "RS256"), (JWKS_URL, "https://shop.example/keys"), (PUBLIC_KEY, RSA)]);
    assert_eq!(codes(&both), fault(PUBLIC_KEY, "invalid"));
}

#[test]
fn a_public_key_fits_its_algorithm() {
    for (algorithm, fitting) in [("RS256", RSA), ("PS256", RSA), ("ES256", P256), ("EdDSA", ED25519)] {
        for key in [RSA, P256, ED25519] {
            let faults = Jwt.check(&fields(&[(ALGORITHM, algorithm), (PUBLIC_KEY, key)]));
            assert_eq!(faults.is_empty(), key == fitting, "{algorithm}");
        }
    }
}
