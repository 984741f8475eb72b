//! What admins see of usersources: everything that is set, the single sign-on badge, and who displaced whom (R14).

use crate::batch::{Batch, Cell};
use crate::error::ProjectionError;
use crate::projection::{Projection, number, place};
use crate::projector::Projector;
use crate::row::Row;
use crate::tables::Table;
use domain::values::Usersource;
use domain::{Audience, Event, Field, HelpdeskId, Recorded, Setting, Timestamp, UsersourceId, UsersourceRef};
use serde::Serialize;

static USERSOURCES: Table = Table {
    name: "usersources",
    key: 2,
    columns: &[
        "helpdesk",
        "id",
        "kind",
        "audience",
        "capabilities",
        "enabled",
        "sso",
        "sessions_valid_from",
        "revision",
        "position",
        "displaced_by",
        "displaced_at",
        "installed_at",
    ],
};
static FIELDS: Table =
    Table { name: "usersource_fields", key: 3, columns: &["helpdesk", "usersource", "field", "value"] };

/// The rows of this read model.
pub struct Rows;

impl Projection for Rows {
    fn name(&self) -> &'static str {
        "usersources"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../migrations/read_models/usersources.sql")
    }

    fn tables(&self) -> &'static [&'static Table] {
        const { &[&USERSOURCES, &FIELDS] }
    }

    fn apply(&self, fact: &Recorded, batch: &mut Batch) {
        let key = |id: &UsersourceId| vec![fact.helpdesk.as_str().into(), id.as_str().into()];
        let field_key = |id: &UsersourceId, field: &Field| [key(id), vec![field.as_str().into()]].concat();
        let touch = |batch: &mut Batch, usersource: &UsersourceRef, mut columns: Vec<(&'static str, Cell)>| {
            columns.push(("revision", number(fact.version).into()));
            batch.set(&USERSOURCES, key(&usersource.id), columns);
        };
        match &fact.event {
            Event::UsersourceInstalled { usersource, capabilities, fields } => {
                let cells = [
                    usersource.kind.as_str().into(),
                    usersource.audience.as_str().into(),
                    json(capabilities).into(),
                    false.into(),
                    "off".into(),
                    None::<i64>.into(),
                    number(fact.version).into(),
                    place(fact.version, 0).into(),
                    None::<&str>.into(),
                    None::<i64>.into(),
                    fact.metadata.at.millis().into(),
                ];
                batch.put(&USERSOURCES, [key(&usersource.id), cells.to_vec()].concat());
                for (field, value) in fields.iter() {
                    batch.put(&FIELDS, [field_key(&usersource.id, field), vec![json(value).into()]].concat());
                }
            }
            Event::UsersourceChanged { usersource, changes } => {
                for change in changes {
                    let key = field_key(&usersource.id, &change.field);
                    match &change.after {
                        Some(value) => batch.put(&FIELDS, [key, vec![json(value).into()]].concat()),
                        None => batch.delete(&FIELDS, key),
                    }
                }
                touch(batch, usersource, Vec::new());
            }
            Event::UsersourceEnabled { usersource } => touch(batch, usersource, vec![("enabled", true.into())]),
            Event::UsersourceDisabled { usersource } => touch(batch, usersource, vec![("enabled", false.into())]),
            Event::UsersourceUninstalled { usersource, fields, .. } => {
                batch.delete(&USERSOURCES, key(&usersource.id));
                fields.iter().for_each(|(field, _)| batch.delete(&FIELDS, field_key(&usersource.id, field)));
            }
            Event::SsoChanged { usersource, after, displaced_by, .. } => {
                let when = displaced_by.as_ref().map(|_| fact.metadata.at.millis());
                let by = displaced_by.as_ref().map(json);
                let columns = vec![
                    ("sso", after.as_str().into()),
                    ("displaced_by", Cell::Text(by)),
                    ("displaced_at", when.into()),
                ];
                touch(batch, usersource, columns);
            }
            Event::OrderChanged { after, .. } => {
                for (index, id) in after.iter().enumerate() {
                    batch.set(&USERSOURCES, key(id), vec![("position", place(fact.version, index).into())]);
                }
            }
            Event::SessionsEnded { usersource, after, .. } => {
                touch(batch, usersource, vec![("sessions_valid_from", after.millis().into())]);
            }
            Event::HelpdeskCreated { .. }
            | Event::HelpdeskChanged { .. }
            | Event::StandingChanged { .. }
            | Event::ProofRecorded { .. }
            | Event::ProofsWithdrawn { .. }
            | Event::PolicyChanged { .. }
            | Event::LockoutAccepted { .. } => {}
        }
    }
}

/// These always have a JSON form.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Who took single sign-on from a usersource, and when. It is told until single sign-on is switched there again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Displaced {
    /// Who holds it since.
    pub by: UsersourceRef,
    /// Since when.
    pub at: Timestamp,
}

/// A usersource as admins see it. Secrets are sealed still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Everything that is set on it.
    pub usersource: Usersource,
    /// When it was installed.
    pub installed_at: Timestamp,
    /// Who displaced it, if somebody did.
    pub displaced: Option<Displaced>,
}

/// The usersources of `helpdesk`, of one audience or of both, in the admins' order, and the version at which it is so.
pub async fn list(
    projector: &Projector,
    helpdesk: &HelpdeskId,
    audience: Option<Audience>,
) -> Result<(Vec<Listed>, u64), ProjectionError> {
    let which = if audience.is_some() { "AND u.audience = $2" } else { "" };
    let cells = audience.map(|audience| audience.as_str().into());
    select(projector, helpdesk, which, cells).await
}

