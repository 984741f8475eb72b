//! Keeps the login front up to the configuration: whose host is whose, and what the pages show.

use crate::accounts::Session;
use crate::app::App;
use crate::commands::CommandError;
use crate::http::problem::Problem;
use crate::read_models::LoginFront;
use actix_web::http::StatusCode;
use domain::{AuthConfig, Command, Field, HelpdeskId, Plain, Setting, UsersourceId};
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
            Some(id) => stands_under(&session, id, &head.state),
        };
        Ok(stands.then_some(session))
    }
}

/// Whether the usersource through which the session was made still lets it stand (R28). The version counts, not only
/// the time: a session that was made between the moment of a command and its append is over too.
fn stands_under(session: &Session, id: &UsersourceId, state: &AuthConfig) -> bool {
    let Ok(usersource) = state.usersource(id) else { return false };
    usersource.sessions_valid_from.is_none_or(|from| session.created_at >= from)
        && state.sessions_ended.get(id).is_none_or(|ended| session.version >= *ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Account, Means, Role};
    use domain::{Audience, Event, Surface, Timestamp, UsersourceRef};

    fn session(version: u64, created_at: i64) -> Session {
        let account = Account {
            id: "acc_1".into(),
            helpdesk: "h".into(),
            email: Some("a@x.test".into()),
            email_verified: true,
            name: "A".into(),
            role: Role::Admin,
            active: true,
            has_password: true,
            personal_key: None,
            group: None,
            created_at: Timestamp::from_millis(0),
        };
        Session {
            id: "ses_1".into(),
            account,
            audience: Audience::Agents,
            surface: Surface::Admin,
            usersource: Some("us_1".into()),
            version,
            means: Means::Password,
            authenticated_at: Timestamp::from_millis(created_at),
            at_provider: None,
            created_at: Timestamp::from_millis(created_at),
            last_seen_at: Timestamp::from_millis(created_at),
            expires_at: Timestamp::from_millis(i64::MAX),
        }
    }

    #[test]
    fn r28_a_session_made_between_the_moment_of_a_command_and_its_append_is_over_too() {
        let usersource =
            UsersourceRef { id: "us_1".into(), kind: "deskpro".into(), audience: Audience::Agents, title: "D".into() };
        let capabilities = domain::Catalogue::capabilities(&crate::authenticators::Kinds, "deskpro").unwrap();
        let mut state = AuthConfig::default();
        let fields = domain::Fields::default();
        state.evolve(&Event::UsersourceInstalled { usersource: usersource.clone(), capabilities, fields });
        state.evolve(&Event::UsersourceEnabled { usersource: usersource.clone() });
        let id = UsersourceId::new("us_1");
        assert!(stands_under(&session(2, 1_005), &id, &state));
        // Commanded at 1,000, appended after somebody signed in at 1,005 on what was still version 2.
        let after = Timestamp::from_millis(1_000);
        state.evolve(&Event::SessionsEnded { usersource, before: None, after });
        assert!(!stands_under(&session(2, 1_005), &id, &state));
        assert!(!stands_under(&session(2, 999), &id, &state));
        assert!(stands_under(&session(3, 1_005), &id, &state));
        assert!(!stands_under(&session(3, 1_005), &"us_none".into(), &state));
    }
}
