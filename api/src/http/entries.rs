//! Audit entries as the API shows them: sentences with their actor, before and after, secrets as fingerprints (R51).

use super::problem::Problem;
use crate::app::App;
use crate::caller::Caller;
use crate::personal_key::PersonalKey;
use domain::change::ShownChange;
use domain::{AccountId, ActorType, Audience, Event, HelpdeskId, Recorded, Timestamp, UsersourceRef, Via};
use projections::audit_trail;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Who acted, as far as the ledger may still tell.
#[derive(Debug, Clone, Serialize)]
pub struct Actor {
    /// The account's id, `cli:USER` or `service`.
    pub id: String,
    /// The name then; null once the account was erased.
    pub name: Option<String>,
    /// The role then.
    pub role: Option<String>,
    /// Person, token, command line or service.
    #[serde(rename = "type")]
    pub kind: ActorType,
}

/// Which versions one change spans.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Span {
    /// Its first version.
    pub first: u64,
    /// Its last.
    pub last: u64,
}

/// One event as it is told to admins and auditors.
#[derive(Debug, Clone, Serialize)]
pub struct AuditEntry {
    /// The event's version.
    pub version: u64,
    /// The change that it belongs to.
    pub change: Span,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// On whose behalf, if another's.
    pub acting_for: Option<String>,
    /// How.
    pub via: Via,
    /// From which address; null once the account was erased.
    pub ip: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The event's name.
    pub action: String,
    /// Whose sign-in it concerns, if one audience's.
    pub audience: Option<Audience>,
    /// Which usersource it concerns, if one.
    pub usersource: Option<UsersourceRef>,
    /// "Jane Doe disabled Deskpro for agents".
    pub sentence: String,
    /// Field by field.
    pub changes: Vec<ShownChange>,
    /// The event's hash in the chain (R55).
    pub hash: String,
}

/// What was sealed under the actor's own key.
#[derive(Debug, Clone, Deserialize)]
struct Personal {
    name: Option<String>,
    ip: Option<String>,
}

/// The entries of a change that the caller just made: the caller's own key was read with the credential.
pub async fn of_recorded(app: &App, caller: &Caller, events: &[Recorded]) -> Result<Vec<AuditEntry>, Problem> {
    let account = &caller.account;
    let key = account.personal_key.as_deref().and_then(|wrapped| unwrapped(app, &account.id, wrapped));
    let keys = HashMap::from([(account.id.to_string(), key)]);
    let rows = events.iter().map(audit_trail::AuditEntry::from).collect();
    of_rows_with(app, &caller.helpdesk, rows, keys).await
}

/// The entries of rows of the audit trail. Each actor's key is looked up once.
pub async fn of_rows(
    app: &App,
    helpdesk: &HelpdeskId,
    rows: Vec<audit_trail::AuditEntry>,
) -> Result<Vec<AuditEntry>, Problem> {
    of_rows_with(app, helpdesk, rows, HashMap::new()).await
}

async fn of_rows_with(
    app: &App,
    helpdesk: &HelpdeskId,
    rows: Vec<audit_trail::AuditEntry>,
    mut keys: HashMap<String, Option<PersonalKey>>,
) -> Result<Vec<AuditEntry>, Problem> {
    let mut entries = Vec::with_capacity(rows.len());
    for row in rows {
        let personal = match &row.actor.personal {
            None => None,
            Some(sealed) => {
                if !keys.contains_key(&row.actor.id) {
                    keys.insert(row.actor.id.clone(), key(app, helpdesk, &row.actor.id).await?);
                }
                let key = keys.get(&row.actor.id).and_then(Option::as_ref);
                key.and_then(|key| key.open(sealed))
                    .and_then(|text: String| serde_json::from_str::<Personal>(&text).ok())
            }
        };
        entries.push(entry(row, personal));
    }
    Ok(entries)
}

async fn key(app: &App, helpdesk: &HelpdeskId, actor: &str) -> Result<Option<PersonalKey>, Problem> {
    let id = AccountId::new(actor);
    let Some(wrapped) = app.accounts.personal_key(helpdesk, &id).await? else { return Ok(None) };
    Ok(unwrapped(app, &id, &wrapped))
}

/// A key that was sealed with a lost key ring opens nothing; the entry then stands without a name.
fn unwrapped(app: &App, id: &AccountId, wrapped: &str) -> Option<PersonalKey> {
    PersonalKey::unwrap(&app.vault, id, wrapped)
        .inspect_err(|error| tracing::error!(account = %id, %error, "what is personal in the ledger cannot be read"))
        .ok()
}

fn entry(row: audit_trail::AuditEntry, personal: Option<Personal>) -> AuditEntry {
    let (name, ip) = personal.map_or((None, None), |p| (p.name, p.ip));
    let called = name.as_deref().unwrap_or(match row.actor.kind {
        ActorType::Service => "The service",
        ActorType::CommandLine => "The command line",
        ActorType::Person | ActorType::Token => "An erased account",
    });
    AuditEntry {
        version: row.version,
        change: Span { first: row.first, last: row.last },
        at: row.at,
        sentence: format!("{called} {}", row.predicate),
        actor: Actor { id: row.actor.id, name, role: row.actor.role, kind: row.actor.kind },
        acting_for: row.actor.acting_for,
        via: row.via,
        ip,
        request_id: row.request,
        reason: row.reason,
        action: row.action,
        audience: row.audience,
        usersource: row.usersource,
        changes: row.fields,
        hash: row.hash,
    }
}

/// An event that did not happen yet: what a dry run shows of it.
pub fn of_event(event: &Event) -> Value {
    let change = event.change();
    json!({
        "action": change.action,
        "audience": change.audience,
        "usersource": change.usersource,
        "sentence": change.predicate,
        "changes": change.fields,
    })
}

/// What happened since somebody looked, without its actors.
pub fn since(events: &[Recorded]) -> Value {
    events
        .iter()
        .map(|recorded| {
            let mut shown = of_event(&recorded.event);
            if let Some(members) = shown.as_object_mut() {
                members.insert("version".to_owned(), json!(recorded.version));
                members.insert("at".to_owned(), json!(recorded.metadata.at));
            }
            shown
        })
        .collect()
}
