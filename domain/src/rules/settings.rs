//! What may be set on a usersource, and when (R4, R31).

use crate::catalogue::Catalogue;
use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{Audience, Field, Fields, Setting, Usersource, UsersourceId, differences};
use std::collections::BTreeMap;

/// Sets and clears fields. An enabled usersource must stay complete.
pub(crate) fn change(
    state: &AuthConfig,
    kinds: &dyn Catalogue,
    id: &UsersourceId,
    wanted: &BTreeMap<Field, Option<Setting>>,
) -> Result<Vec<Event>, Rejection> {
    let usersource = state.usersource(id)?;
    let changes = differences(&usersource.fields, wanted);
    if changes.is_empty() {
        return Err(Rejection::NothingToChange);
    }
    let mut fields = usersource.fields.clone();
    for change in &changes {
        fields.set(change.field.clone(), change.after.clone());
    }
    if usersource.enabled {
        check_complete(kinds, usersource, &fields)?;
    } else {
        check(kinds, &usersource.kind, usersource.audience, &fields, id)?;
    }
    let mut reference = usersource.reference();
    if let Some(title) = fields.text(Field::TITLE) {
        title.clone_into(&mut reference.title);
    }
    Ok(vec![Event::UsersourceChanged { usersource: reference, changes }])
}

/// What every usersource must keep to, enabled or not.
pub(crate) fn check(
    kinds: &dyn Catalogue,
    kind: &str,
    audience: Audience,
    fields: &Fields,
    id: &UsersourceId,
) -> Result<(), Rejection> {
    let faults = kinds.invalid(kind, audience, fields);
    if !faults.is_empty() {
        return Err(Rejection::InvalidSetting(faults));
    }
    open_source(kinds, kind, fields, id)
}

/// What an enabled usersource must keep to.
pub(crate) fn check_complete(kinds: &dyn Catalogue, usersource: &Usersource, fields: &Fields) -> Result<(), Rejection> {
    check(kinds, &usersource.kind, usersource.audience, fields, &usersource.id)?;
    let faults = kinds.incomplete(&usersource.kind, usersource.audience, fields);
    if faults.is_empty() { Ok(()) } else { Err(Rejection::SettingsIncomplete(faults)) }
}

/// Auto agent and a source that lets anybody in would make anybody an agent (R31).
fn open_source(kinds: &dyn Catalogue, kind: &str, fields: &Fields, id: &UsersourceId) -> Result<(), Rejection> {
    if fields.flag(Field::AUTO_AGENT) && kinds.admits_anyone(kind, fields) {
        return Err(Rejection::OpenSourceAdmitsAnyone(id.clone()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::rules::given::{Given, change_to, installed, names};
    use crate::values::Sealed;

    #[test]
    fn an_enabled_usersource_stays_complete_and_a_disabled_one_need_not() {
        let mut given = Given::with_enabled("us_1", "saml", Audience::Users);
        let clear = change_to("us_1", "settings.sso_url", None);
        assert_eq!(given.when(clear.clone()).unwrap_err().code(), "settings_incomplete");
        given.done(Command::DisableUsersource { id: "us_1".into(), end_sessions: false });
        assert_eq!(names(&given.done(clear)), ["usersource_changed"]);
    }

    #[test]
    fn a_wrong_value_is_refused_even_while_disabled() {
        let mut given = Given::helpdesk();
        given.done(installed("us_1", "saml", Audience::Users, &[]));
        let wrong = change_to("us_1", "settings.sso_url", Some(Setting::text("bad")));
        assert_eq!(given.when(wrong).unwrap_err().code(), "invalid_setting");
        let unknown = change_to("us_1", "settings.colour", Some(Setting::text("red")));
        assert_eq!(given.when(unknown).unwrap_err().code(), "invalid_setting");
    }

    #[test]
    fn a_secret_set_to_itself_changes_nothing_though_its_seal_differs() {
        let sealed = |ciphertext: &str, fingerprint: &str| {
            Some(Setting::Sealed(Sealed {
                key: "k".into(),
                ciphertext: ciphertext.into(),
                fingerprint: fingerprint.into(),
            }))
        };
        let mut given = Given::helpdesk();
        given.done(installed("us_1", "google", Audience::Users, &[]));
        given.done(change_to("us_1", "settings.client_secret", sealed("aaa", "f1")));
        let digest = given.usersource("us_1").sign_in_digest();
        let same = change_to("us_1", "settings.client_secret", sealed("bbb", "f1"));
        assert_eq!(given.when(same), Err(Rejection::NothingToChange));
        given.done(change_to("us_1", "title", Some(Setting::text("New title"))));
        assert_eq!(given.usersource("us_1").sign_in_digest(), digest, "a title does not decide a sign-in");
        given.done(change_to("us_1", "settings.client_secret", sealed("ccc", "f2")));
        assert_ne!(given.usersource("us_1").sign_in_digest(), digest);
    }

    #[test]
    fn r31_auto_agent_on_an_open_source_is_refused_at_every_edit() {
        let auto = (Field::AUTO_AGENT, Setting::flag(true));
        let install = |id: &str, kind: &str| installed(id, kind, Audience::Agents, std::slice::from_ref(&auto));
        assert_eq!(Given::helpdesk().when(install("us_1", "google")).unwrap_err().code(), "open_source_admits_anyone");
        let mut given = Given::helpdesk();
        given.done(installed(
            "us_1",
            "google",
            Audience::Agents,
            &[("settings.hosted_domain", Setting::text("a.example"))],
        ));
        given.done(change_to("us_1", Field::AUTO_AGENT, Some(Setting::flag(true))));
        let open = change_to("us_1", "settings.hosted_domain", None);
        assert_eq!(given.when(open).unwrap_err().code(), "open_source_admits_anyone");
    }
}
