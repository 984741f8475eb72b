//! What a field of a kind is: its name, what it takes, when it is needed, and the words that explain it.
//!
//! Forms, validation, sealing, warnings and `docs/kinds.md` all derive from these lines.

use domain::{Audience, Field, Fields};
use serde_json::{Value, json};

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// One line of text of at most so many characters.
    Text(usize),
    /// Several lines of at most so many characters.
    Lines(usize),
    /// An XML document of at most so many characters, without a document type.
    Xml(usize),
    /// An `https` URL; `http` only where the usersource has `allow_insecure`.
    Url,
    /// An `ldap` or `ldaps` URL of a server.
    LdapUrl,
    /// Yes or no.
    Flag,
    /// A whole number from the first to the second.
    Integer(i64, i64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Several values of one type, at most so many.
    List(&'static Self, usize),
    /// The name or address of a server.
    Host,
    /// A domain as it stands after the `@` of an address.
    Domain,
    /// The name of a column.
    Identifier,
    /// The name of a table, with its schema or without.
    Table,
    /// The name of an LDAP attribute.
    Attribute,
    /// An LDAP distinguished name.
    Dn,
    /// An LDAP filter that has a place for the login.
    LoginFilter,
    /// One or more X.509 certificates, PEM.
    Certificates,
    /// A public key, PEM.
    PublicKey,
    /// A private key, PEM. Secret.
    PrivateKey,
    /// A secret text of so many characters. Secret.
    Secret(usize, usize),
}

impl FieldType {
    /// The name used in JSON and docs.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Lines(_) => "lines",
            Self::Xml(_) => "xml",
            Self::Url => "url",
            Self::LdapUrl => "ldap_url",
            Self::Flag => "flag",
            Self::Integer(..) => "integer",
            Self::Choice(_) => "choice",
            Self::List(..) => "list",
            Self::Host => "host",
            Self::Domain => "domain",
            Self::Identifier => "identifier",
            Self::Table => "table",
            Self::Attribute => "attribute",
            Self::Dn => "dn",
            Self::LoginFilter => "login_filter",
            Self::Certificates => "certificates",
            Self::PublicKey => "public_key",
            Self::PrivateKey => "private_key",
            Self::Secret(..) => "secret",
        }
    }

    /// The least and the most: of a number its value, of a text its characters, of a list its items.
    fn bounds(&self) -> (Value, Value) {
        if let Self::Integer(min, max) = self {
            return (json!(min), json!(max));
        }
        if let Self::Secret(min, max) = self {
            return (json!(min), json!(max));
        }
        if let Self::Text(max) | Self::Lines(max) | Self::Xml(max) | Self::List(_, max) = self {
            return (Value::Null, json!(max));
        }
        (Value::Null, Value::Null)
    }

    /// Whether its value is sealed before it is stored, and never shown.
    pub fn is_secret(&self) -> bool {
        matches!(self, Self::PrivateKey | Self::Secret(..))
    }
}

/// When a field is needed for the usersource to be enabled (R4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// Never.
    Optional,
    /// Always.
    Required,
    /// Depending on other fields, which the kind's `check` judges; in words.
    RequiredIf(&'static str),
}

/// What holds where a field is not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unset {
    /// Nothing.
    Nothing,
    /// This flag.
    Flag(bool),
    /// This number.
    Number(i64),
    /// This text.
    Text(&'static str),
    /// These texts.
    List(&'static [&'static str]),
    /// Something that only the running service knows; in words.
    Told(&'static str),
}

impl Unset {
    /// As JSON; what is only told in words is null.
    pub fn json(&self) -> Value {
        match self {
            Self::Nothing | Self::Told(_) => Value::Null,
            Self::Flag(flag) => json!(flag),
            Self::Number(number) => json!(number),
            Self::Text(text) => json!(text),
            Self::List(texts) => json!(texts),
        }
    }
}

