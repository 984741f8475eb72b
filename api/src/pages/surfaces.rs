//! All that is answered from memory for one helpdesk at one version: for each surface the JSON, the plain login page
//! in every language, and where a visitor without any cookie is sent to instead of seeing it.

use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::header::HeaderValue;
use domain::offer::{Entry, Offer, offer};
use domain::{HelpdeskId, Surface};

use super::Page;
use super::frame::Frame;
use super::login::LoginPage;
use super::options::{LoginOptions, silent_url, start_url, with_return_to};
use super::texts::Language;
use askama::Template as _;

/// A page could not be made: a fault of the program, never of the configuration.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The HTML could not be made.
    #[error("a page could not be rendered: {0}")]
    Html(#[from] askama::Error),
    /// The JSON could not be made.
    #[error("an answer could not be written: {0}")]
    Json(#[from] serde_json::Error),
}

/// What one surface answers.
#[derive(Debug)]
pub struct Answers {
    /// What is offered there; for pages that are rendered for one visitor.
    pub offer: Offer,
    /// The login options as JSON.
    pub options: Page,
    /// Where a first visitor goes at once (R21, R25), if anywhere.
    pub redirect: Option<HeaderValue>,
    login: [Page; Language::ALL.len()],
}

impl Answers {
    fn render(helpdesk: &HelpdeskId, version: u64, name: &str, offer: Offer) -> Result<Self, RenderError> {
        let surface = offer.surface;
        let options = serde_json::to_vec(&LoginOptions::new(helpdesk, version, &offer))?;
        let login = |language: Language| {
            let frame = Frame::new(language.texts(), name);
            let html = LoginPage::new(frame, &offer).render()?;
            let variant = format!("{helpdesk}/{surface}/{}", language.code());
            Ok::<_, RenderError>(Page::new(html.into_bytes(), version, &variant))
        };
        let [english] = Language::ALL;
        let login = [login(english)?];
        let automatic = offer.automatic.as_ref().map(|choice| start_url(&choice.id));
        let onward = automatic.or_else(|| offer.silent.as_ref().map(silent_url));
        let redirect = onward.map(|url| with_return_to(url, surface, None));
        Ok(Self {
            options: Page::new(options, version, &format!("{helpdesk}/{surface}/json")),
            redirect: redirect.and_then(|url| HeaderValue::from_str(&url).ok()),
            login,
            offer,
        })
    }

    /// The plain login page in `language`.
    pub fn login(&self, language: Language) -> &Page {
        let [english] = &self.login;
        match language {
            Language::English => english,
        }
    }

    fn weight(&self) -> usize {
        // The offer holds little that the JSON does not, and is charged as much again.
        let pages: usize = self.login.iter().map(Page::weight).sum();
        pages + 2 * self.options.weight() + size_of::<Self>()
    }
}

/// All that is answered for one helpdesk at one version.
#[derive(Debug)]
pub struct Surfaces {
    /// Whose pages these are.
    pub helpdesk: HelpdeskId,
    /// What the helpdesk is called.
    pub name: String,
    /// Which version they show.
    pub version: u64,
    portal: Answers,
    agent: Answers,
    admin: Answers,
    visited: AtomicBool,
}

impl Surfaces {
    /// Renders everything that `helpdesk`, called `name`, offers at `version`.
    pub fn render(helpdesk: &HelpdeskId, version: u64, name: &str, entries: &[Entry]) -> Result<Self, RenderError> {
        let answers = |surface| Answers::render(helpdesk, version, name, offer(surface, entries));
        Ok(Self {
            portal: answers(Surface::Portal)?,
            agent: answers(Surface::Agent)?,
            admin: answers(Surface::Admin)?,
            helpdesk: helpdesk.clone(),
            name: name.to_owned(),
            version,
            // Whoever is only rendered makes way for whoever is visited.
            visited: AtomicBool::new(false),
        })
    }

    /// What `surface` answers.
    pub fn of(&self, surface: Surface) -> &Answers {
        match surface {
            Surface::Portal => &self.portal,
            Surface::Agent => &self.agent,
            Surface::Admin => &self.admin,
        }
    }

    /// Notes a visit. It is written only where it changes something, so that processors do not fight over the line.
    pub(super) fn visit(&self) {
        if !self.visited.load(Ordering::Relaxed) {
            self.visited.store(true, Ordering::Relaxed);
        }
    }

    /// Whether anybody visited since this was last asked.
    pub(super) fn forget_visit(&self) -> bool {
        self.visited.swap(false, Ordering::Relaxed)
    }

    /// How many bytes it takes in memory, at most.
    pub fn weight(&self) -> usize {
        let texts = 3 * self.helpdesk.as_str().len() + self.name.len();
        let answers: usize = Surface::ALL.into_iter().map(|surface| self.of(surface).weight()).sum();
        answers + texts + size_of::<Self>()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use domain::{Audience, Display, SsoMode};

    /// An enabled usersource of the portal.
    pub fn entry(kind: &str, title: &str, display: Display) -> Entry {
        Entry {
            id: domain::UsersourceId::new(format!("us_{kind}")),
            kind: kind.into(),
            audience: Audience::Users,
            display,
            built_in: kind == "deskpro",
            title: title.into(),
            button_text: None,
            enabled: true,
            sso: SsoMode::Off,
            silent: false,
        }
    }

    /// A form, two buttons, one of them silent, and an icon.
    pub fn everything() -> Vec<Entry> {
        let saml = entry("saml", "SAML", Display::Button);
        let oidc = entry("oidc", "Okta", Display::Button);
        vec![
            entry("deskpro", "Deskpro", Display::Form),
            Entry { button_text: Some("Staff intranet".into()), ..saml },
            Entry { sso: SsoMode::Background, silent: true, ..oidc },
            entry("google", "Google", Display::Icon),
        ]
    }

    /// Everybody of either audience is sent to one provider.
    pub fn automatic() -> Vec<Entry> {
        let saml = Entry { sso: SsoMode::Automatic, ..entry("saml", "Corp", Display::Button) };
        vec![Entry { audience: Audience::Agents, ..saml.clone() }, saml]
    }

    #[test]
    fn r21_r25_a_first_visitor_is_sent_on_under_automatic_and_for_one_silent_attempt() {
        let redirect = |entries: &[Entry], surface| {
            let surfaces = Surfaces::render(&"d".into(), 1, "Help", entries).unwrap();
            surfaces.of(surface).redirect.clone().map(|url| url.to_str().unwrap().to_owned())
        };
        assert_eq!(redirect(&automatic(), Surface::Portal).as_deref(), Some("/auth/us_saml/start"));
        assert_eq!(
            redirect(&automatic(), Surface::Admin).as_deref(),
            Some("/auth/us_saml/start?return_to=%2Fadmin%2F")
        );
        assert_eq!(
            redirect(&everything(), Surface::Portal).as_deref(),
            Some("/auth/us_oidc/start?silent=1"),
            "R25: in the background, at the first visit"
        );
        assert_eq!(redirect(&everything(), Surface::Agent), None, "the other audience has no single sign-on");
    }

    #[test]
    fn its_weight_covers_every_byte_that_it_may_come_to_hold() {
        let surfaces = Surfaces::render(&"d".into(), 1, "Help", &everything()).unwrap();
        let mut held = 0;
        for surface in Surface::ALL {
            for page in [&surfaces.of(surface).options, surfaces.of(surface).login(Language::English)] {
                held += page.plain.body.len() + page.gzip().map_or(0, |gzip| gzip.body.len());
            }
        }
        assert!(surfaces.weight() > held);
    }
}
