//! Keeps the login front up to the configuration: whose host is whose, and what the pages show.

use crate::accounts::Session;
use crate::app::App;
use crate::commands::CommandError;
use crate::http::problem::Problem;
use crate::read_models::LoginFront;
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

    /// Learns every helpdesk's host.
    pub async fn load_hosts(&self) -> Result<(), ProjectionError> {
        let helpdesks = self.all_helpdesks().await?;
        let url = |row: &Helpdesk| row.url.as_deref().and_then(|url| Url::parse(url).ok());
        self.front.hosts.replace_all(helpdesks.iter().map(|row| (row.id.clone(), url(row))));
        Ok(())
    }

    /// What a helpdesk's links and callbacks are made from.
    pub fn base_url(&self, helpdesk: &HelpdeskId) -> String {
        self.front.hosts.site_of(helpdesk).map(|site| site.origin).unwrap_or_default()
    }

    /// The helpdesk that has this URL (R0: a host names one helpdesk).
    pub async fn helpdesk_at(&self, url: &str) -> Result<Option<HelpdeskId>, ProjectionError> {
        self.projector.catch_up_all(self.ledger.as_ref()).await?;
        Ok(helpdesks::by_url(&self.projector, url).await?.map(|helpdesk| helpdesk.id))
    }

    /// Refuses a URL that another helpdesk has.
    pub async fn refuse_taken_url(&self, helpdesk: &HelpdeskId, commands: &[Command]) -> Result<(), Problem> {
        let wanted = commands.iter().find_map(|command| {
            let Command::ChangeHelpdesk { fields } = command else { return None };
            let Some(Some(Setting::Plain(Plain::Text(url)))) = fields.get(&Field::new("url")) else { return None };
            Some(url.as_str())
        });
        let Some(url) = wanted else { return Ok(()) };
        match self.helpdesk_at(url).await? {
            Some(other) if other != *helpdesk => {
                Err(Problem::new(StatusCode::CONFLICT, "url_taken", "another helpdesk answers at this URL"))
            }
            Some(_) | None => Ok(()),
        }
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
