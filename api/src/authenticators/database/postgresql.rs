//! PostgreSQL: one connection, one transaction that can only read.

use super::failure::denied;
use super::question::{Dialect, Question};
use super::row::{Row, Secret};
use super::server::{Server, Tls};
use super::{Answer, Limits};
use crate::sign_in::{Denied, Source, Trace};
use futures::FutureExt as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Error};

/// The rows of `login`.
pub(super) async fn ask(source: &Source<'_>, login: &str, limits: Limits, trace: &mut Trace) -> Result<Answer, Denied> {
    let question = Question::new(source, Dialect::PostgreSql)?;
    let server = Server::of(source).await?;
    let common = options(source, &server)?;
    let options = server.hosts.iter().map(|host| common.clone().host(host)).collect();
    let mut connection = limits.connect(&server, options, trace).await?;
    let asked = limits.ask(read(&mut connection, &question, login, limits).boxed()).await;
    let answer = asked.map_err(|error| denied("The question fails", &error, trace))?;
    // Gone without a word is gone as well; nobody waits for it.
    drop(connection);
    Ok(answer)
}

fn options(source: &Source<'_>, server: &Server) -> Result<PgConnectOptions, Denied> {
    let options = PgConnectOptions::new_without_pgpass()
        .port(server.port)
        .database(source.needed("database")?)
        .username(source.needed("user")?)
        .password(&source.secret("password")?.unwrap_or_default())
        .application_name("gateledger")
        .statement_cache_capacity(0)
        .disable_statement_logging();
    Ok(match &server.tls {
        Tls::Verified(authorities) => {
            options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert_from_pem(authorities.clone())
        }
        Tls::Unverified => options.ssl_mode(PgSslMode::Require),
        Tls::Off => options.ssl_mode(PgSslMode::Disable),
    })
}

async fn read(
    connection: &mut PgConnection,
    question: &Question,
    login: &str,
    limits: Limits,
) -> Result<Answer, Error> {
    let mut transaction = connection.begin_with("BEGIN TRANSACTION READ ONLY").await?;
    let limit = format!("SET LOCAL statement_timeout = {}", limits.question.as_millis());
    sqlx::query(&limit).persistent(false).execute(&mut *transaction).await?;
    let found = sqlx::query(&question.people).bind(login).persistent(false).fetch_all(&mut *transaction).await?;
    let anybody = sqlx::query(&question.anybody).persistent(false).fetch_optional(&mut *transaction).await?;
    Ok(Answer {
        rows: found.iter().map(Row::read).collect::<Result<_, _>>()?,
        anybody: anybody.as_ref().map(Secret::read).transpose()?.unwrap_or_default(),
    })
}
