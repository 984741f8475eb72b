//! `database`: a table with logins and password hashes in somebody's own database.
//!
//! Stops: a SQLite "database" that is any file of the host: it is named inside one folder and never by a path.

mod ask;
mod failure;
mod hash;
mod limits;
mod mysql;
mod postgresql;
mod question;
mod relay;
mod row;
mod server;
mod sqlite;

#[cfg(test)]
mod faults;
#[cfg(test)]
mod fronts;
#[cfg(test)]
mod ground;

use super::every::{TRUST, check_trust, invalid, required};
use super::{Authenticator, FieldSpec, FieldType, SignIn, Unset};
use domain::{Capabilities, Display, Fault, Fields, Silent};
use limits::{Answer, Limits};

/// The kind.
pub(super) struct Database;

const ENGINE: &str = "settings.engine";
const DATABASE: &str = "settings.database";
const HASH: &str = "settings.hash";
const SALT_COLUMN: &str = "settings.salt_column";
const ON_A_SERVER: &str = "the engine is postgresql or mysql";

/// What only a database on a server needs.
const SERVER_ONLY: [&str; 5] = ["settings.host", "settings.port", "settings.user", "settings.password", "settings.tls"];

const CONNECTION: &[FieldSpec] = &[
    FieldSpec::new(
        ENGINE,
        "Engine",
        FieldType::Choice(&["postgresql", "mysql", "sqlite"]),
        "What kind of database it is; mysql is MariaDB as well.",
    )
    .required(),
    FieldSpec::new("settings.host", "Host", FieldType::Host, "The name or address of the server.")
        .required_if(ON_A_SERVER),
    FieldSpec::new(
        "settings.port",
        "Port",
        FieldType::Integer(1, 65_535),
        "The server's port: usually 5432 for PostgreSQL and 3306 for MySQL.",
    )
    .required_if(ON_A_SERVER),
    FieldSpec::new(
        DATABASE,
        "Database",
        FieldType::Text(128),
        "The name of the database; for SQLite the name of a file in the folder that the operator opened for it.",
    )
    .required(),
    FieldSpec::new(
        "settings.user",
        "User",
        FieldType::Text(128),
        "The account that reads the table. It needs no right to write.",
    )
    .required_if(ON_A_SERVER),
    FieldSpec::new("settings.password", "Password", FieldType::Secret(1, 1024), "That account's password.")
        .goes_to(&["settings.host", "settings.port"])
        .required_if(ON_A_SERVER),
    FieldSpec::new(
        "settings.tls",
        "TLS",
        FieldType::Choice(&["verify", "unverified", "off"]),
        "Whether the connection is encrypted and the server's certificate checked.",
    )
    .required_if(ON_A_SERVER)
    .risky(&["unverified", "off"], "tls_not_verified", "Anybody on the way can stand in for the server."),
    FieldSpec::new(
        "settings.ca_certificates",
        "Certificates of the authority",
        FieldType::Certificates,
        "The certificates that the server's own is checked against, as PEM. Leave it out for the system's authorities.",
    ),
    FieldSpec::new(
        "settings.timeout_seconds",
        "Time-out",
        FieldType::Integer(1, 8),
        "So many seconds may a question take before it counts as failed.",
    )
    .unset_is(Unset::Number(5)),
    FieldSpec::new(
        "settings.max_connections",
        "Most connections",
        FieldType::Integer(1, 20),
        "So many connections are open at once, at most.",
    )
    .unset_is(Unset::Number(4)),
];

const TABLE: &[FieldSpec] = &[
    FieldSpec::new(
        "settings.table",
        "Table",
        FieldType::Table,
        "The table or view with the people, with its schema if it is not the usual one.",
    )
    .required(),
    FieldSpec::new(
        "settings.id_column",
        "Column for the id",
        FieldType::Identifier,
        "What identifies a person for good, whatever else changes.",
    )
    .required(),
    FieldSpec::new(
        "settings.email_column",
        "Column for the e-mail address",
        FieldType::Identifier,
        "The address; people may sign in with it.",
    )
    .required(),
    FieldSpec::new(
        "settings.password_column",
        "Column for the password",
        FieldType::Identifier,
        "The hash of the password.",
    )
    .required(),
    FieldSpec::new(
        "settings.username_column",
        "Column for the user name",
        FieldType::Identifier,
        "If it is set, people may sign in with their user name too.",
    ),
    FieldSpec::new("settings.name_column", "Column for the name", FieldType::Identifier, "The name to show."),
    FieldSpec::new(
        HASH,
        "Hash",
        FieldType::Choice(&["argon2", "bcrypt", "scrypt", "pbkdf2", "sha512-crypt", "phpass", "sha256", "sha1", "md5"]),
        "How the passwords are hashed. Passwords in plain text are not supported.",
    )
    .required()
    .risky(
        &["sha256", "sha1", "md5"],
        "weak_hash",
        "Whoever copies the table finds most passwords in a day; move to a slow hash.",
    ),
    FieldSpec::new(
        SALT_COLUMN,
        "Column for the salt",
        FieldType::Identifier,
        "Only with sha256, sha1 and md5; the other hashes hold their salt.",
    ),
    FieldSpec::new(
        "settings.salt_position",
        "Position of the salt",
        FieldType::Choice(&["before", "after"]),
        "Whether the salt stands before the password or after it.",
    )
    .unset_is(Unset::Text("before")),
];

