//! Keeps the login front up to the configuration: whose host is whose, and what the pages show.

use crate::accounts::Session;
use crate::app::{App, LoginFront};
use crate::commands::CommandError;
use crate::http::problem::Problem;
use actix_web::http::StatusCode;
use domain::values::Usersource;
use domain::{AuthConfig, Command, Field, HelpdeskId, Plain, Setting};
use projections::helpdesks::{self, Helpdesk};
use projections::{Facts as _, ProjectionError};
use url::Url;

/// Helpdesks read at once.
const PAGE: u32 = 1_000;

impl LoginFront {
    /// Shows `state`: its host from now on, its pages if they are in memory. Older than what is there, it changes
    /// nothing.
    pub fn show(&self, helpdesk: &HelpdeskId, state: &AuthConfig) {
        self.hosts.set(helpdesk, state.url.as_deref().and_then(|url| Url::parse(url).ok()));
        if self.pages.holds(helpdesk.as_str()) {
            let moment = self.pages.moment();
            if let Err(error) = self.pages.swap(moment, helpdesk, state.version, &state.name, &state.entries()) {
                tracing::error!(%helpdesk, %error, "a page could not be made; it is forgotten and will be read anew");
                self.pages.forget(helpdesk);
            }
        } else if self.is_loading(helpdesk.as_str()) {
            // What is being read may be older than this: it is answered, and not kept.
            self.pages.forget(helpdesk);
        }
    }
}

impl App {
    /// Every helpdesk, by id. The read models are brought up first: this is for starts and lists, not for visitors.
    pub async fn all_helpdesks(&self) -> Result<Vec<Helpdesk>, ProjectionError> {
        self.projector.catch_up_all(self.ledger.as_ref()).await?;
        let mut all: Vec<Helpdesk> = Vec::new();
        loop {
            let page = helpdesks::list(&self.projector, all.last().map(|helpdesk| &helpdesk.id), PAGE).await?;
            let last = page.len() < PAGE as usize;
            all.extend(page);
            if last {
                return Ok(all);
            }
        }
    }

    /// Some helpdesk, if there is one.
    pub async fn first_helpdesk(&self) -> Result<Option<HelpdeskId>, ProjectionError> {
        Ok(self.ledger.helpdesks(None, 1).await?.into_iter().next())
    }

    /// Learns every helpdesk's host. Of two with one address, the one that had it first has it still.
    pub async fn load_hosts(&self) -> Result<(), ProjectionError> {
        let mut helpdesks = self.all_helpdesks().await?;
        helpdesks.sort_by_key(|row| row.url_since);
        let url = |row: &Helpdesk| row.url.as_deref().and_then(|url| Url::parse(url).ok());
        self.front.hosts.replace_all(helpdesks.iter().map(|row| (row.id.clone(), url(row))));
        Ok(())
    }

    /// What a helpdesk's links and callbacks are made from.
    pub fn base_url(&self, helpdesk: &HelpdeskId) -> String {
        self.front.hosts.site_of(helpdesk).map(|site| site.origin).unwrap_or_default()
    }

    /// The helpdesk that has the host of this URL (R0: a host names one helpdesk), as the read models know it or, in
    /// whatever spelling, the pages.
    pub async fn helpdesk_at(&self, url: &str) -> Result<Option<HelpdeskId>, ProjectionError> {
        self.projector.catch_up_all(self.ledger.as_ref()).await?;
        let known = helpdesks::by_url(&self.projector, url).await?.map(|helpdesk| helpdesk.id);
        Ok(known.or_else(|| self.front.hosts.holder(&Url::parse(url).ok()?)))
    }

    /// Refuses a URL that another helpdesk has.
    pub async fn refuse_taken_url(&self, helpdesk: &HelpdeskId, commands: &[Command]) -> Result<(), Problem> {
        for command in commands {
            let Command::ChangeHelpdesk { fields } = command else { continue };
            let Some(Some(Setting::Plain(Plain::Text(url)))) = fields.get(&Field::new("url")) else { continue };
            if self.helpdesk_at(url).await?.is_some_and(|other| other != *helpdesk) {
                return Err(Problem::new(StatusCode::CONFLICT, "url_taken", "another helpdesk answers at this URL"));
            }
        }
        Ok(())
    }

    /// The session that `secret` opens, if it is alive and its usersource still lets it stand (R28): judged by the head
    /// of the stream, at every use.
    pub async fn live_session(&self, helpdesk: &HelpdeskId, secret: &str) -> Result<Option<Session>, Problem> {
        let Some(session) = self.accounts.find_session(helpdesk, secret, self.now()).await? else { return Ok(None) };
        let head = self.ledger.refresh(helpdesk).await.map_err(CommandError::from)?;
        let stands = match &session.usersource {
            None => true,
            Some(id) => head.state.usersource(id).is_ok_and(|usersource| stands_under(&session, usersource)),
        };
        Ok(stands.then_some(session))
    }
}

/// Whether `usersource`, through which the session was made, still lets it stand (R28).
fn stands_under(session: &Session, usersource: &Usersource) -> bool {
    usersource.sessions_valid_from.is_none_or(|from| session.created_at >= from)
}
