//! Which addresses may be connected to, and finding them by name.
//!
//! Spec: IANA special-purpose address registries (RFC 6890).
//! Stops: asking this machine, its network or a cloud's metadata service on behalf of whoever configures a usersource.

use super::OutboundError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, SocketAddr};

/// Where requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Only to addresses that the whole internet reaches.
    PublicOnly,
    /// Also to private ones: an install whose providers stand in its own network.
    PrivateToo,
}

/// Finds addresses and judges them.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    policy: AddressPolicy,
}

impl Addresses {
    /// Under this policy.
    pub fn new(policy: AddressPolicy) -> Self {
        Self { policy }
    }

    /// Refuses an address that the policy does not allow.
    pub fn judge(&self, ip: IpAddr) -> Result<(), OutboundError> {
        if self.policy == AddressPolicy::PrivateToo || is_public(ip) {
            return Ok(());
        }
        Err(OutboundError::Forbidden(format!(
            "{ip} is not a public address; an install in a closed network allows it with --allow-private-addresses"
        )))
    }

    /// The addresses of `host` that may be connected to.
    pub async fn allowed(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        let unknown = || OutboundError::Unreachable(format!("the name {host} is not known"));
        let found: Vec<_> = tokio::net::lookup_host((host, port)).await.map_err(|_| unknown())?.collect();
        let mut refusal = unknown();
        let mut allowed = Vec::new();
        for address in found {
            match self.judge(address.ip()) {
                Ok(()) => allowed.push(address),
                Err(error) => refusal = error,
            }
        }
        if allowed.is_empty() { Err(refusal) } else { Ok(allowed) }
    }
}

impl Resolve for Addresses {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = *self;
        Box::pin(async move {
            let allowed = addresses.allowed(name.as_str(), 0).await?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 192 && b == 88 && c == 99)
                || (a == 198 && (18..20).contains(&b)))
        }
        IpAddr::V6(ip) => {
            if let Some(v4) = ip.to_ipv4_mapped() {
                return is_public(v4.into());
            }
            // Only what is allocated for the internet as a whole, less what is carved out of it or carries an IPv4
            // address that would have to be judged instead.
            let [first, second, ..] = ip.segments();
            first & 0xe000 == 0x2000
                && !(first == 0x2001 && second < 0x0200)
                && !(first == 0x2001 && second == 0x0db8)
                && first != 0x2002
                && !(first == 0x3fff && second < 0x1000)
        }
    }
}
