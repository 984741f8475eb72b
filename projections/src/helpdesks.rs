//! Which helpdesks there are, and whose a host is (R0).

use crate::batch::{Batch, Cell};
use crate::error::ProjectionError;
use crate::projection::Projection;
use crate::projector::Projector;
use crate::row::Row;
use crate::tables::Table;
use domain::{Event, HelpdeskId, Plain, Recorded, Setting, Timestamp};

static HELPDESKS: Table = Table { name: "helpdesks", key: 1, columns: &["id", "name", "url", "host", "url_since"] };

/// The rows of this read model.
pub struct Rows;

impl Projection for Rows {
    fn name(&self) -> &'static str {
        "helpdesks"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        include_str!("../../migrations/read_models/helpdesks.sql")
    }

    fn tables(&self) -> &'static [&'static Table] {
        const { &[&HELPDESKS] }
    }

    fn apply(&self, fact: &Recorded, batch: &mut Batch) {
        let id = || fact.helpdesk.as_str().into();
        let since = fact.metadata.at.millis();
        match &fact.event {
            Event::HelpdeskCreated { name, url } => {
                let host = url.as_deref().map(host);
                batch.put(
                    &HELPDESKS,
                    vec![id(), name.as_str().into(), url.as_deref().into(), host.into(), since.into()],
                );
            }
            Event::HelpdeskChanged { changes } => {
                for change in changes {
                    let columns: Vec<(&'static str, Cell)> = match (change.field.as_str(), &change.after) {
                        ("name", Some(Setting::Plain(Plain::Text(name)))) => vec![("name", name.as_str().into())],
                        ("url", Some(Setting::Plain(Plain::Text(url)))) => {
                            vec![("url", url.as_str().into()), ("host", host(url).into()), ("url_since", since.into())]
                        }
                        ("url", None) => vec![("url", None::<&str>.into()), ("host", None::<&str>.into())],
                        _ => Vec::new(),
                    };
                    batch.set(&HELPDESKS, vec![id()], columns);
                }
            }
            Event::UsersourceInstalled { .. }
            | Event::UsersourceChanged { .. }
            | Event::UsersourceEnabled { .. }
            | Event::UsersourceDisabled { .. }
            | Event::UsersourceUninstalled { .. }
            | Event::SsoChanged { .. }
            | Event::OrderChanged { .. }
            | Event::SessionsEnded { .. }
            | Event::StandingChanged { .. }
            | Event::ProofRecorded { .. }
            | Event::ProofsWithdrawn { .. }
            | Event::PolicyChanged { .. }
            | Event::LockoutAccepted { .. } => {}
        }
    }
}

/// What a browser puts into the Host header for `url`, which is an origin: without the scheme's own port.
fn host(url: &str) -> &str {
    let own = [("https://", ":443"), ("http://", ":80")];
    own.iter()
        .find_map(|(scheme, port)| url.strip_prefix(scheme).map(|rest| rest.strip_suffix(port).unwrap_or(rest)))
        .unwrap_or(url)
}

/// One helpdesk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helpdesk {
    /// Its id.
    pub id: HelpdeskId,
    /// What it is called.
    pub name: String,
    /// Its own URL, if it was given one.
    pub url: Option<String>,
    /// Since when it has that URL: of two with one host, the one that had it first has it.
    pub url_since: Timestamp,
}

fn helpdesk(row: &Row) -> Result<Helpdesk, ProjectionError> {
    Ok(Helpdesk {
        id: HelpdeskId::new(row.text("id")?),
        name: row.text("name")?,
        url: row.maybe_text("url")?,
        url_since: Timestamp::from_millis(row.number("url_since")?),
    })
}

const COLUMNS: &str = "SELECT id, name, url, url_since FROM {helpdesks}";

/// The helpdesk that holds the host of this URL, however it is spelt: another scheme or the scheme's own port is no
/// other host. Of two that claim a host, the one that had it first.
pub async fn by_url(projector: &Projector, url: &str) -> Result<Option<Helpdesk>, ProjectionError> {
    let sql = format!("{COLUMNS} WHERE host = $1 ORDER BY url_since, id LIMIT 1");
    projector.fetch(&sql, vec![host(url).into()]).await?.first().map(helpdesk).transpose()
}

/// The helpdesk with this id.
pub async fn by_id(projector: &Projector, id: &HelpdeskId) -> Result<Option<Helpdesk>, ProjectionError> {
    let sql = format!("{COLUMNS} WHERE id = $1");
    projector.fetch(&sql, vec![id.as_str().into()]).await?.first().map(helpdesk).transpose()
}

/// At most `limit` helpdesks after `after`, in the order of their ids.
pub async fn list(
    projector: &Projector,
    after: Option<&HelpdeskId>,
    limit: u32,
) -> Result<Vec<Helpdesk>, ProjectionError> {
    let sql = format!("{COLUMNS} WHERE id > $1 ORDER BY id LIMIT $2");
    let after = after.map_or("", HelpdeskId::as_str);
    let rows = projector.fetch(&sql, vec![after.into(), i64::from(limit).into()]).await?;
    rows.iter().map(helpdesk).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Log, helpdesk, on_both};
    use domain::{Command, Field};

    fn url(url: Option<&str>) -> Command {
        Command::ChangeHelpdesk { fields: [(Field::new("url"), url.map(Setting::text))].into() }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn r0_a_host_belongs_to_whoever_claimed_it_first_however_it_is_spelt() {
        on_both(async |ground| {
            let log = Log::begun();
            let projector = ground.projector().await;
            let whose = async |host: &str| {
                projector.catch_up_all(&log).await.unwrap();
                by_url(&projector, &format!("https://{host}")).await.unwrap().map(|found| found.id)
            };
            assert_eq!(whose("help.example").await, None, "nobody has a URL yet");
            log.done(&helpdesk(), url(Some("https://help.example:443")));
            assert_eq!(whose("help.example").await, Some(helpdesk()));
            for wrong in ["anything", "help.example:8443", "xhelp.example"] {
                assert_eq!(whose(wrong).await, None, "{wrong}");
            }
            let other = HelpdeskId::from("a");
            log.begin(&other);
            (0..9).for_each(|n| drop(log.done(&other, url(Some(&format!("https://a{n}.example"))))));
            log.done(&other, url(Some("https://help.example")));
            assert_eq!(whose("help.example").await, Some(helpdesk()), "the first claim stands");
            for spelt in ["https://help.example", "http://help.example", "https://help.example:443"] {
                assert_eq!(by_url(&projector, spelt).await.unwrap().unwrap().id, helpdesk(), "{spelt}");
            }
            assert_eq!(by_url(&projector, "https://help.example:8443").await.unwrap(), None);
            log.done(&helpdesk(), url(None));
            assert_eq!(whose("help.example").await, Some(other.clone()));
            let all = list(&projector, None, 9).await.unwrap();
            assert_eq!(all.iter().map(|h| h.id.as_str()).collect::<Vec<_>>(), ["a", "default"]);
            assert_eq!(list(&projector, Some(&other), 9).await.unwrap(), all.get(1..).unwrap());
            assert_eq!(by_id(&projector, &other).await.unwrap().as_ref(), all.first());
        })
        .await;
    }
}
