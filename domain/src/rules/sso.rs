//! Single sign-on: at most one usersource per audience holds it (R10–R13).

use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{SsoMode, Usersource, UsersourceId, UsersourceRef};

/// Switches `id` to `mode`. Whoever holds single sign-on for the same audience is displaced in the same change (R11).
pub(crate) fn set(state: &AuthConfig, id: &UsersourceId, mode: SsoMode) -> Result<Vec<Event>, Rejection> {
    let usersource = state.usersource(id)?;
    if mode != SsoMode::Off {
        if !usersource.capabilities.sso {
            return Err(Rejection::SsoNotSupported(usersource.kind.clone()));
        }
        if !usersource.enabled {
            return Err(Rejection::UsersourceDisabled(id.clone()));
        }
    }
    if usersource.sso == mode {
        return Err(Rejection::NothingToChange);
    }
    let displaced = match mode {
        SsoMode::Off => None,
        SsoMode::Background | SsoMode::Automatic => {
            state.sso_holder(usersource.audience).filter(|holder| holder.id != *id)
        }
    };
    let mut events = displaced.map_or_else(Vec::new, |holder| clear(holder, Some(usersource.reference())));
    events.push(Event::SsoChanged {
        usersource: usersource.reference(),
        before: usersource.sso,
        after: mode,
        displaced_by: None,
    });
    Ok(events)
}

/// Takes single sign-on from whoever holds it; nothing for others.
pub(crate) fn clear(usersource: &Usersource, displaced_by: Option<UsersourceRef>) -> Vec<Event> {
    if usersource.sso == SsoMode::Off {
        return Vec::new();
    }
    vec![Event::SsoChanged {
        usersource: usersource.reference(),
        before: usersource.sso,
        after: SsoMode::Off,
        displaced_by,
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::rules::given::{Given, installed, names};
    use crate::values::Audience;

    fn sso(id: &str, mode: SsoMode) -> Command {
        Command::SetSso { id: id.into(), mode }
    }

    #[test]
    fn r10_r11_automatic_displaces_the_former_holder_of_the_same_audience_alone() {
        let mut given = Given::with_enabled("us_1", "saml", Audience::Users);
        given.enabled("us_2", "oidc", Audience::Users);
        given.enabled("us_3", "saml", Audience::Agents);
        given.done(sso("us_1", SsoMode::Background));
        given.done(sso("us_3", SsoMode::Background));
        let events = given.done(sso("us_2", SsoMode::Automatic));
        let [
            Event::SsoChanged {
                usersource: first,
                before: SsoMode::Background,
                after: SsoMode::Off,
                displaced_by: Some(by),
            },
            Event::SsoChanged {
                usersource: second,
                before: SsoMode::Off,
                after: SsoMode::Automatic,
                displaced_by: None,
            },
        ] = &events[..]
        else {
            panic!("not a displacement: {events:?}")
        };
        assert_eq!((first.id.as_str(), by.id.as_str(), second.id.as_str()), ("us_1", "us_2", "us_2"));
        assert!(given.usersource("us_1").enabled, "R11: the displaced one stays enabled");
        assert_eq!(given.usersource("us_3").sso, SsoMode::Background, "R10: audiences are independent");
    }

    #[test]
    fn r12_only_capable_and_enabled_usersources_take_a_mode() {
        let mut given = Given::with_enabled("us_1", "google", Audience::Users);
        given.done(installed("us_2", "saml", Audience::Users, &[]));
        assert_eq!(given.when(sso("us_1", SsoMode::Background)).unwrap_err().code(), "sso_not_supported");
        assert_eq!(given.when(sso("dp_users", SsoMode::Automatic)).unwrap_err().code(), "sso_not_supported");
        assert_eq!(given.when(sso("us_2", SsoMode::Automatic)).unwrap_err().code(), "usersource_disabled");
        assert_eq!(given.when(sso("us_1", SsoMode::Off)), Err(Rejection::NothingToChange));
    }

    #[test]
    fn r13_disabling_the_holder_clears_sso_in_the_same_change() {
        let mut given = Given::with_enabled("us_1", "saml", Audience::Users);
        given.done(sso("us_1", SsoMode::Automatic));
        let events = given.done(Command::DisableUsersource { id: "us_1".into(), end_sessions: false });
        assert_eq!(names(&events), ["sso_changed", "usersource_disabled"]);
        assert!(given.state.sso_holder(Audience::Users).is_none());
    }
}
