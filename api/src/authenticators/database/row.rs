//! A row of somebody's table, and the person in it.
//!
//! Spec: product rules R30 and R32.
//! Stops: two spellings of one login, each with a lockout counter of its own: what a collation takes for the same is not
//! the same here, letter case of addresses apart.

use super::hash::{Salt, Stored};
use crate::sign_in::{Denied, Person, Reason, Source};
use serde_json::{Map, Value, json};
use sqlx::{ColumnIndex, Decode, Type};
use zeroize::Zeroizing;

/// The longest id, in bytes.
const LONGEST_ID: usize = 255;

/// What the columns hold.
#[derive(Clone, Default)]
pub(super) struct Row {
    pub(super) id: Option<String>,
    pub(super) email: Option<String>,
    pub(super) secret: Secret,
    pub(super) username: Option<String>,
    pub(super) name: Option<String>,
}

/// A hash and its salt, as the columns hold them.
#[derive(Clone, Default)]
pub(super) struct Secret {
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) salt: Option<String>,
}

impl Row {
    /// From a row of a question's `people`.
    pub(super) fn read<'r, R: sqlx::Row>(row: &'r R) -> Result<Self, sqlx::Error>
    where
        usize: ColumnIndex<R>,
        Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    {
        let secret = Secret { password: row.try_get(2).map(kept)?, salt: row.try_get(3)? };
        let (id, email) = (row.try_get(0)?, row.try_get(1)?);
        Ok(Self { id, email, secret, username: row.try_get(4)?, name: row.try_get(5)? })
    }

    /// Whether the login is this row's address or user name.
    pub(super) fn has_login(&self, login: &str) -> bool {
        let by_email = self.email.as_ref().is_some_and(|email| email.to_lowercase() == login.to_lowercase());
        by_email || self.username.as_deref() == Some(login)
    }

    /// Who it is.
    pub(super) fn person(&self, source: &Source<'_>) -> Result<Person, Denied> {
        let id = self.id.as_deref().map(str::trim).filter(|id| !id.is_empty() && id.len() <= LONGEST_ID);
        let id =
            id.ok_or_else(|| Denied::new(Reason::Misconfigured, "the column for the id holds nothing, or too much"))?;
        Ok(Person {
            issuer: source.usersource.id.to_string(),
            subject: id.to_owned(),
            email: self.email.as_deref().and_then(|address| source.email_by_trust(address)),
            name: self.name.as_deref().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned),
            claims: self.claims(source),
        })
    }

    /// The columns by their names, those of password and salt left out.
    fn claims(&self, source: &Source<'_>) -> Map<String, Value> {
        let secret = ["password_column", "salt_column"].map(|setting| source.text(setting));
        [
            ("id_column", &self.id),
            ("email_column", &self.email),
            ("username_column", &self.username),
            ("name_column", &self.name),
        ]
        .into_iter()
        .filter_map(|(setting, value)| Some((source.text(setting)?, value)))
        .filter(|(column, _)| !secret.contains(&Some(*column)))
        .map(|(column, value)| (column.to_owned(), json!(value)))
        .collect()
    }
}

impl Secret {
    /// From a row of a question's `anybody`.
    pub(super) fn read<'r, R: sqlx::Row>(row: &'r R) -> Result<Self, sqlx::Error>
    where
        usize: ColumnIndex<R>,
        Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    {
        Ok(Self { password: row.try_get(0).map(kept)?, salt: row.try_get(1)? })
    }

    /// As it is compared with; without a salt nothing is added.
    pub(super) fn stored(self, source: &Source<'_>) -> Option<Stored> {
        let salt = self.salt.unwrap_or_default();
        let salt = if source.text("salt_position") == Some("after") { Salt::After(salt) } else { Salt::Before(salt) };
        Some(Stored { hash: self.password?, salt })
    }
}

fn kept(password: Option<String>) -> Option<Zeroizing<String>> {
    password.map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::fixture::Fixture;
    use domain::Audience;

    fn jane() -> Row {
        Row {
            id: Some("42".to_owned()),
            email: Some("Jane@Example.test".to_owned()),
            username: Some("Jane".to_owned()),
            name: Some("Jane Doe".to_owned()),
            secret: Secret { password: Some(Zeroizing::new("planted".to_owned())), salt: Some("planted".to_owned()) },
        }
    }

    #[test]
    fn a_login_is_the_address_in_any_case_or_the_user_name_exactly() {
        for login in ["jane@example.test", "JANE@EXAMPLE.TEST", "Jane"] {
            assert!(jane().has_login(login), "{login}");
        }
        for login in ["jane", "jané@example.test", "jane@example.test ", "", "42"] {
            assert!(!jane().has_login(login), "{login}");
        }
        assert!(!Row::default().has_login(""));
    }

    #[test]
    fn r32_claims_are_the_columns_and_never_the_password() {
        let settings = json!({"id_column": "id", "email_column": "mail", "password_column": "hash", "salt_column": "salt",
            "username_column": "login", "name_column": "hash"});
        let fixture = Fixture::new("database", Audience::Users, settings);
        let person = jane().person(&fixture.source()).unwrap();
        assert_eq!(Value::Object(person.claims), json!({"id": "42", "mail": "Jane@Example.test", "login": "Jane"}));
        assert_eq!((person.issuer.as_str(), person.subject.as_str()), ("us_1", "42"));
        for id in [None, Some(" ".to_owned()), Some("x".repeat(256))] {
            let denied = Row { id, ..jane() }.person(&fixture.source()).unwrap_err();
            assert_eq!(denied.reason, Reason::Misconfigured);
        }
    }
}
