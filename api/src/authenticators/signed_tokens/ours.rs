//! Tokens that we sign ourselves, with a private key of an admin's.
//!
//! Spec: RFC 7515; RFC 7518 §3; RFC 8037.

use super::Algorithm;
use crate::authenticators::pem;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A private key that signs. No `Debug`.
pub enum OurKey {
    /// RSA.
    Rsa(Box<RsaKeyPair>),
    /// ECDSA on P-256.
    P256(EcdsaKeyPair),
    /// Ed25519.
    Ed25519(Ed25519KeyPair),
}

impl OurKey {
    /// Reads a private key in the form in which a field keeps it.
    pub fn read(stored: &str) -> Option<Self> {
        let der = pem::private_der(stored)?;
        let rsa = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der));
        if let Ok(key) = rsa {
            return Some(Self::Rsa(Box::new(key)));
        }
        let ec = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der);
        ec.map(Self::P256).or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map(Self::Ed25519)).ok()
    }

    /// What it signs with, by what the other side `takes`. Where that is nothing this key can do, its usual one.
    pub fn algorithm(&self, takes: impl Fn(&str) -> bool) -> Algorithm {
        match self {
            Self::Rsa(_) if !takes("RS256") && takes("PS256") => Algorithm::PS256,
            Self::Rsa(_) => Algorithm::RS256,
            Self::P256(_) => Algorithm::ES256,
            Self::Ed25519(_) => Algorithm::EdDSA,
        }
    }

    /// Signs the claims; `id` tells the other side which key it is.
    pub fn sign(&self, algorithm: Algorithm, id: Option<&str>, claims: &Value) -> Option<String> {
        let mut header = json!({"alg": algorithm, "typ": "JWT"});
        if let (Some(header), Some(id)) = (header.as_object_mut(), id) {
            header.insert("kid".to_owned(), json!(id));
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(claims));
        let signature = self.signature(algorithm, message.as_bytes())?;
        Some(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    fn signature(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let chance = SystemRandom::new();
        match self {
            Self::Rsa(key) => {
                let way = if algorithm == Algorithm::PS256 { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(way, &chance, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::P256(key) => key.sign(&chance, message).ok().map(|signature| signature.as_ref().to_vec()),
            Self::Ed25519(key) => Some(key.sign(message).as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::signing::SigningKey;
    use super::super::{ASYMMETRIC, Keys, verify};
    use super::*;

    #[test]
    fn what_we_sign_verifies_under_the_algorithm_that_the_other_side_takes() {
        for (algorithm, takes) in [
            (Algorithm::RS256, &["RS256", "PS256"][..]),
            (Algorithm::PS256, &["PS256"]),
            (Algorithm::RS256, &["HS256"]),
            (Algorithm::ES256, &["ES256"]),
            (Algorithm::EdDSA, &["RS256"]),
        ] {
            let pair = SigningKey::new(algorithm, "ours");
            let key = OurKey::read(&pem::private_key(&pair.private_pem()).unwrap()).unwrap();
            let chosen = key.algorithm(|name| takes.contains(&name));
            assert_eq!(chosen, algorithm);
            let token = key.sign(chosen, Some("ours"), &json!({"iss": "us"})).unwrap();
            let keys = Keys::read(json!({"keys": [pair.jwk()]}).to_string().as_bytes()).unwrap();
            assert_eq!(verify(&token, &keys, ASYMMETRIC).unwrap().text("iss"), Ok(Some("us")));
        }
        assert!(OurKey::read("no key").is_none());
    }
}
