//! Metadata both ways: ours as others read it, theirs as it fills in the fields.

use super::forged::{ACS, OURS, PROVIDER};
use super::stage::Stage;
use crate::authenticators::saml::{Saml, changed_metadata};
use crate::authenticators::{Input, read_input, sample_keys};
use crate::sign_in::Reason;
use crate::sign_in::fixture::Fixture;
use domain::{Audience, Field, Fields, Plain, Setting};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

fn base64(certificate: &str) -> String {
    certificate.lines().filter(|line| !line.starts_with("--")).collect()
}

fn provider(id: &str, services: &str) -> String {
    let key = |purpose: &str, certificate: &str| {
        format!(
            "<md:KeyDescriptor {purpose}><ds:KeyInfo xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:X509Data>\
             <ds:X509Certificate>\n {}\n</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>",
            base64(certificate)
        )
    };
    format!(
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' entityID='{id}'><md:IDPSSODescriptor \
         protocolSupportEnumeration='urn:oasis:names:tc:SAML:1.1:protocol urn:oasis:names:tc:SAML:2.0:protocol'>{}{}{}\
         {services}</md:IDPSSODescriptor></md:EntityDescriptor>",
        key("use='signing'", sample_keys::CERTIFICATE),
        key("", sample_keys::CERTIFICATE_2031),
        key("use='encryption'", &super::forged::Signer::fresh().certificate),
    )
}

fn usual(id: &str) -> String {
    provider(
        id,
        &format!(
            "<md:SingleLogoutService Binding='{REDIRECT}' Location='https://idp.example/slo'/>\
         <md:SingleSignOnService Binding='{POST}' Location='https://idp.example/post'/>\
         <md:SingleSignOnService Binding='{REDIRECT}' Location='https://idp.example/sso'/>"
        ),
    )
}

fn read(settings: Value) -> Result<BTreeMap<String, Option<String>>, Vec<String>> {
    let members = json!({"settings": settings});
    let input = read_input(&Saml, Audience::Users, members.as_object().unwrap(), &Fields::default());
    let input =
        input.map_err(|faults| faults.into_iter().map(|f| format!("{} {}", f.field, f.detail)).collect::<Vec<_>>())?;
    let text = |value: Option<Input>| match value {
        Some(Input::Plain(Plain::Text(text))) => Some(text),
        _ => None,
    };
    Ok(input.into_iter().map(|(field, value)| (field.as_str().replace("settings.", ""), text(value))).collect())
}

#[test]
fn pasted_metadata_fills_in_what_the_request_leaves_out() {
    let filled = read(json!({"metadata": usual(PROVIDER)})).unwrap();
    let text = |name: &str| filled[name].as_deref().unwrap();
    assert_eq!((text("idp_entity_id"), text("sso_url")), (PROVIDER, "https://idp.example/sso"));
    assert_eq!(text("slo_url"), "https://idp.example/slo");
    let both = format!("{}{}", sample_keys::CERTIFICATE, sample_keys::CERTIFICATE_2031);
    assert_eq!(text("certificates"), both, "what signs, and nothing that only encrypts");

    let given =
        read(json!({"metadata": usual(PROVIDER), "sso_url": "https://other.example/", "slo_url": null})).unwrap();
    assert_eq!(given["sso_url"].as_deref(), Some("https://other.example/"));
    assert_eq!(given["slo_url"], None, "what is cleared stays cleared");
}

#[test]
fn several_providers_need_a_name() {
    let two = format!(
        "<md:EntitiesDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata'>{}{}</md:EntitiesDescriptor>",
        usual("urn:one"),
        usual("urn:two")
    );
    assert!(read(json!({"metadata": two})).unwrap_err()[0].contains("name one"));
    let named = read(json!({"metadata": two, "idp_entity_id": "urn:two"})).unwrap();
    assert!(named["sso_url"].is_some());
    assert!(read(json!({"metadata": two, "idp_entity_id": "urn:three"})).unwrap_err()[0].contains("idp_entity_id"));
}

