//! A provider of the tests' own: it writes responses in their canonical form, so that what is signed is what is
//! written, and signs them without the library that judges them.

use crate::authenticators::saml::document::{ASSERTION, DSIG, PROTOCOL};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Timestamp;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};

/// The provider's name.
pub(super) const PROVIDER: &str = "https://idp.example/metadata";
/// Our name.
pub(super) const OURS: &str = "https://help.example/auth/us_1/metadata";
/// Our address for responses.
pub(super) const ACS: &str = "https://help.example/auth/us_1/callback";
/// The request that is answered.
pub(super) const REQUEST: &str = "_request1";

const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A key pair to sign with.
pub(super) struct Signer {
    key: RsaKeyPair,
    /// Its certificate, PEM.
    pub(super) certificate: String,
    /// The same, base64 of DER.
    pub(super) der: String,
    /// The private key, PEM.
    pub(super) private_key: String,
}

impl Signer {
    pub(super) fn fresh() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let der = CertificateParams::default().self_signed(&key).unwrap().der().to_vec();
        let pkcs8 = key.serialize_der();
        let block = |label: &str, der: &[u8]| crate::authenticators::pem::encoded(label, der).to_string();
        Self {
            key: RsaKeyPair::from_pkcs8(&pkcs8).unwrap(),
            certificate: block("CERTIFICATE", &der),
            der: STANDARD.encode(&der),
            private_key: block("PRIVATE KEY", &pkcs8),
        }
    }

    pub(super) fn signature(&self, message: &[u8]) -> String {
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        STANDARD.encode(signature)
    }

    /// `element`, which is in its canonical form and called `id`, with its signature after its issuer.
    pub(super) fn sign(&self, element: &str, id: &str) -> String {
        let signature = self.signature_over(element, id, &self.der);
        let place = element.find("</saml:Issuer>").unwrap() + "</saml:Issuer>".len();
        format!("{}{signature}{}", &element[..place], &element[place..])
    }

    /// The signature alone. `certificate` is what it claims to be made with.
    pub(super) fn signature_over(&self, element: &str, id: &str, certificate: &str) -> String {
        let info = signed_info(&STANDARD.encode(digest(&SHA256, element.as_bytes())), id);
        let canonical = info.replacen("<ds:SignedInfo>", &format!("<ds:SignedInfo xmlns:ds=\"{DSIG}\">"), 1);
        let value = self.signature(canonical.as_bytes());
        format!(
            "<ds:Signature xmlns:ds=\"{DSIG}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo>\
             <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
        )
    }
}

fn signed_info(digest: &str, id: &str) -> String {
    format!(
        "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"></ds:CanonicalizationMethod>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod>\
         <ds:Reference URI=\"#{id}\"><ds:Transforms><ds:Transform \
         Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform \
         Algorithm=\"{EXCLUSIVE}\"></ds:Transform></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod>\
         <ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
    )
}

/// What a response says; a test changes what it is about.
#[derive(Clone)]
pub(super) struct Story {
    pub(super) assertion_id: &'static str,
    pub(super) issuer: String,
    pub(super) response_issuer: String,
    pub(super) name_id: String,
    pub(super) audience: String,
    pub(super) recipient: String,
    pub(super) destination: String,
    pub(super) in_response_to: Option<String>,
    pub(super) status: String,
    pub(super) not_before: Timestamp,
    pub(super) not_on_or_after: Timestamp,
    pub(super) authenticated_at: Timestamp,
    /// More confirmations of the subject.
    pub(super) confirmations: String,
}

impl Story {
    /// A response that holds at `now`.
    pub(super) fn at(now: Timestamp) -> Self {
        Self {
            assertion_id: "_assertion1",
            issuer: PROVIDER.into(),
            response_issuer: PROVIDER.into(),
            name_id: "<saml:NameID>jane</saml:NameID>".into(),
            audience: OURS.into(),
            recipient: ACS.into(),
            destination: ACS.into(),
            in_response_to: Some(REQUEST.into()),
            status: status("Success", None),
            not_before: now,
            not_on_or_after: now.plus_seconds(300),
            authenticated_at: now,
            confirmations: String::new(),
        }
    }

    fn answers(&self) -> String {
        self.in_response_to.as_ref().map(|id| format!(" InResponseTo=\"{id}\"")).unwrap_or_default()
    }

    /// The assertion, canonical and unsigned.
    pub(super) fn assertion(&self) -> String {
        let Self { assertion_id, issuer, name_id, audience, recipient, confirmations, .. } = self;
        let (from, to, answers) = (self.not_before, self.not_on_or_after, self.answers());
        format!(
            "<saml:Assertion xmlns:saml=\"{ASSERTION}\" ID=\"{assertion_id}\" IssueInstant=\"{from}\" Version=\"2.0\">\
             <saml:Issuer>{issuer}</saml:Issuer><saml:Subject>{name_id}<saml:SubjectConfirmation \
             Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData{answers} \
             NotOnOrAfter=\"{to}\" Recipient=\"{recipient}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>\
             {confirmations}</saml:Subject><saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{to}\">\
             <saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>\
             </saml:Conditions><saml:AuthnStatement AuthnInstant=\"{}\" SessionIndex=\"_session1\">\
             <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password\
             </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>\
             <saml:Attribute Name=\"mail\"><saml:AttributeValue>jane@example.com</saml:AttributeValue></saml:Attribute>\
             </saml:AttributeStatement></saml:Assertion>",
            self.authenticated_at
        )
    }

    /// The response around `content`, canonical and unsigned.
    pub(super) fn response(&self, content: &str) -> String {
        let Self { destination, response_issuer, status, not_before, .. } = self;
        let answers = self.answers();
        format!(
            "<samlp:Response xmlns:samlp=\"{PROTOCOL}\" Destination=\"{destination}\" ID=\"_response1\"{answers} \
             IssueInstant=\"{not_before}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{response_issuer}\
             </saml:Issuer>{status}{content}</samlp:Response>"
        )
    }

    /// The usual response: its assertion is signed.
    pub(super) fn signed(&self, signer: &Signer) -> String {
        self.response(&signer.sign(&self.assertion(), self.assertion_id))
    }

    /// The response signed as a whole, its assertion not.
    pub(super) fn signed_as_a_whole(&self, signer: &Signer) -> String {
        signer.sign(&self.response(&self.assertion()), "_response1")
    }
}

/// A status element.
pub(super) fn status(code: &str, detail: Option<&str>) -> String {
    let uri = |code: &str| format!("urn:oasis:names:tc:SAML:2.0:status:{code}");
    let inner = detail.map(|d| format!("<samlp:StatusCode Value=\"{}\"></samlp:StatusCode>", uri(d)));
    let (code, inner) = (uri(code), inner.unwrap_or_default());
    format!("<samlp:Status><samlp:StatusCode Value=\"{code}\">{inner}</samlp:StatusCode></samlp:Status>")
}
