//! The pages on the way to a provider and back: one that leads on, and the report of a test (R42).

use askama::Template;
use url::Url;

use super::assets;
use super::frame::Frame;
use crate::sign_in::testing::{Tested, WouldBe};

/// Leads on to a provider: by itself, and by a button where that does not work.
#[derive(Debug, Template)]
#[template(path = "onward.html")]
pub struct Onward<'a> {
    frame: Frame<'a>,
    sentence: &'a str,
    provider: &'a str,
    to: &'a str,
    fields: &'a [(String, String)],
}

impl<'a> Onward<'a> {
    /// By a form that is posted (SAML's POST binding).
    pub fn post(frame: Frame<'a>, provider: &'a str, to: &'a Url, fields: &'a [(String, String)]) -> Self {
        let frame = frame.headed(frame.texts.onward);
        Self { frame, sentence: frame.texts.onward_help, provider, to: to.as_str(), fields }
    }

    /// By opening an address. A redirect would not do after a post: `form-action` binds it in Chromium.
    pub fn open(frame: Frame<'a>, provider: &'a str, to: &'a Url) -> Self {
        Self::post(frame, provider, to, &[])
    }

    /// By posting once more what a provider posted: from our own page, the browser sends its cookies along.
    pub fn once_more(frame: Frame<'a>, callback: &'a str, fields: &'a [(String, String)]) -> Self {
        let frame = frame.headed(frame.texts.onward);
        Self { frame, sentence: frame.texts.onward_back, provider: "", to: callback, fields }
    }

    /// By opening the address where one signs out.
    pub fn sign_out(frame: Frame<'a>, to: &'a Url) -> Self {
        let frame = frame.headed(frame.texts.signed_out);
        let provider = to.host_str().unwrap_or_default();
        Self { frame, sentence: frame.texts.signing_out_there, provider, to: to.as_str(), fields: &[] }
    }

    fn script(&self) -> &'static str {
        assets::path("onward.js")
    }
}

/// What an admin's test of a usersource showed.
#[derive(Debug, Template)]
#[template(path = "report.html")]
pub struct Report<'a> {
    frame: Frame<'a>,
    title: &'a str,
    tested: &'a Tested,
    claims: String,
}

impl<'a> Report<'a> {
    /// The report on the usersource of this title.
    pub fn new(frame: Frame<'a>, title: &'a str, tested: &'a Tested) -> Self {
        let claims = serde_json::to_string_pretty(&tested.claims).unwrap_or_default();
        Self { frame: frame.headed(frame.texts.test_report), title, tested, claims }
    }

    fn account(&self) -> String {
        let texts = self.frame.texts;
        match &self.tested.account {
            WouldBe::Linked { id, role } => format!("{} {id} ({role})", texts.test_linked),
            WouldBe::ByEmail { id, role } => format!("{} {id} ({role})", texts.test_by_email),
            WouldBe::New { role } => format!("{} ({role})", texts.test_new),
            WouldBe::Nobody => texts.test_nobody.to_owned(),
        }
    }

    fn details(&self) -> Vec<(&str, bool, String)> {
        let shown = |detail: &serde_json::Value| {
            if detail.is_null() { String::new() } else { serde_json::to_string_pretty(detail).unwrap_or_default() }
        };
        self.tested.steps.iter().map(|step| (step.what.as_str(), step.ok, shown(&step.detail))).collect()
    }
}

/// One identity of somebody's, as its owner sees it.
#[derive(Debug, Clone)]
pub struct LinkedIdentity {
    /// What unlinking names.
    pub id: String,
    /// The usersource's title.
    pub title: String,
    /// Whom the source means.
    pub subject: String,
}

/// The ways in which somebody can sign in: linked identities, and usersources that could be linked.
#[derive(Debug, Template)]
#[template(path = "identities.html")]
pub struct Identities<'a> {
    frame: Frame<'a>,
    linked: &'a [LinkedIdentity],
    linkable: &'a [(String, String)],
    standing: Freshness<'a>,
}

/// Whether somebody's sign-in is fresh enough to change something (R41).
#[derive(Debug, Clone, Copy)]
pub enum Freshness<'a> {
    /// It is.
    Fresh,
    /// Their provider can be told to ask them again, by this address.
    AskAgain(&'a str),
    /// They sign out and in again.
    Stale,
}

impl<'a> Identities<'a> {
    /// `linkable` are usersources' ids and titles; without a fresh sign-in nothing can be changed.
    pub fn new(
        frame: Frame<'a>,
        linked: &'a [LinkedIdentity],
        linkable: &'a [(String, String)],
        standing: Freshness<'a>,
    ) -> Self {
        Self { frame: frame.headed(frame.texts.identities), linked, linkable, standing }
    }

    fn fresh(&self) -> bool {
        matches!(self.standing, Freshness::Fresh)
    }

    fn ask_again(&self) -> Option<&str> {
        if let Freshness::AskAgain(path) = self.standing { Some(path) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::tests::{HOSTILE, assert_sound, frame};
    use crate::sign_in::Step;
    use serde_json::{Map, json};

    #[test]
    fn a_page_leads_on_by_a_form_or_by_itself_and_always_by_a_button() {
        let to = Url::parse("https://idp.example/sso?a=1&b=2").unwrap();
        let posted = Onward::post(frame(), HOSTILE, &to, &[("SAMLRequest".into(), HOSTILE.into())]).render().unwrap();
        assert!(posted.contains("method=\"post\"") && posted.contains("name=\"SAMLRequest\""));
        assert!(posted.contains("<button") && posted.contains("<script src=\"/assets/onward-"));
        let opened = Onward::sign_out(frame(), &to).render().unwrap();
        assert!(opened.contains("http-equiv=\"refresh\"") && opened.contains("<a class=\"button main\""));
        for html in [posted, opened] {
            assert!(!html.contains("<script>") && html.contains("a=1&#38;b=2"), "{html}");
        }
    }

    #[test]
    fn reports_and_identities_are_sound_whatever_a_source_says() {
        let tested = Tested {
            admitted: false,
            reason: Some("filtered"),
            steps: vec![Step { what: HOSTILE.into(), ok: false, detail: json!({ HOSTILE: HOSTILE }) }],
            claims: Map::from_iter([(HOSTILE.to_owned(), json!(HOSTILE))]),
            account: WouldBe::Nobody,
            proven: false,
        };
        assert_sound(&Report::new(frame(), HOSTILE, &tested).render().unwrap());
        let linked = [LinkedIdentity { id: HOSTILE.into(), title: HOSTILE.into(), subject: HOSTILE.into() }];
        let linkable = [(HOSTILE.to_owned(), HOSTILE.to_owned())];
        for standing in [Freshness::Fresh, Freshness::AskAgain("/auth/us_1/start?again=1"), Freshness::Stale] {
            let html = Identities::new(frame(), &linked, &linkable, standing).render().unwrap();
            assert_sound(&html);
            assert_eq!(html.contains("name=\"unlink\""), matches!(standing, Freshness::Fresh), "R41");
        }
    }
}