#[test]
fn metadata_that_cannot_be_used_is_a_fault_of_its_field() {
    let good = usual(PROVIDER);
    for (metadata, words) in [
        ("<x>".to_owned(), "XML"),
        ("<x/>".to_owned(), "no metadata"),
        (format!("<!DOCTYPE x>{good}"), "document type"),
        (good.replace("SAML:2.0:protocol", "SAML:2.1:protocol"), "no metadata"),
        (good.replace(REDIRECT, POST), "by redirect"),
        (good.replace("https://idp.example/sso", "javascript:alert(1)"), "URL"),
        (good.replace(&base64(sample_keys::CERTIFICATE), "AAAA"), "PEM"),
        (provider(PROVIDER, "").replace("KeyDescriptor", "Other"), "redirect"),
    ] {
        let faults = read(json!({"metadata": metadata})).unwrap_err();
        assert!(faults[0].starts_with("settings.metadata ") && faults[0].contains(words), "{faults:?}: {words}");
    }
}

#[tokio::test]
async fn ours_names_our_addresses_and_our_certificate() {
    let stage = Stage::with(json!({"sign_requests": true, "name_id_format": "email_address"}));
    let xml = stage.kind().metadata(&stage.fixture.source()).unwrap().unwrap();
    let certificate = base64(stage.fixture.source().text("sp_certificate").unwrap());
    assert_eq!(xml.matches(&certificate).count(), 2, "to sign and to encrypt");
    for said in [
        format!("entityID=\"{OURS}\""),
        format!("Location=\"{ACS}\" index=\"0\" isDefault=\"true\""),
        format!("Binding=\"{REDIRECT}\" Location=\"https://help.example/auth/us_1/logout\""),
        "AuthnRequestsSigned=\"true\" WantAssertionsSigned=\"true\"".to_owned(),
        "nameid-format:emailAddress</md:NameIDFormat>".to_owned(),
        "xmlenc11#aes256-gcm".to_owned(),
    ] {
        assert!(xml.contains(&said), "{said}: {xml}");
    }
    let bare = Fixture::new("saml", Audience::Users, json!({"sp_private_key": null, "sp_certificate": null}));
    let xml = super::stage::redirecting(&bare).metadata(&bare.source()).unwrap().unwrap();
    assert!(!xml.contains("KeyDescriptor") && xml.contains(OURS), "R3: it exists before anything is set");
}

#[tokio::test]
async fn what_changed_at_the_metadata_url_is_told_and_nothing_of_another_provider() {
    let address = std::env::var("GATELEDGER_TEST_PYSAML2");
    let address = address.expect("GATELEDGER_TEST_PYSAML2 must name a running tests/peers/pysaml2");
    let id = format!("{address}/metadata");
    let fixture = |id: &str, more: Value| {
        let mut settings = json!({"metadata_url": format!("{address}/metadata"), "idp_entity_id": id,
            "certificates": sample_keys::CERTIFICATE, "allow_insecure": true});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Fixture::new("saml", Audience::Agents, settings)
    };
    let stale = fixture(&id, json!({"sso_url": format!("{address}/sso")}));
    let changed = changed_metadata(&stale.source()).await.unwrap();
    let names: Vec<_> = changed.keys().map(Field::as_str).collect();
    assert_eq!(names, ["settings.certificates", "settings.slo_url"]);
    let Some(Setting::Plain(Plain::Text(certificates))) = &changed[&Field::setting("certificates")] else { panic!() };
    let fresh = fixture(
        &id,
        json!({"sso_url": format!("{address}/sso"), "slo_url": format!("{address}/slo"),
        "certificates": certificates}),
    );
    assert_eq!(changed_metadata(&fresh.source()).await.unwrap(), BTreeMap::new());
    let other = fixture("urn:other", json!({}));
    assert_eq!(changed_metadata(&other.source()).await.unwrap_err().reason, Reason::Misconfigured);
    let none = Stage::new();
    assert_eq!(changed_metadata(&none.fixture.source()).await.unwrap(), BTreeMap::new());
}
