//! What can be set on a usersource: one flat map of fields, so that a change is a list of field, before, after.

use super::Sealed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// The name of a field: `title`, `button_text`, `filter`, `provisioning.NAME` or `settings.NAME`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Field(String);

impl Field {
    /// What the usersource is called, everywhere.
    pub const TITLE: &'static str = "title";
    /// What its button says; without it, an SSO-capable usersource has no button unless it is `background` (R23).
    pub const BUTTON_TEXT: &'static str = "button_text";
    /// An expression over the claims that the source returned (R32).
    pub const FILTER: &'static str = "filter";
    /// Whether unknown agents are given an account (R31).
    pub const AUTO_AGENT: &'static str = "provisioning.auto_agent";

    /// A field by its full name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The setting `name` of the usersource's kind.
    pub fn setting(name: &str) -> Self {
        Self(format!("settings.{name}"))
    }

    /// The full name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this field can decide if a sign-in works, and for whom: it is part of the sign-in digest.
    pub fn decides_sign_in(&self) -> bool {
        self.0 == Self::FILTER || self.0.starts_with("settings.") || self.0.starts_with("provisioning.")
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A value that may be shown. There are no fractions, so its JSON has one canonical form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Plain {
    /// Yes or no.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Text.
    Text(String),
    /// Several texts, in order.
    List(Vec<String>),
}

impl From<&str> for Plain {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// May be shown.
    Plain(Plain),
    /// A secret: shown as a fingerprint only (R51).
    Sealed(Sealed),
}

impl Setting {
    /// A plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Plain(Plain::Text(text.into()))
    }

    /// A plain flag.
    pub fn flag(flag: bool) -> Self {
        Self::Plain(Plain::Flag(flag))
    }

    /// What people and digests may see: the value itself, or that a secret is set and its fingerprint.
    pub fn shown(&self) -> serde_json::Value {
        match self {
            Self::Plain(plain) => serde_json::to_value(plain).unwrap_or_default(),
            Self::Sealed(sealed) => serde_json::json!({"set": true, "fingerprint": sealed.fingerprint}),
        }
    }
}

/// All fields of a usersource that are set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Fields(BTreeMap<Field, Setting>);

impl Fields {
    /// The value of `name`, if it is set.
    pub fn get(&self, name: &str) -> Option<&Setting> {
        self.0.get(&Field::new(name))
    }

    /// The value of the kind's setting `name`, if it is set.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.0.get(&Field::setting(name))
    }

    /// The text of `name`, if it is set to a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Setting::Plain(Plain::Text(text)) => Some(text),
            Setting::Plain(Plain::Flag(_) | Plain::Number(_) | Plain::List(_)) | Setting::Sealed(_) => None,
        }
    }

    /// Whether `name` is set to yes.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Setting::flag(true))
    }

    /// Sets a field, or clears it with `None`.
    pub fn set(&mut self, field: Field, value: Option<Setting>) {
        match value {
            Some(value) => self.0.insert(field, value),
            None => self.0.remove(&field),
        };
    }

    /// All fields that are set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Field, &Setting)> {
        self.0.iter()
    }
}

impl FromIterator<(Field, Setting)> for Fields {
    fn from_iter<I: IntoIterator<Item = (Field, Setting)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// One field's change. `None` is "not set".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChange {
    /// Which field.
    pub field: Field,
    /// What it was.
    pub before: Option<Setting>,
    /// What it is now.
    pub after: Option<Setting>,
}

/// What setting `wanted` on `fields` would really change; a secret that is set to itself changes nothing.
pub fn differences(fields: &Fields, wanted: &BTreeMap<Field, Option<Setting>>) -> Vec<FieldChange> {
    wanted
        .iter()
        .map(|(field, after)| FieldChange {
            field: field.clone(),
            before: fields.get(field.as_str()).cloned(),
            after: after.clone(),
        })
        .filter(|change| change.before != change.after)
        .collect()
}
