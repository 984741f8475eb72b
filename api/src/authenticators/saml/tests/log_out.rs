//! Forged and stale log-out messages: nobody but the provider ends anybody's sessions.

use super::forged::{PROVIDER, Signer};
use super::kind::message;
use super::stage::{Stage, posted};
use crate::authenticators::saml::document::{ASSERTION, PROTOCOL};
use crate::authenticators::saml::redirect_binding::{self, Message};
use crate::sign_in::{Answer, LogOut, ProviderSession};
use domain::Timestamp;
use serde_json::json;
use url::Url;

const OURS: &str = "https://help.example/auth/us_1/logout";

fn request(issuer: &str, to: &str, sent: Timestamp) -> String {
    format!(
        "<samlp:LogoutRequest xmlns:samlp=\"{PROTOCOL}\" Destination=\"{to}\" ID=\"_out1\" IssueInstant=\"{sent}\" \
         Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION}\">{issuer}</saml:Issuer><saml:NameID \
         xmlns:saml=\"{ASSERTION}\">jane</saml:NameID><samlp:SessionIndex>s1</samlp:SessionIndex></samlp:LogoutRequest>"
    )
}

/// The message as a redirect brings it, signed by `signer`.
fn redirected(xml: &str, message: Message, signer: Option<&Signer>) -> Answer {
    let url = redirect_binding::url(OURS, message, xml, Some("state"), None).unwrap();
    let mut query = url.query().unwrap().to_owned();
    if let Some(signer) = signer {
        query.push_str("&SigAlg=http%3A%2F%2Fwww.w3.org%2F2001%2F04%2Fxmldsig-more%23rsa-sha256");
        let signature = signer.signature(query.as_bytes()).replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
        query.push_str(&format!("&Signature={signature}"));
    }
    let url = Url::parse(&format!("{OURS}?{query}")).unwrap();
    let pairs = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    Answer { query: pairs, raw_query: query, ..Answer::default() }
}

async fn subject(stage: &Stage, answer: &Answer) -> Result<String, String> {
    match stage.kind().log_out(&stage.fixture.source(), answer).await {
        Ok(LogOut::Asked { subject, .. }) => Ok(subject),
        Ok(LogOut::Done) => Err("done".to_owned()),
        Err(denied) => Err(denied.cause),
    }
}

#[tokio::test]
async fn a_request_must_be_the_providers_fresh_and_sent_to_us() {
    let stage = Stage::new();
    let (now, signer) = (stage.fixture.now, &stage.signer);
    let good = request(PROVIDER, OURS, now);
    assert_eq!(subject(&stage, &redirected(&good, Message::Request, Some(signer))).await.as_deref(), Ok("jane"));
    assert_eq!(subject(&stage, &posted("SAMLRequest", &signer.sign(&good, "_out1"))).await.as_deref(), Ok("jane"));
    let other = Signer::fresh();
    for (answer, words) in [
        (redirected(&good, Message::Request, None), "algorithm"),
        (posted("SAMLRequest", &good), "signature missing"),
        (redirected(&good, Message::Request, Some(&other)), "signature"),
        (posted("SAMLRequest", &other.sign(&good, "_out1")), "certificate mismatch"),
        (posted("SAMLRequest", &signer.sign(&good, "_out1").replace(">jane<", ">june<")), "signature"),
        (redirected(&request("https://evil.example", OURS, now), Message::Request, Some(signer)), "issuer"),
        (
            redirected(
                &request(PROVIDER, "https://help.example/auth/us_2/logout", now),
                Message::Request,
                Some(signer),
            ),
            "destination",
        ),
        (redirected(&request(PROVIDER, OURS, now.plus_seconds(-601)), Message::Request, Some(signer)), "too old"),
        (redirected(&request(PROVIDER, OURS, now.plus_seconds(61)), Message::Request, Some(signer)), "future"),
        (Answer::default(), "neither"),
    ] {
        let cause = subject(&stage, &answer).await.unwrap_err();
        assert!(cause.contains(words), "{cause} should say {words:?}");
    }
}

