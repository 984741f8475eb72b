//! How long a database may take, and connecting within it.

use super::row::{Row, Secret};
use crate::sign_in::{Denied, Reason, Source};
use futures::future::BoxFuture;
use sqlx::Error;
use std::io::ErrorKind;
use std::time::Duration;
use tokio::time::timeout;

/// How long a server may take to encrypt, and to let the account in.
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

    /// A connection by the library, in time.
    pub(super) async fn connect<C>(self, connecting: BoxFuture<'_, Result<C, Error>>) -> Result<C, Error> {
        within(CONNECT, connecting).await
    }

    /// What must be done before it, in time.
    pub(super) async fn let_in<T>(self, work: impl Future<Output = Result<T, Denied>>) -> Result<T, Denied> {
        let slow = || Denied::new(Reason::Unreachable, "the server did not answer in time");
        timeout(CONNECT, work).await.unwrap_or_else(|_| Err(slow()))
    }

    /// The answer to a question, in time.
    pub(super) async fn ask<T>(self, question: BoxFuture<'_, Result<T, Error>>) -> Result<T, Error> {
        within(self.question, question).await
    }
}

async fn within<T>(time: Duration, work: BoxFuture<'_, Result<T, Error>>) -> Result<T, Error> {
    timeout(time, work).await.unwrap_or_else(|_| Err(Error::Io(ErrorKind::TimedOut.into())))
}
