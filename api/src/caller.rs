//! Who is asking, and what they may: an API token or an agents' session, of this helpdesk and of no other.
//!
//! Stops: a token or session of one helpdesk used on another (both are looked up by helpdesk); a users' session at the
//! admin API, whatever the account's role (R20); a role that was taken away since (the account is read at each use).

use crate::accounts::{Account, Role, Session};
use crate::app::App;
use crate::http::origin;
use crate::http::problem::Problem;
use crate::http::request::{Peer, request_id};
use crate::http::session_cookie;
use crate::personal_key::PersonalKey;
use crate::vault::VaultError;
use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use domain::{Actor, ActorType, Audience, HelpdeskId, Timestamp, Via};
use serde_json::json;

/// What the caller showed.
#[derive(Debug, Clone)]
pub enum Credential {
    /// An API token.
    Token,
    /// An agents' session.
    Session(Box<Session>),
}

/// Somebody who may at least read.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Of which helpdesk.
    pub helpdesk: HelpdeskId,
    /// Whose credential it is.
    pub account: Account,
    /// What the credential may: a token may less than its owner.
    pub role: Role,
    /// What was shown.
    pub credential: Credential,
    /// From where.
    pub ip: String,
    /// The request's id.
    pub request: String,
}

impl Caller {
    /// The caller of `request` at `helpdesk`: 401 without a credential, 403 with a role that reads nothing here, 404
    /// for a helpdesk that the credential has no part in.
    pub async fn of(app: &App, request: &HttpRequest, helpdesk: &HelpdeskId) -> Result<Self, Problem> {
        let now = app.now();
        let (account, role, credential) = match bearer(request) {
            Some(token) => {
                let (token, account) = app.accounts.find_token(&token, now).await?.ok_or_else(unauthenticated)?;
                if token.helpdesk != *helpdesk {
                    return Err(Problem::not_found());
                }
                (account, token.role, Credential::Token)
            }
            None => {
                let session = Self::session(app, request, helpdesk).await?;
                let role = session.account.role;
                (session.account.clone(), role, Credential::Session(Box::new(session)))
            }
        };
        if !matches!(role, Role::Admin | Role::Auditor) {
            return Err(forbidden("this takes the role admin or auditor"));
        }
        let ip = app.peer(request).address();
        Ok(Self { helpdesk: helpdesk.clone(), account, role, credential, ip, request: request_id(request) })
    }

    /// The agents' session that the request's cookie opens. What changes something must come from our own pages.
    async fn session(app: &App, request: &HttpRequest, helpdesk: &HelpdeskId) -> Result<Session, Problem> {
        let site = app.front.hosts.site_of(helpdesk).ok_or_else(unauthenticated)?;
        let secret = session_cookie::read(request, site.transport).ok_or_else(unauthenticated)?;
        let session = app.live_session(helpdesk, &secret).await?.ok_or_else(unauthenticated)?;
        if session.audience != Audience::Agents {
            return Err(forbidden("a session from the portal does not open the admin API; sign in at /admin/login"));
        }
        if !request.method().is_safe() && origin::judge(request.headers(), &site).is_err() {
            return Err(forbidden("this was sent from another site, or the browser did not say from where"));
        }
        Ok(session)
    }

    /// 403 unless the caller may change things.
    pub fn must_be_admin(&self) -> Result<(), Problem> {
        if self.role == Role::Admin {
            Ok(())
        } else {
            Err(forbidden("an auditor reads everything and changes nothing"))
        }
    }

    /// Whether the caller may take the risk of a lockout (R41): a session whose sign-in was a moment ago, never a token.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        match &self.credential {
            Credential::Token => false,
            Credential::Session(session) => session.is_fresh(now),
        }
    }

    /// How the ledger names the caller: what is personal is sealed under the account's own key (R50).
    pub fn actor(&self, app: &App) -> Result<Actor, Problem> {
        let kind = match &self.credential {
            Credential::Token => ActorType::Token,
            Credential::Session(_) => ActorType::Person,
        };
        Ok(Actor {
            id: self.account.id.to_string(),
            kind,
            role: Some(self.role.as_str().to_owned()),
            personal: app.seal_personal(&self.account, Some(&self.ip)).map_err(Problem::accident)?,
            acting_for: None,
        })
    }

    /// The way in that the credential stands for.
    pub fn via(&self) -> Via {
        match &self.credential {
            Credential::Token => Via::Api,
            Credential::Session(_) => Via::Console,
        }
    }
}

fn bearer(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().to_owned())
}

fn unauthenticated() -> Problem {
    Problem::unauthorized()
}

fn forbidden(detail: &str) -> Problem {
    Problem::forbidden(detail.to_owned())
}

impl App {
    /// From where `request` comes, as far as proxies that we trust vouch for it.
    pub fn peer(&self, request: &HttpRequest) -> Peer {
        Peer::of(request, &self.trusted_proxies)
    }

    /// Name, e-mail and address, sealed under the account's own key (R50); nothing for an account that was erased.
    pub fn seal_personal(&self, account: &Account, ip: Option<&str>) -> Result<Option<String>, VaultError> {
        let Some(wrapped) = &account.personal_key else { return Ok(None) };
        let personal = json!({"name": account.name, "email": account.email, "ip": ip}).to_string();
        match PersonalKey::unwrap(&self.vault, &account.id, wrapped) {
            Ok(key) => key.seal(&personal).map(Some),
            Err(error) => {
                // The key ring that sealed it is lost. The ledger still says which account it was.
                tracing::error!(account = %account.id, %error, "what is personal cannot be sealed for the ledger");
                Ok(None)
            }
        }
    }
}
