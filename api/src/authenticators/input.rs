//! Reading what a request sets on a usersource, and sealing its secrets.
//!
//! Stops: a secret that is stored plain, or told in a fault, a log line or `Debug`; a secret that is had by changing the
//! address that it is sent to; a field that is taken without being known.

use super::catalogue::{each_field_once, unknown_field};
use super::every::invalid;
use super::field::{FieldSpec, FieldType};
use super::{Authenticator, text};
use crate::vault::{Vault, VaultError};
use domain::{Audience, Fault, Field, Fields, HelpdeskId, Plain, Setting, UsersourceId};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// A value in its stored form, before its secrets are sealed.
#[derive(Clone, PartialEq, Eq)]
pub enum Input {
    /// May be shown.
    Plain(Plain),
    /// A secret.
    Secret(Zeroizing<String>),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(plain) => plain.fmt(f),
            Self::Secret(_) => f.write_str("Secret"),
        }
    }
}

/// Reads the members `title`, `button_text`, `filter`, `provisioning` and `settings`. Null clears a field; what is
/// absent stays. `existing` is what is set already, for rules between a secret and another field.
///
/// The rules between plain fields are the catalogue's; they are judged on the whole result, later.
pub fn read_input(
    kind: &dyn Authenticator,
    audience: Audience,
    members: &Map<String, Value>,
    existing: &Fields,
) -> Result<BTreeMap<Field, Option<Input>>, Vec<Fault>> {
    let mut input = BTreeMap::new();
    let mut faults = Vec::new();
    for (name, value) in flat(members, &mut faults) {
        let Some(spec) = kind.field(audience, &name) else {
            faults.push(unknown_field(kind, audience, &shown(&name)));
            continue;
        };
        match value_of(spec, value) {
            Ok(value) => {
                input.insert(spec.field(), value);
            }
            Err(problem) => faults.push(Fault::new(&spec.field(), problem.code, problem.detail)),
        }
    }
    faults.extend(kind.complete_input(&mut input));
    faults.extend(secrets_sent_elsewhere(kind, &input, existing));
    faults.extend(kind.check_input(&input, existing));
    if faults.is_empty() { Ok(input) } else { Err(each_field_once(faults)) }
}

/// A secret that is set is never seen again, not even by whoever may change where it is sent: they would have it sent to
/// themselves.
fn secrets_sent_elsewhere(
    kind: &dyn Authenticator,
    input: &BTreeMap<Field, Option<Input>>,
    existing: &Fields,
) -> Vec<Fault> {
    let changes = |name: &&str| match (input.get(&Field::new(*name)), existing.get(name)) {
        (None, _) | (Some(None), None) => false,
        (Some(Some(Input::Plain(after))), Some(Setting::Plain(before))) => after != before,
        (Some(_), _) => true,
    };
    let kept = kind.fields().into_iter().filter(|spec| {
        let set = matches!(existing.get(spec.name), Some(Setting::Sealed(_)));
        set && !input.contains_key(&spec.field()) && spec.goes_to.iter().any(changes)
    });
    kept.map(|spec| invalid(spec.name, "set it again, together with where it is sent from now on")).collect()
}

/// Seals every secret for its place.
pub fn seal_input(
    vault: &Vault,
    helpdesk: &HelpdeskId,
    usersource: &UsersourceId,
    input: BTreeMap<Field, Option<Input>>,
) -> Result<BTreeMap<Field, Option<Setting>>, VaultError> {
    let seal = |(field, value): (Field, Option<Input>)| {
        let setting = match value {
            None => None,
            Some(Input::Plain(plain)) => Some(Setting::Plain(plain)),
            Some(Input::Secret(secret)) => Some(Setting::Sealed(vault.seal(helpdesk, usersource, &field, &secret)?)),
        };
        Ok((field, setting))
    };
    input.into_iter().map(seal).collect()
}

/// The members under the full names of the fields.
fn flat<'a>(members: &'a Map<String, Value>, faults: &mut Vec<Fault>) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            ("settings" | "provisioning", Value::Object(group)) => {
                found.extend(group.iter().map(|(member, value)| (format!("{name}.{member}"), value)));
            }
            ("settings" | "provisioning", _) => faults.push(invalid(name, "give an object of fields")),
            // A full name as a member would be a second spelling of the same field.
            (name, _) if name.contains('.') => {
                faults.push(Fault::new(&shown(name), "unknown_field", "put the field into its object"));
            }
            _ => found.push((name.clone(), value)),
        }
    }
    found
}

/// An unknown name as far as it can be told without harm.
fn shown(name: &str) -> Field {
    Field::new(name.chars().filter(|c| c.is_ascii_graphic()).take(80).collect::<String>())
}

fn value_of(spec: &FieldSpec, value: &Value) -> Result<Option<Input>, text::Problem> {
    let plain = |plain| Ok(Some(Input::Plain(plain)));
    match (&spec.takes, value) {
        (_, Value::Null) => Ok(None),
        (FieldType::Flag, Value::Bool(flag)) => plain(Plain::Flag(*flag)),
        (FieldType::Flag, _) => Err(text::Problem::invalid("give true or false")),
        (FieldType::Integer(min, max), value) => match value.as_i64().filter(|number| (min..=max).contains(&number)) {
            Some(number) => plain(Plain::Number(number)),
            None => Err(text::Problem::invalid(format!("give a whole number from {min} to {max}"))),
        },
        (FieldType::List(items, max), Value::Array(values)) => list(items, *max, values).map(Some),
        (FieldType::List(..), _) => Err(text::Problem::invalid("give a list of texts")),
        (takes, Value::String(typed)) if takes.is_secret() => text::secret(takes, typed).map(Input::Secret).map(Some),
        (takes, Value::String(typed)) => plain(Plain::Text(text::plain(takes, typed)?)),
        (FieldType::Choice(choices), _) => Err(text::Problem::invalid(text::one_of(choices))),
        (_, Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(text::Problem::invalid("give a text"))
        }
    }
}

