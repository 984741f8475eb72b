//! Every change as a row: who, when, how, why, and what was before and after (R50, R51).
//!
//! What is personal stays sealed here as it is in the event, and no word of it goes into the index.

use crate::batch::{Batch, Cell};
use crate::error::ProjectionError;
use crate::projection::{Projection, number};
use crate::projector::Projector;
use crate::row::Row;
use crate::tables::Table;
use crate::words::words;
use domain::change::{Change, ShownChange};
use domain::{AccountId, Actor, Audience, HelpdeskId, Metadata, Recorded, Timestamp, UsersourceId, UsersourceRef, Via};
use serde::Serialize;
use serde_json::Value;
use std::ops::RangeInclusive;

static TRAIL: Table = Table {
    name: "audit_trail",
    key: 2,
    columns: &[
        "helpdesk",
        "version",
        "at",
        "actor",
        "actor_type",
        "actor_role",
        "personal",
        "acting_for",
        "via",
        "request",
        "reason",
        "action",
        "audience",
        "usersource",
        "usersource_kind",
        "usersource_title",
        "account",
        "predicate",
        "fields",
        "hash",
        "change_first",
        "change_last",
        "idempotency_key",
        "idempotency_asked",
        "words",
    ],
};
static WORDS: Table = Table { name: "audit_words", key: 3, columns: &["helpdesk", "word", "block"] };

/// So many words of an event can be searched for. Those that tell most come first.
const MOST_WORDS: usize = 64;

/// So many versions are one block: what the index of words tells apart. Changes of one helpdesk say much the same words
/// again and again, and each is written once a block instead of once an event.
pub(crate) const BLOCK: i64 = 64;

/// The rows of this read model.
pub struct Rows;

impl Projection for Rows {
    fn name(&self) -> &'static str {
        "audit_trail"
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        include_str!("../../migrations/read_models/audit_trail.sql")
    }

    fn tables(&self) -> &'static [&'static Table] {
        const { &[&TRAIL, &WORDS] }
    }

    fn apply(&self, fact: &Recorded, batch: &mut Batch) {
        let change = fact.event.change();
        let words = words_of(&change, fact.metadata.reason.as_deref());
        let block = number(fact.version) / BLOCK * BLOCK;
        for word in &words {
            batch.put(&WORDS, vec![fact.helpdesk.as_str().into(), word.as_str().into(), block.into()]);
        }
        batch.append(&TRAIL, row(fact, change, &words));
    }
}

fn row(fact: &Recorded, change: Change, words: &[String]) -> Vec<Cell> {
    let Metadata { first, last, at, actor, via, request, reason, idempotency, hash, .. } = &fact.metadata;
    let usersource = change.usersource.as_ref();
    vec![
        fact.helpdesk.as_str().into(),
        number(fact.version).into(),
        at.millis().into(),
        actor.id.as_str().into(),
        word(&actor.kind),
        actor.role.as_deref().into(),
        actor.personal.as_deref().into(),
        actor.acting_for.as_deref().into(),
        word(via),
        request.as_deref().into(),
        reason.as_deref().into(),
        change.action.into(),
        change.audience.map(Audience::as_str).into(),
        usersource.map(|u| u.id.as_str()).into(),
        usersource.map(|u| u.kind.as_str()).into(),
        usersource.map(|u| u.title.as_str()).into(),
        change.account.as_ref().map(AccountId::as_str).into(),
        change.predicate.into(),
        serde_json::to_string(&change.fields).unwrap_or_default().into(),
        hash.as_str().into(),
        number(*first).into(),
        number(*last).into(),
        idempotency.as_ref().map(|i| i.key.as_str()).into(),
        idempotency.as_ref().map(|i| i.asked.as_str()).into(),
        // A blank before each, so that a beginning can be looked for.
        words.iter().fold(String::new(), |all, word| all + " " + word).into(),
    ]
}

/// The word that JSON has for a variant without fields.
fn word(variant: &impl Serialize) -> Cell {
    let json = serde_json::to_value(variant).unwrap_or_default();
    json.as_str().unwrap_or_default().into()
}

