//! A visitor's request for a page: which helpdesk its host names, what is offered there, and who is signed in.

use super::session_cookie;
use super::{html, origin, public, security_headers};
use crate::accounts::Session;
use crate::app::App;
use crate::pages::notices::Message;
use crate::pages::{Frame, Language, Site, Surfaces, Texts, Transport};
use crate::read_models::LoginFront;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_SECURITY_POLICY;
use actix_web::{HttpRequest, HttpResponse};
use domain::{Audience, HelpdeskId, Surface};
use std::sync::Arc;

/// What every page of a helpdesk starts from.
pub struct Visit {
    /// The helpdesk as its visitors reach it.
    pub site: Arc<Site>,
    /// What it offers.
    pub surfaces: Arc<Surfaces>,
}

impl Visit {
    /// The visit that `request` is; otherwise the page that says why it is none.
    pub async fn of(front: &LoginFront, request: &HttpRequest) -> Result<Self, HttpResponse> {
        let site = public::site(request, front).ok_or_else(|| html::not_found(Transport::Plain))?;
        match front.surfaces(site.helpdesk.as_str()).await {
            Ok(Some(surfaces)) => Ok(Self { site, surfaces }),
            Ok(None) => Err(html::not_found(site.transport)),
            Err(error) => {
                tracing::warn!(helpdesk = %site.helpdesk, %error, "login pages cannot be read");
                Err(public::unavailable(site.transport))
            }
        }
    }

    /// The same for a form post, which must come from our own pages.
    pub async fn of_post(front: &LoginFront, request: &HttpRequest) -> Result<Self, HttpResponse> {
        let visit = Self::of(front, request).await?;
        match origin::judge(request.headers(), &visit.site) {
            Ok(()) => Ok(visit),
            Err(_) => {
                let texts = visit.texts();
                Err(visit.message(StatusCode::FORBIDDEN, texts.refused, texts.cross_site_help))
            }
        }
    }

    /// Which helpdesk.
    pub fn helpdesk(&self) -> &HelpdeskId {
        &self.site.helpdesk
    }

    /// The texts of the visitor's language.
    pub fn texts(&self) -> &'static Texts {
        Language::English.texts()
    }

    /// The frame of this helpdesk's pages.
    pub fn frame(&self) -> Frame<'_> {
        Frame::new(self.texts(), &self.surfaces.name)
    }

    /// A page with a title and a sentence.
    pub fn message(&self, status: StatusCode, title: &str, sentence: &str) -> HttpResponse {
        self.page(status, &Message::new(self.frame(), title, sentence))
    }

    /// A page for this visitor alone.
    pub fn page(&self, status: StatusCode, page: &impl askama::Template) -> HttpResponse {
        html::page(status, self.site.transport, page)
    }

    /// The page whose form goes to a provider, and to no other place.
    pub fn page_that_posts_to(&self, provider: &url::Url, page: &impl askama::Template) -> HttpResponse {
        let mut response = self.page(StatusCode::OK, page);
        if let Some(policy) = security_headers::posting_to(provider) {
            response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }

    /// The page whose form a script of ours sends to ourselves.
    pub fn page_that_posts_home(&self, page: &impl askama::Template) -> HttpResponse {
        let mut response = self.page(StatusCode::OK, page);
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, security_headers::POSTING_HOME.clone());
        response
    }

    /// There is nothing at this address, or not now.
    pub fn not_found(&self) -> HttpResponse {
        html::not_found(self.site.transport)
    }

    /// A store does not answer.
    pub fn unavailable(&self, error: &(dyn std::error::Error + 'static)) -> HttpResponse {
        tracing::error!(error, "a page failed for a reason of ours");
        public::unavailable(self.site.transport)
    }

    /// Who is signed in, if somebody is and the session still counts (R28).
    pub async fn session(&self, app: &App, request: &HttpRequest) -> Result<Option<Session>, HttpResponse> {
        let Some(secret) = session_cookie::read(request, self.site.transport) else { return Ok(None) };
        app.live_session(self.helpdesk(), &secret).await.map_err(|problem| self.unavailable(&problem))
    }

    /// Whether people of `audience` have passwords of ours that they may recover and change (R24).
    pub fn own_passwords(&self, audience: Audience) -> bool {
        let surface = match audience {
            Audience::Users => Surface::Portal,
            Audience::Agents => Surface::Agent,
        };
        self.surfaces.of(surface).offer.form.as_ref().is_some_and(|form| form.own_passwords)
    }
}

/// Whether a session opens `surface` (R20): the agents' session opens everything, the users' only the portal.
pub fn opens(session: &Session, surface: Surface) -> bool {
    session.audience == Audience::Agents || surface.audience() == Audience::Users
}
