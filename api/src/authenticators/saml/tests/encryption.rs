//! Encryption proves nothing: anybody may encrypt for us, so what is opened must be signed as ever.

use super::forged::Signer;
use super::stage::Stage;
use crate::sign_in::Reason;
use saml_rs::crypto::encrypt_assertion;
use serde_json::json;

const GCM: &str = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const CBC: &str = "http://www.w3.org/2001/04/xmlenc#aes256-cbc";
const OAEP: &str = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";

/// The response with its assertion encrypted for the usersource.
fn encrypted(stage: &Stage, response: &str, method: &str) -> String {
    let ours = stage.fixture.source().text("sp_certificate").unwrap().to_owned();
    encrypt_assertion(response, &ours, method, OAEP, "saml").unwrap()
}

#[tokio::test]
async fn an_encrypted_assertion_must_be_signed_inside_or_its_response_outside() {
    for (want, inside, outside) in [("assertion", true, false), ("response", false, true), ("either", true, true)] {
        let stage = Stage::with(json!({"want": want}));
        let story = stage.story();
        let signed_inside = encrypted(&stage, &story.signed(&stage.signer), GCM);
        assert_eq!(stage.finish(&signed_inside).await.is_ok(), inside, "{want}");
        let unsigned = encrypted(&stage, &story.response(&story.assertion()), GCM);
        let denied = stage.refused(&unsigned).await;
        assert!(denied.cause.contains("sign"), "{want}: {denied}");
        let signed_outside = stage.signer.sign(&canonical(&unsigned), "_response1");
        assert_eq!(stage.finish(&signed_outside).await.is_ok(), outside, "{want}");
        let forged = encrypted(&stage, &story.signed(&Signer::fresh()), GCM);
        assert!(stage.finish(&forged).await.is_err(), "{want}");
    }
}

/// Canonical form has no empty elements in short.
fn canonical(xml: &str) -> String {
    let mut out = String::new();
    let mut rest = xml;
    while let Some(end) = rest.find("/>") {
        let start = rest[..end].rfind('<').unwrap();
        let name = rest[start + 1..end].split_whitespace().next().unwrap();
        out.push_str(&format!("{}></{name}>", &rest[..end]));
        rest = &rest[end + 2..];
    }
    out + rest
}

#[tokio::test]
async fn cbc_is_not_opened_before_a_signature_held() {
    let stage = Stage::with(json!({"want": "assertion"}));
    let signed_inside = encrypted(&stage, &stage.story().signed(&stage.signer), CBC);
    assert_eq!(stage.refused(&signed_inside).await.reason, Reason::Invalid);
    let both = stage.signer.sign(&canonical(&signed_inside), "_response1");
    assert!(stage.finish(&both).await.is_ok());
}

#[tokio::test]
async fn keys_are_opened_by_oaep_alone_and_only_where_there_is_a_key() {
    let stage = Stage::new();
    let good = encrypted(&stage, &stage.story().signed(&stage.signer), GCM);
    let old = good.replace(OAEP, "http://www.w3.org/2001/04/xmlenc#rsa-1_5");
    assert!(stage.refused(&old).await.cause.contains("RSA-OAEP"));
    let other = Stage::new();
    assert_eq!(
        stage.refused(&encrypted(&other, &stage.story().signed(&stage.signer), GCM)).await.reason,
        Reason::Invalid
    );
    let keyless = Stage::with(json!({"sp_private_key": null, "sp_certificate": null}));
    let denied = keyless.refused(&good).await;
    assert_eq!(denied.reason, Reason::Misconfigured);
    assert!(denied.cause.contains("no key pair"), "{denied}");
}
