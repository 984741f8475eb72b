//! Keys that sign, for tests: fresh ones, each with its published half.

use super::Algorithm;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jsonwebtoken::{AlgorithmFamily, EncodingKey};
use serde_json::{Value, json};

/// One key pair, for one algorithm, with a name.
pub(crate) struct SigningKey {
    algorithm: Algorithm,
    id: String,
    private: Vec<u8>,
    public: Vec<u8>,
    members: Value,
}

impl SigningKey {
    /// A fresh one.
    pub(crate) fn new(algorithm: Algorithm, id: &str) -> Self {
        let (private, public, members) = match algorithm.family() {
            AlgorithmFamily::Rsa => rsa(),
            AlgorithmFamily::Ec => ec(algorithm),
            AlgorithmFamily::Ed => ed(),
            AlgorithmFamily::Hmac => panic!("a secret has no public half"),
        };
        Self { algorithm, id: id.to_owned(), private, public, members }
    }

    /// As it is published in a key set.
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = self.members.clone();
        jwk["kid"] = json!(self.id);
        jwk["use"] = json!("sig");
        jwk
    }

    /// The public half as PEM.
    pub(crate) fn public_pem(&self) -> String {
        pem("PUBLIC KEY", &self.public)
    }

    /// The private half as PEM, PKCS #8.
    pub(crate) fn private_pem(&self) -> String {
        pem("PRIVATE KEY", &self.private)
    }

    /// A token that names the key.
    pub(crate) fn sign(&self, claims: &str) -> String {
        self.sign_naming(Some(&self.id), claims)
    }

    /// A token that names this key or none.
    pub(crate) fn sign_naming(&self, id: Option<&str>, claims: &str) -> String {
        let mut header = json!({"alg": self.algorithm, "typ": "JWT"});
        if let Some(id) = id {
            header["kid"] = json!(id);
        }
        self.sign_with(header, claims)
    }

    /// A token with this header.
    pub(crate) fn sign_with(&self, header: Value, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
        let key = match self.algorithm.family() {
            AlgorithmFamily::Rsa => EncodingKey::from_rsa_pem(self.private_pem().as_bytes()).unwrap(),
            AlgorithmFamily::Ec => EncodingKey::from_ec_der(&self.private),
            AlgorithmFamily::Ed => EncodingKey::from_ed_der(&self.private),
            AlgorithmFamily::Hmac => panic!("there are none"),
        };
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

type Made = (Vec<u8>, Vec<u8>, Value);

fn rsa() -> Made {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let text = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
    let half = key.public_key();
    let n = text(half.modulus().big_endian_without_leading_zero());
    let e = text(half.exponent().big_endian_without_leading_zero());
    (private.as_ref().to_vec(), public.as_ref().to_vec(), json!({"kty": "RSA", "n": n, "e": e}))
}

fn ec(algorithm: Algorithm) -> Made {
    let (kind, curve) = if algorithm == Algorithm::ES384 {
        (&ECDSA_P384_SHA384_FIXED_SIGNING, "P-384")
    } else {
        (&ECDSA_P256_SHA256_FIXED_SIGNING, "P-256")
    };
    let chance = aws_lc_rs::rand::SystemRandom::new();
    let private = EcdsaKeyPair::generate_pkcs8(kind, &chance).unwrap().as_ref().to_vec();
    let key = EcdsaKeyPair::from_pkcs8(kind, &private).unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let point = &key.public_key().as_ref()[1..];
    let (x, y) = point.split_at(point.len() / 2);
    let members = json!({"kty": "EC", "crv": curve, "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)});
    (private, public.as_ref().to_vec(), members)
}

fn ed() -> Made {
    let key = Ed25519KeyPair::generate().unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let members = json!({"kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public_key())});
    (private.as_ref().to_vec(), public.as_ref().to_vec(), members)
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}
