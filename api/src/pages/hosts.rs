//! Which helpdesk a page belongs to: the Host header, matched exactly (R0).
//!
//! Spec: RFC 9110 §7.2 (Host), RFC 3986 §6.2 (case, default ports).
//! Stops: a forged Host that reaches another helpdesk's pages or ends up in a link, and a helpdesk that claims the
//! address of another: an address belongs to whoever had it first, until that one gives it up.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::HelpdeskId;
use papaya::HashMap;
use url::Url;

/// Whether visitors reach a helpdesk over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// `http`: for trying it out, or inside a closed network.
    Plain,
    /// `https`: cookies are `Secure`, browsers are told to stay.
    Tls,
}

/// A helpdesk as its visitors reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Which helpdesk.
    pub helpdesk: HelpdeskId,
    /// What its links and callbacks are made from; never from a Host header.
    pub base: Url,
    /// The origin of `base`, as browsers write it.
    pub origin: String,
    /// How it is reached.
    pub transport: Transport,
    /// Whether it answers to every host: the only helpdesk, and it was given no URL.
    pub any_host: bool,
}

/// Whose host is whose. Reading takes no lock.
#[derive(Debug)]
pub struct Hosts {
    public_url: Url,
    sites: HashMap<String, Arc<Site>>,
    claims: Mutex<Claims>,
}

/// What every helpdesk wants; `sites` is what it gets.
#[derive(Debug, Default)]
struct Claims {
    urls: BTreeMap<HelpdeskId, Option<Url>>,
    waiting: BTreeMap<String, Vec<HelpdeskId>>,
}

/// Under this key, which no host has, stands the helpdesk that answers to every host.
const EVERY_HOST: &str = "";

impl Hosts {
    /// No helpdesk yet. `public_url` is the program's own setting, for a helpdesk that was given no URL.
    pub fn new(public_url: Url) -> Self {
        Self { public_url, sites: HashMap::new(), claims: Mutex::default() }
    }

    /// The helpdesk that answers to this Host header.
    pub fn resolve(&self, host: &str) -> Option<Arc<Site>> {
        let sites = self.sites.pin();
        let host = normalised(host);
        let found = if host.is_empty() { None } else { sites.get(host.as_ref()) };
        found.or_else(|| sites.get(EVERY_HOST)).cloned()
    }

    /// How `helpdesk` is reached, whatever host was asked for: for links in mails and command lines.
    pub fn site_of(&self, helpdesk: &HelpdeskId) -> Option<Site> {
        let claims = self.lock();
        let url = claims.urls.get(helpdesk)?;
        Some(self.site(helpdesk, url.as_ref(), claims.urls.len()))
    }

    /// The helpdesk that has the address of `url`, whatever the scheme.
    pub fn holder(&self, url: &Url) -> Option<HelpdeskId> {
        self.lock().waiting.get(&authority(url)?)?.first().cloned()
    }

    /// Takes in what URL `helpdesk` has now. An address that another helpdesk holds stays with that one.
    pub fn set(&self, helpdesk: &HelpdeskId, url: Option<Url>) {
        let mut claims = self.lock();
        if claims.urls.get(helpdesk) == Some(&url) {
            return;
        }
        let former = claims.urls.insert(helpdesk.clone(), url.clone()).flatten();
        let (former, wanted) = (former.as_ref().and_then(authority), url.as_ref().and_then(authority));
        if former != wanted {
            if let Some(former) = &former {
                claims.waiting.entry(former.clone()).or_default().retain(|other| other != helpdesk);
            }
            if let Some(wanted) = &wanted {
                claims.waiting.entry(wanted.clone()).or_default().push(helpdesk.clone());
            }
        }
        self.settle_every_host(&claims);
        for address in [former, wanted].into_iter().flatten() {
            self.settle(&mut claims, address);
        }
    }

    /// Starts anew with these helpdesks, oldest first: of two that claim an address, the first has it. For the program's
    /// start: while it runs, hosts are unknown for a moment.
    pub fn replace_all(&self, helpdesks: impl IntoIterator<Item = (HelpdeskId, Option<Url>)>) {
        *self.lock() = Claims::default();
        self.sites.pin().clear();
        for (helpdesk, url) in helpdesks {
            self.set(&helpdesk, url);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settle(&self, claims: &mut Claims, address: String) {
        let holder = claims.waiting.get(&address).and_then(|waiting| waiting.first());
        if let Some(helpdesk) = holder {
            let url = claims.urls.get(helpdesk).and_then(Option::as_ref);
            let site = self.site(helpdesk, url, claims.urls.len());
            self.sites.pin().insert(address, Arc::new(site));
        } else {
            claims.waiting.remove(&address);
            self.sites.pin().remove(&address);
        }
    }

    fn settle_every_host(&self, claims: &Claims) {
        match claims.urls.first_key_value() {
            Some((only, None)) if claims.urls.len() == 1 => {
                self.sites.pin().insert(EVERY_HOST.to_owned(), Arc::new(self.site(only, None, 1)));
            }
            Some(_) | None => {
                self.sites.pin().remove(EVERY_HOST);
            }
        }
    }

    fn site(&self, helpdesk: &HelpdeskId, url: Option<&Url>, helpdesks: usize) -> Site {
        let base = url.unwrap_or(&self.public_url);
        Site {
            helpdesk: helpdesk.clone(),
            base: base.clone(),
            origin: base.origin().ascii_serialization(),
            transport: if base.scheme() == "https" { Transport::Tls } else { Transport::Plain },
            any_host: url.is_none() && helpdesks == 1,
        }
    }
}

/// The host and port of a URL, as a Host header would name them.
fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let named = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    Some(normalised(&named).into_owned())
}

/// Lower case, without a default port. Nothing is allocated for what browsers send.
pub fn normalised(host: &str) -> Cow<'_, str> {
    let host = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80")).unwrap_or(host);
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Option<Url> {
        Some(Url::parse(text).unwrap())
    }

