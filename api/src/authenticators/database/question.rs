//! What somebody's database is asked: two statements made of quoted names and one bound login.
//!
//! Spec: SQL:2016, 5.2 (delimited identifiers); MySQL's backquotes.
//! Stops: a login that is read as SQL (it is bound, never spliced), and a name of a table or column that is more than a
//! name.

use crate::sign_in::{Denied, Source};

/// So many rows are read at most: collations may take several texts for the same, and the exact one is chosen here.
const MOST_ROWS: u8 = 10;

/// How a sort of database writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    PostgreSql,
    MySql,
    Sqlite,
}

/// The statements.
pub(super) struct Question {
    /// The rows of the login, which is bound once for each place; see [`Dialect::places`]. Columns: id, e-mail, password,
    /// salt, user name, name; null where none is set.
    pub(super) people: String,
    /// The password and the salt of somebody.
    pub(super) anybody: String,
}

impl Dialect {
    /// How often the login is bound.
    pub(super) fn places(self, has_username: bool) -> usize {
        if self == Self::MySql && has_username { 2 } else { 1 }
    }

    fn quote(self, name: &str) -> String {
        let mark = if self == Self::MySql { '`' } else { '"' };
        let mut quoted = String::from(mark);
        for character in name.chars().filter(|character| *character != '\0') {
            if character == mark {
                quoted.push(mark);
            }
            quoted.push(character);
        }
        quoted.push(mark);
        quoted
    }

    fn quote_path(self, path: &str) -> String {
        path.split('.').map(|part| self.quote(part)).collect::<Vec<_>>().join(".")
    }

    /// Numbers, UUIDs, padded and binary texts alike.
    fn as_text(self, column: &str) -> String {
        match self {
            Self::PostgreSql => format!("{column}::text"),
            Self::MySql => format!("CONVERT({column} USING utf8mb4)"),
            Self::Sqlite => format!("CAST({column} AS TEXT)"),
        }
    }

    fn equals(self, left: &str, right: &str) -> String {
        // Whatever collation the column has: accents and letter case count.
        let collation = if self == Self::MySql { " COLLATE utf8mb4_bin" } else { "" };
        format!("{left}{collation} = {right}")
    }

    fn place(self) -> &'static str {
        match self {
            Self::PostgreSql => "$1",
            Self::MySql => "?",
            Self::Sqlite => "?1",
        }
    }
}

impl Question {
    /// What the settings of `source` ask.
    pub(super) fn new(source: &Source<'_>, dialect: Dialect) -> Result<Self, Denied> {
        // Behind its table's name: SQLite takes a name in quotes that is no column for a text, the same in every row.
        let text = |name: &str| dialect.as_text(&format!("person.{}", dialect.quote(name)));
        let or_null = |setting: &str| match source.text(setting) {
            Some(name) => text(name),
            None => dialect.as_text("NULL"),
        };
        let table = format!("{} AS person", dialect.quote_path(source.needed("table")?));
        let id = text(source.needed("id_column")?);
        let email = text(source.needed("email_column")?);
        let password = text(source.needed("password_column")?);
        let (salt, username, name) = (or_null("salt_column"), or_null("username_column"), or_null("name_column"));
        let place = dialect.place();
        let mut found = dialect.equals(&format!("LOWER({email})"), &format!("LOWER({place})"));
        if source.text("username_column").is_some() {
            found = format!("{found} OR {}", dialect.equals(&username, place));
        }
        Ok(Self {
            people: format!(
                "SELECT {id}, {email}, {password}, {salt}, {username}, {name} FROM {table} WHERE {found} LIMIT {MOST_ROWS}"
            ),
            anybody: format!("SELECT {password}, {salt} FROM {table} WHERE {password} <> '' LIMIT 1"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::fixture::Fixture;
    use domain::Audience;
    use proptest::prelude::*;
    use serde_json::json;
    use sqlx::{Connection as _, Row as _, SqliteConnection};

    fn question(settings: serde_json::Value, dialect: Dialect) -> Question {
        Question::new(&Fixture::new("database", Audience::Users, settings).source(), dialect).unwrap()
    }

    #[test]
    fn each_dialect_quotes_its_names_and_binds_the_login() {
        let settings = json!({"table": "shop.people", "id_column": "id", "email_column": "e-mail",
            "password_column": "hash", "username_column": "login", "salt_column": "salt"});
        let postgresql = question(settings.clone(), Dialect::PostgreSql);
        assert_eq!(
            postgresql.people,
            "SELECT person.\"id\"::text, person.\"e-mail\"::text, person.\"hash\"::text, person.\"salt\"::text, \
             person.\"login\"::text, NULL::text FROM \"shop\".\"people\" AS person \
             WHERE LOWER(person.\"e-mail\"::text) = LOWER($1) OR person.\"login\"::text = $1 LIMIT 10"
        );
        assert_eq!(
            postgresql.anybody,
            "SELECT person.\"hash\"::text, person.\"salt\"::text FROM \"shop\".\"people\" AS person \
             WHERE person.\"hash\"::text <> '' LIMIT 1"
        );
        let mysql = question(settings.clone(), Dialect::MySql).people;
        assert!(mysql.contains("FROM `shop`.`people` AS person WHERE "), "{mysql}");
        assert!(
            mysql.contains("LOWER(CONVERT(person.`e-mail` USING utf8mb4)) COLLATE utf8mb4_bin = LOWER(?)"),
            "{mysql}"
        );
        assert_eq!((Dialect::MySql.places(true), Dialect::MySql.places(false), mysql.matches('?').count()), (2, 1, 2));
        assert!(question(settings, Dialect::Sqlite).people.contains("OR CAST(person.\"login\" AS TEXT) = ?1"));
    }

    proptest! {
        /// Whatever a name is, it is one name: a table and a column of that name are made, filled and read.
        #[test]
        fn a_quoted_name_is_one_name(name in "[^\0]{1,20}") {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut memory = SqliteConnection::connect("sqlite::memory:").await.unwrap();
                let quoted = Dialect::Sqlite.quote(&name);
                // SQLite keeps names that begin so for itself.
                let table = Dialect::Sqlite.quote(&format!("t{name}"));
                sqlx::query(&format!("CREATE TABLE {table} ({quoted} TEXT)")).execute(&mut memory).await.unwrap();
                sqlx::query(&format!("INSERT INTO {table} ({quoted}) VALUES ('x')")).execute(&mut memory).await.unwrap();
                let row = sqlx::query(&format!("SELECT {quoted} FROM {table}")).fetch_one(&mut memory).await.unwrap();
                assert_eq!(row.get::<String, _>(0), "x");
            });
        }

        /// Inside the marks there is no single mark, which would end the name.
        #[test]
        fn a_quoted_name_ends_where_its_last_mark_is(name in any::<String>()) {
            for (dialect, mark) in [(Dialect::PostgreSql, '"'), (Dialect::Sqlite, '"'), (Dialect::MySql, '`')] {
                let quoted = dialect.quote(&name);
                let inner = quoted.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark)).unwrap();
                let doubled: String = [mark, mark].iter().collect();
                prop_assert!(!inner.replace(&doubled, "").contains(mark));
                prop_assert_eq!(inner.replace(&doubled, &mark.to_string()), name.replace('\0', ""));
            }
        }
    }
}
