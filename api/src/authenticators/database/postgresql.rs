//! PostgreSQL: one connection, one transaction that can only read.
//!
//! Spec: PostgreSQL's protocol 3.0, 55.2.11 (encryption is asked for before anything else is sent).
//! Stops: encryption that is left out on the way; what was slipped in before it (one byte is read, and no more).

use super::failure::denied;
use super::question::{Dialect, Question};
use super::relay::{Judged, Relay};
use super::row::{Row, Secret};
use super::server::{Tls, reach};
use super::{Answer, Limits};
use crate::authenticators::encryption::{Believed, encryption, standing_in_the_way};
use crate::sign_in::{Denied, Reason, Source, Trace};
use futures::FutureExt as _;
use rustls::pki_types::ServerName;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions as _, Connection as _, Error};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Asks for encryption; the answer is `S` or `N`.
const ENCRYPT: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
/// Under this port the library looks for the socket of a server on the same machine.
const PORT: u16 = 5432;

/// The rows of `login`.
pub(super) async fn ask(source: &Source<'_>, login: &str, limits: Limits, trace: &mut Trace) -> Result<Answer, Denied> {
    let question = Question::new(source, Dialect::PostgreSql)?;
    let socket = reach(source, trace).await?;
    let name = format!(".s.PGSQL.{PORT}");
    let relay = match Tls::of(source)? {
        Tls::Off => Relay::new(socket, &name, Judged::PostgreSql)?,
        tls @ (Tls::Verified | Tls::Unverified) => {
            Relay::new(limits.let_in(encrypted(source, socket, tls)).await?, &name, Judged::PostgreSql)?
        }
    };
    let options = options(source)?.socket(relay.folder());
    let connected = limits.connect(options.connect()).await;
    let mut connection = connected.map_err(|error| denied("No connection", &error, relay.refused(), trace))?;
    let asked = limits.ask(read(&mut connection, &question, login, limits).boxed()).await;
    asked.map_err(|error| denied("The question fails", &error, relay.refused(), trace))
}

/// The library adds nothing to the encryption here: it only sees a server on the same machine.
fn options(source: &Source<'_>) -> Result<PgConnectOptions, Denied> {
    Ok(PgConnectOptions::new_without_pgpass()
        .port(PORT)
        .database(source.needed("database")?)
        .username(source.needed("user")?)
        .password(&source.secret("password")?.unwrap_or_default())
        .application_name("gateledger")
        .ssl_mode(PgSslMode::Disable)
        .statement_cache_capacity(0)
        .disable_statement_logging())
}

async fn encrypted(source: &Source<'_>, mut socket: TcpStream, tls: Tls) -> Result<TlsStream<TcpStream>, Denied> {
    let misconfigured = |why: String| Denied::new(Reason::Misconfigured, why);
    let broken = |error: std::io::Error| match standing_in_the_way(&error) {
        Some(why) => Denied::new(Reason::Misconfigured, why),
        None => Denied::new(Reason::Unreachable, format!("no encryption: {}", error.kind())),
    };
    let believed = match tls {
        Tls::Verified => Believed::From(source.text("ca_certificates")),
        Tls::Unverified | Tls::Off => Believed::Any,
    };
    let connector = encryption(believed)?;
    let name = ServerName::try_from(source.needed("host")?.to_owned());
    let name = name.map_err(|_| misconfigured("the host fits no certificate".to_owned()))?;
    socket.write_all(ENCRYPT).await.map_err(broken)?;
    match socket.read_u8().await.map_err(broken)? {
        b'S' => connector.connect(name, socket).await.map_err(broken),
        b'N' => Err(misconfigured("the server does not encrypt".to_owned())),
        _ => Err(Denied::new(Reason::Invalid, "the server's answer is not PostgreSQL's")),
    }
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
