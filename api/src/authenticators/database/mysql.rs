//! MySQL and MariaDB: one connection, one transaction that can only read.

use super::failure::denied;
use super::question::{Dialect, Question};
use super::row::{Row, Secret};
use super::server::{Server, Tls};
use super::{Answer, Limits};
use crate::sign_in::{Denied, Source, Trace};
use futures::FutureExt as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Error, Executor as _};

/// The rows of `login`.
pub(super) async fn ask(source: &Source<'_>, login: &str, limits: Limits, trace: &mut Trace) -> Result<Answer, Denied> {
    let question = Question::new(source, Dialect::MySql)?;
    let places = Dialect::MySql.places(source.text("username_column").is_some());
    let server = Server::of(source).await?;
    let common = options(source, &server)?;
    let options = server.hosts.iter().map(|host| common.clone().host(host)).collect();
    let mut connection = limits.connect(&server, options, trace).await?;
    let asked = limits.ask(read(&mut connection, &question, login, places, limits).boxed()).await;
    let answer = asked.map_err(|error| denied("The question fails", &error, trace))?;
    drop(connection);
    Ok(answer)
}

fn options(source: &Source<'_>, server: &Server) -> Result<MySqlConnectOptions, Denied> {
    let options = MySqlConnectOptions::new()
        .port(server.port)
        .database(source.needed("database")?)
        .username(source.needed("user")?)
        .password(&source.secret("password")?.unwrap_or_default())
        .statement_cache_capacity(0)
        // Nothing is set that an old server might not know.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .disable_statement_logging();
    Ok(match &server.tls {
        Tls::Verified(authorities) => {
            options.ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca_from_pem(authorities.clone())
        }
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
