//! How long a database may take, and connecting within it.

use super::failure::denied;
use super::row::{Row, Secret};
use super::server::Server;
use crate::sign_in::{Denied, Reason, Source, Trace};
use futures::future::BoxFuture;
use serde_json::json;
use sqlx::{ConnectOptions, Error};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::time::timeout;

/// How long one address may take until the account is let in.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a question may take, if nothing else was set, in seconds.
const QUESTION: i64 = 5;

/// What a question may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// From the question to the last row.
    pub(super) question: Duration,
}

/// The rows that a login found, and a hash to work on where it found none.
pub(super) struct Answer {
    pub(super) rows: Vec<Row>,
    pub(super) anybody: Secret,
}

impl Limits {
    /// As the settings of `source` say.
    pub(super) fn of(source: &Source<'_>) -> Self {
        let seconds = source.number("timeout_seconds").unwrap_or(QUESTION).clamp(1, 8);
        Self { question: Duration::from_secs(seconds.unsigned_abs()) }
    }

    /// A connection to the first of the server's addresses that takes one, each with its `options`.
    pub(super) async fn connect<O: ConnectOptions<Connection: Sized>>(
        self,
        server: &Server,
        options: Vec<O>,
        trace: &mut Trace,
    ) -> Result<O::Connection, Denied> {
        let mut why = Denied::new(Reason::Unreachable, "the server has no address");
        for (host, options) in server.hosts.iter().zip(options) {
            match within(CONNECT, options.connect()).await {
                Ok(connection) => {
                    trace.note("Connected", || json!({"server": host, "port": server.port}));
                    return Ok(connection);
                }
                Err(error) => why = denied("No connection", &error, trace),
            }
            if why.reason != Reason::Unreachable {
                break;
            }
        }
        Err(why)
    }

    /// The answer to a question, in time.
    pub(super) async fn ask<T>(self, question: BoxFuture<'_, Result<T, Error>>) -> Result<T, Error> {
        within(self.question, question).await
    }
}

async fn within<T>(time: Duration, work: BoxFuture<'_, Result<T, Error>>) -> Result<T, Error> {
    timeout(time, work).await.unwrap_or_else(|_| Err(Error::Io(ErrorKind::TimedOut.into())))
}