fn words_of(change: &Change, reason: Option<&str>) -> Vec<String> {
    let mut values = Vec::new();
    for field in &change.fields {
        texts(&field.before, &mut values);
        texts(&field.after, &mut values);
    }
    let usersource = change.usersource.iter().flat_map(|u| [u.title.as_str(), u.kind.as_str()]);
    let all = std::iter::once(change.action)
        .chain(usersource)
        .chain(change.account.as_ref().map(AccountId::as_str))
        .chain(reason)
        .chain(change.fields.iter().map(|field| field.field.as_str()))
        .chain(std::iter::once(change.predicate.as_str()))
        .chain(values.iter().map(String::as_str));
    words(all, MOST_WORDS)
}

/// Everything in a shown value that somebody could look for. Of a secret that is its fingerprint.
fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => into.push(flag.to_string()),
        Value::Number(number) => into.push(number.to_string()),
        Value::String(text) => into.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, into)),
        Value::Object(map) => map.values().for_each(|value| texts(value, into)),
    }
}

/// One change as it is told to admins and auditors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// The event's version.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// Who; what is personal is sealed still.
    pub actor: Actor,
    /// How.
    pub via: Via,
    /// The request's id.
    pub request: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The event's name.
    pub action: String,
    /// Whose sign-in it concerns, if one audience's.
    pub audience: Option<Audience>,
    /// Which usersource it concerns, if one.
    pub usersource: Option<UsersourceRef>,
    /// Which account it concerns, if one.
    pub account: Option<AccountId>,
    /// The sentence without its actor.
    pub predicate: String,
    /// Field by field, secrets as fingerprints.
    pub fields: Vec<ShownChange>,
    /// The event's hash.
    pub hash: String,
    /// The first version of the change that it belongs to.
    pub first: u64,
    /// The last.
    pub last: u64,
}

impl From<&Recorded> for AuditEntry {
    fn from(fact: &Recorded) -> Self {
        let change = fact.event.change();
        let metadata = fact.metadata.clone();
        Self {
            version: fact.version,
            at: metadata.at,
            actor: metadata.actor,
            via: metadata.via,
            request: metadata.request,
            reason: metadata.reason,
            action: change.action.to_owned(),
            audience: change.audience,
            usersource: change.usersource,
            account: change.account,
            predicate: change.predicate,
            fields: change.fields,
            hash: metadata.hash,
            first: metadata.first,
            last: metadata.last,
        }
    }
}

/// An earlier answer to the same idempotency key (R60).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// The hash of what was asked then.
    pub asked: String,
    /// The first version that it made.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// When.
    pub at: Timestamp,
}

pub(crate) fn entry(row: &Row) -> Result<AuditEntry, ProjectionError> {
    let audience: Option<Audience> = row.maybe_word("audience")?;
    let usersource = match (row.maybe_text("usersource")?, audience) {
        (Some(id), Some(audience)) => Some(UsersourceRef {
            id: UsersourceId::new(id),
            kind: row.text("usersource_kind")?,
            audience,
            title: row.text("usersource_title")?,
        }),
        _ => None,
    };
    Ok(AuditEntry {
        version: row.version("version")?,
        at: Timestamp::from_millis(row.number("at")?),
        actor: Actor {
            id: row.text("actor")?,
            kind: row.word("actor_type")?,
            role: row.maybe_text("actor_role")?,
            personal: row.maybe_text("personal")?,
            acting_for: row.maybe_text("acting_for")?,
        },
        via: row.word("via")?,
        request: row.maybe_text("request")?,
        reason: row.maybe_text("reason")?,
        action: row.text("action")?,
        audience,
        usersource,
        account: row.maybe_text("account")?.map(AccountId::new),
        predicate: row.text("predicate")?,
        fields: row.json("fields")?,
        hash: row.text("hash")?,
        first: row.version("change_first")?,
        last: row.version("change_last")?,
    })
}

/// One change in full.
pub async fn by_version(
    projector: &Projector,
    helpdesk: &HelpdeskId,
    version: u64,
) -> Result<Option<AuditEntry>, ProjectionError> {
    Ok(by_change(projector, helpdesk, version..=version).await?.pop())
}

