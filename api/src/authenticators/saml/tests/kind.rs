//! The kind from outside: its fields and keys, what it sends, and `onelogin`, which is the same under other names.

use super::super::Saml;
use super::forged::{ACS, OURS, PROVIDER, REQUEST};
use super::stage::{Stage, posted, redirecting};
use crate::authenticators::{Authenticator as _, pem, read_input, sample_keys};
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{Begin, Reason, Trace};
use domain::{Audience, Field, Fields, Setting};
use flate2::read::DeflateDecoder;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use url::Url;

const ATTEMPT: &str = "0123456789012345678901234567890123456789012";

fn wish(silent: bool, ask_again: bool) -> Begin {
    Begin { attempt: ATTEMPT.into(), silent, ask_again }
}

fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}

/// The message in the URL's query.
pub(super) fn message(url: &Url, member: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let bytes = STANDARD.decode(query(url, member).unwrap()).unwrap();
    let mut xml = String::new();
    DeflateDecoder::new(bytes.as_slice()).read_to_string(&mut xml).unwrap();
    xml
}

#[test]
fn metadata_comes_from_one_place() {
    let mut fields = Fields::from_iter([(Field::setting("metadata"), Setting::text("<x/>"))]);
    assert_eq!(Saml.check(&fields), []);
    fields.set(Field::setting("metadata_url"), Some(Setting::text("https://idp.example/m")));
    assert_eq!(Saml.check(&fields).len(), 1);
}

#[test]
fn r3_the_other_side_is_told_urls_made_from_base_and_id() {
    let told = Saml.outputs("https://help.example/", &"us_1".into()).into_iter().map(|o| (o.name, o.value));
    let expected = [
        ("acs_url", ACS),
        ("entity_id", OURS),
        ("metadata_url", OURS),
        ("slo_url", "https://help.example/auth/us_1/logout"),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected.map(|(name, value)| (name, value.to_owned())));
}

#[tokio::test]
async fn a_request_says_what_is_wished() {
    let stage = Stage::with(json!({"name_id_format": "persistent"}));
    let source = stage.fixture.source();
    for (silent, ask_again) in [(false, false), (true, false), (false, true)] {
        let departure = stage.kind().begin(&source, &wish(silent, ask_again), &mut Trace::off()).await.unwrap();
        assert!(departure.to.as_str().starts_with("https://idp.example/sso?tenant=1&SAMLRequest="), "{}", departure.to);
        assert_eq!(query(&departure.to, "RelayState").as_deref(), Some(ATTEMPT));
        assert_eq!((query(&departure.to, "Signature"), departure.post.len()), (None, 0));
        let xml = message(&departure.to, "SAMLRequest");
        assert_eq!(xml.contains("IsPassive=\"true\""), silent, "{xml}");
        assert_eq!(xml.contains("ForceAuthn=\"true\""), ask_again, "{xml}");
        for said in
            [ACS, OURS, "HTTP-POST", "nameid-format:persistent", "Destination=\"https://idp.example/sso?tenant=1\""]
        {
            assert!(xml.contains(said), "{said}: {xml}");
        }
        let id = departure.memory["request"].as_str().unwrap();
        assert!(xml.contains(&format!("ID=\"{id}\"")) && id.len() == 33);
        assert_eq!(departure.memory["asked_again"], ask_again);
    }
}

