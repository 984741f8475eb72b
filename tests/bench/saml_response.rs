//! A SAML response of the usual size, signed as a provider signs it: written in its canonical form, so that what is
//! signed is what is written.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

/// The provider's name.
pub const PROVIDER: &str = "https://idp.example/metadata";
/// The request that is answered.
pub const REQUEST: &str = "_request1";
const ACS: &str = "https://help.example.com/auth/us_1/callback";
const OURS: &str = "https://help.example.com/auth/us_1/metadata";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const DSIG: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
/// Groups that the person is in: what makes real responses long.
const GROUPS: usize = 60;

/// A response in base64 whose assertion is signed and holds from `from` to `to`; and the provider's certificate, PEM.
pub fn signed(from: &str, to: &str) -> (String, String) {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap_or_else(|e| panic!("no key: {e}"));
    let certificate = CertificateParams::default().self_signed(&key).unwrap_or_else(|e| panic!("no certificate: {e}"));
    let certificate = STANDARD.encode(certificate.der());
    let signer = RsaKeyPair::from_pkcs8(&key.serialize_der()).unwrap_or_else(|e| panic!("no key: {e}"));
    let assertion = assertion(from, to);
    let signature = signature(&signer, &assertion, &certificate);
    let (head, rest) = assertion.split_once("</saml:Issuer>").unwrap_or_default();
    let response = format!(
        "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" Destination=\"{ACS}\" ID=\"_response1\" InResponseTo=\"{REQUEST}\" \
         IssueInstant=\"{from}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{PROVIDER}</saml:Issuer>\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
         </samlp:Status>{head}</saml:Issuer>{signature}{rest}</samlp:Response>"
    );
    (STANDARD.encode(response), format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n"))
}

fn assertion(from: &str, to: &str) -> String {
    let groups: String = (0..GROUPS)
        .map(|n| {
            format!("<saml:AttributeValue>CN=Group {n},OU=Helpdesk,OU=Groups,DC=example,DC=com</saml:AttributeValue>")
        })
        .collect();
    format!(
        "<saml:Assertion xmlns:saml=\"{ASSERTION}\" ID=\"_assertion1\" IssueInstant=\"{from}\" Version=\"2.0\">\
         <saml:Issuer>{PROVIDER}</saml:Issuer><saml:Subject><saml:NameID>jane</saml:NameID><saml:SubjectConfirmation \
         Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData InResponseTo=\"{REQUEST}\" \
         NotOnOrAfter=\"{to}\" Recipient=\"{ACS}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>\
         </saml:Subject><saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{to}\"><saml:AudienceRestriction>\
         <saml:Audience>{OURS}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement \
         AuthnInstant=\"{from}\" SessionIndex=\"_session1\"><saml:AuthnContext><saml:AuthnContextClassRef>\
         urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>\
         </saml:AuthnStatement><saml:AttributeStatement><saml:Attribute Name=\"mail\"><saml:AttributeValue>\
         jane@example.com</saml:AttributeValue></saml:Attribute><saml:Attribute Name=\"groups\">{groups}\
         </saml:Attribute></saml:AttributeStatement></saml:Assertion>"
    )
}

fn signature(signer: &RsaKeyPair, assertion: &str, certificate: &str) -> String {
    let digest = STANDARD.encode(digest(&SHA256, assertion.as_bytes()));
    let info = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod><ds:Reference \
         URI=\"#_assertion1\"><ds:Transforms><ds:Transform \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform \
         Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{digest}</ds:DigestValue>\
         </ds:Reference></ds:SignedInfo>"
    );
    let canonical = format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">{info}");
    let mut value = vec![0; signer.public_modulus_len()];
    let signed = signer.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), canonical.as_bytes(), &mut value);
    signed.unwrap_or_else(|e| panic!("cannot sign: {e}"));
    let value = STANDARD.encode(value);
    format!(
        "<ds:Signature xmlns:ds=\"{DSIG}\"><ds:SignedInfo>{info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>\
         <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
}
