//! Sessions as their sources know them, so that either side can end them (R27).

use super::rows::optional_text;
use super::{Accounts, AccountsError, IdentityKey};
use domain::HelpdeskId;
use sqlx::any::AnyRow;

/// A session as its source knows it, so that either side can end it (R27).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtProvider {
    /// Who said who it is.
    pub issuer: String,
    /// Whom they meant.
    pub subject: String,
    /// The provider's name of its session, if it has one.
    pub index: Option<String>,
    /// What signing out there needs, sealed. Opaque here.
    pub sealed: Option<String>,
}

/// Reads it from a session's row; our own accounts have none.
pub(super) fn at_provider(row: &AnyRow) -> Result<Option<AtProvider>, AccountsError> {
    let (Some(issuer), Some(subject)) = (optional_text(row, "issuer")?, optional_text(row, "subject")?) else {
        return Ok(None);
    };
    let (index, sealed) = (optional_text(row, "provider_index")?, optional_text(row, "provider")?);
    Ok(Some(AtProvider { issuer, subject, index, sealed }))
}

impl Accounts {
    /// Ends the sessions that a source made for somebody, or only those that it calls by one of `indexes`, and says how
    /// many there were.
    pub async fn end_provider_sessions(
        &self,
        helpdesk: &HelpdeskId,
        key: &IdentityKey,
        indexes: &[String],
    ) -> Result<u64, AccountsError> {
        let mut ended = 0;
        // Nobody has many sessions by one name; a source that names none means all.
        for index in indexes.iter().map(Some).chain(indexes.is_empty().then_some(None)) {
            let which = if index.is_some() { " AND provider_index = $5" } else { "" };
            let sql = format!(
                "DELETE FROM sessions WHERE helpdesk = $1 AND usersource = $2 AND issuer = $3 AND subject = $4{which}"
            );
            let mut query = sqlx::query(&sql)
                .bind(helpdesk.as_str())
                .bind(key.usersource.as_str())
                .bind(&key.issuer)
                .bind(&key.subject);
            if let Some(index) = index {
                query = query.bind(index);
            }
            ended += query.execute(&self.db.write).await?.rows_affected();
        }
        Ok(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{Everywhere, at, here, new, session, there};
    use super::super::{Means, NewSession, Role};
    use super::*;
    use domain::Policy;

    #[tokio::test]
    async fn r27_a_source_ends_the_sessions_that_it_made_for_somebody_or_the_one_that_it_names() {
        Everywhere::run(async |accounts| {
            let jane = accounts.create(&new("j@x.test", Role::Agent), None, at(0)).await.unwrap();
            let key = |subject: &str| IdentityKey {
                usersource: "us_1".into(),
                issuer: "https://idp".into(),
                subject: subject.into(),
            };
            for (subject, index) in [("7", "a"), ("7", "b"), ("7", "c"), ("8", "a")] {
                let at_provider = Some(AtProvider {
                    issuer: "https://idp".into(),
                    subject: subject.into(),
                    index: Some(index.into()),
                    sealed: Some("sealed".into()),
                });
                let new = NewSession { at_provider, ..session(&jane, Means::Provider) };
                accounts.open_session(&here(), &new, &Policy::default(), at(0)).await.unwrap();
            }
            let end = async |helpdesk: HelpdeskId, key: IdentityKey, indexes: &[&str]| {
                let indexes: Vec<String> = indexes.iter().map(ToString::to_string).collect();
                accounts.end_provider_sessions(&helpdesk, &key, &indexes).await.unwrap()
            };
            assert_eq!(end(there(), key("7"), &[]).await, 0);
            assert_eq!(end(here(), IdentityKey { usersource: "us_2".into(), ..key("7") }, &[]).await, 0);
            assert_eq!(end(here(), key("7"), &["b", "x"]).await, 1);
            assert_eq!(end(here(), key("7"), &[]).await, 2);
            assert_eq!(
                accounts.sessions_of(&here(), &jane.id, at(1)).await.unwrap().len(),
                1,
                "another person's stays"
            );
        })
        .await;
    }
}
