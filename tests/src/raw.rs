//! Bytes on a socket, for what no well-behaved client would send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// Sends `bytes` to `authority` and reads until the other side closes or is silent for `patience`. What could not be
/// sent because the other side had closed already is no failure: that is one way to refuse.
pub fn exchange(authority: &str, bytes: &[u8], patience: Duration) -> String {
    let mut socket = TcpStream::connect(authority).unwrap_or_else(|e| panic!("cannot connect to {authority}: {e}"));
    let timed = socket.set_read_timeout(Some(patience)).and_then(|()| socket.set_write_timeout(Some(patience)));
    timed.unwrap_or_else(|e| panic!("cannot set time-outs: {e}"));
    let _ = socket.write_all(bytes);
    let mut heard = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(read @ 1..) = socket.read(&mut piece) {
        heard.extend_from_slice(&piece[..read]);
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// The status code of the first answer in `heard`, if there is one.
pub fn status(heard: &str) -> Option<u16> {
    heard.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()
}
