//! A helpdesk's beginning, its name and its URL (R0, R1).

use crate::catalogue::{Catalogue, Fault};
use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{Audience, Field, Fields, Plain, Setting, UsersourceId, UsersourceRef, differences, unseen};
use std::collections::BTreeMap;

const BUILT_IN: &str = "deskpro";

/// Begins a helpdesk: one usersource per audience, `deskpro`, enabled, title "Deskpro" (R1).
pub(crate) fn create(
    state: &AuthConfig,
    kinds: &dyn Catalogue,
    name: &str,
    url: Option<&str>,
    users_deskpro: &UsersourceId,
    agents_deskpro: &UsersourceId,
) -> Result<Vec<Event>, Rejection> {
    if state.version > 0 {
        return Err(Rejection::Helpdesk { exists: true });
    }
    let capabilities = kinds.capabilities(BUILT_IN).ok_or_else(|| Rejection::UnknownKind(BUILT_IN.to_owned()))?;
    let faults: Vec<Fault> = [fault("name", Some(name)), fault("url", url)].into_iter().flatten().collect();
    if !faults.is_empty() {
        return Err(Rejection::InvalidSetting(faults));
    }
    let mut events = vec![Event::HelpdeskCreated { name: name.to_owned(), url: url.map(str::to_owned) }];
    for (audience, id) in [(Audience::Users, users_deskpro), (Audience::Agents, agents_deskpro)] {
        let usersource =
            UsersourceRef { id: id.clone(), kind: BUILT_IN.to_owned(), audience, title: "Deskpro".to_owned() };
        let fields = Fields::from_iter([(Field::new(Field::TITLE), Setting::text("Deskpro"))]);
        events.push(Event::UsersourceInstalled {
            usersource: usersource.clone(),
            capabilities: capabilities.clone(),
            fields,
        });
        events.push(Event::UsersourceEnabled { usersource });
    }
    Ok(events)
}

/// Changes the name or the URL.
pub(crate) fn change(state: &AuthConfig, wanted: &BTreeMap<Field, Option<Setting>>) -> Result<Vec<Event>, Rejection> {
    let faults: Vec<Fault> = wanted
        .iter()
        .filter_map(|(field, value)| match value {
            None if field.as_str() == "url" => None,
            None => Some(Fault::new(field, "required", "this cannot be cleared")),
            Some(Setting::Plain(Plain::Text(text))) => fault(field.as_str(), Some(text)),
            Some(Setting::Plain(Plain::Flag(_) | Plain::Number(_) | Plain::List(_)) | Setting::Sealed(_)) => {
                Some(Fault::new(field, "invalid", "this takes a text"))
            }
        })
        .collect();
    if !faults.is_empty() {
        return Err(Rejection::InvalidSetting(faults));
    }
    let mut present = Fields::from_iter([(Field::new("name"), Setting::text(&state.name))]);
    present.set(Field::new("url"), state.url.as_deref().map(Setting::text));
    let changes = differences(&present, wanted);
    if changes.is_empty() {
        return Err(Rejection::NothingToChange);
    }
    Ok(vec![Event::HelpdeskChanged { changes }])
}

/// A name is 1 to 100 visible characters; a URL is scheme and authority alone, in the form in which a browser
/// compares origins (RFC 6454), so that matching a Host header against it is comparing texts.
fn fault(field: &str, value: Option<&str>) -> Option<Fault> {
    let value = value?;
    let wrong = match field {
        "name" if value.trim().is_empty() || value.chars().count() > 100 || unseen(value).is_some() => {
            "a name has 1 to 100 characters, all of which can be seen"
        }
        "url" if !is_origin(value) => {
            "a URL here is https:// or http://, a host in lower case and perhaps a port; no path, no slash at the end"
        }
        "name" | "url" => return None,
        _ => return Some(Fault::new(&Field::new(field), "unknown_field", "a helpdesk has a name and a url")),
    };
    Some(Fault::new(&Field::new(field), "invalid", wrong))
}

fn is_ipv6(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
    inner.is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok_and(|address| address.to_string() == inner))
}

fn is_origin(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")) else { return false };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => (host, Some(port)),
        _ => (rest, None),
    };
    let host_ok = !host.is_empty()
        && host.len() <= 253
        && host
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '[' | ']' | ':'))
        && if host.contains(['[', ']', ':']) { is_ipv6(host) } else { true };
    host_ok && port.is_none_or(|p| p.parse::<u16>().is_ok_and(|n| n > 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::given::{Given, helpdesk};
    use crate::values::SsoMode;

    #[test]
    fn r1_a_new_helpdesk_has_deskpro_enabled_for_both_audiences() {
        let state = helpdesk();
        for audience in Audience::ALL {
            let [only] = state.of(audience).collect::<Vec<_>>()[..] else { panic!("one usersource per audience") };
            assert_eq!(
                (only.kind.as_str(), only.title(), only.enabled, only.sso),
                ("deskpro", "Deskpro", true, SsoMode::Off)
            );
        }
        assert_eq!(state.version, 5);
    }

    #[test]
    fn a_helpdesk_begins_once_and_only_with_a_name_and_an_origin() {
        let create = |url: &str| {
            Given::nothing().when(crate::command::Command::CreateHelpdesk {
                name: "H".into(),
                url: Some(url.into()),
                users_deskpro: "u".into(),
                agents_deskpro: "a".into(),
            })
        };
        for right in
            ["https://help.example.com", "http://127.0.0.1:8080", "http://[::1]:8080", "https://xn--bcher-kva.example"]
        {
            assert!(create(right).is_ok(), "{right}");
        }
        for wrong in [
            "https://a/",
            "https://",
            "ftp://a",
            "https://A.example",
            "https://a:0",
            "https://a:99999",
            "https://u@a",
            "https://::1",
            "https://[::1",
            "https://[0:0::1]",
            "https://a b",
        ] {
            assert!(matches!(create(wrong), Err(Rejection::InvalidSetting(_))), "{wrong}");
        }
        let again = crate::command::Command::CreateHelpdesk {
            name: "H".into(),
            url: None,
            users_deskpro: "u".into(),
            agents_deskpro: "a".into(),
        };
        assert_eq!(Given::helpdesk().when(again), Err(Rejection::Helpdesk { exists: true }));
    }

    #[test]
    fn a_name_cannot_be_cleared_and_a_url_can() {
        let clear = |field: &str| {
            Given::helpdesk()
                .when(crate::command::Command::ChangeHelpdesk { fields: BTreeMap::from([(Field::new(field), None)]) })
        };
        assert!(matches!(clear("name"), Err(Rejection::InvalidSetting(_))));
        assert_eq!(clear("url"), Err(Rejection::NothingToChange), "it has none");
    }
}
