//! The way between a directory's socket and the LDAP library: everything passes, once it was judged.
//!
//! Stops: see `wire`; a directory that sends without end.

use super::wire::{Asked, LONGEST, NotLdap, message};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use url::Url;

/// So many bytes a directory may send in one sign-in.
const MOST_BYTES: usize = 4 * LONGEST;
/// So many messages: two entries, and what refers to other parts of a forest.
const MOST_MESSAGES: usize = 200;

/// The library's handle on a directory. Dropped, it closes the connection.
pub(super) struct Pipe {
    /// What the library offers.
    pub(super) ldap: Ldap,
    watch: Arc<Watch>,
    _tasks: JoinSet<()>,
}

/// What is going on, told between the one who asks and the one who judges.
struct Watch {
    searching: AtomicBool,
    refused: AtomicBool,
}

impl Pipe {
    /// Lets the library speak over `socket`.
    pub(super) async fn new<S>(socket: S) -> Result<Self, LdapError>
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        let settings = LdapConnSettings::new().set_std_stream(StdStream::Unix(theirs));
        // The name is not looked at: the stream is there already.
        let name = Url::parse("ldapi://directory")?;
        let (library, ldap) = LdapConnAsync::from_url_with_settings(settings, &name).await?;
        let watch = Arc::new(Watch { searching: AtomicBool::new(false), refused: AtomicBool::new(false) });
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            if let Err(error) = library.drive().await {
                tracing::debug!(%error, "a connection to a directory ended");
            }
        });
        let watching = Arc::clone(&watch);
        tasks.spawn(async move {
            if let Err(error) = carry(socket, ours, &watching).await {
                tracing::debug!(%error, "a connection to a directory ended");
            }
        });
        Ok(Self { ldap, watch, _tasks: tasks })
    }

    /// To be called before each operation.
    pub(super) fn ask(&mut self, asked: Asked) -> &mut Ldap {
        self.watch.searching.store(asked == Asked::Search, Ordering::Release);
        &mut self.ldap
    }

    /// Whether the directory sent something that was kept from the library.
    pub(super) fn refused(&self) -> bool {
        self.watch.refused.load(Ordering::Acquire)
    }
}

impl Watch {
    fn asked(&self) -> Asked {
        if self.searching.load(Ordering::Acquire) { Asked::Search } else { Asked::Bind }
    }
}

async fn carry<S: AsyncRead + AsyncWrite>(socket: S, library: UnixStream, watch: &Watch) -> io::Result<()> {
    let (from_directory, mut to_directory) = tokio::io::split(socket);
    let (mut from_library, to_library) = library.into_split();
    tokio::select! {
        ended = tokio::io::copy(&mut from_library, &mut to_directory) => ended.map(drop),
        ended = carry_judged(from_directory, to_library, watch) => ended,
    }
}

/// Passes on message by message.
async fn carry_judged(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    watch: &Watch,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    let (mut bytes, mut messages) = (0, 0);
    loop {
        let read = from.read_buf(&mut buffer).await?;
        bytes += read;
        if read == 0 {
            return Ok(());
        }
        loop {
            let much = bytes > MOST_BYTES || messages > MOST_MESSAGES;
            let judged = if much { Err(NotLdap) } else { message(&buffer, watch.asked()) };
            let end = match judged {
                Ok(Some(end)) => end,
                Ok(None) => break,
                Err(NotLdap) => {
                    watch.refused.store(true, Ordering::Release);
                    return Ok(());
                }
            };
            let rest = buffer.split_off(end);
            to.write_all(&buffer).await?;
            buffer = rest;
            messages += 1;
        }
    }
}
