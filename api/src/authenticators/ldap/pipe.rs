//! The way between a directory's socket and the LDAP library: everything passes, once it was judged.
//!
//! Stops: see `wire` and `judged`.

use super::wire::{Asked, LONGEST, message};
use crate::authenticators::judged::{Most, carry};
use ldap3::{Ldap, LdapConnAsync, LdapConnSettings, LdapError, StdStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use url::Url;

/// So much a directory may send in one sign-in: two entries, and what refers to other parts of a forest.
const MOST: Most = Most { bytes: 4 * LONGEST, messages: 200 };

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
            if let Err(error) =
                carry(socket, ours, MOST, &watching.refused, |bytes| message(bytes, watching.asked())).await
            {
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
