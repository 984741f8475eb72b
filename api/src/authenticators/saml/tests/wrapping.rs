//! Signature wrapping: the signed assertion is kept somewhere in the document, and a forged one stands where it may be
//! read. The eight ways are those of Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (2012).

use super::forged::{Story, status};
use super::stage::Stage;
use crate::sign_in::Reason;
use serde_json::json;

/// The forged assertion: the attacker's words, an id of its own.
fn evil(stage: &Stage) -> String {
    Story { assertion_id: "_evil", name_id: "<saml:NameID>admin</saml:NameID>".into(), ..stage.story() }.assertion()
}

/// `element` with `inner` right after its issuer.
fn within(element: &str, inner: &str) -> String {
    element.replacen("</saml:Issuer>", &format!("</saml:Issuer>{inner}"), 1)
}

async fn all_refused(stage: &Stage, forged: &[(&str, String)]) {
    for (way, xml) in forged {
        let denied = stage.refused(xml).await;
        assert_eq!(denied.reason, Reason::Invalid, "{way}: {denied}");
        let known =
            ["more than one assertion", "where none belongs", "another element", "holds an Object", "no assertion"];
        assert!(known.iter().any(|words| denied.cause.contains(words)), "{way}: {denied}");
    }
}

#[tokio::test]
async fn a_signed_response_that_is_wrapped_in_a_forged_one_is_refused() {
    for want in ["response", "either"] {
        let stage = Stage::with(json!({"want": want}));
        let story = stage.story();
        let plain = story.response(&story.assertion());
        let signature = stage.signer.signature_over(&plain, "_response1", &stage.signer.der);
        let evil_response = story.response(&evil(&stage)).replace("_response1", "_evil_response");
        let object = |inner: &str| {
            signature.replace("</ds:Signature>", &format!("<ds:Object>{inner}</ds:Object></ds:Signature>"))
        };
        all_refused(
            &stage,
            &[
                ("XSW1", within(&evil_response, &object(&plain))),
                ("XSW2", within(&evil_response, &format!("{plain}{signature}"))),
                (
                    "original as an extension",
                    within(&evil_response, &format!("<samlp:Extensions>{plain}</samlp:Extensions>{signature}")),
                ),
            ],
        )
        .await;
    }
}

#[tokio::test]
async fn a_signed_assertion_that_is_wrapped_or_accompanied_is_refused() {
    for want in ["assertion", "either"] {
        let stage = Stage::with(json!({"want": want}));
        let story = stage.story();
        let (plain, evil) = (story.assertion(), evil(&stage));
        let signature = stage.signer.signature_over(&plain, "_assertion1", &stage.signer.der);
        let signed = within(&plain, &signature);
        let object = |inner: &str| {
            signature.replace("</ds:Signature>", &format!("<ds:Object>{inner}</ds:Object></ds:Signature>"))
        };
        let extensions = |inner: &str| format!("<samlp:Extensions>{inner}</samlp:Extensions>");
        let at_the_end =
            |element: &str, inner: &str| element.replace("</saml:Assertion>", &format!("{inner}</saml:Assertion>"));
        let wrapping = within(&evil, &object(&plain));
        all_refused(&stage, &[
            ("XSW3", story.response(&format!("{evil}{signed}"))),
            ("XSW4", story.response(&at_the_end(&evil, &signed))),
            ("XSW5", story.response(&format!("{}{plain}", within(&evil, &signature)))),
            ("XSW6", story.response(&within(&evil, &signature.replace("</ds:Signature>", &format!("{plain}</ds:Signature>"))))),
            ("XSW7", story.response(&format!("{}{signed}", extensions(&evil)))),
            ("XSW8", story.response(&wrapping)),
            ("the evil one last", story.response(&format!("{signed}{evil}"))),
            ("the signed one in an extension", story.response(&format!("{}{evil}", extensions(&signed)))),
            ("the signed one in an advice", story.response(&at_the_end(&evil, &format!("<saml:Advice>{signed}</saml:Advice>")))),
            ("the signed one in a status", {
                let hidden = status("Success", None).replace("</samlp:Status>", &format!("<samlp:StatusDetail>{signed}</samlp:StatusDetail></samlp:Status>"));
                Story { status: hidden, ..story.clone() }.response(&evil)
            }),
            ("the signature at the response", within(&story.response(&plain), &signature)),
            ("the signed one's id on both", story.response(&within(&evil.replace("_evil", "_assertion1"), &object(&plain)))),
            ("another namespace's assertion", story.response(&format!("{signed}{}", evil.replace("urn:oasis:names:tc:SAML:2.0:assertion", "urn:x")))),
            ("two signed ones", {
                let other = Story { assertion_id: "_assertion2", ..story.clone() }.assertion();
                story.response(&format!("{signed}{}", stage.signer.sign(&other, "_assertion2")))
            }),
            ("an encrypted one beside", story.response(&format!("{signed}<saml:EncryptedAssertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\"></saml:EncryptedAssertion>"))),
        ])
        .await;
    }
}

#[tokio::test]
async fn a_signature_over_another_element_or_over_nothing_is_refused() {
    let stage = Stage::new();
    let story = stage.story();
    let signed = story.signed(&stage.signer);
    for uri in ["", "#", "#_response1", "#xpointer(/)", "#xpointer(id('_assertion1'))", "https://evil.example/"] {
        let forged = signed.replace("URI=\"#_assertion1\"", &format!("URI=\"{uri}\""));
        let denied = stage.refused(&forged).await;
        assert!(denied.cause.contains("another element") || uri.is_empty(), "{uri}: {denied}");
    }
    let reference = &signed[signed.find("<ds:Reference").unwrap()..signed.find("</ds:SignedInfo>").unwrap()];
    for forged in [signed.replace(reference, ""), signed.replace(reference, &reference.repeat(2))] {
        assert_eq!(stage.refused(&forged).await.reason, Reason::Invalid);
    }
}
