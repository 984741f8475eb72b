//! What login pages depend on. The entries of the rows are those of the aggregate, and `domain::offer` makes the
//! answer of both.

use crate::batch::{Batch, Cell};
use crate::error::ProjectionError;
use crate::projection::{Projection, place};
use crate::projector::Projector;
use crate::row::Row;
use crate::tables::Table;
use domain::offer::Entry;
use domain::{
    Capabilities, Event, Field, FieldChange, Fields, HelpdeskId, Plain, Recorded, Setting, Silent, UsersourceId,
    UsersourceRef,
};

static OPTIONS: Table = Table {
    name: "login_options",
    key: 2,
    columns: &[
        "helpdesk",
        "id",
        "kind",
        "audience",
        "display",
        "built_in",
        "title",
        "button_text",
        "enabled",
        "sso",
        "silent",
        "silent_field",
        "position",
    ],
};
static FLAGS: Table = Table { name: "login_flags", key: 3, columns: &["helpdesk", "usersource", "field"] };

/// The rows of this read model.
pub struct Rows;

impl Projection for Rows {
    fn name(&self) -> &'static str {
        "login_options"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../migrations/read_models/login_options.sql")
    }

    fn tables(&self) -> &'static [&'static Table] {
        const { &[&OPTIONS, &FLAGS] }
    }

    fn apply(&self, fact: &Recorded, batch: &mut Batch) {
        let key = |id: &UsersourceId| vec![fact.helpdesk.as_str().into(), id.as_str().into()];
        match &fact.event {
            Event::UsersourceInstalled { usersource, capabilities, fields } => {
                let mut row = key(&usersource.id);
                row.extend(installed(usersource, capabilities, fields, place(fact.version, 0)));
                batch.put(&OPTIONS, row);
                flags(fields).for_each(|field| batch.put(&FLAGS, flag(key(&usersource.id), field)));
            }
            Event::UsersourceChanged { usersource, changes } => {
                for change in changes {
                    if is_set(change.after.as_ref()) {
                        batch.put(&FLAGS, flag(key(&usersource.id), &change.field));
                    } else if is_set(change.before.as_ref()) {
                        batch.delete(&FLAGS, flag(key(&usersource.id), &change.field));
                    }
                    if let Some(column) = shown(usersource, change) {
                        batch.set(&OPTIONS, key(&usersource.id), vec![column]);
                    }
                }
            }
            Event::UsersourceEnabled { usersource } => {
                batch.set(&OPTIONS, key(&usersource.id), vec![("enabled", true.into())]);
            }
            Event::UsersourceDisabled { usersource } => {
                batch.set(&OPTIONS, key(&usersource.id), vec![("enabled", false.into())]);
            }
            Event::UsersourceUninstalled { usersource, fields, .. } => {
                batch.delete(&OPTIONS, key(&usersource.id));
                flags(fields).for_each(|field| batch.delete(&FLAGS, flag(key(&usersource.id), field)));
            }
            Event::SsoChanged { usersource, after, .. } => {
                batch.set(&OPTIONS, key(&usersource.id), vec![("sso", after.as_str().into())]);
            }
            Event::OrderChanged { after, .. } => {
                for (index, id) in after.iter().enumerate() {
                    batch.set(&OPTIONS, key(id), vec![("position", place(fact.version, index).into())]);
                }
            }
            Event::HelpdeskCreated { .. }
            | Event::HelpdeskChanged { .. }
            | Event::SessionsEnded { .. }
            | Event::StandingChanged { .. }
            | Event::ProofRecorded { .. }
            | Event::ProofsWithdrawn { .. }
            | Event::PolicyChanged { .. }
            | Event::LockoutAccepted { .. } => {}
        }
    }
}

fn installed(usersource: &UsersourceRef, capabilities: &Capabilities, fields: &Fields, position: i64) -> Vec<Cell> {
    let (silent, silent_field) = match &capabilities.silent {
        Silent::Never => ("never", None),
        Silent::Always => ("always", None),
        Silent::IfSet(field) => ("if_set", Some(field.as_str())),
    };
    vec![
        usersource.kind.as_str().into(),
        usersource.audience.as_str().into(),
        capabilities.display.as_str().into(),
        capabilities.built_in.into(),
        fields.text(Field::TITLE).unwrap_or(&usersource.kind).into(),
        fields.text(Field::BUTTON_TEXT).into(),
        false.into(),
        "off".into(),
        silent.into(),
        silent_field.into(),
        position.into(),
    ]
}

fn is_set(setting: Option<&Setting>) -> bool {
    matches!(setting, Some(Setting::Plain(Plain::Flag(true))))
}

fn flags(fields: &Fields) -> impl Iterator<Item = &Field> {
    fields.iter().filter(|(_, setting)| is_set(Some(setting))).map(|(field, _)| field)
}

fn flag(mut key: Vec<Cell>, field: &Field) -> Vec<Cell> {
    key.push(field.as_str().into());
    key
}

