//! One forged or misplaced response after the other, each refused for its own reason.

use super::forged::{PROVIDER, REQUEST, Signer, Story, status};
use super::stage::{Stage, posted};
use crate::sign_in::{Reason, Trace};
use serde_json::json;

/// Refused as invalid, with these words in the cause.
async fn invalid(stage: &Stage, xml: &str, words: &str) {
    let denied = stage.refused(xml).await;
    assert_eq!(denied.reason, Reason::Invalid, "{denied}");
    assert!(denied.cause.contains(words), "{denied} should say {words:?}");
}

#[tokio::test]
async fn a_response_that_holds_lets_its_person_in() {
    let stage = Stage::new();
    let story = stage.story();
    let arrival = stage.finish(&story.signed(&stage.signer)).await.unwrap();
    assert_eq!((arrival.person.issuer.as_str(), arrival.person.subject.as_str()), (PROVIDER, "jane"));
    assert_eq!(arrival.person.claims["mail"], "jane@example.com");
    let until = story.not_on_or_after.plus_seconds(60);
    assert_eq!(arrival.once, [("_assertion1".to_owned(), until)], "its id may be used once, as long as it would hold");
    let session = arrival.session.unwrap();
    assert_eq!((session.index.as_deref(), session.name_id), (Some("_session1"), Some(json!({"value": "jane"}))));
    assert_eq!(arrival.asked_again_at, None);
}

#[tokio::test]
async fn only_what_is_signed_as_the_settings_want_gets_in() {
    for (want, assertion_signed, response_signed) in
        [("assertion", true, false), ("response", false, true), ("either", true, true)]
    {
        let stage = Stage::with(json!({"want": want}));
        let story = stage.story();
        assert_eq!(stage.finish(&story.signed(&stage.signer)).await.is_ok(), assertion_signed, "{want}");
        assert_eq!(stage.finish(&story.signed_as_a_whole(&stage.signer)).await.is_ok(), response_signed, "{want}");
        let both = stage.signer.sign(&story.signed(&stage.signer), "_response1");
        assert!(stage.finish(&both).await.is_ok(), "{want}");
        invalid(&stage, &story.response(&story.assertion()), "sign").await;
    }
}

#[tokio::test]
async fn a_signature_must_be_the_configured_keys_over_these_bytes() {
    let stage = Stage::new();
    let (story, other) = (stage.story(), Signer::fresh());
    let signed = story.signed(&stage.signer);
    invalid(&stage, &signed.replace(">jane<", ">admin<"), "signature").await;
    invalid(&stage, &signed.replace("jane@", "admin@"), "signature").await;
    invalid(&stage, &story.signed(&other), "certificate mismatch").await;
    // Another's signature that claims to be made with the configured certificate.
    let claims = other.signature_over(&story.assertion(), "_assertion1", &stage.signer.der);
    let assertion = story.assertion().replacen("</saml:Issuer>", &format!("</saml:Issuer>{claims}"), 1);
    invalid(&stage, &story.response(&assertion), "signature").await;
    // Without any key told, only the configured one is tried.
    let silent = signed.replace(&stage.signer.der, "");
    assert!(stage.finish(&silent).await.is_ok());
}

#[tokio::test]
async fn during_a_roll_over_both_certificates_hold() {
    let next = Signer::fresh();
    let stage = Stage::new();
    let both = format!("{}{}", next.certificate, stage.signer.certificate);
    let rolling = Stage { fixture: Stage::with(json!({"certificates": both})).fixture, signer: stage.signer };
    let story = rolling.story();
    assert!(rolling.finish(&story.signed(&rolling.signer)).await.is_ok());
    assert!(rolling.finish(&story.signed(&next)).await.is_ok());
}