    fn hosts(helpdesks: &[(&str, Option<&str>)]) -> Hosts {
        let hosts = Hosts::new(Url::parse("http://127.0.0.1:8080").unwrap());
        hosts.replace_all(helpdesks.iter().map(|(id, text)| (HelpdeskId::from(*id), text.and_then(url))));
        hosts
    }

    fn holder(hosts: &Hosts, host: &str) -> Option<String> {
        hosts.resolve(host).map(|site| site.helpdesk.as_str().to_owned())
    }

    #[test]
    fn r0_a_host_is_matched_exactly() {
        let hosts = hosts(&[
            ("a", Some("https://help.example/")),
            ("b", Some("http://Desk.Example:8080")),
            ("c", Some("https://[2001:db8::1]")),
            ("d", Some("https://bücher.example")),
            ("e", None),
        ]);
        let table = [
            ("help.example", Some("a")),
            ("HELP.example", Some("a")),
            ("help.example:443", Some("a")),
            ("help.example:80", Some("a")),
            ("help.example:8443", None),
            ("help.example.", None),
            ("xhelp.example", None),
            ("www.help.example", None),
            ("help.example/", None),
            ("help.example@evil.example", None),
            ("desk.example:8080", Some("b")),
            ("desk.example", None),
            ("[2001:db8::1]", Some("c")),
            ("[2001:db8::1]:443", Some("c")),
            ("xn--bcher-kva.example", Some("d")),
            ("127.0.0.1:8080", None),
            ("", None),
            (":80", None),
        ];
        for (host, expected) in table {
            assert_eq!(holder(&hosts, host).as_deref(), expected, "{host:?}");
        }
    }

    #[test]
    fn r0_every_host_is_the_only_helpdesks_while_it_has_no_url() {
        let hosts = hosts(&[("default", None)]);
        assert_eq!(holder(&hosts, "anything:9").as_deref(), Some("default"));
        assert!(hosts.resolve("x").unwrap().any_host);
        assert_eq!(hosts.resolve("x").unwrap().base.as_str(), "http://127.0.0.1:8080/", "never from the header");

        hosts.set(&"default".into(), url("https://help.example"));
        assert_eq!(holder(&hosts, "anything:9"), None);
        assert_eq!(holder(&hosts, "help.example").as_deref(), Some("default"));
        hosts.set(&"default".into(), None);
        assert_eq!((holder(&hosts, "help.example").as_deref(), holder(&hosts, "y").is_some()), (Some("default"), true));

        hosts.set(&"second".into(), None);
        assert_eq!(holder(&hosts, "anything:9"), None, "with two, nobody has every host");
    }

    #[test]
    fn r0_nobody_takes_an_address_that_another_holds() {
        let hosts = hosts(&[("a", Some("https://help.example")), ("b", Some("https://other.example"))]);
        hosts.set(&"b".into(), url("https://help.example:443/sub"));
        assert_eq!(holder(&hosts, "help.example").as_deref(), Some("a"));
        assert_eq!(holder(&hosts, "other.example"), None, "it gave that one up");
        for spelt in ["https://help.example", "http://help.example", "http://HELP.example:443/x"] {
            assert_eq!(hosts.holder(&url(spelt).unwrap()), Some("a".into()), "{spelt}");
        }
        assert_eq!(hosts.holder(&url("https://other.example").unwrap()), None);
        hosts.set(&"a".into(), url("https://new.example"));
        assert_eq!(holder(&hosts, "help.example").as_deref(), Some("b"), "who waited has it once it is given up");
        assert_eq!(holder(&hosts, "new.example").as_deref(), Some("a"));
    }

    #[test]
    fn a_site_knows_its_origin_and_its_transport() {
        let hosts = hosts(&[("a", Some("https://help.example/x")), ("b", None)]);
        let site = hosts.resolve("help.example").unwrap();
        assert_eq!((site.origin.as_str(), site.transport), ("https://help.example", Transport::Tls));
        let other = hosts.site_of(&"b".into()).unwrap();
        assert_eq!((other.origin.as_str(), other.transport), ("http://127.0.0.1:8080", Transport::Plain));
        assert!(!other.any_host);
        hosts.set(&"a".into(), url("http://help.example"));
        assert_eq!(hosts.resolve("help.example").unwrap().transport, Transport::Plain, "a change of scheme counts");
    }
}
