//! Signing in at an identity provider on pysaml2, which signs, verifies and encrypts with the program xmlsec1, and reads
//! us from the metadata that we publish.

use super::stage::redirecting;
use super::visitor::{Visitor, http};
use crate::authenticators::RedirectSignIn;
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{Arrival, Begin, Denied, LogOut, Trace};
use domain::Audience;
use serde_json::{Value, json};
use url::Url;

const ATTEMPT: &str = "0123456789012345678901234567890123456789012";

fn provider() -> Url {
    let address = std::env::var("GATELEDGER_TEST_PYSAML2");
    Url::parse(&address.expect("GATELEDGER_TEST_PYSAML2 must name a running tests/peers/pysaml2")).unwrap()
}

/// A usersource and a provider that have read each other's metadata.
struct Met {
    fixture: Fixture,
    url: Url,
}

impl Met {
    /// `special` is what the provider does differently for us: a query.
    async fn new(id: &str, more: Value, special: &str) -> Self {
        let (url, http) = (provider(), http());
        let metadata = http.get(url.join("metadata").unwrap()).send().await.unwrap().text().await.unwrap();
        let mut settings = json!({"metadata": metadata, "allow_insecure": true});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let met = Self { fixture: Fixture::named(id, "saml", Audience::Agents, settings), url };
        let ours = met.kind().metadata(&met.fixture.source()).unwrap().unwrap();
        let told = http.post(met.url.join(&format!("sps?{special}")).unwrap()).body(ours).send().await.unwrap();
        assert!(told.status().is_success(), "{}", told.text().await.unwrap());
        met
    }

    fn kind(&self) -> &'static dyn RedirectSignIn {
        redirecting(&self.fixture)
    }

    /// Signs in as jane; tells what the provider's page said of our request.
    async fn visit(&self, ask_again: bool) -> (Result<Arrival, Denied>, String) {
        let wish = Begin { attempt: ATTEMPT.into(), silent: false, ask_again };
        let source = self.fixture.source();
        let departure = self.kind().begin(&source, &wish, &mut Trace::off()).await.unwrap();
        let mut visitor = Visitor::new();
        let page = visitor.get(&departure.to).await.page();
        let (_, answer) = visitor.send(&page, &[("user", "jane")]).await.ours();
        assert_eq!(self.kind().attempt(&answer).as_deref(), Some(ATTEMPT));
        (self.kind().finish(&source, Some(&departure.memory), &answer, &mut Trace::off()).await, page.html)
    }
}

#[tokio::test]
async fn somebody_signs_in_and_out_at_pysaml2() {
    let met = Met::new("us_signed", json!({"sign_requests": true}), "").await;
    let (arrival, page) = met.visit(true).await;
    let arrival = arrival.unwrap();
    assert!(page.contains("signed: yes, again: true"), "{page}");
    assert!(arrival.person.subject.ends_with("!id-of-jane"), "{}", arrival.person.subject);
    assert_eq!(arrival.person.name.as_deref(), Some("Doe, Jane & Co"));
    assert_eq!(arrival.person.email.as_ref().unwrap().email().as_str(), "jane@example.com");
    assert_eq!(arrival.person.claims["mail"], "jane@example.com", "by its friendly name: {:?}", arrival.person.claims);
    assert!(arrival.asked_again_at.is_some());

    let source = met.fixture.source();
    let to = met.kind().sign_out(&source, &arrival.session.unwrap()).await.unwrap().unwrap();
    let (_, answer) = Visitor::new().get(&to).await.ours();
    assert!(matches!(met.kind().log_out(&source, &answer).await, Ok(LogOut::Done)));
    let forged = crate::sign_in::Answer { raw_query: answer.raw_query.replace("SigAlg=", "SigAlg=x"), ..answer };
    assert!(met.kind().log_out(&source, &forged).await.is_err());
}

#[tokio::test]
async fn requests_are_unsigned_unless_they_shall_be_signed() {
    let met = Met::new("us_unsigned", json!({}), "").await;
    let (arrival, page) = met.visit(false).await;
    assert!(arrival.unwrap().asked_again_at.is_none());
    assert!(page.contains("signed: no, again: None"), "{page}");
}

#[tokio::test]
async fn an_encrypted_assertion_is_opened_and_must_still_be_signed_inside() {
    let met = Met::new("us_encrypted", json!({}), "encrypt=1").await;
    assert_eq!(met.visit(false).await.0.unwrap().person.claims["uid"], "jane");
    let whole = Met::new("us_whole", json!({"want": "response"}), "encrypt=1&sign=response").await;
    assert_eq!(whole.visit(false).await.0.unwrap().person.claims["uid"], "jane");
    let outside = Met::new("us_outside", json!({"want": "assertion"}), "encrypt=1&sign=response").await;
    let denied = outside.visit(false).await.0.err().unwrap();
    assert!(denied.cause.contains("sign"), "{denied}");
}

#[tokio::test]
async fn sha1_needs_allow_sha1() {
    let strict = Met::new("us_strict", json!({}), "sha1=1").await;
    let denied = strict.visit(false).await.0.err().unwrap();
    assert!(denied.cause.contains("allow_sha1"), "{denied}");
    let lax = Met::new("us_lax", json!({"allow_sha1": true}), "sha1=1").await;
    assert!(lax.visit(false).await.0.is_ok());
}

#[tokio::test]
async fn the_provider_ends_sessions_by_post() {
    for (id, special, allow_sha1) in [("us_ended", "", false), ("us_ended_sha1", "sha1=1", true)] {
        let met = Met::new(id, json!({"allow_sha1": allow_sha1}), special).await;
        let source = met.fixture.source();
        let subject = met.visit(false).await.0.unwrap().person.subject;
        let mut end = met.url.join("end?user=jane").unwrap();
        end.query_pairs_mut().append_pair("sp", &source.url("metadata"));
        let (_, answer) = Visitor::new().get(&end).await.ours();
        let asked = met.kind().log_out(&source, &answer).await.unwrap();
        let LogOut::Asked { subject: whose, indexes, back, .. } = asked else { panic!("the provider asked") };
        assert_eq!((whose, indexes), (subject, vec!["s1".to_owned(), "s2".to_owned()]));
        assert!(back.query_pairs().any(|(name, value)| name == "RelayState" && value == "where"));
        let page = Visitor::new().get(&back).await.page();
        assert!(page.html.contains("ended: True"), "{}", page.html);
        if allow_sha1 {
            let strict = Fixture::named(
                id,
                "saml",
                Audience::Agents,
                json!({
                    "sso_url": met.url, "slo_url": met.url, "idp_entity_id": source.text("idp_entity_id"),
                    "certificates": source.text("certificates"), "allow_insecure": true,
                }),
            );
            let denied = met.kind().log_out(&strict.source(), &answer).await.err().unwrap();
            assert!(denied.cause.contains("allow_sha1"), "{denied}");
        }
    }
}