#[tokio::test]
async fn issuer_audience_recipient_destination_and_request_must_be_ours() {
    let stage = Stage::new();
    let good = stage.story();
    let elsewhere = || "https://help.example/auth/us_2/callback".to_owned();
    for (wrong, words) in [
        (Story { issuer: "https://evil.example".into(), ..good.clone() }, "issuer"),
        (Story { response_issuer: "https://evil.example".into(), ..good.clone() }, "another issuer"),
        (Story { audience: "https://help.example/auth/us_2/metadata".into(), ..good.clone() }, "audience"),
        (Story { recipient: elsewhere(), ..good.clone() }, "recipient"),
        (Story { destination: elsewhere(), ..good.clone() }, "destination"),
        (Story { in_response_to: Some("_other".into()), ..good.clone() }, "inResponseTo"),
        (Story { in_response_to: None, ..good.clone() }, "inResponseTo"),
    ] {
        invalid(&stage, &wrong.signed(&stage.signer), words).await;
    }
    let unrestricted = good
        .assertion()
        .replace("AudienceRestriction>", "OneTimeUse>")
        .replace(&format!("<saml:Audience>{}</saml:Audience>", good.audience), "");
    invalid(&stage, &good.response(&stage.signer.sign(&unrestricted, "_assertion1")), "audience").await;
}

#[tokio::test]
async fn an_assertion_holds_in_its_time_with_a_minute_of_skew() {
    let stage = Stage::new();
    let (good, now) = (stage.story(), stage.fixture.now);
    let from = |seconds| Story { not_before: now.plus_seconds(seconds), ..good.clone() };
    let until = |seconds| Story { not_on_or_after: now.plus_seconds(seconds), ..good.clone() };
    for held in [from(59), until(-59)] {
        assert!(stage.finish(&held.signed(&stage.signer)).await.is_ok());
    }
    invalid(&stage, &from(61).signed(&stage.signer), "time window").await;
    invalid(&stage, &until(-61).signed(&stage.signer), "time window").await;
}

#[tokio::test]
async fn r41_the_time_of_proof_is_told_if_it_was_asked_for_and_never_lies_ahead() {
    let stage = Stage::new();
    let (now, asked) = (stage.fixture.now, json!({"request": REQUEST, "asked_again": true}));
    for (at, told) in [(now.plus_seconds(-240), now.plus_seconds(-240)), (now.plus_seconds(3600), now)] {
        let story = Story { authenticated_at: at, ..stage.story() };
        let arrival = stage.finish_with(Some(&asked), &story.signed(&stage.signer)).await.unwrap();
        assert_eq!(arrival.asked_again_at, Some(told));
    }
}

#[tokio::test]
async fn a_response_nobody_asked_for_needs_allow_idp_initiated() {
    let (closed, open) = (Stage::new(), Stage::with(json!({"allow_idp_initiated": true})));
    let unasked = |stage: &Stage| Story { in_response_to: None, ..stage.story() }.signed(&stage.signer);
    let denied = closed.finish_with(None, &unasked(&closed)).await.err().unwrap();
    assert!(denied.cause.contains("allow_idp_initiated"), "{denied}");
    assert!(open.finish_with(None, &unasked(&open)).await.is_ok());
    let stolen = open.story().signed(&open.signer);
    let denied = open.finish_with(None, &stolen).await.err().unwrap();
    assert!(denied.cause.contains("inResponseTo"), "the answer to another browser's request: {denied}");
    let denied = open.refused(&unasked(&open)).await;
    assert!(denied.cause.contains("inResponseTo"), "an attempt is ended by its own answer alone: {denied}");
}

#[tokio::test]
async fn what_the_provider_refuses_has_its_reason() {
    let stage = Stage::new();
    for (code, detail, reason) in [
        ("Responder", Some("NoPassive"), Reason::NotSilent),
        ("Requester", Some("NoPassive"), Reason::NotSilent),
        ("Responder", Some("AuthnFailed"), Reason::Cancelled),
        ("Requester", None, Reason::Cancelled),
        ("Requester", Some("InvalidNameIDPolicy"), Reason::Misconfigured),
        ("VersionMismatch", None, Reason::Invalid),
    ] {
        let story = Story { status: status(code, detail), ..stage.story() };
        assert_eq!(stage.refused(&story.response("")).await.reason, reason, "{code} {detail:?}");
        let denied = stage.refused(&story.signed(&stage.signer)).await;
        assert_eq!(denied.reason, reason, "an assertion beside a refusal counts for nothing");
    }
}

