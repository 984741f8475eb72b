//! Where a database server is, and which authorities its certificate must come from.
//!
//! Stops: asking this service's own neighbours. Where the certificate does not prove the name, the address that was
//! judged is the one connected to; where it does, another address could not show that certificate.

use crate::authenticators::authorities::authorities_pem;
use crate::sign_in::{Denied, Reason, Source};

/// A server and how to speak to it.
pub(super) struct Server {
    /// What to connect to, in order: addresses, or the name alone.
    pub(super) hosts: Vec<String>,
    pub(super) port: u16,
    pub(super) tls: Tls,
}

/// How the connection is encrypted.
#[derive(Clone)]
pub(super) enum Tls {
    /// To a server whose certificate comes from these authorities, PEM, and names it.
    Verified(Vec<u8>),
    /// To anybody.
    Unverified,
    /// Not at all.
    Off,
}

impl Server {
    /// The server of `source`, if it may be asked.
    pub(super) async fn of(source: &Source<'_>) -> Result<Self, Denied> {
        let host = source.needed("host")?;
        let port = source.number("port").and_then(|port| u16::try_from(port).ok());
        let port = port.ok_or_else(|| Denied::new(Reason::Misconfigured, "the setting port is missing"))?;
        let tls = match source.needed("tls")? {
            "verify" => Tls::Verified(authorities_pem(source.text("ca_certificates"))?),
            "unverified" => Tls::Unverified,
            _ => Tls::Off,
        };
        let addresses = source.outbound.resolve(host, port).await?;
        let hosts = match tls {
            Tls::Verified(_) => vec![host.to_owned()],
            Tls::Unverified | Tls::Off => addresses.iter().map(|address| address.ip().to_string()).collect(),
        };
        Ok(Self { hosts, port, tls })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::fixture::Fixture;
    use domain::Audience;
    use serde_json::json;
    use std::net::IpAddr;

    #[tokio::test]
    async fn the_address_that_was_judged_is_the_one_connected_to_unless_the_name_is_proven() {
        let hosts = async |tls: &str| {
            let settings = json!({"host": "localhost", "port": 5432, "tls": tls,
                "ca_certificates": crate::authenticators::sample_keys::CERTIFICATE});
            Server::of(&Fixture::new("database", Audience::Users, settings).source()).await.unwrap().hosts
        };
        for tls in ["off", "unverified"] {
            let hosts = hosts(tls).await;
            assert!(!hosts.is_empty() && hosts.iter().all(|host| host.parse::<IpAddr>().is_ok()), "{hosts:?}");
        }
        assert_eq!(hosts("verify").await, ["localhost"]);
    }
}
