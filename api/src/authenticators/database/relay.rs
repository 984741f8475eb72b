//! The client library speaks with a database server through a socket of this service's own.
//!
//! It takes no connection that exists already, so it is told of a socket in a folder that this service's user alone may
//! enter.
//! Stops: a server that announces a message of gigabytes, for which the library would make room at once, or sends them;
//! and another address than the one that was judged: the library connects to nothing itself.

use crate::authenticators::judged::{Most, Unfit, carry};
use crate::sign_in::{Denied, Reason};
use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::task::JoinSet;
use uuid::Uuid;

/// So many bytes a server may send in one sign-in: a greeting, a few rows, and its certificate.
const MOST: Most = Most { bytes: 4_194_304, messages: 10_000 };
/// The longest message of PostgreSQL, in bytes.
const LONGEST: usize = 1_048_576;

/// The way to a server, until it is dropped.
pub(super) struct Relay {
    folder: PathBuf,
    refused: Arc<AtomicBool>,
    task: JoinSet<()>,
}

/// What is judged of what a server sends.
pub(super) enum Judged {
    /// The length of each message.
    PostgreSql,
    /// Only how much it is: a message of MySQL has 16 megabytes at most, and may be encrypted.
    Amount,
}

impl Relay {
    /// The way to the server at the other end of `socket`; the library finds it under `name` in the folder.
    pub(super) fn new<S>(socket: S, name: &str, judged: Judged) -> Result<Self, Denied>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        Self::made(socket, name, judged).map_err(|error| {
            let cause =
                format!("this service cannot make a socket in its folder for temporary files: {}", error.kind());
            Denied::new(Reason::Unreachable, cause)
        })
    }

    fn made<S>(socket: S, name: &str, judged: Judged) -> io::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let folder = std::env::temp_dir().join(format!("gateledger-{}", Uuid::new_v4().simple()));
        DirBuilder::new().mode(0o700).create(&folder)?;
        let refused = Arc::new(AtomicBool::new(false));
        let mut relay = Self { folder, refused: Arc::clone(&refused), task: JoinSet::new() };
        let listener = UnixListener::bind(relay.folder.join(name))?;
        relay.task.spawn(async move {
            let Ok((library, _)) = listener.accept().await else { return };
            let judge = |bytes: &[u8]| match judged {
                Judged::PostgreSql => message(bytes),
                Judged::Amount => Ok(Some(bytes.len())),
            };
            if let Err(error) = carry(socket, library, MOST, &refused, judge).await {
                tracing::debug!(%error, "a connection to a database ended");
            }
        });
        Ok(relay)
    }

    /// Where the library finds the socket.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the server sent something that was kept from the library.
    pub(super) fn refused(&self) -> bool {
        self.refused.load(Ordering::Acquire)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The length of the message that `bytes` begin with: a letter, and four bytes of length that count themselves.
fn message(bytes: &[u8]) -> Result<Option<usize>, Unfit> {
    let Some(&[_, a, b, c, d]) = bytes.first_chunk() else { return Ok(None) };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if !(4..=LONGEST).contains(&length) {
        return Err(Unfit);
    }
    Ok((bytes.len() > length).then_some(length + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::UnixStream;

    #[test]
    fn a_message_is_as_long_as_it_says_and_not_longer_than_may_be() {
        assert_eq!(message(b"Z\0\0\0\x05I"), Ok(Some(6)));
        assert_eq!(message(b"Z\0\0\0\x05Imore"), Ok(Some(6)));
        for part in [b"".as_slice(), b"Z\0\0\0", b"Z\0\0\0\x05"] {
            assert_eq!(message(part), Ok(None));
        }
        for wrong in [b"D\xff\xff\xff\xff", b"D\0\x10\0\x01", b"D\0\0\0\x03", b"D\0\0\0\0", b"HTTP/"] {
            assert_eq!(message(wrong), Err(Unfit), "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn nobody_else_may_enter_the_folder_and_it_does_not_stay() {
        let (ours, mut server) = tokio::io::duplex(64);
        let relay = Relay::new(ours, "socket", Judged::Amount).unwrap();
        let folder = relay.folder().to_owned();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        let mut library = UnixStream::connect(folder.join("socket")).await.unwrap();
        server.write_all(b"hello").await.unwrap();
        let mut heard = [0; 5];
        library.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"hello");
        drop(relay);
        assert!(!folder.exists());
    }
}
