//! An event as people read it: its subject, a sentence, and what was before and after, field by field (R51).
//!
//! The audit trail, its search and the conflict check of `If-Match` all follow from this one reading.

use crate::event::Event;
use crate::values::{AccountId, Audience, FieldChange, Fields, Setting, Standing, UsersourceId, UsersourceRef};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// One field's change as it may be shown: secrets are fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownChange {
    /// Which field.
    pub field: String,
    /// What it was; null is "not set".
    pub before: Value,
    /// What it is; null is "not set".
    pub after: Value,
}

/// What an event is about. Two changes collide if they share a subject (R60).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The helpdesk itself.
    Helpdesk,
    /// One usersource.
    Usersource(UsersourceId),
    /// An audience's single sign-on.
    Sso(Audience),
    /// An audience's list and its order.
    Order(Audience),
    /// An audience's policy.
    Policy(Audience),
    /// An account's standing.
    Account(AccountId),
}

/// An event as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What kind of change, as filters and programs name it.
    pub action: &'static str,
    /// Whose sign-in it concerns, if one audience's.
    pub audience: Option<Audience>,
    /// Which usersource it concerns, if one.
    pub usersource: Option<UsersourceRef>,
    /// Which account it concerns, if one.
    pub account: Option<AccountId>,
    /// The sentence without its actor: "disabled Deskpro for agents".
    pub predicate: String,
    /// Field by field.
    pub fields: Vec<ShownChange>,
    /// What it touched.
    pub subjects: Vec<Subject>,
}

impl Event {
    /// This event as people read it.
    pub fn change(&self) -> Change {
        match self {
            Self::HelpdeskCreated { name, url } => self.helpdesk(
                format!("created the helpdesk {name}"),
                vec![shown("name", Value::Null, json!(name)), shown("url", Value::Null, json!(url))],
            ),
            Self::HelpdeskChanged { changes } => self
                .helpdesk(format!("changed the helpdesk's {}", names(changes)), changes.iter().map(reveal).collect()),
            Self::UsersourceInstalled { usersource, fields, .. } => {
                let predicate = format!("installed {}", called(usersource));
                self.listed(usersource, predicate, whole(fields, |value| (Value::Null, value)))
            }
            Self::UsersourceChanged { usersource, changes } => {
                let predicate = format!("changed {} of {}", names(changes), called(usersource));
                self.usersource(usersource, predicate, changes.iter().map(reveal).collect())
            }
            Self::UsersourceEnabled { usersource } => self.usersource(
                usersource,
                format!("enabled {}", called(usersource)),
                vec![shown("enabled", json!(false), json!(true))],
            ),
            Self::UsersourceDisabled { usersource } => self.usersource(
                usersource,
                format!("disabled {}", called(usersource)),
                vec![shown("enabled", json!(true), json!(false))],
            ),
            Self::UsersourceUninstalled { usersource, fields, .. } => {
                let predicate = format!("uninstalled {}", called(usersource));
                self.listed(usersource, predicate, whole(fields, |value| (value, Value::Null)))
            }
            Self::SsoChanged { usersource, before, after, displaced_by } => {
                let why = displaced_by.as_ref().map_or(String::new(), |by| format!(", displaced by {}", by.title));
                let predicate =
                    format!("switched single sign-on of {} from {before} to {after}{why}", called(usersource));
                let mut change =
                    self.usersource(usersource, predicate, vec![shown("sso", json!(before), json!(after))]);
                change.subjects.push(Subject::Sso(usersource.audience));
                change
            }
            Self::OrderChanged { audience, before, after } => Change {
                audience: Some(*audience),
                ..self.about(
                    Subject::Order(*audience),
                    format!("changed the order of the usersources for {audience}"),
                    vec![shown("order", json!(before), json!(after))],
                )
            },
            Self::SessionsEnded { usersource, before, after } => self.usersource(
                usersource,
                format!("ended the sessions made through {}", called(usersource)),
                vec![shown("sessions_valid_from", json!(before), json!(after))],
            ),
            Self::StandingChanged { account, before, after } => Change {
                account: Some(account.clone()),
                ..self.about(
                    Subject::Account(account.clone()),
                    format!("changed what the account {account} may do"),
                    standing(*before, *after),
                )
            },
            Self::ProofRecorded { usersource, digest, account } => Change {
                account: Some(account.clone()),
                ..self.usersource(
                    usersource,
                    format!("proved {} by a real sign-in", called(usersource)),
                    vec![shown("proof", Value::Null, json!(digest))],
                )
            },
            Self::ProofsWithdrawn { usersource, account } => Change {
                account: Some(account.clone()),
                ..self.usersource(
                    usersource,
                    format!("withdrew a proof of {}: its identity was unlinked", called(usersource)),
                    vec![shown("proof", json!("proven"), Value::Null)],
                )
            },
            Self::PolicyChanged { audience, changes } => Change {
                audience: Some(*audience),
                ..self.about(
                    Subject::Policy(*audience),
                    format!("changed the policy for {audience}: {}", names(changes)),
                    changes.iter().map(reveal).collect(),
                )
            },
            Self::LockoutAccepted { reason } => self.helpdesk(
                format!("accepted that no admin may be able to sign in: {reason}"),
                vec![shown("way_in_for_admins", json!(true), json!(false))],
            ),
        }
    }

    fn about(&self, subject: Subject, predicate: String, fields: Vec<ShownChange>) -> Change {
        Change {
            action: self.name(),
            audience: None,
            usersource: None,
            account: None,
            predicate,
            fields,
            subjects: vec![subject],
        }
    }

    fn helpdesk(&self, predicate: String, fields: Vec<ShownChange>) -> Change {
        self.about(Subject::Helpdesk, predicate, fields)
    }

    fn usersource(&self, usersource: &UsersourceRef, predicate: String, fields: Vec<ShownChange>) -> Change {
        Change {
            audience: Some(usersource.audience),
            usersource: Some(usersource.clone()),
            ..self.about(Subject::Usersource(usersource.id.clone()), predicate, fields)
        }
    }

    /// A usersource that came to or left its audience's list.
    fn listed(&self, usersource: &UsersourceRef, predicate: String, fields: Vec<ShownChange>) -> Change {
        let mut change = self.usersource(usersource, predicate, fields);
        change.subjects.push(Subject::Order(usersource.audience));
        change
    }
}

fn called(usersource: &UsersourceRef) -> String {
    format!("{} for {}", usersource.title, usersource.audience)
}

fn names(changes: &[FieldChange]) -> String {
    changes.iter().map(|c| c.field.as_str()).collect::<Vec<_>>().join(", ")
}

fn shown(field: &str, before: Value, after: Value) -> ShownChange {
    ShownChange { field: field.to_owned(), before, after }
}

fn reveal(change: &FieldChange) -> ShownChange {
    let value = |setting: &Option<Setting>| setting.as_ref().map_or(Value::Null, Setting::shown);
    shown(change.field.as_str(), value(&change.before), value(&change.after))
}

fn whole(fields: &Fields, sides: fn(Value) -> (Value, Value)) -> Vec<ShownChange> {
    fields
        .iter()
        .map(|(field, setting)| {
            let (before, after) = sides(setting.shown());
            shown(field.as_str(), before, after)
        })
        .collect()
}

fn standing(before: Standing, after: Standing) -> Vec<ShownChange> {
    [
        ("admin", before.admin, after.admin),
        ("active", before.active, after.active),
        ("has_password", before.has_password, after.has_password),
    ]
    .into_iter()
    .filter(|(_, before, after)| before != after)
    .map(|(field, before, after)| shown(field, json!(before), json!(after)))
    .collect()
}