/// The column that this change shows in, if it does. Without a title, the kind stands for it.
fn shown(usersource: &UsersourceRef, change: &FieldChange) -> Option<(&'static str, Cell)> {
    let text = match &change.after {
        Some(Setting::Plain(Plain::Text(text))) => Some(text.as_str()),
        _ => None,
    };
    match change.field.as_str() {
        Field::TITLE => Some(("title", text.unwrap_or(&usersource.kind).into())),
        Field::BUTTON_TEXT => Some(("button_text", text.into())),
        _ => None,
    }
}

/// What the login pages of `helpdesk` depend on, in the admins' order, and the version at which it is so.
pub async fn entries(projector: &Projector, helpdesk: &HelpdeskId) -> Result<(Vec<Entry>, u64), ProjectionError> {
    // One statement, so that rows and version belong together.
    let sql = "SELECT c.sequence, o.id, o.kind, o.audience, o.display, o.built_in, o.title, o.button_text, o.enabled, \
                      o.sso, o.silent, f.field \
               FROM {checkpoint} c \
               LEFT JOIN {login_options} o ON o.helpdesk = c.helpdesk \
               LEFT JOIN {login_flags} f \
                    ON f.helpdesk = o.helpdesk AND f.usersource = o.id AND f.field = o.silent_field \
               WHERE c.helpdesk = $1 ORDER BY o.position";
    let rows = projector.fetch(sql, vec![helpdesk.as_str().into()]).await?;
    let version = rows.first().map_or(Ok(0), |row| row.version("sequence"))?;
    let entries = rows.iter().filter_map(|row| entry(row).transpose()).collect::<Result<_, _>>()?;
    Ok((entries, version))
}

fn entry(row: &Row) -> Result<Option<Entry>, ProjectionError> {
    let Some(id) = row.maybe_text("id")? else { return Ok(None) };
    Ok(Some(Entry {
        id: UsersourceId::new(id),
        kind: row.text("kind")?,
        audience: row.word("audience")?,
        display: row.word("display")?,
        built_in: row.flag("built_in")?,
        title: row.text("title")?,
        button_text: row.maybe_text("button_text")?,
        enabled: row.flag("enabled")?,
        sso: row.word("sso")?,
        silent: row.text("silent")? == "always" || row.maybe_text("field")?.is_some(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Log, helpdesk, on_both};
    use domain::{Audience, Command};

    fn change(field: &str, value: Option<Setting>) -> Command {
        Command::ChangeUsersource { id: "us_1".into(), fields: [(Field::new(field), value)].into() }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r25_a_flag_that_decides_silence_is_followed_through_every_change() {
        on_both(async |ground| {
            let log = Log::begun();
            let projector = ground.projector().await;
            let again = Command::InstallUsersource {
                id: "us_1".into(),
                kind: "saml".into(),
                audience: Audience::Agents,
                fields: Fields::default(),
            };
            let passive = "settings.passive";
            for (command, silent) in [
                (change(passive, Some(Setting::flag(true))), Some(true)),
                (change(passive, Some(Setting::flag(false))), Some(false)),
                (change(passive, Some(Setting::flag(true))), Some(true)),
                (change(passive, None), Some(false)),
                (change("settings.other", Some(Setting::flag(true))), Some(false)),
                (change(passive, Some(Setting::flag(true))), Some(true)),
                (Command::UninstallUsersource { id: "us_1".into() }, None),
                (again, Some(false)),
            ] {
                log.done(&helpdesk(), command.clone());
                let reached = projector.catch_up(&log, &helpdesk()).await.unwrap();
                let (seen, version) = entries(&projector, &helpdesk()).await.unwrap();
                assert_eq!(version, reached);
                assert_eq!(seen.iter().find(|e| e.id.as_str() == "us_1").map(|e| e.silent), silent, "{command:?}");
                assert_eq!(seen, log.state(&helpdesk()).entries());
            }
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn without_a_title_the_kind_stands_for_it() {
        on_both(async |ground| {
            let log = Log::begun();
            let projector = ground.projector().await;
            let text = |text: &str| Some(Setting::text(text));
            log.done(&helpdesk(), change(Field::BUTTON_TEXT, text("Enter")));
            for (title, seen) in [(text("Staff"), "Staff"), (None, "saml")] {
                log.done(&helpdesk(), change(Field::TITLE, title));
                projector.catch_up(&log, &helpdesk()).await.unwrap();
                let (all, _) = entries(&projector, &helpdesk()).await.unwrap();
                let one = all.iter().find(|e| e.id.as_str() == "us_1").unwrap();
                assert_eq!(one.title, seen);
                assert_eq!(one.button_text.as_deref(), Some("Enter"));
            }
            assert_eq!(entries(&projector, &"h2".into()).await.unwrap(), (Vec::new(), 0));
        })
        .await;
    }
}
