//! A usersource of kind `saml` and the provider that it trusts.

use super::forged::{PROVIDER, REQUEST, Signer, Story};
use crate::authenticators::{RedirectSignIn, SignIn};
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{Answer, Arrival, Denied, Trace};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use domain::Audience;
use serde_json::{Value, json};

pub(super) struct Stage {
    pub(super) fixture: Fixture,
    pub(super) signer: Signer,
}

impl Stage {
    /// With these settings beside those that name the provider.
    pub(super) fn with(more: Value) -> Self {
        let signer = Signer::fresh();
        let mut settings = json!({
            "sso_url": "https://idp.example/sso?tenant=1", "slo_url": "https://idp.example/slo",
            "idp_entity_id": PROVIDER, "certificates": signer.certificate,
        });
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Self { fixture: Fixture::new("saml", Audience::Agents, settings), signer }
    }

    /// With the fewest settings.
    pub(super) fn new() -> Self {
        Self::with(json!({}))
    }

    /// A response that holds.
    pub(super) fn story(&self) -> Story {
        Story::at(self.fixture.now)
    }

    pub(super) fn kind(&self) -> &'static dyn RedirectSignIn {
        redirecting(&self.fixture)
    }

    /// What comes of `xml` as the answer to the request.
    pub(super) async fn finish(&self, xml: &str) -> Result<Arrival, Denied> {
        let memory = json!({"request": REQUEST, "asked_again": false});
        self.finish_with(Some(&memory), xml).await
    }

    /// What comes of `xml` with that memory of a beginning.
    pub(super) async fn finish_with(&self, memory: Option<&Value>, xml: &str) -> Result<Arrival, Denied> {
        let answer = posted("SAMLResponse", xml);
        self.kind().finish(&self.fixture.source(), memory, &answer, &mut Trace::off()).await
    }

    /// Why `xml` is refused.
    pub(super) async fn refused(&self, xml: &str) -> Denied {
        match self.finish(xml).await {
            Err(denied) => denied,
            Ok(arrival) => panic!("{} got in with {xml}", arrival.person.subject),
        }
    }
}

pub(super) fn redirecting(fixture: &Fixture) -> &'static dyn RedirectSignIn {
    let SignIn::Redirect(kind) = fixture.sign_in() else { panic!("the kind does not redirect") };
    kind
}

/// What a provider's page posts.
pub(super) fn posted(member: &str, xml: &str) -> Answer {
    Answer { form: vec![(member.into(), STANDARD.encode(xml))], ..Answer::default() }
}