#[tokio::test]
async fn names_that_identify_nobody_and_names_cut_in_two_are_refused() {
    let stage = Stage::new();
    let named = |name_id: &str| Story { name_id: name_id.into(), ..stage.story() };
    let transient = "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:transient\">_1</saml:NameID>";
    let denied = stage.refused(&named(transient).signed(&stage.signer)).await;
    assert_eq!(denied.reason, Reason::Misconfigured, "R30: {denied}");
    invalid(&stage, &named("").signed(&stage.signer), "name").await;
    invalid(&stage, &named("<saml:NameID></saml:NameID>").signed(&stage.signer), "name id is empty").await;
    // The signature ignores comments: it holds with and without.
    let cut = named("<saml:NameID>jane.evil.example</saml:NameID>").signed(&stage.signer);
    assert!(stage.finish(&cut).await.is_ok());
    invalid(&stage, &cut.replace("jane.evil", "jane<!-- -->.evil"), "something else than text").await;
}

#[tokio::test]
async fn one_confirmation_and_that_of_the_bearer() {
    let stage = Stage::new();
    let more = "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:sender-vouches\">\
                </saml:SubjectConfirmation>";
    let two = Story { confirmations: more.into(), ..stage.story() };
    invalid(&stage, &two.signed(&stage.signer), "more than one SubjectConfirmation").await;
    let vouched = stage.story().assertion().replace("cm:bearer", "cm:sender-vouches");
    let vouched = stage.story().response(&stage.signer.sign(&vouched, "_assertion1"));
    invalid(&stage, &vouched, "subject confirmation").await;
}

#[tokio::test]
async fn document_types_and_entities_are_refused() {
    let stage = Stage::new();
    let signed = stage.story().signed(&stage.signer);
    let dtd = |subset: &str| format!("<!DOCTYPE samlp:Response [{subset}]>{signed}");
    for xml in [
        dtd(""),
        dtd("<!ENTITY jane SYSTEM \"file:///etc/passwd\">"),
        dtd("<!ATTLIST saml:Assertion ID ID #IMPLIED>"),
        signed.replace(">jane<", ">&jane;<"),
    ] {
        invalid(&stage, &xml, "XML").await;
    }
}

#[tokio::test]
async fn weak_and_foreign_algorithms_are_refused() {
    let stage = Stage::new();
    let signed = stage.story().signed(&stage.signer);
    for (known, other, words) in [
        ("xmldsig-more#rsa-sha256", "xmldsig-more#hmac-sha256", "algorithm is not taken"),
        ("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1", "SHA-1"),
        ("2001/04/xmlenc#sha256", "2000/09/xmldsig#sha1", "SHA-1"),
        ("2001/04/xmlenc#sha256", "2001/04/xmldsig-more#md5", "digest's algorithm"),
        ("2000/09/xmldsig#enveloped-signature", "TR/1999/REC-xslt-19991116", "transforms"),
        ("2000/09/xmldsig#enveloped-signature", "TR/1999/REC-xpath-19991116", "transforms"),
    ] {
        invalid(&stage, &signed.replace(known, other), words).await;
    }
    let commented = signed.replacen("2001/10/xml-exc-c14n#", "TR/2001/REC-xml-c14n-20010315", 1);
    invalid(&stage, &commented, "canonical form").await;
}

#[tokio::test]
async fn what_is_no_response_is_refused() {
    let stage = Stage::new();
    for xml in ["", "x", "<a/>", "<samlp:Response/>", "<Response xmlns='urn:oasis:names:tc:SAML:1.0:protocol'/>"] {
        stage.refused(xml).await;
    }
    invalid(&stage, &stage.story().response(""), "no assertion").await;
    let mut answer = posted("SAMLResponse", &stage.story().signed(&stage.signer));
    let memory = json!({"request": REQUEST, "asked_again": false});
    let source = stage.fixture.source();
    std::mem::swap(&mut answer.form, &mut answer.query);
    let finished = stage.kind().finish(&source, Some(&memory), &answer, &mut Trace::off()).await;
    assert!(finished.is_err_and(|denied| denied.cause.contains("POST")), "responses come by POST alone");
    let twice = [posted("SAMLResponse", "<a/>").form, posted("SAMLResponse", "<b/>").form].concat();
    let answer = crate::sign_in::Answer { form: twice, ..Default::default() };
    assert!(stage.kind().finish(&source, Some(&memory), &answer, &mut Trace::off()).await.is_err());
}
