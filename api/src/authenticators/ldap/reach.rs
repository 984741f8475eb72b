//! Reaching a directory server: an address that may be asked, a connection, and its encryption.
//!
//! Spec: RFC 4513, 3.1 (StartTLS, and the server's identity in its certificate); RFC 4511, 4.14.
//! Stops: asking this service's own neighbours (the address that was judged is the one connected to); StartTLS that is
//! left out on the way (without it nothing further is sent); what was slipped in before the encryption (not a byte is
//! read beyond the answer to StartTLS).

use super::pipe::Pipe;
use super::wire::{self, Asked};
use crate::authenticators::encryption::{Believed, encryption, standing_in_the_way};
use crate::sign_in::{Denied, Reason, Source, Trace};
use rustls::pki_types::ServerName;
use serde_json::json;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use url::Url;

/// How long one address may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How long the encryption may take to be agreed upon.
const ENCRYPT: Duration = Duration::from_secs(3);

/// Message 1: an extended request for 1.3.6.1.4.1.1466.20037.
const START_TLS: &[u8] = b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037";
/// The longest answer to it, in bytes.
const LONGEST_ANSWER: usize = 4096;

/// A connection to the server at `url`, encrypted as the usersource's settings say.
pub(super) async fn reach(source: &Source<'_>, url: &str, trace: &mut Trace) -> Result<Pipe, Denied> {
    let (host, port) = place(url)?;
    let addresses = source.outbound.resolve(&host, port).await?;
    let mut socket = None;
    for address in addresses {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(connected)) => {
                socket = Some(connected);
                break;
            }
            Ok(Err(error)) => trace.failed("No connection", || json!({"server": url, "why": error.kind().to_string()})),
            Err(_) => trace.failed("No connection", || json!({"server": url, "why": "it did not answer in time"})),
        }
    }
    let mut socket = socket.ok_or_else(|| unreachable(url, "it takes no connection"))?;
    let security = source.needed("security")?;
    if security == "none" {
        trace.note("Connected, not encrypted", || json!({"server": url}));
        return Pipe::new(socket).await.map_err(|error| unreachable(url, &error.to_string()));
    }
    let name = ServerName::try_from(host).map_err(|_| misconfigured(url, "its name fits no certificate"))?;
    let given = Believed::From(source.text("ca_certificates"));
    let connector = encryption(if source.flag("skip_certificate_check") { Believed::Any } else { given })?;
    let encrypt = async {
        if security == "starttls" {
            start_tls(&mut socket, url).await?;
        }
        connector.connect(name, socket).await.map_err(|error| refused(url, &error))
    };
    let encrypted = timeout(ENCRYPT, encrypt).await.map_err(|_| unreachable(url, "no encryption in time"))??;
    trace.note("Connected, encrypted", || json!({"server": url}));
    Pipe::new(encrypted).await.map_err(|error| unreachable(url, &error.to_string()))
}

/// Host and port of a server's URL.
fn place(url: &str) -> Result<(String, u16), Denied> {
    let parsed = Url::parse(url).map_err(|_| misconfigured(url, "this is no URL"))?;
    let host = parsed.host_str().map(|host| host.trim_matches(['[', ']'])).filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| misconfigured(url, "the URL names no host"))?;
    let usual = if parsed.scheme() == "ldaps" { 636 } else { 389 };
    Ok((host.to_owned(), parsed.port().unwrap_or(usual)))
}

/// Asks for encryption, and reads the answer and nothing else.
async fn start_tls(socket: &mut TcpStream, url: &str) -> Result<(), Denied> {
    let broken = |error: io::Error| unreachable(url, &error.kind().to_string());
    let senseless = || Denied::new(Reason::Invalid, format!("{url}: its answer to StartTLS is no LDAP"));
    socket.write_all(START_TLS).await.map_err(broken)?;
    let mut answer = Vec::new();
    loop {
        match wire::message(&answer, Asked::Extended) {
            Ok(Some(_)) => break,
            Ok(None) if answer.len() < LONGEST_ANSWER => answer.push(socket.read_u8().await.map_err(broken)?),
            Ok(None) | Err(_) => return Err(senseless()),
        }
    }
    match wire::extended_result(&answer).ok_or_else(senseless)? {
        0 => Ok(()),
        code => Err(misconfigured(url, &format!("it refuses StartTLS with result {code}"))),
    }
}

/// A certificate that does not hold needs an admin; anything else may pass.
fn refused(url: &str, error: &io::Error) -> Denied {
    match standing_in_the_way(error) {
        Some(why) => misconfigured(url, &why),
        None => unreachable(url, &format!("no encryption: {}", error.kind())),
    }
}

fn unreachable(url: &str, why: &str) -> Denied {
    Denied::new(Reason::Unreachable, format!("{url}: {why}"))
}

fn misconfigured(url: &str, why: &str) -> Denied {
    Denied::new(Reason::Misconfigured, format!("{url}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_host_and_port_and_leaves_the_usual_port_out() {
        for (url, host, port) in [
            ("ldap://dc1.example", "dc1.example", 389),
            ("ldaps://dc1.example", "dc1.example", 636),
            ("LDAPS://dc1.example:3269/", "dc1.example", 3269),
            ("ldap://192.0.2.1:1389", "192.0.2.1", 1389),
            ("ldap://[2001:db8::1]", "2001:db8::1", 389),
        ] {
            assert_eq!(place(url).unwrap(), (host.to_owned(), port), "{url}");
        }
    }

    #[test]
    fn the_request_for_encryption_is_what_the_standard_says() {
        let oid = b"1.3.6.1.4.1.1466.20037";
        let request = [&[0x80, 22], oid.as_slice()].concat();
        let operation = [&[0x02, 1, 1, 0x77, 24], request.as_slice()].concat();
        assert_eq!(START_TLS, [&[0x30, 29], operation.as_slice()].concat());
    }
}
