//! What the provider reads to know us.
//!
//! Spec: SAML Metadata 2.4.4 (SPSSODescriptor), XML Encryption 1.1 (the algorithms that we open).

use super::super::pem;
use super::document::{DSIG, METADATA, PROTOCOL};
use super::requests::name_id_format;
use crate::sign_in::{Denied, Source};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use uppsala::XmlWriter;

const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// Encryption that also authenticates, and the keys to it.
const OPENED: [&str; 3] = [
    "http://www.w3.org/2009/xmlenc11#aes256-gcm",
    "http://www.w3.org/2009/xmlenc11#aes128-gcm",
    "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
];

/// Our metadata for this usersource. It exists from the install on (R3), whatever else is set.
pub(super) fn ours(source: &Source<'_>) -> Result<String, Denied> {
    let (entity_id, acs_url, slo_url) = (source.url("metadata"), source.callback_url(), source.url("logout"));
    let flag = |on: bool| if on { "true" } else { "false" };
    let assertions = matches!(source.text("want"), None | Some("assertion"));
    let mut xml = XmlWriter::new();
    xml.write_declaration();
    xml.start_element("md:EntityDescriptor", &[("xmlns:md", METADATA), ("entityID", &entity_id)]);
    let described = [
        ("protocolSupportEnumeration", PROTOCOL),
        ("AuthnRequestsSigned", flag(source.flag("sign_requests"))),
        ("WantAssertionsSigned", flag(assertions)),
    ];
    xml.start_element("md:SPSSODescriptor", &described);
    let certificate = source.text("sp_certificate").map(pem::ders).and_then(|ders| ders.first().cloned());
    if let Some(der) = certificate {
        let certificate = STANDARD.encode(&*der);
        key(&mut xml, "signing", &certificate, &[]);
        key(&mut xml, "encryption", &certificate, &OPENED);
    }
    for binding in [REDIRECT, POST] {
        xml.empty_element("md:SingleLogoutService", &[("Binding", binding), ("Location", &slo_url)]);
    }
    if let Some(format) = name_id_format(source) {
        xml.start_element("md:NameIDFormat", &[]);
        xml.text(format);
        xml.end_element("md:NameIDFormat");
    }
    let acs = [("Binding", POST), ("Location", acs_url.as_str()), ("index", "0"), ("isDefault", "true")];
    xml.empty_element("md:AssertionConsumerService", &acs);
    xml.end_element("md:SPSSODescriptor");
    xml.end_element("md:EntityDescriptor");
    Ok(xml.into_string())
}

fn key(xml: &mut XmlWriter, purpose: &str, certificate: &str, methods: &[&str]) {
    xml.start_element("md:KeyDescriptor", &[("use", purpose)]);
    xml.start_element("ds:KeyInfo", &[("xmlns:ds", DSIG)]);
    xml.start_element("ds:X509Data", &[]);
    xml.start_element("ds:X509Certificate", &[]);
    xml.text(certificate);
    xml.end_element("ds:X509Certificate");
    xml.end_element("ds:X509Data");
    xml.end_element("ds:KeyInfo");
    for method in methods {
        xml.empty_element("md:EncryptionMethod", &[("Algorithm", method)]);
    }
    xml.end_element("md:KeyDescriptor");
}
