//! Signing in at SimpleSAMLphp, an identity provider that shares no code with us.

use super::forged::{ACS, OURS};
use super::stage::redirecting;
use super::visitor::{Place, Visitor, http};
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{Arrival, Begin, Denied, LogOut, Reason, Trace};
use domain::Audience;
use serde_json::{Value, json};
use url::Url;

const ATTEMPT: &str = "0123456789012345678901234567890123456789012";

fn provider() -> Url {
    let address = std::env::var("GATELEDGER_TEST_SIMPLESAMLPHP");
    Url::parse(&address.expect("GATELEDGER_TEST_SIMPLESAMLPHP must name a running tests/peers/simplesamlphp")).unwrap()
}

/// A usersource made from the provider's own metadata, under an id of its own, known to the provider.
struct Known {
    fixture: Fixture,
    url: Url,
}

impl Known {
    /// `more` are settings of ours, `theirs` what the provider is told beside the usual.
    async fn new(id: &str, more: Value, theirs: Value) -> Self {
        let url = provider();
        let http = http();
        let metadata = url.join("saml2/idp/metadata.php").unwrap();
        let metadata = http.get(metadata).send().await.unwrap().text().await.unwrap();
        let mut settings = json!({"metadata": metadata, "allow_insecure": true});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let fixture = Fixture::named(id, "saml", Audience::Agents, settings);
        let ours = |text: &str| text.replace("us_1", id);
        let certificate = fixture.source().text("sp_certificate").unwrap().to_owned();
        let base64: String = certificate.lines().filter(|line| !line.starts_with("--")).collect();
        let mut sp = json!({
            "entityid": ours(OURS), "AssertionConsumerService": ours(ACS), "certData": base64,
            "SingleLogoutService": ours(ACS).replace("callback", "logout"),
            "NameIDFormat": "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
        });
        sp.as_object_mut().unwrap().extend(theirs.as_object().unwrap().clone());
        let told = http.post(url.join("sps").unwrap()).json(&sp).send().await.unwrap();
        assert!(told.status().is_success());
        Self { fixture, url }
    }

    /// Goes to the provider and signs in there if it asks.
    async fn visit(&self, visitor: &mut Visitor, silent: bool, ask_again: bool) -> (Result<Arrival, Denied>, bool) {
        let wish = Begin { attempt: ATTEMPT.into(), silent, ask_again };
        let (kind, source) = (redirecting(&self.fixture), self.fixture.source());
        let departure = kind.begin(&source, &wish, &mut Trace::off()).await.unwrap();
        let mut asked = false;
        let place = match visitor.get(&departure.to).await {
            Place::Page(page) => {
                asked = true;
                visitor.send(&page, &[("username", "jane"), ("password", "jane-pass")]).await
            }
            ours @ Place::Ours(..) => ours,
        };
        let (_, answer) = place.ours();
        assert_eq!(kind.attempt(&answer).as_deref(), Some(ATTEMPT));
        (kind.finish(&source, Some(&departure.memory), &answer, &mut Trace::off()).await, asked)
    }
}

#[tokio::test]
async fn somebody_signs_in_and_out_at_simplesamlphp_and_it_checks_our_signatures() {
    let signed = json!({"sign_requests": true, "name_id_format": "persistent"});
    let known = Known::new("us_signed", signed, json!({"validate.authnrequest": true, "validate.logout": true})).await;
    let mut visitor = Visitor::new();
    let (arrival, asked) = known.visit(&mut visitor, false, false).await;
    let arrival = arrival.unwrap();
    assert!(asked);
    assert!(arrival.person.subject.starts_with("!urn:oasis:names:tc:SAML:2.0:nameid-format:persistent!http"));
    assert_eq!(arrival.person.name.as_deref(), Some("Jane Doe"));
    assert_eq!(arrival.person.email.unwrap().email().as_str(), "jane@example.com");
    assert_eq!(arrival.person.claims["groups"], json!(["staff", "editors"]));
    assert_eq!(arrival.once.len(), 1);

    let (again, asked) = known.visit(&mut visitor, false, false).await;
    assert!(again.is_ok() && !asked, "the provider remembers");
    let (again, asked) = known.visit(&mut visitor, false, true).await;
    let proven = again.unwrap().asked_again_at.unwrap();
    assert!(asked, "ForceAuthn");
    assert!(proven >= known.fixture.now.plus_seconds(-5) && proven <= known.fixture.now, "R41");

    let (kind, source) = (redirecting(&known.fixture), known.fixture.source());
    let to = kind.sign_out(&source, &arrival.session.unwrap()).await.unwrap().unwrap();
    let (ours, answer) = visitor.get(&to).await.ours();
    assert!(ours.as_str().starts_with(&source.url("logout")));
    assert!(matches!(kind.log_out(&source, &answer).await, Ok(LogOut::Done)));
    let (silent, _) = known.visit(&mut visitor, true, false).await;
    assert_eq!(silent.err().unwrap().reason, Reason::NotSilent, "R25, R27: nobody is signed in there any more");
}

#[tokio::test]
async fn what_simplesamlphp_ends_ends_here_and_it_takes_our_answer() {
    let known = Known::new("us_ended", json!({}), json!({"validate.logout": true})).await;
    let mut visitor = Visitor::new();
    let arrival = known.visit(&mut visitor, false, false).await.0.unwrap();
    let after = known.url.join("logout.php").unwrap();
    let mut end = known.url.join("saml2/idp/SingleLogoutService.php").unwrap();
    end.query_pairs_mut().append_pair("ReturnTo", after.as_str());
    let (_, answer) = visitor.get(&end).await.ours();
    let (kind, source) = (redirecting(&known.fixture), known.fixture.source());
    let LogOut::Asked { issuer, subject, indexes, back, .. } = kind.log_out(&source, &answer).await.unwrap() else {
        panic!("the provider asked");
    };
    assert_eq!((issuer, subject), (arrival.person.issuer, arrival.person.subject));
    assert_eq!(indexes, [arrival.session.unwrap().index.unwrap()]);
    assert_eq!(visitor.get(&back).await.page().url, after, "the provider goes on to where it wanted to be");

    let spoilt = answer.raw_query.replace("SAMLRequest=", "SAMLRequest=A");
    let forged = crate::sign_in::Answer { raw_query: spoilt, ..answer };
    assert!(kind.log_out(&source, &forged).await.is_err());
}

#[tokio::test]
async fn simplesamlphp_encrypts_for_us_and_begins_by_itself() {
    let settings = json!({"allow_idp_initiated": true, "want": "assertion"});
    let known = Known::new("us_encrypted", settings, json!({"assertion.encryption": true})).await;
    let mut visitor = Visitor::new();
    let (arrival, _) = known.visit(&mut visitor, false, false).await;
    assert_eq!(arrival.unwrap().person.claims["uid"], "jane");

    let mut begin = known.url.join("saml2/idp/SSOService.php").unwrap();
    begin.query_pairs_mut().append_pair("spentityid", &known.fixture.source().url("metadata"));
    let (_, answer) = visitor.get(&begin).await.ours();
    let (kind, source) = (redirecting(&known.fixture), known.fixture.source());
    let arrival = kind.finish(&source, None, &answer, &mut Trace::off()).await.unwrap();
    assert_eq!(arrival.person.claims["uid"], "jane");
}
