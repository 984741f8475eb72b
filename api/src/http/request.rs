//! From where a request comes and what it is called.
//!
//! Stops: forged addresses. Forwarded headers count only if the connection itself comes from a named proxy, and the
//! set of proxies is empty unless it is set.

use actix_web::HttpRequest;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// A network of trusted proxies: an address and how many leading bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no network; write 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32");
        let (address, bits) = text.trim().split_once('/').unwrap_or((text.trim(), ""));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { most } else { bits.parse().map_err(|_| wrong())? };
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

impl Network {
    fn contains(&self, other: IpAddr) -> bool {
        let prefix = |value: u128, width: u32| value.checked_shr(width - u32::from(self.bits)).unwrap_or(0);
        match (self.address, other) {
            (IpAddr::V4(a), IpAddr::V4(b)) => prefix(a.to_bits().into(), 32) == prefix(b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => prefix(a.to_bits(), 128) == prefix(b.to_bits(), 128),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(IpAddr);

impl Peer {
    /// The connection's address; behind trusted proxies the last address in `X-Forwarded-For` that is not one of them.
    pub fn of(request: &HttpRequest, proxies: &[Network]) -> Self {
        let connection = request.peer_addr().map_or(IpAddr::from([0, 0, 0, 0]), |a: SocketAddr| a.ip());
        let forwarded = request.headers().get_all("x-forwarded-for").filter_map(|v| v.to_str().ok());
        let chain: Vec<&str> = forwarded.flat_map(|v| v.split(',')).collect();
        Self(outermost(connection.to_canonical(), &chain, proxies))
    }

    /// The address.
    pub fn ip(self) -> IpAddr {
        self.0
    }

    /// The address as text.
    pub fn address(self) -> String {
        self.0.to_string()
    }
}

/// Read from the end, where the proxies write: what a visitor wrote before them, sense or nonsense, hides nothing.
fn outermost(connection: IpAddr, chain: &[&str], proxies: &[Network]) -> IpAddr {
    let trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address));
    let mut address = connection;
    for next in chain.iter().rev() {
        let Some(next) = forwarded_address(next).filter(|_| trusted(address)) else { break };
        address = next.to_canonical();
    }
    address
}

/// An address as proxies write it: some add the port.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

/// The request's id: a proxy's `X-Request-Id` if it is a plain word, else a new one, the same for the whole request.
pub fn request_id(request: &HttpRequest) -> String {
    use actix_web::HttpMessage as _;
    #[derive(Clone)]
    struct Id(String);
    if let Some(id) = request.extensions().get::<Id>() {
        return id.0.clone();
    }
    let given = request.headers().get("x-request-id").and_then(|v| v.to_str().ok());
    let plain = |id: &&str| (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let id = given.filter(plain).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned);
    request.extensions_mut().insert(Id(id.clone()));
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn forwarded_addresses_count_only_behind_named_proxies() {
        let proxies: Vec<Network> = ["10.0.0.0/8", "::1"].iter().map(|n| n.parse().unwrap()).collect();
        let chain = ["203.0.113.9", " 198.51.100.7", "10.1.1.1 "];
        assert_eq!(outermost(ip("10.0.0.1"), &chain, &[]), ip("10.0.0.1"), "the default set is empty");
        assert_eq!(outermost(ip("192.0.2.1"), &chain, &proxies), ip("192.0.2.1"), "not from a proxy");
        assert_eq!(outermost(ip("10.0.0.1"), &chain, &proxies), ip("198.51.100.7"), "the last one not vouched for");
        assert_eq!(outermost(ip("::1"), &[], &proxies), ip("::1"));
    }

    #[test]
    fn a_visitor_who_writes_nonsense_into_the_header_does_not_hide_behind_the_proxy() {
        let proxies: Vec<Network> = vec!["10.0.0.0/8".parse().unwrap()];
        for chain in [
            &["nonsense", "198.51.100.7"][..],
            &["", "198.51.100.7:4711", "10.1.1.1:80"],
            &["unknown", "[::ffff:198.51.100.7]:4711"],
        ] {
            assert_eq!(outermost(ip("10.0.0.1"), chain, &proxies), ip("198.51.100.7"), "{chain:?}");
        }
        assert_eq!(outermost(ip("10.0.0.1"), &["2001:db8::1"], &proxies), ip("2001:db8::1"));
        assert_eq!(outermost(ip("10.0.0.1"), &["198.51.100.7", "nonsense"], &proxies), ip("10.0.0.1"));
    }

    #[test]
    fn networks_are_read_strictly() {
        for wrong in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "example.com"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains(ip("203.0.113.9")) && !all.contains(ip("::1")));
    }
}
