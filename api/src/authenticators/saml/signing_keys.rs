//! Our own key pair of a usersource: it signs what we send and opens what is encrypted for us.
//!
//! Spec: RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017), the one algorithm that every provider knows; X.509 only as the form
//! in which SAML metadata carries a public key.
//! Stops: one key for all usersources, whose loss would be everybody's; RSA in software whose timing tells the key
//! (RUSTSEC-2023-0071).

use super::super::every::invalid;
use super::super::input::Input;
use super::super::pem;
use crate::sign_in::{Denied, Reason, Source};
use crate::vault::VaultError;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PrivateDecryptingKey};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair};
use domain::{Fault, Field, Fields, Plain};
use rcgen::{CertificateParams, DistinguishedName, DnType, PKCS_RSA_SHA256};
use rustls::pki_types::PrivatePkcs8KeyDer;
use std::collections::BTreeMap;
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;
use zeroize::Zeroizing;

/// The setting with the certificate, plain.
pub(super) const CERTIFICATE: &str = "settings.sp_certificate";
/// The setting with the private key, sealed.
pub(super) const PRIVATE_KEY: &str = "settings.sp_private_key";

/// How long a certificate lasts. Nobody asks its issuer, and an end only makes work on both sides: 20 years.
const LIFE: Duration = Duration::days(20 * 365);
/// Clocks that are behind take a new certificate too.
const BEFORE: Duration = Duration::days(1);

/// A fresh private key and its certificate, both PEM.
fn make() -> Result<(Zeroizing<String>, String), VaultError> {
    let failed = |_| VaultError::Unsealable;
    let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).map_err(failed)?;
    let pkcs8 = pem::Der::new(key.as_der().map(|der: Pkcs8V1Der<'_>| der.as_ref().to_vec()).map_err(failed)?);
    let certificate = certify(&pkcs8).map_err(|_| VaultError::Unsealable)?;
    Ok((pem::encoded("PRIVATE KEY", &pkcs8), pem::encoded("CERTIFICATE", &certificate).to_string()))
}

fn certify(pkcs8: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
    let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&PrivatePkcs8KeyDer::from(pkcs8), &PKCS_RSA_SHA256)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Gateledger");
    let now = OffsetDateTime::now_utc();
    (params.not_before, params.not_after) = (now - BEFORE, now + LIFE);
    Ok(params.self_signed(&key)?.der().to_vec())
}

/// Our key and our certificate come and go together.
pub(in crate::authenticators) fn check_input(input: &BTreeMap<Field, Option<Input>>, existing: &Fields) -> Vec<Fault> {
    let key = input.get(&Field::new(PRIVATE_KEY));
    let certificate = match input.get(&Field::new(CERTIFICATE)) {
        // Sending back what is set changes nothing.
        Some(Some(Input::Plain(Plain::Text(same)))) if existing.text(CERTIFICATE) == Some(same) && key.is_none() => {
            None
        }
        other => other,
    };
    match (key, certificate) {
        (None, None) | (Some(None), Some(None)) => Vec::new(),
        (Some(Some(Input::Secret(key))), Some(Some(Input::Plain(Plain::Text(certificate))))) => {
            if belong_together(key, certificate) {
                return Vec::new();
            }
            vec![invalid(CERTIFICATE, "give the one certificate that belongs to the private key, which must be RSA")]
        }
        (Some(_), None) => vec![invalid(CERTIFICATE, "give the certificate together with its private key")],
        _ => vec![invalid(PRIVATE_KEY, "give the private key together with its certificate")],
    }
}

/// A key pair for the new usersource alone.
pub(in crate::authenticators) fn made_at_install() -> Result<BTreeMap<Field, Input>, VaultError> {
    let (key, certificate) = make()?;
    Ok(BTreeMap::from([
        (Field::new(PRIVATE_KEY), Input::Secret(key)),
        (Field::new(CERTIFICATE), Input::Plain(Plain::from(certificate.as_str()))),
    ]))
}

/// Whether the certificate is that of the private key. Both are PEM.
fn belong_together(private_key: &str, certificate: &str) -> bool {
    let Some(key) = rsa(private_key) else { return false };
    let ders = pem::ders(certificate);
    let [der] = ders.as_slice() else { return false };
    X509Certificate::from_der(der)
        .is_ok_and(|(_, certificate)| *certificate.public_key().subject_public_key.data == *key.public_key().as_ref())
}

/// Signs messages.
pub(super) struct SigningKey(RsaKeyPair);

impl SigningKey {
    /// The algorithm's name in SAML's redirect binding.
    pub(super) const ALGORITHM: &'static str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

    /// The key of a usersource. One that is older than these keys has none.
    pub(super) fn of(source: &Source<'_>) -> Result<Option<Self>, Denied> {
        let Some(stored) = source.secret("sp_private_key")? else { return Ok(None) };
        let unusable = || Denied::new(Reason::Misconfigured, "our private key is no RSA key");
        rsa(&stored).map(Self).ok_or_else(unusable).map(Some)
    }

    /// The signature of `message`.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Denied> {
        let mut signature = vec![0; self.0.public_modulus_len()];
        let signed = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map_err(|_| Denied::new(Reason::Misconfigured, "our private key does not sign"))?;
        Ok(signature)
    }
}

fn rsa(private_key: &str) -> Option<RsaKeyPair> {
    let ders = pem::ders(private_key);
    let [der] = ders.as_slice() else { return None };
    RsaKeyPair::from_pkcs8(der).or_else(|_| RsaKeyPair::from_der(der)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticators::sample_keys;

    #[test]
    fn a_made_pair_belongs_together_and_no_two_are_alike() {
        let (one, its_certificate) = make().unwrap();
        let (other, _) = make().unwrap();
        assert!(belong_together(&one, &its_certificate));
        assert!(!belong_together(&other, &its_certificate));
        assert!(!belong_together(&one, &its_certificate.repeat(2)), "one certificate, not two");
        assert!(!belong_together(&sample_keys::private_key(), sample_keys::CERTIFICATE), "RSA alone");
        assert_eq!(*pem::private_key(&one).unwrap(), *one);
        assert_eq!(pem::certificates(&its_certificate).unwrap(), its_certificate);
        assert_eq!(pem::expiries(&its_certificate).len(), 1);
    }
}