/// One usersource, and the version at which it is so.
pub async fn by_id(
    projector: &Projector,
    helpdesk: &HelpdeskId,
    id: &UsersourceId,
) -> Result<(Option<Listed>, u64), ProjectionError> {
    let (found, version) = select(projector, helpdesk, "AND u.id = $2", Some(id.as_str().into())).await?;
    Ok((found.into_iter().next(), version))
}

async fn select(
    projector: &Projector,
    helpdesk: &HelpdeskId,
    which: &str,
    cell: Option<Cell>,
) -> Result<(Vec<Listed>, u64), ProjectionError> {
    // One statement, so that rows and version belong together.
    let sql = format!(
        "SELECT c.sequence, u.id, u.kind, u.audience, u.capabilities, u.enabled, u.sso, u.sessions_valid_from, \
                u.revision, u.displaced_by, u.displaced_at, u.installed_at, f.field, f.value \
         FROM {{checkpoint}} c \
         LEFT JOIN {{usersources}} u ON u.helpdesk = c.helpdesk {which} \
         LEFT JOIN {{usersource_fields}} f ON f.helpdesk = u.helpdesk AND f.usersource = u.id \
         WHERE c.helpdesk = $1 ORDER BY u.position, f.field"
    );
    let cells = std::iter::once(helpdesk.as_str().into()).chain(cell).collect();
    let rows = projector.fetch(&sql, cells).await?;
    let version = rows.first().map_or(Ok(0), |row| row.version("sequence"))?;
    let mut found: Vec<Listed> = Vec::new();
    for row in &rows {
        let Some(id) = row.maybe_text("id")? else { continue };
        if found.last().is_none_or(|last| last.usersource.id.as_str() != id) {
            found.push(listed(row, UsersourceId::new(id))?);
        }
        if let (Some(last), Some(field)) = (found.last_mut(), row.maybe_text("field")?) {
            last.usersource.fields.set(Field::new(field), Some(row.json::<Setting>("value")?));
        }
    }
    Ok((found, version))
}

fn listed(row: &Row, id: UsersourceId) -> Result<Listed, ProjectionError> {
    let displaced = match row.maybe_number("displaced_at")? {
        Some(at) => Some(Displaced { by: row.json("displaced_by")?, at: Timestamp::from_millis(at) }),
        None => None,
    };
    let usersource = Usersource {
        id,
        kind: row.text("kind")?,
        audience: row.word("audience")?,
        capabilities: row.json("capabilities")?,
        fields: domain::Fields::default(),
        enabled: row.flag("enabled")?,
        sso: row.word("sso")?,
        sessions_valid_from: row.maybe_number("sessions_valid_from")?.map(Timestamp::from_millis),
        revision: row.version("revision")?,
    };
    Ok(Listed { usersource, installed_at: Timestamp::from_millis(row.number("installed_at")?), displaced })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Log, helpdesk, on_both};
    use domain::{Command, Sealed, SsoMode};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r14_who_was_displaced_by_whom_is_told_until_the_next_switch() {
        on_both(async |ground| {
            let log = Log::begun();
            let projector = ground.projector().await;
            let id = UsersourceId::from("us_1");
            let displaced = async || {
                let version = projector.catch_up(&log, &helpdesk()).await.unwrap();
                let (found, at) = by_id(&projector, &helpdesk(), &id).await.unwrap();
                assert_eq!(at, version);
                found.unwrap().displaced
            };
            let sso = |id: &str, mode| log.done(&helpdesk(), Command::SetSso { id: id.into(), mode });
            for id in ["us_1", "us_2"] {
                log.done(&helpdesk(), Command::EnableUsersource { id: id.into() });
            }
            sso("us_1", SsoMode::Background);
            assert_eq!(displaced().await, None);
            let at = sso("us_2", SsoMode::Automatic).first().unwrap().metadata.at;
            let by = log.state(&helpdesk()).usersource(&"us_2".into()).unwrap().reference();
            assert_eq!(displaced().await, Some(Displaced { by, at }));
            sso("us_1", SsoMode::Background);
            assert_eq!(displaced().await, None);
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn each_audience_has_its_list_and_secrets_stay_sealed_in_it() {
        on_both(async |ground| {
            let log = Log::begun();
            let sealed = Sealed { key: "k1".into(), ciphertext: "c1".into(), fingerprint: "f1".into() };
            let field = Field::setting("secret");
            let fields = [(field.clone(), Some(Setting::Sealed(sealed.clone())))].into();
            log.done(&helpdesk(), Command::ChangeUsersource { id: "us_1".into(), fields });
            let projector = ground.projector().await;
            projector.catch_up(&log, &helpdesk()).await.unwrap();
            for (audience, ids) in [
                (Some(Audience::Users), vec!["dp_users", "us_1", "us_2"]),
                (Some(Audience::Agents), vec!["dp_agents"]),
                (None, vec!["dp_users", "dp_agents", "us_1", "us_2"]),
            ] {
                let (found, _) = list(&projector, &helpdesk(), audience).await.unwrap();
                assert_eq!(found.iter().map(|l| l.usersource.id.as_str()).collect::<Vec<_>>(), ids);
            }
            let (found, version) = by_id(&projector, &helpdesk(), &"us_1".into()).await.unwrap();
            let Some(Setting::Sealed(kept)) = found.unwrap().usersource.fields.get(field.as_str()).cloned() else {
                panic!("not sealed")
            };
            assert_eq!((kept.key, kept.ciphertext), (sealed.key, sealed.ciphertext));
            assert_eq!(by_id(&projector, &helpdesk(), &"us_9".into()).await.unwrap(), (None, version));
            assert_eq!(list(&projector, &"h2".into(), None).await.unwrap(), (Vec::new(), 0));
        })
        .await;
    }
}
