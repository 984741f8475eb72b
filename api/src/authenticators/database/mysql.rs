//! MySQL and MariaDB: one connection, one transaction that can only read.

use super::failure::denied;
use super::question::{Dialect, Question};
use super::relay::{Judged, Relay};
use super::row::{Row, Secret};
use super::server::{Tls, reach};
use super::{Answer, Limits};
use crate::authenticators::authorities::authorities_pem;
use crate::sign_in::{Denied, Source, Trace};
use futures::FutureExt as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Error, Executor as _};

/// The rows of `login`.
pub(super) async fn ask(source: &Source<'_>, login: &str, limits: Limits, trace: &mut Trace) -> Result<Answer, Denied> {
    let question = Question::new(source, Dialect::MySql)?;
    let places = Dialect::MySql.places(source.text("username_column").is_some());
    let socket = reach(source, trace).await?;
    let relay = Relay::new(socket, "socket", Judged::Amount)?;
    let options = options(source)?.socket(relay.folder().join("socket"));
    let connected = limits.connect(options.connect()).await;
    let mut connection = connected.map_err(|error| denied("No connection", &error, relay.refused(), trace))?;
    let asked = limits.ask(read(&mut connection, &question, login, places, limits).boxed()).await;
    asked.map_err(|error| denied("The question fails", &error, relay.refused(), trace))
}

/// The library encrypts, in the middle of its own greeting; the name that it looks for in the certificate is the host's.
fn options(source: &Source<'_>) -> Result<MySqlConnectOptions, Denied> {
    let options = MySqlConnectOptions::new()
        .host(source.needed("host")?)
        .database(source.needed("database")?)
        .username(source.needed("user")?)
        .password(&source.secret("password")?.unwrap_or_default())
        .statement_cache_capacity(0)
        // Nothing is set that an old server might not know.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .disable_statement_logging();
    Ok(match Tls::of(source)? {
        Tls::Verified => options
            .ssl_mode(MySqlSslMode::VerifyIdentity)
            .ssl_ca_from_pem(authorities_pem(source.text("ca_certificates"))?),
        Tls::Unverified => options.ssl_mode(MySqlSslMode::Required),
        Tls::Off => options.ssl_mode(MySqlSslMode::Disabled),
    })
}

async fn read(
    connection: &mut MySqlConnection,
    question: &Question,
    login: &str,
    places: usize,
    limits: Limits,
) -> Result<Answer, Error> {
    limit(connection, limits).await?;
    let mut transaction = connection.begin_with("START TRANSACTION READ ONLY").await?;
    let people = sqlx::query(&question.people).persistent(false);
    let people = (0..places).fold(people, |people, _| people.bind(login));
    let found = people.fetch_all(&mut *transaction).await?;
    let anybody = sqlx::query(&question.anybody).persistent(false).fetch_optional(&mut *transaction).await?;
    Ok(Answer {
        rows: found.iter().map(Row::read).collect::<Result<_, _>>()?,
        anybody: anybody.as_ref().map(Secret::read).transpose()?.unwrap_or_default(),
    })
}

/// The two have different names for it, and count differently.
async fn limit(connection: &mut MySqlConnection, limits: Limits) -> Result<(), Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").persistent(false).fetch_one(&mut *connection).await?;
    let limit = if version.contains("MariaDB") {
        format!("SET SESSION max_statement_time = {}", limits.question.as_secs())
    } else {
        format!("SET SESSION max_execution_time = {}", limits.question.as_millis())
    };
    connection.execute(limit.as_str()).await.map(drop)
}
