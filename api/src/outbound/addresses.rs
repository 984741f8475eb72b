//! Which addresses may be connected to, and finding them by name.
//!
//! Spec: IANA special-purpose address registries (RFC 6890).
//! Stops: asking this machine, its network or a cloud's metadata service on behalf of whoever configures a usersource.

use super::OutboundError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where requests may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Only to addresses that the whole internet reaches.
    PublicOnly,
    /// Also to private ones: an install whose providers stand in its own network. A cloud's metadata services stay
    /// closed.
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
        let refusal = match reach(ip) {
            Reach::Public => return Ok(()),
            Reach::Private if self.policy == AddressPolicy::PrivateToo => return Ok(()),
            Reach::Private => {
                "is not a public address; an install in a closed network allows it with --allow-private-addresses"
            }
            Reach::Nobody => "is an address at which no provider stands",
        };
        Err(OutboundError::Forbidden(format!("{ip} {refusal}")))
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

/// Who can be reached at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Everybody on the internet reaches the same machine.
    Public,
    /// This machine, or another of its own network.
    Private,
    /// No provider ever stands there: a cloud's own services, links, groups, what is not allocated, and forms that hide
    /// another address.
    Nobody,
}

/// Where clouds answer their guests at addresses that look like anybody's: Azure, Alibaba, AWS and Google over IPv6.
const CLOUDS: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254)),
];

fn reach(ip: IpAddr) -> Reach {
    match ip {
        ip if CLOUDS.contains(&ip) => Reach::Nobody,
        IpAddr::V4(ip) => reach_v4(ip),
        IpAddr::V6(ip) => reach_v6(ip),
    }
}

fn reach_v4(ip: Ipv4Addr) -> Reach {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        // Where clouds tell their guests secrets: 169.254.169.254 and its neighbours.
        (169, 254, _) => Reach::Nobody,
        (0 | 224.., _, _) => Reach::Nobody,
        // For protocols and documentation; 6to4's relays; tests of devices.
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => Reach::Nobody,
        (10 | 127, _, _) | (172, 16..=31, _) | (192, 168, _) | (100, 64..=127, _) => Reach::Private,
        _ => Reach::Public,
    }
}

fn reach_v6(ip: Ipv6Addr) -> Reach {
    if let Some(mapped) = ip.to_ipv4_mapped() {
        return reach(mapped.into());
    }
    let [first, second, ..] = ip.segments();
    match (first, second) {
        // NAT64: the network turns it into the IPv4 address at its end.
        (0x0064, 0xff9b) => match ip.segments() {
            [_, _, 0, 0, 0, 0, high, low] => reach(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)).into()),
            _ => Reach::Nobody,
        },
        _ if ip.is_loopback() || ip.is_unique_local() => Reach::Private,
        // For protocols, Teredo among them; documentation; 6to4.
        (0x2001, ..0x0200 | 0x0db8) | (0x2002, _) | (0x3fff, ..0x1000) => Reach::Nobody,
        (0x2000..=0x3fff, _) => Reach::Public,
        _ => Reach::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(address: &str) -> Reach {
        reach(address.parse().unwrap())
    }

    #[test]
    fn what_the_internet_reaches_is_public() {
        for address in "\
            1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.1 \
            192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255 168.63.129.15 2606:4700::1111 \
            2001:200::1 2001:4860:4860::8888 2a00::1 3fff:1000::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1"
            .split(' ')
        {
            assert_eq!(reaches(address), Reach::Public, "{address}");
        }
    }

    #[test]
    fn this_machine_and_its_network_are_private_in_every_spelling() {
        for address in "\
            127.0.0.1 127.255.255.255 10.0.0.1 10.255.255.255 172.16.0.1 172.31.255.255 192.168.0.1 100.64.0.1 \
            100.127.255.255 ::1 fc00::1 fdff::1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 64:ff9b::127.0.0.1 \
            64:ff9b::10.0.0.1"
            .split(' ')
        {
            assert_eq!(reaches(address), Reach::Private, "{address}");
        }
    }

    #[test]
    fn nobody_asks_a_cloud_s_own_services_or_addresses_that_hide_another() {
        for address in "\
            169.254.169.254 169.254.170.2 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd20:ce::254 \
            ::ffff:169.254.169.254 ::ffff:168.63.129.16 64:ff9b::169.254.169.254 0.0.0.0 0.1.2.3 224.0.0.1 \
            239.255.255.255 240.0.0.1 255.255.255.255 :: ff02::1 ::ffff:0.0.0.0 fe80::1 fec0::1 192.0.2.1 \
            198.51.100.1 203.0.113.1 198.18.0.1 198.19.255.255 192.88.99.1 2001:db8::1 3fff::1 3fff:fff::1 \
            2001:2::1 2001:10::1 100::1 5f00::1 ::127.0.0.1 ::1.1.1.1 2002:7f00:1:: 2002:0101:0101::1 2001::1 \
            2001:0:a00:1::1 64:ff9b:1::127.0.0.1 64:ff9b::1:0:0:1.1.1.1"
            .split(' ')
        {
            assert_eq!(reaches(address), Reach::Nobody, "{address}");
        }
    }

    #[test]
    fn the_policy_opens_the_own_network_and_nothing_else() {
        let allows = |policy, address: &str| Addresses::new(policy).judge(address.parse().unwrap()).is_ok();
        for (address, closed, open) in [
            ("1.1.1.1", true, true),
            ("10.0.0.1", false, true),
            ("::1", false, true),
            ("169.254.169.254", false, false),
        ] {
            assert_eq!(allows(AddressPolicy::PublicOnly, address), closed, "{address}");
            assert_eq!(allows(AddressPolicy::PrivateToo, address), open, "{address}");
        }
    }

    #[tokio::test]
    async fn a_name_is_resolved_and_each_of_its_addresses_is_judged() {
        let closed = Addresses::new(AddressPolicy::PublicOnly);
        assert!(matches!(closed.allowed("localhost", 80).await, Err(OutboundError::Forbidden(_))));
        assert!(matches!(closed.allowed("127.0.0.1", 80).await, Err(OutboundError::Forbidden(_))));
        let open = Addresses::new(AddressPolicy::PrivateToo);
        assert!(open.allowed("localhost", 80).await.unwrap().iter().all(|a| a.ip().is_loopback() && a.port() == 80));
        assert!(matches!(open.allowed("no-such-name.invalid", 80).await, Err(OutboundError::Unreachable(_))));
    }
}
