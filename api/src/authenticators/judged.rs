//! The way between somebody's server and the client library that speaks with it: all passes, once it was judged.
//!
//! Stops: a server that sends without end, or announces more than there is memory for; what a library cannot read without
//! harm is kept from it by the one who judges.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::UnixStream;

/// What may not pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unfit;

/// How much may pass on one connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Most {
    pub(super) bytes: usize,
    pub(super) messages: usize,
}

/// Carries both ways between `server` and `library`, until one of them ends or something unfit comes, which is told in
/// `refused`. `judge` says how long the message is that its bytes begin with; `None` while its end has not come yet.
pub(super) async fn carry<S, J>(
    server: S,
    library: UnixStream,
    most: Most,
    refused: &AtomicBool,
    judge: J,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite,
    J: FnMut(&[u8]) -> Result<Option<usize>, Unfit>,
{
    let (from_server, mut to_server) = tokio::io::split(server);
    let (mut from_library, to_library) = library.into_split();
    tokio::select! {
        ended = tokio::io::copy(&mut from_library, &mut to_server) => ended.map(drop),
        ended = carry_judged(from_server, to_library, most, refused, judge) => ended,
    }
}

async fn carry_judged(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut left: Most,
    refused: &AtomicBool,
    mut judge: impl FnMut(&[u8]) -> Result<Option<usize>, Unfit>,
) -> io::Result<()> {
    let mut buffer = Vec::new();
    loop {
        let read = from.read_buf(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        let mut fits = left.bytes.checked_sub(read).map(|bytes| left.bytes = bytes).is_some();
        while fits && !buffer.is_empty() {
            match judge(&buffer) {
                Ok(Some(end)) if left.messages > 0 => {
                    let rest = buffer.split_off(end);
                    to.write_all(&buffer).await?;
                    buffer = rest;
                    left.messages -= 1;
                }
                Ok(None) => break,
                Ok(Some(_)) | Err(Unfit) => fits = false,
            }
        }
        if !fits {
            refused.store(true, Ordering::Release);
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What reaches the library of these bytes, where `#` ends a message and `!` is unfit; and whether it was refused.
    async fn carried(sent: &[u8], most: Most) -> (Vec<u8>, bool) {
        let ((mut server, ours), (library, mut theirs)) = (tokio::io::duplex(1 << 20), UnixStream::pair().unwrap());
        let refused = AtomicBool::new(false);
        server.write_all(sent).await.unwrap();
        server.shutdown().await.unwrap();
        let judge = |bytes: &[u8]| match bytes {
            [b'!', ..] => Err(Unfit),
            _ => Ok(bytes.iter().position(|byte| *byte == b'#').map(|at| at + 1)),
        };
        carry(ours, library, most, &refused, judge).await.unwrap();
        let mut reached = Vec::new();
        theirs.read_to_end(&mut reached).await.unwrap();
        (reached, refused.into_inner())
    }

    #[tokio::test]
    async fn whole_messages_pass_up_to_the_first_unfit_one_and_within_bounds() {
        let much = Most { bytes: 100, messages: 100 };
        assert_eq!(carried(b"one#two#part", much).await, (b"one#two#".to_vec(), false));
        assert_eq!(carried(b"one#!two#", much).await, (b"one#".to_vec(), true));
        assert_eq!(carried(b"one#two#three#", Most { messages: 2, ..much }).await, (b"one#two#".to_vec(), true));
        assert!(carried(&[b'x'; 101], much).await.1);
        assert!(!carried(&[b'x'; 100], much).await.1);
    }
}