fn list(items: &FieldType, max: usize, values: &[Value]) -> Result<Input, text::Problem> {
    if values.len() > max {
        return Err(text::Problem { code: "too_long", detail: format!("give at most {max}") });
    }
    let mut texts: Vec<String> = Vec::new();
    for value in values {
        let typed = value.as_str().ok_or_else(|| text::Problem::invalid("give a list of texts"))?;
        let item = text::plain(items, typed)?;
        if !texts.contains(&item) {
            texts.push(item);
        }
    }
    Ok(Input::Plain(Plain::List(texts)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticators::kind;
    use crate::key_ring::KeyRing;
    use serde_json::json;

    fn read(slug: &str, members: Value) -> Result<BTreeMap<Field, Option<Input>>, Vec<Fault>> {
        let Value::Object(members) = members else { panic!("members are an object") };
        read_input(kind(slug).unwrap(), Audience::Users, &members, &Fields::default())
    }

    fn codes(result: Result<BTreeMap<Field, Option<Input>>, Vec<Fault>>) -> Vec<(String, String)> {
        result.unwrap_err().into_iter().map(|fault| (fault.field.as_str().to_owned(), fault.code)).collect()
    }

    #[test]
    fn members_become_fields_null_clears_and_absent_stays() {
        let input = read(
            "saml",
            json!({"title": " Staff ", "button_text": null, "provisioning": {"create_accounts": false},
                   "settings": {"email_domains": ["A.example", "a.example"], "slo_url": null}}),
        );
        let plain = |plain| Some(Input::Plain(plain));
        let expected = BTreeMap::from([
            (Field::new("title"), plain(Plain::from("Staff"))),
            (Field::new("button_text"), None),
            (Field::new("provisioning.create_accounts"), plain(Plain::Flag(false))),
            (Field::new("settings.email_domains"), plain(Plain::List(vec!["a.example".into()]))),
            (Field::new("settings.slo_url"), None),
        ]);
        assert_eq!(input.unwrap(), expected);
    }

    #[test]
    fn every_fault_is_told_wrong_types_and_unknown_members_too() {
        let told = codes(read(
            "database",
            json!({"title": 7, "settings": {"port": "5432", "tls": 1, "colour": 1, "password": ""}, "provisioning": null,
                   "settings.host": "db", "kind": "ldap", "button_text": "x"}),
        ));
        let mut told: Vec<_> = told.iter().map(|(field, code)| format!("{field} {code}")).collect();
        told.sort();
        let expected = [
            "button_text unknown_field",
            "kind unknown_field",
            "provisioning invalid",
            "settings.colour unknown_field",
            "settings.host unknown_field",
            "settings.password invalid",
            "settings.port invalid",
            "settings.tls invalid",
            "title invalid",
        ];
        assert_eq!(told, expected);
        for port in [json!(0), json!(65536), json!(1.5), json!(u64::MAX)] {
            assert_eq!(codes(read("database", json!({"settings": {"port": port}}))).len(), 1);
        }
    }

    #[test]
    fn a_secret_is_not_had_by_changing_where_it_is_sent() {
        let vault = Vault::new(&KeyRing::fresh().unwrap()).unwrap();
        for kind in crate::authenticators::KINDS {
            let Value::Object(sample) = kind.sample() else { panic!("{kind:?} has no sample") };
            let input = read_input(*kind, Audience::Users, &sample, &Fields::default()).unwrap();
            let sealed = seal_input(&vault, &"h".into(), &"us_1".into(), input).unwrap();
            let existing: Fields = sealed.into_iter().filter_map(|(field, value)| Some((field, value?))).collect();
            for spec in kind.fields().iter().filter(|spec| existing.get(spec.name).is_some()) {
                for place in spec.goes_to {
                    let member = place.strip_prefix("settings.").unwrap();
                    let told = |settings: Value| {
                        let Value::Object(members) = json!({"settings": settings}) else { unreachable!() };
                        let faults = read_input(*kind, Audience::Users, &members, &existing).err().unwrap_or_default();
                        faults.iter().any(|fault| fault.field == spec.field())
                    };
                    let same = sample["settings"].get(member).cloned().unwrap_or(Value::Null);
                    assert!(!told(json!({member: same})), "{kind:?} {place}: nothing changes");
                    if same != Value::Null {
                        assert!(told(json!({member: null})), "{kind:?} {place}: the usual place is another");
                    }
                }
            }
        }
        let sent: Vec<_> = crate::authenticators::KINDS
            .iter()
            .flat_map(|kind| kind.fields())
            .filter(|spec| !spec.goes_to.is_empty())
            .collect();
        assert!(sent.len() >= 6 && sent.iter().all(|spec| spec.takes.is_secret()));
    }

    #[test]
    fn sealing_leaves_no_secret_in_the_settings_and_the_vault_opens_it_again() {
        let vault = Vault::new(&KeyRing::fresh().unwrap()).unwrap();
        let input = read("google", json!({"title": "G", "settings": {"client_secret": "hush-hush"}})).unwrap();
        assert!(!format!("{input:?}").contains("hush"));
        let sealed = seal_input(&vault, &"h".into(), &"us_1".into(), input).unwrap();
        assert!(!serde_json::to_string(&sealed).unwrap().contains("hush"));
        let field = Field::setting("client_secret");
        let Some(Some(Setting::Sealed(secret))) = sealed.get(&field) else { panic!("the secret is not sealed") };
        assert_eq!(*vault.open(&"h".into(), &"us_1".into(), &field, secret).unwrap(), "hush-hush");
    }
}