/// The changes of these versions, oldest first.
pub async fn by_change(
    projector: &Projector,
    helpdesk: &HelpdeskId,
    versions: RangeInclusive<u64>,
) -> Result<Vec<AuditEntry>, ProjectionError> {
    let sql = "SELECT * FROM {audit_trail} WHERE helpdesk = $1 AND version >= $2 AND version <= $3 ORDER BY version";
    let cells = vec![helpdesk.as_str().into(), number(*versions.start()).into(), number(*versions.end()).into()];
    projector.fetch(sql, cells).await?.iter().map(entry).collect()
}

/// What `actor` was last answered under the idempotency key `key` (R60). Whether that is too long ago, and whether the
/// same was asked, is the caller's to judge.
pub async fn find_idempotent(
    projector: &Projector,
    helpdesk: &HelpdeskId,
    actor: &str,
    key: &str,
) -> Result<Option<Answered>, ProjectionError> {
    let sql = "SELECT idempotency_asked, change_first, change_last, at FROM {audit_trail} \
               WHERE helpdesk = $1 AND idempotency_key = $2 AND actor = $3 ORDER BY version DESC LIMIT 1";
    let rows = projector.fetch(sql, vec![helpdesk.as_str().into(), key.into(), actor.into()]).await?;
    let answered = |row: &Row| {
        Ok(Answered {
            asked: row.text("idempotency_asked")?,
            first: row.version("change_first")?,
            last: row.version("change_last")?,
            at: Timestamp::from_millis(row.number("at")?),
        })
    };
    rows.first().map(answered).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Log, helpdesk, on_both};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r50_r51_an_entry_tells_everything_that_the_event_carries() {
        on_both(async |ground| {
            let log = Log::begun();
            let projector = ground.projector().await;
            projector.catch_up(&log, &helpdesk()).await.unwrap();
            for event in log.events(&helpdesk()) {
                let change = event.event.change();
                let metadata = event.metadata;
                let wanted = AuditEntry {
                    version: event.version,
                    at: metadata.at,
                    actor: metadata.actor,
                    via: metadata.via,
                    request: metadata.request,
                    reason: metadata.reason,
                    action: change.action.to_owned(),
                    audience: change.audience,
                    usersource: change.usersource,
                    account: change.account,
                    predicate: change.predicate,
                    fields: change.fields,
                    hash: metadata.hash,
                    first: metadata.first,
                    last: metadata.last,
                };
                let found = by_version(&projector, &helpdesk(), event.version).await.unwrap();
                assert_eq!(found, Some(wanted));
            }
            assert_eq!(by_version(&projector, &helpdesk(), 99).await.unwrap(), None);
            let change = by_change(&projector, &helpdesk(), 2..=4).await.unwrap();
            assert_eq!(change.iter().map(|e| e.version).collect::<Vec<_>>(), [2, 3, 4]);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r60_a_repeat_finds_the_last_answer_to_its_own_key_and_actor() {
        on_both(async |ground| {
            let log = Log::begun();
            let projector = ground.projector().await;
            projector.catch_up(&log, &helpdesk()).await.unwrap();
            // The first change is versions 1 to 5, by acc_1 under k1; version 6 is by acc_0 under k1.
            let found = find_idempotent(&projector, &helpdesk(), "acc_1", "k1").await.unwrap();
            let at = log.events(&helpdesk()).first().unwrap().metadata.at;
            assert_eq!(found, Some(Answered { asked: "asked1".into(), first: 1, last: 5, at }));
            let other = find_idempotent(&projector, &helpdesk(), "acc_0", "k1").await.unwrap();
            assert_eq!(other.map(|a| a.asked), Some("asked6".into()));
            for (helpdesk, actor, key) in
                [("default", "acc_1", "k9"), ("default", "acc_2", "k1"), ("h2", "acc_1", "k1")]
            {
                assert_eq!(find_idempotent(&projector, &helpdesk.into(), actor, key).await.unwrap(), None);
            }
        })
        .await;
    }
}