impl Authenticator for Database {
    fn slug(&self) -> &'static str {
        "database"
    }

    fn label(&self) -> &'static str {
        "Database"
    }

    fn summary(&self) -> &'static str {
        "The login form checks a table in PostgreSQL, MySQL, MariaDB or SQLite."
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { display: Display::Form, sso: false, silent: Silent::Never, built_in: false }
    }

    fn settings(&self) -> &'static [&'static [FieldSpec]] {
        &[CONNECTION, TABLE, TRUST]
    }

    fn check(&self, fields: &Fields) -> Vec<Fault> {
        let mut faults = check_trust(fields);
        match fields.text(ENGINE) {
            Some("sqlite") if fields.text(DATABASE).is_some_and(|name| !is_file_name(name)) => {
                let detail = "give the name of a file in the operator's folder: letters, digits, ., _ and -, no path";
                faults.push(invalid(DATABASE, detail));
            }
            Some("sqlite") | None => {}
            Some(_) => {
                let absent = SERVER_ONLY.iter().filter(|name| fields.get(name).is_none());
                faults.extend(absent.map(|name| required(name, "a database on a server needs this")));
            }
        }
        if fields.get(SALT_COLUMN).is_some() && !matches!(fields.text(HASH), None | Some("sha256" | "sha1" | "md5")) {
            faults.push(invalid(SALT_COLUMN, "this hash holds its salt; leave the column out"));
        }
        faults
    }

    fn sign_in(&self) -> SignIn {
        SignIn::Form(&Self)
    }

    #[cfg(test)]
    fn sample(&self) -> serde_json::Value {
        serde_json::json!({"title": "Shop", "settings": {
            "engine": "postgresql", "host": "db.example.com", "port": 5432, "database": "shop", "user": "helpdesk",
            "password": "sample-secret", "tls": "verify", "table": "public.customers", "id_column": "id",
            "email_column": "email", "password_column": "password", "username_column": "login", "hash": "sha1",
            "salt_column": "salt", "salt_position": "after",
        }})
    }
}

fn is_file_name(name: &str) -> bool {
    !name.starts_with('.') && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{Field, Setting};

    fn faults(values: &[(&str, &str)]) -> Vec<String> {
        let fields = values.iter().map(|(name, value)| (Field::new(*name), Setting::text(*value))).collect();
        Database.check(&fields).into_iter().map(|fault| format!("{} {}", fault.field, fault.code)).collect()
    }

    #[test]
    fn r4_a_database_on_a_server_needs_what_a_file_does_not() {
        assert_eq!(faults(&[(ENGINE, "mysql")]), SERVER_ONLY.map(|name| format!("{name} required")));
        assert!(faults(&[(ENGINE, "sqlite"), (DATABASE, "shop.sqlite3")]).is_empty());
    }

    #[test]
    fn a_sqlite_file_is_never_named_by_a_path() {
        for name in ["/etc/passwd", "../gateledger.sqlite", "a/b", "..", ".hidden", "a\\b", "file:x?mode=rw"] {
            assert_eq!(faults(&[(ENGINE, "sqlite"), (DATABASE, name)]), ["settings.database invalid"], "{name}");
        }
    }

    #[test]
    fn only_a_hash_without_salt_takes_a_salt_column() {
        assert!(faults(&[(HASH, "md5"), (SALT_COLUMN, "salt")]).is_empty());
        assert_eq!(faults(&[(HASH, "bcrypt"), (SALT_COLUMN, "salt")]), ["settings.salt_column invalid"]);
    }
}
