//! Given / when / then for the rules' tests: a history, a wish, what follows. The kinds here are small stand-ins that
//! say just as much as a rule can hear; the real ones are tested where they live.

use crate::catalogue::{Capabilities, Catalogue, Display, Fault, Silent};
use crate::command::{Command, Request};
use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{Audience, Field, Fields, Setting, Standing, Timestamp, Usersource};
use std::sync::LazyLock;

/// Makes `acc_1` an active admin with a password.
pub(crate) static ADMIN: LazyLock<Command> = LazyLock::new(|| Command::SetStanding {
    account: "acc_1".into(),
    standing: Standing { admin: true, active: true, has_password: true },
});

/// The moment at which everything happens here.
pub(crate) fn at() -> Timestamp {
    Timestamp::from_millis(1_800_000_000_000)
}

pub(crate) struct Kinds;

impl Catalogue for Kinds {
    fn capabilities(&self, kind: &str) -> Option<Capabilities> {
        let (display, sso) = match kind {
            "deskpro" | "ldap" => (Display::Form, false),
            "saml" | "oidc" => (Display::Button, true),
            "google" => (Display::Icon, false),
            _ => return None,
        };
        let silent = if kind == "oidc" { Silent::Always } else { Silent::Never };
        Some(Capabilities { display, sso, silent, built_in: kind == "deskpro" })
    }

    fn invalid(&self, _: &str, _: Audience, fields: &Fields) -> Vec<Fault> {
        let bad = |(field, value): (&Field, &Setting)| {
            let unknown = field.as_str() == "settings.colour";
            (unknown || *value == Setting::text("bad")).then(|| Fault::new(field, "invalid", "no"))
        };
        fields.iter().filter_map(bad).collect()
    }

    fn incomplete(&self, kind: &str, _: Audience, fields: &Fields) -> Vec<Fault> {
        let required: &[&str] = if kind == "saml" { &["sso_url", "certificates"] } else { &[] };
        let missing = |name: &&&str| fields.setting(name).is_none();
        required.iter().filter(missing).map(|name| Fault::new(&Field::setting(name), "required", "set it")).collect()
    }

    fn admits_anyone(&self, kind: &str, fields: &Fields) -> bool {
        kind == "google" && fields.setting("hosted_domain").is_none()
    }
}

/// A history.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) state: AuthConfig,
}

impl Given {
    pub(crate) fn nothing() -> Self {
        Self { state: AuthConfig::default() }
    }

    pub(crate) fn helpdesk() -> Self {
        let mut given = Self::nothing();
        given.done(Command::CreateHelpdesk {
            name: "Help".into(),
            url: None,
            users_deskpro: "dp_users".into(),
            agents_deskpro: "dp_agents".into(),
        });
        given
    }

    pub(crate) fn with_enabled(id: &str, kind: &str, audience: Audience) -> Self {
        let mut given = Self::helpdesk();
        given.enabled(id, kind, audience);
        given
    }

    pub(crate) fn enabled(&mut self, id: &str, kind: &str, audience: Audience) {
        self.done(installed(id, kind, audience, &[]));
        self.complete(id);
        self.done(Command::EnableUsersource { id: id.into() });
    }

    /// Fills in what `saml` here requires.
    pub(crate) fn complete(&mut self, id: &str) {
        self.done(Command::ChangeUsersource {
            id: id.into(),
            fields: [
                (Field::setting("sso_url"), Some(Setting::text("https://idp.example/sso"))),
                (Field::setting("certificates"), Some(Setting::text("PEM"))),
            ]
            .into(),
        });
    }

    pub(crate) fn when(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        self.when_all(&[command], None)
    }

    pub(crate) fn when_all(&self, commands: &[Command], accept: Option<&str>) -> Result<Vec<Event>, Rejection> {
        let request = Request { commands: commands.to_vec(), at: at(), accept_lockout: accept.map(str::to_owned) };
        self.state.decide(&request, &Kinds)
    }

    /// The command succeeds and has happened.
    pub(crate) fn done(&mut self, command: Command) -> Vec<Event> {
        let events = self.when(command.clone()).unwrap_or_else(|refused| panic!("{command:?}: {refused:?}"));
        events.iter().for_each(|event| self.state.evolve(event));
        events
    }

    pub(crate) fn usersource(&self, id: &str) -> &Usersource {
        self.state.usersource(&id.into()).unwrap()
    }
}

pub(crate) fn helpdesk() -> AuthConfig {
    Given::helpdesk().state
}

pub(crate) fn installed(id: &str, kind: &str, audience: Audience, fields: &[(&str, Setting)]) -> Command {
    Command::InstallUsersource {
        id: id.into(),
        kind: kind.into(),
        audience,
        fields: fields.iter().map(|(name, value)| (Field::new(*name), value.clone())).collect(),
    }
}

pub(crate) fn change_to(id: &str, field: &str, value: Option<Setting>) -> Command {
    Command::ChangeUsersource { id: id.into(), fields: [(Field::new(field), value)].into() }
}

pub(crate) fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}