#[tokio::test]
async fn what_is_read_is_what_was_signed() {
    let stage = Stage::new();
    let good = redirected(&request(PROVIDER, OURS, stage.fixture.now), Message::Request, Some(&stage.signer));
    let evil = redirected(&request(PROVIDER, OURS, stage.fixture.now).replace("jane", "june"), Message::Request, None);
    // The decoded members say one thing, the signed bytes another; or the query says both.
    let mixed = Answer { raw_query: format!("{}&{}", good.raw_query, evil.raw_query), ..Answer::default() };
    assert!(
        subject(&stage, &Answer { query: [good.query.clone(), evil.query.clone()].concat(), ..mixed }).await.is_err()
    );
    let split = Answer { raw_query: good.raw_query.clone(), query: evil.query, form: Vec::new() };
    assert_ne!(subject(&stage, &split).await.as_deref(), Ok("june"));
}

#[tokio::test]
async fn we_answer_to_the_provider_with_a_signature_and_its_state() {
    let stage = Stage::new();
    let answer = redirected(&request(PROVIDER, OURS, stage.fixture.now), Message::Request, Some(&stage.signer));
    let out = stage.kind().log_out(&stage.fixture.source(), &answer).await;
    let Ok(LogOut::Asked { back, issuer, indexes, .. }) = out else { panic!("the provider asked") };
    assert_eq!((issuer.as_str(), indexes), (PROVIDER, vec!["s1".to_owned()]));
    let xml = message(&back, "SAMLResponse");
    assert!(xml.contains("InResponseTo=\"_out1\"") && xml.contains("status:Success"), "{xml}");
    let query = back.query().unwrap();
    assert!(query.contains("&RelayState=state&SigAlg=") && query.contains("&Signature="), "{query}");
}

#[tokio::test]
async fn r27_signing_out_goes_to_the_provider_if_it_has_an_address() {
    let stage = Stage::new();
    let session =
        ProviderSession { index: Some("s&1".into()), name_id: Some(json!({"value": "jane"})), id_token: None };
    let to = stage.kind().sign_out(&stage.fixture.source(), &session).await.unwrap().unwrap();
    assert!(message(&to, "SAMLRequest").contains("<samlp:SessionIndex>s&amp;1</samlp:SessionIndex>"));
    assert!(to.as_str().contains("&Signature="));
    let nameless = ProviderSession { index: None, name_id: None, id_token: None };
    assert_eq!(stage.kind().sign_out(&stage.fixture.source(), &nameless).await.unwrap(), None);
    let without = Stage::with(json!({"slo_url": null}));
    assert_eq!(without.kind().sign_out(&without.fixture.source(), &session).await.unwrap(), None);
}

#[tokio::test]
async fn the_providers_answer_must_be_signed_and_say_success() {
    let stage = Stage::new();
    let response = |status: &str| {
        request(PROVIDER, OURS, stage.fixture.now)
            .replace("LogoutRequest", "LogoutResponse")
            .replace("ID=\"_out1\"", "ID=\"_out1\" InResponseTo=\"_ours\"")
            .split("<saml:NameID")
            .next()
            .map(|head| format!("{head}{}</samlp:LogoutResponse>", super::forged::status(status, None)))
            .unwrap()
    };
    let done = redirected(&response("Success"), Message::Response, Some(&stage.signer));
    assert_eq!(subject(&stage, &done).await.unwrap_err(), "done");
    for answer in [
        redirected(&response("Success"), Message::Response, None),
        redirected(&response("Success"), Message::Response, Some(&Signer::fresh())),
        redirected(&response("Responder"), Message::Response, Some(&stage.signer)),
    ] {
        assert_ne!(subject(&stage, &answer).await.unwrap_err(), "done");
    }
}
