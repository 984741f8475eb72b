//! Installing, enabling, disabling and uninstalling (R2–R5, R13).

use super::{settings, sso};
use crate::catalogue::Catalogue;
use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{Audience, Fields, Timestamp, Usersource, UsersourceId, UsersourceRef};

/// Installs a usersource, disabled (R3). Its settings may be incomplete; what is there must be right.
pub(crate) fn install(
    state: &AuthConfig,
    kinds: &dyn Catalogue,
    id: &UsersourceId,
    kind: &str,
    audience: Audience,
    fields: &Fields,
) -> Result<Vec<Event>, Rejection> {
    let capabilities = kinds.capabilities(kind).ok_or_else(|| Rejection::UnknownKind(kind.to_owned()))?;
    if capabilities.built_in {
        return Err(Rejection::DeskproIsBuiltIn);
    }
    if state.usersource(id).is_ok() {
        return Err(Rejection::IdTaken(id.clone()));
    }
    settings::check(kinds, kind, audience, fields, id)?;
    let title = fields.text(crate::Field::TITLE).unwrap_or(kind).to_owned();
    let usersource = UsersourceRef { id: id.clone(), kind: kind.to_owned(), audience, title };
    Ok(vec![Event::UsersourceInstalled { usersource, capabilities, fields: fields.clone() }])
}

/// Enables it, if nothing is missing (R4).
pub(crate) fn enable(state: &AuthConfig, kinds: &dyn Catalogue, id: &UsersourceId) -> Result<Vec<Event>, Rejection> {
    let usersource = state.usersource(id)?;
    if usersource.enabled {
        return Err(Rejection::AlreadyEnabled(id.clone()));
    }
    settings::check_complete(kinds, usersource, &usersource.fields)?;
    Ok(vec![Event::UsersourceEnabled { usersource: usersource.reference() }])
}

/// Disables it; single sign-on goes with it and nobody inherits it (R13).
pub(crate) fn disable(
    state: &AuthConfig,
    id: &UsersourceId,
    end_sessions: bool,
    at: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let usersource = state.usersource(id)?;
    if !usersource.enabled {
        return Err(Rejection::AlreadyDisabled(id.clone()));
    }
    let mut events = switch_off(usersource);
    if end_sessions {
        events.push(Event::SessionsEnded {
            usersource: usersource.reference(),
            before: usersource.sessions_valid_from,
            after: at,
        });
    }
    Ok(events)
}

/// Uninstalls it; an enabled one is disabled first, in the same change (R5).
pub(crate) fn uninstall(state: &AuthConfig, id: &UsersourceId) -> Result<Vec<Event>, Rejection> {
    let usersource = state.usersource(id)?;
    if usersource.capabilities.built_in {
        return Err(Rejection::DeskproIsBuiltIn);
    }
    let mut events = if usersource.enabled { switch_off(usersource) } else { Vec::new() };
    events.push(Event::UsersourceUninstalled {
        usersource: usersource.reference(),
        capabilities: usersource.capabilities.clone(),
        fields: usersource.fields.clone(),
    });
    Ok(events)
}

fn switch_off(usersource: &Usersource) -> Vec<Event> {
    let mut events = sso::clear(usersource, None);
    events.push(Event::UsersourceDisabled { usersource: usersource.reference() });
    events
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::rules::given::{Given, at, installed, names};
    use crate::values::{Field, Setting, SsoMode};

    fn install_command(kind: &str) -> Command {
        installed("us_1", kind, Audience::Users, &[])
    }

    #[test]
    fn r2_a_kind_is_installed_as_often_as_wanted_but_deskpro_never() {
        let mut given = Given::helpdesk();
        given.done(installed("us_1", "saml", Audience::Users, &[]));
        given.done(installed("us_2", "saml", Audience::Users, &[]));
        assert_eq!(given.state.of(Audience::Users).count(), 3);
        assert_eq!(given.when(installed("us_2", "saml", Audience::Users, &[])), Err(Rejection::IdTaken("us_2".into())));
        assert_eq!(given.when(installed("us_3", "deskpro", Audience::Users, &[])), Err(Rejection::DeskproIsBuiltIn));
        assert_eq!(
            given.when(Command::UninstallUsersource { id: "dp_users".into() }),
            Err(Rejection::DeskproIsBuiltIn)
        );
        assert_eq!(given.when(install_command("carrier_pigeon")).unwrap_err().code(), "unknown_kind");
    }

    #[test]
    fn r3_r4_installed_disabled_and_perhaps_incomplete_enabled_only_complete() {
        let mut given = Given::helpdesk();
        given.done(install_command("saml"));
        assert!(!given.usersource("us_1").enabled);
        let Err(Rejection::SettingsIncomplete(faults)) = given.when(Command::EnableUsersource { id: "us_1".into() })
        else {
            panic!("an incomplete usersource was enabled")
        };
        let at_fault: Vec<_> = faults.iter().map(|f| f.field.as_str()).collect();
        assert_eq!(at_fault, ["settings.sso_url", "settings.certificates"], "R4: every field, not the first");
        given.complete("us_1");
        assert_eq!(names(&given.done(Command::EnableUsersource { id: "us_1".into() })), ["usersource_enabled"]);
        assert_eq!(given.when(Command::EnableUsersource { id: "us_1".into() }).unwrap_err().code(), "already_enabled");
    }

    #[test]
    fn r5_r13_uninstalling_an_enabled_holder_clears_sso_and_disables_in_the_same_change() {
        let mut given = Given::with_enabled("us_1", "saml", Audience::Users);
        given.done(Command::SetSso { id: "us_1".into(), mode: SsoMode::Automatic });
        let events = given.done(Command::UninstallUsersource { id: "us_1".into() });
        assert_eq!(names(&events), ["sso_changed", "usersource_disabled", "usersource_uninstalled"]);
        let Some(Event::UsersourceUninstalled { fields, .. }) = events.last() else { panic!("no uninstall") };
        assert_eq!(
            fields.get("settings.sso_url"),
            Some(&Setting::text("https://idp.example/sso")),
            "R5: last settings kept"
        );
        assert!(given.state.sso_holder(Audience::Users).is_none(), "R13: nobody inherits it");
        assert!(given.state.usersource(&"us_1".into()).is_err());
    }

    #[test]
    fn r28_disabling_with_end_sessions_raises_the_mark() {
        let mut given = Given::with_enabled("us_1", "saml", Audience::Users);
        let events = given.done(Command::DisableUsersource { id: "us_1".into(), end_sessions: true });
        assert_eq!(names(&events), ["usersource_disabled", "sessions_ended"]);
        assert_eq!(given.usersource("us_1").sessions_valid_from, Some(at()));
        assert_eq!(given.state.sessions_ended.get(&"us_1".into()), Some(&given.state.version));
        let again = Command::DisableUsersource { id: "us_1".into(), end_sessions: true };
        assert_eq!(given.when(again).unwrap_err().code(), "already_disabled");
    }

    #[test]
    fn no_id_of_nowhere_resolves() {
        let nowhere = || UsersourceId::new("us_of_another_helpdesk");
        for command in [
            Command::EnableUsersource { id: nowhere() },
            Command::DisableUsersource { id: nowhere(), end_sessions: false },
            Command::UninstallUsersource { id: nowhere() },
            Command::SetSso { id: nowhere(), mode: SsoMode::Off },
            Command::ChangeUsersource { id: nowhere(), fields: [(Field::new("title"), None)].into() },
        ] {
            assert_eq!(Given::helpdesk().when(command), Err(Rejection::UnknownUsersource(nowhere())));
        }
    }
}