/// A value that is allowed and earns a warning badge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Risk {
    /// The choices that are risky; empty for a flag, which is risky when it is set.
    pub choices: &'static [&'static str],
    /// The warning's stable code.
    pub code: &'static str,
    /// What may happen.
    pub detail: &'static str,
}

/// One field of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldSpec {
    /// The full name: `title`, `provisioning.NAME` or `settings.NAME`.
    pub name: &'static str,
    /// What the form calls it.
    pub label: &'static str,
    /// What it takes.
    pub takes: FieldType,
    /// One or two sentences for the person who fills it in.
    pub help: &'static str,
    /// When it is needed.
    pub presence: Presence,
    /// What holds where it is not set.
    pub unset: Unset,
    /// The audiences whose usersources have it.
    pub audiences: &'static [Audience],
    /// The value that earns a warning, if one does.
    pub risk: Option<Risk>,
    /// What other helpdesks call it, if that is obvious.
    pub elsewhere: Option<&'static str>,
    /// Of a secret: the fields that say where it is sent. Whoever changes one of them gives the secret again.
    pub goes_to: &'static [&'static str],
}

impl FieldSpec {
    /// An optional field of both audiences.
    pub const fn new(name: &'static str, label: &'static str, takes: FieldType, help: &'static str) -> Self {
        Self {
            name,
            label,
            takes,
            help,
            presence: Presence::Optional,
            unset: Unset::Nothing,
            audiences: &Audience::ALL,
            risk: None,
            elsewhere: None,
            goes_to: &[],
        }
    }

    /// The same, always needed.
    pub const fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    /// The same, needed in the case that `when` tells.
    pub const fn required_if(mut self, when: &'static str) -> Self {
        self.presence = Presence::RequiredIf(when);
        self
    }

    /// The same, with what holds where it is not set.
    pub const fn unset_is(mut self, unset: Unset) -> Self {
        self.unset = unset;
        self
    }

    /// The same, for these audiences alone.
    pub const fn only_for(mut self, audiences: &'static [Audience]) -> Self {
        self.audiences = audiences;
        self
    }

    /// The same, with a warning when it is set, or set to one of `choices`.
    pub const fn risky(mut self, choices: &'static [&'static str], code: &'static str, detail: &'static str) -> Self {
        self.risk = Some(Risk { choices, code, detail });
        self
    }

    /// The same, sent to where these fields say.
    pub const fn goes_to(mut self, fields: &'static [&'static str]) -> Self {
        self.goes_to = fields;
        self
    }

    /// The same, with its name in another helpdesk.
    pub const fn elsewhere(mut self, name: &'static str) -> Self {
        self.elsewhere = Some(name);
        self
    }

    /// Its name as the domain has it.
    pub fn field(&self) -> Field {
        Field::new(self.name)
    }

    /// Whether `fields` has a risky value here.
    pub fn is_risky(&self, fields: &Fields) -> bool {
        self.risk.is_some_and(|risk| match risk.choices {
            [] => fields.flag(self.name),
            choices => fields.text(self.name).is_some_and(|text| choices.contains(&text)),
        })
    }

    /// How `GET /kinds` tells it.
    pub fn json(&self) -> Value {
        let choices = if let FieldType::Choice(choices) = self.takes { json!(choices) } else { Value::Null };
        let items = if let FieldType::List(items, _) = self.takes { json!(items.as_str()) } else { Value::Null };
        let (minimum, maximum) = self.takes.bounds();
        let required_if = match self.presence {
            Presence::RequiredIf(when) => json!(when),
            Presence::Optional | Presence::Required => Value::Null,
        };
        json!({
            "name": self.name, "label": self.label, "type": self.takes.as_str(), "items": items,
            "choices": choices, "minimum": minimum, "maximum": maximum,
            "required": self.presence == Presence::Required, "required_if": required_if,
            "secret": self.takes.is_secret(), "default": self.unset.json(), "help": self.help,
            "audiences": self.audiences,
        })
    }
}