#[tokio::test]
async fn a_signed_request_is_verified_by_openssl() {
    let stage = Stage::with(json!({"sign_requests": true}));
    let source = stage.fixture.source();
    let to = stage.kind().begin(&source, &wish(false, false), &mut Trace::off()).await.unwrap().to;
    assert_eq!(query(&to, "SigAlg").as_deref(), Some("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"));
    let signed = to.query().unwrap().strip_prefix("tenant=1&").unwrap().split("&Signature=").next().unwrap();
    let signature = pem::encoded("X", &base64(&query(&to, "Signature").unwrap()));
    assert!(signature.len() > 300);
    let room = std::env::temp_dir().join(format!("gateledger-saml-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&room).unwrap();
    std::fs::write(room.join("certificate"), source.text("sp_certificate").unwrap()).unwrap();
    std::fs::write(room.join("signature"), base64(&query(&to, "Signature").unwrap())).unwrap();
    let key =
        Command::new("openssl").args(["x509", "-in", "certificate", "-noout", "-pubkey"]).current_dir(&room).output();
    std::fs::write(room.join("key"), key.expect("openssl must be installed").stdout).unwrap();
    for (bytes, good) in [(signed.to_owned(), true), (format!("{signed}x"), false)] {
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha256", "-verify", "key", "-signature", "signature"]).current_dir(&room);
        let mut openssl = openssl.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        openssl.stdin.take().unwrap().write_all(bytes.as_bytes()).unwrap();
        assert_eq!(openssl.wait().unwrap().success(), good);
    }
    std::fs::remove_dir_all(room).unwrap();
}

fn base64(text: &str) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn what_the_tests_forge_is_verified_by_xmlsec1() {
    let stage = Stage::new();
    let room = std::env::temp_dir().join(format!("gateledger-saml-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&room).unwrap();
    std::fs::write(room.join("certificate"), &stage.signer.certificate).unwrap();
    let signed = stage.story().signed(&stage.signer);
    let whole = stage.story().signed_as_a_whole(&stage.signer);
    for (xml, good) in [(signed.clone(), true), (whole, true), (signed.replace(">jane<", ">june<"), false)] {
        std::fs::write(room.join("response"), xml).unwrap();
        let mut xmlsec1 = Command::new("xmlsec1");
        xmlsec1.args(["--verify", "--pubkey-cert-pem", "certificate", "--id-attr:ID", "Response"]);
        xmlsec1.args(["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion", "response"]);
        let output = xmlsec1.current_dir(&room).output().expect("xmlsec1 must be installed");
        assert_eq!(output.status.success(), good, "{}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::remove_dir_all(room).unwrap();
}

#[tokio::test]
async fn signing_without_a_key_is_a_clear_fault() {
    let fields = Fields::from_iter([(Field::setting("sign_requests"), Setting::flag(true))]);
    let faults = Saml.check(&fields);
    assert_eq!((faults[0].field.as_str(), faults[0].code.as_str()), ("settings.sp_private_key", "required"));
    let older = Stage::with(json!({"sp_private_key": null, "sp_certificate": null, "sign_requests": true}));
    let begun = older.kind().begin(&older.fixture.source(), &wish(false, false), &mut Trace::off()).await;
    let denied = begun.err().unwrap();
    assert_eq!(denied.reason, Reason::Misconfigured);
    assert!(denied.cause.contains("no key pair"), "{denied}");
}

#[test]
fn our_key_and_our_certificate_come_and_go_together() {
    let (one, other) = (super::forged::Signer::fresh(), super::forged::Signer::fresh());
    let faults = |settings: Value, existing: &Fields| {
        let members = json!({"settings": settings});
        let read = read_input(&Saml, Audience::Users, members.as_object().unwrap(), existing);
        read.err().unwrap_or_default().into_iter().map(|fault| fault.field.as_str().to_owned()).collect::<Vec<_>>()
    };
    let none = Fields::default();
    let both = |key: &str, certificate: &str| json!({"sp_private_key": key, "sp_certificate": certificate});
    assert!(faults(both(&one.private_key, &one.certificate), &none).is_empty());
    assert!(faults(json!({"sp_private_key": null, "sp_certificate": null}), &none).is_empty());
    assert_eq!(faults(both(&one.private_key, &other.certificate), &none), ["settings.sp_certificate"]);
    assert_eq!(faults(both(&sample_keys::private_key(), sample_keys::CERTIFICATE), &none), ["settings.sp_certificate"]);
    assert_eq!(faults(json!({"sp_private_key": one.private_key}), &none), ["settings.sp_certificate"]);
    assert_eq!(faults(json!({"sp_certificate": one.certificate}), &none), ["settings.sp_private_key"]);
    assert_eq!(faults(json!({"sp_certificate": null}), &none), ["settings.sp_private_key"]);
    let set = Fields::from_iter([(Field::setting("sp_certificate"), Setting::text(one.certificate.clone()))]);
    assert!(faults(json!({"sp_certificate": one.certificate}), &set).is_empty(), "sent back as it was shown");
}

#[tokio::test]
async fn onelogin_is_the_same_under_other_names() {
    let stage = Stage::new();
    let onelogin = Fixture::new(
        "onelogin",
        Audience::Agents,
        json!({
            "issuer_url": PROVIDER, "saml_endpoint": "https://idp.example/sso", "slo_endpoint": "https://idp.example/slo",
            "certificate": stage.signer.certificate, "sign_requests": true,
        }),
    );
    let (kind, source) = (redirecting(&onelogin), onelogin.source());
    let to = kind.begin(&source, &wish(false, false), &mut Trace::off()).await.unwrap().to;
    assert!(to.as_str().starts_with("https://idp.example/sso?SAMLRequest=") && query(&to, "Signature").is_some());
    let memory = json!({"request": REQUEST, "asked_again": false});
    let answer = posted("SAMLResponse", &stage.story().signed(&stage.signer));
    let arrival = kind.finish(&source, Some(&memory), &answer, &mut Trace::off()).await.unwrap();
    assert_eq!(arrival.person.subject, "jane");
    let to = kind.sign_out(&source, &arrival.session.unwrap()).await.unwrap().unwrap();
    assert!(message(&to, "SAMLRequest").contains("<saml:NameID>jane</saml:NameID><samlp:SessionIndex>_session1<"));
    assert!(kind.metadata(&source).unwrap().unwrap().contains("AuthnRequestsSigned=\"true\""));
}

#[tokio::test]
async fn r42_a_trace_tells_what_came_and_no_signature_or_key() {
    let stage = Stage::with(json!({"sign_requests": true}));
    let source = stage.fixture.source();
    let mut trace = Trace::on();
    stage.kind().begin(&source, &wish(false, false), &mut trace).await.unwrap();
    let memory = json!({"request": REQUEST, "asked_again": false});
    let answer = posted("SAMLResponse", &stage.story().signed(&stage.signer));
    stage.kind().finish(&source, Some(&memory), &answer, &mut trace).await.unwrap();
    let refused = posted("SAMLResponse", &stage.story().response(""));
    assert!(stage.kind().finish(&source, Some(&memory), &refused, &mut trace).await.is_err());
    let told = serde_json::to_string(&trace.into_steps()).unwrap();
    for said in ["AuthnRequest", "status:Success", "jane@example.com", "no assertion"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    for secret in ["SignatureValue", "PRIVATE", &stage.signer.der[..60]] {
        assert!(!told.contains(secret), "{secret}");
    }
}
