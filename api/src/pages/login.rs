//! The login page of a surface (R23), plain or for one visitor.

use askama::Template;
use domain::offer::{Choice, Form, Offer};

use super::assets;
use super::frame::Frame;
use super::options::{lost_password_path, start_url, with_return_to};

/// The login page. Rendered with nothing but a frame and an offer, it holds nothing of any visitor.
#[derive(Debug, Template)]
#[template(path = "login.html")]
pub struct LoginPage<'a> {
    frame: Frame<'a>,
    offer: &'a Offer,
    return_to: Option<&'a str>,
    login: &'a str,
}

impl<'a> LoginPage<'a> {
    /// What `offer` says, on its surface. Under `automatic` it is the page that R22 asks for: one button, to try again.
    pub fn new(frame: Frame<'a>, offer: &'a Offer) -> Self {
        let frame = frame.headed(frame.texts.sign_in).at(offer.surface);
        Self { frame, offer, return_to: None, login: "" }
    }

    /// The same, going to this path afterwards. It must have passed `http::return_to`.
    pub fn with_return_to(self, path: Option<&'a str>) -> Self {
        Self { return_to: path, ..self }
    }

    /// The same, with what the visitor typed as login a moment ago.
    pub fn with_login(self, login: &'a str) -> Self {
        Self { login, ..self }
    }

    fn form(&self) -> Option<&Form> {
        self.offer.form.as_ref()
    }

    fn action(&self) -> &'static str {
        self.offer.surface.login_path()
    }

    fn lost_password(&self) -> &'static str {
        lost_password_path(self.offer.surface)
    }

    fn start(&self, choice: &Choice) -> String {
        with_return_to(start_url(&choice.id), self.offer.surface, self.return_to)
    }

    fn icon(&self, choice: &Choice) -> &'static str {
        assets::icon(&choice.kind)
    }

    fn offers_nothing(&self) -> bool {
        let Offer { automatic, form, buttons, icons, .. } = self.offer;
        automatic.is_none() && form.is_none() && buttons.is_empty() && icons.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::frame::Notice;
    use crate::pages::frame::tests::{HOSTILE, assert_sound, frame};
    use crate::pages::surfaces::tests::{automatic, entry, everything};
    use domain::offer::offer;
    use domain::{Display, Surface};

    fn page(surface: Surface, entries: &[domain::offer::Entry]) -> String {
        let html = LoginPage::new(frame(), &offer(surface, entries)).render().unwrap();
        assert_sound(&html);
        html
    }

    #[test]
    fn r23_the_page_has_one_form_buttons_and_icons() {
        let html = page(Surface::Portal, &everything());
        assert_eq!(html.matches("<form").count(), 1);
        assert!(
            html.contains("action=\"/login\"") && html.contains("name=\"login\"") && html.contains("name=\"password\"")
        );
        assert!(html.contains("href=\"/lost-password\""));
        assert!(html.contains("href=\"/auth/us_saml/start\"") && html.contains("<bdi>Staff intranet</bdi>"));
        assert!(html.contains("href=\"/auth/us_google/start\"") && html.contains("<bdi>Google</bdi>"));
        assert!(!html.contains("return_to"), "the plain page holds nothing of a visitor");
    }

    #[test]
    fn r24_without_own_passwords_there_is_no_link_to_recover_one() {
        let html = page(Surface::Portal, &[entry("ldap", "Directory", Display::Form)]);
        assert!(html.contains("<form") && !html.contains("lost-password"));
    }

    #[test]
    fn r22_under_automatic_there_is_one_button_and_nothing_else() {
        let html = page(Surface::Agent, &automatic());
        assert!(html.contains("href=\"/auth/us_saml/start\"") && html.contains("<bdi>Corp</bdi>"));
        assert_eq!(html.matches("<a ").count(), 1);
        assert!(!html.contains("<form"));
    }

    #[test]
    fn a_page_that_offers_nothing_says_so() {
        assert!(page(Surface::Portal, &[]).contains("role=\"status\""));
    }

    #[test]
    fn what_people_typed_stays_text() {
        let mut entries = everything();
        for entry in &mut entries {
            entry.title = HOSTILE.into();
            entry.button_text = Some(HOSTILE.into());
        }
        let offer = offer(Surface::Portal, &entries);
        let frame = frame().with_notice(Notice::Problem(HOSTILE));
        let html = LoginPage::new(frame, &offer).with_login(HOSTILE).with_return_to(Some(HOSTILE)).render().unwrap();
        assert_sound(&html);
        assert!(html.contains("role=\"alert\"") && html.contains("name=\"return_to\""));
        let escaped = "&#60;script&#62;alert(1)&#60;/script&#62;&#34;&#39;&#38;";
        assert!(html.matches(escaped).count() >= 8, "{html}");
        assert!(html.contains("start?return_to=%3Cscript%3E"));
    }

    #[test]
    fn a_page_names_its_surface_and_the_admins_links_lead_back_to_it() {
        let agents: Vec<_> = everything()
            .into_iter()
            .map(|e| domain::offer::Entry { audience: domain::Audience::Agents, ..e })
            .collect();
        let html = page(Surface::Admin, &agents);
        assert!(html.contains("Administrators") && html.contains("action=\"/admin/login\""));
        assert!(html.contains("/auth/us_saml/start?return_to=%2Fadmin%2F"));
        assert!(page(Surface::Agent, &agents).contains("Agents"));
    }
}
