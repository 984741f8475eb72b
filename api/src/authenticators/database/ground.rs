//! A table of people in each sort of database, for tests: real servers, and a file.

use crate::authenticators::SignIn;
use crate::outbound::{AddressPolicy, Files, Outbound};
use crate::sign_in::fixture::Fixture;
use crate::sign_in::{Denied, Person, Trace};
use domain::Audience;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection as _, Executor as _};
use std::path::PathBuf;
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

/// The password of everybody who has one.
pub(super) const RIGHT: &str = "jörg's secret";

/// One database with people in it.
pub(super) struct Ground {
    pub(super) engine: &'static str,
    settings: Value,
    url: String,
    server: Option<(String, String)>,
    folder: PathBuf,
}

impl Ground {
    pub(super) async fn postgresql() -> Self {
        let server = std::env::var("GATELEDGER_TEST_POSTGRES")
            .expect("GATELEDGER_TEST_POSTGRES must name a PostgreSQL database whose user may create databases");
        Self::on_a_server("postgresql", &server, "127.0.0.1").await
    }

    pub(super) async fn mysql() -> Self {
        Self::on_a_server("mysql", &mariadb().0, "127.0.0.1").await
    }

    pub(super) async fn sqlite() -> Self {
        let name = format!("{}.db", Uuid::new_v4().simple());
        let folder = std::env::temp_dir().join(format!("gateledger-{}", Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.join(&name).display());
        let settings = json!({"engine": "sqlite", "database": name});
        Self { engine: "sqlite", settings, url, server: None, folder }.filled().await
    }

    /// Runs `test` on each of them.
    pub(super) async fn each(test: impl AsyncFn(&Self)) {
        for ground in [Self::sqlite().await, Self::postgresql().await, Self::mysql().await] {
            test(&ground).await;
            ground.end().await;
        }
    }

    async fn on_a_server(engine: &'static str, server: &str, host: &str) -> Self {
        let database = format!("gateledger_{}", Uuid::new_v4().simple());
        run(server, &format!("CREATE DATABASE {database}")).await;
        let mut url = Url::parse(server).unwrap();
        url.set_path(&database);
        let settings = json!({
            "engine": engine, "host": host, "port": url.port().unwrap(), "database": database, "tls": "off",
            "user": url.username(), "password": url.password().unwrap_or("any-secret"),
        });
        let server = Some((server.to_owned(), database));
        Self { engine, settings, url: url.to_string(), server, folder: PathBuf::new() }.filled().await
    }

    async fn filled(self) -> Self {
        self.run(
            "CREATE TABLE people (id INTEGER PRIMARY KEY, email VARCHAR(200), login VARCHAR(100), name VARCHAR(100), \
             hash VARCHAR(300), salt VARCHAR(50))",
        )
        .await;
        let md5 = "d085b8836390cd1517aa7fa28e5f9652";
        self.run(&format!(
            "INSERT INTO people VALUES \
             (1, 'Jane@Example.test', 'Jane', 'Jane Doe', '{md5}', NULL), \
             (2, 'joerg@example.test', 'jörg', 'Jörg Müller', '6a3d62cc43f0c3e98d7e26d5c53f4580', 'pepper'), \
             (3, 'twins@example.test', 'twin1', 'Twin One', '{md5}', NULL), \
             (4, 'TWINS@example.test', 'twin2', 'Twin Two', '{md5}', NULL), \
             (5, 'none@example.test', NULL, 'No Password', NULL, NULL), \
             (6, 'plain@example.test', 'plain', 'Plain Text', 'plain-secret', NULL), \
             (7, 'other@example.test', 'mallory@example.test', 'One', '{md5}', NULL), \
             (8, 'mallory@example.test', 'mallory', 'Another', '{md5}', NULL)"
        ))
        .await;
        self
    }

    /// Runs one statement in this database.
    pub(super) async fn run(&self, statement: &str) {
        run(&self.url, statement).await;
    }

    /// One number from it.
    pub(super) async fn count(&self, table: &str) -> i64 {
        let mut connection = connect(&self.url).await;
        let count = format!("SELECT COUNT(*) FROM {table}");
        sqlx::query_scalar(&count).fetch_one(&mut connection).await.unwrap()
    }

    /// The usual settings, with these changes; null takes one away.
    pub(super) fn settings(&self, changes: Value) -> Value {
        let mut settings = json!({"table": "people", "id_column": "id", "email_column": "email",
            "password_column": "hash", "username_column": "login", "name_column": "name", "salt_column": "salt",
            "hash": "md5"});
        for (name, value) in self.settings.as_object().unwrap().iter().chain(changes.as_object().unwrap()) {
            settings[name] = value.clone();
        }
        settings.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        settings
    }

    /// A usersource with these changes.
    pub(super) fn fixture(&self, changes: Value) -> Fixture {
        let mut fixture = Fixture::new("database", Audience::Users, self.settings(changes));
        let files = Files::new(Some(self.folder.clone()), AddressPolicy::PrivateToo);
        fixture.outbound = Outbound::new(AddressPolicy::PrivateToo).unwrap().with_files(files);
        fixture
    }

    /// What becomes of login and password with these changes.
    pub(super) async fn ask(&self, changes: Value, login: &str, password: &str) -> Result<Option<Person>, Denied> {
        ask(&self.fixture(changes), login, password).await.0
    }

    pub(super) async fn end(self) {
        if let Some((server, database)) = &self.server {
            run(server, &format!("DROP DATABASE {database}")).await;
        } else {
            std::fs::remove_dir_all(&self.folder).unwrap();
        }
    }
}

/// What becomes of login and password, and the trace as text.
pub(super) async fn ask(fixture: &Fixture, login: &str, password: &str) -> (Result<Option<Person>, Denied>, String) {
    let SignIn::Form(kind) = fixture.sign_in() else { panic!("a form kind") };
    let mut trace = Trace::on();
    let answer = kind.ask(&fixture.source(), login, &Zeroizing::new(password.to_owned()), &mut trace).await;
    let trace = serde_json::to_string(&trace.into_steps()).unwrap();
    if let Err(denied) = &answer {
        assert!(!denied.cause.contains(login) && !denied.cause.contains("secret"), "{denied}");
    }
    assert!(!trace.contains("secret") && !trace.contains("d085b8836390"), "{trace}");
    (answer, trace)
}

/// The server's URL, and its authority's certificate as PEM.
pub(super) fn mariadb() -> (String, String) {
    let address = std::env::var("GATELEDGER_TEST_MARIADB")
        .expect("GATELEDGER_TEST_MARIADB must hold what tests/peers/mariadb/start leaves in ROOM/address");
    let (url, authority) = address.trim().split_once(' ').expect("a URL and the path of a certificate");
    (url.to_owned(), std::fs::read_to_string(authority).unwrap())
}

async fn connect(url: &str) -> AnyConnection {
    sqlx::any::install_default_drivers();
    AnyConnection::connect(url).await.unwrap()
}

async fn run(url: &str, statement: &str) {
    let mut connection = connect(url).await;
    connection.execute(statement).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
    connection.close().await.unwrap();
}
