//! Reaching a database server: an address that may be asked, and a connection.
//!
//! Stops: asking this service's own neighbours: the address that was judged is the one connected to.

use crate::sign_in::{Denied, Reason, Source, Trace};
use serde_json::json;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long one address may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);

/// How the connection is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tls {
    /// To a server whose certificate comes from the authorities and names it.
    Verified,
    /// To anybody.
    Unverified,
    /// Not at all.
    Off,
}

impl Tls {
    /// As the settings of `source` say.
    pub(super) fn of(source: &Source<'_>) -> Result<Self, Denied> {
        Ok(match source.needed("tls")? {
            "verify" => Self::Verified,
            "unverified" => Self::Unverified,
            _ => Self::Off,
        })
    }
}

/// A connection to the first address of the server of `source` that takes one.
pub(super) async fn reach(source: &Source<'_>, trace: &mut Trace) -> Result<TcpStream, Denied> {
    let host = source.needed("host")?;
    let port = source.number("port").and_then(|port| u16::try_from(port).ok());
    let port = port.ok_or_else(|| Denied::new(Reason::Misconfigured, "the setting port is missing"))?;
    for address in source.outbound.resolve(host, port).await? {
        let why = match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(connected)) => {
                trace.note("Connected", || json!({"server": address.to_string()}));
                return Ok(connected);
            }
            Ok(Err(error)) => error.kind().to_string(),
            Err(_) => "it did not answer in time".to_owned(),
        };
        trace.failed("No connection", || json!({"server": address.to_string(), "why": why}));
    }
    Err(Denied::new(Reason::Unreachable, format!("{host}:{port} takes no connection")))
}
