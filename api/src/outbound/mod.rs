//! Requests that the service itself makes to other machines: one guarded way out for all of them.
//!
//! Spec: product rules on outbound requests; RFC 9110 §15.4 (redirects, which are never followed).
//! Stops: a provider's URL that makes this service ask its own neighbours (SSRF), also by a name that is resolved anew
//! between check and use (the addresses that were checked are the ones connected to); answers without end; one provider
//! that hangs and holds up all others.

mod addresses;
mod documents;
mod files;
mod turns;

#[cfg(test)]
pub(crate) mod stand_in;
#[cfg(test)]
mod tests;

pub use addresses::{AddressPolicy, Addresses};
pub use files::Files;

use documents::Documents;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use turns::Turns;

/// Which schemes a URL may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Schemes {
    /// https alone.
    Https,
    /// http too: the usersource has `allow_insecure`.
    HttpToo,
}

/// Why another machine gave no answer that could be used. No message holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// The URL or address may not be asked: its scheme, or where it leads. An admin must act.
    #[error("{0}")]
    Forbidden(String),
    /// It did not answer, or not in time. Trying again later may help.
    #[error("{0}")]
    Unreachable(String),
    /// It answered with something that cannot be what was asked for.
    #[error("{0}")]
    Unusable(String),
}

/// What holds for every request, and how long documents are kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// How long a connection may take to be made, the look-up of its name included.
    pub(crate) connect: Duration,
    /// How long a whole exchange may take.
    pub(crate) total: Duration,
    /// The longest answer that is read, in bytes.
    pub(crate) longest: usize,
    /// So many requests to one host are under way at once.
    pub(crate) at_once: usize,
    /// How long a request waits for its turn at a host.
    pub(crate) turn: Duration,
    /// For so long a document is believed without asking again.
    pub(crate) kept: Duration,
    /// For so long it is believed while its provider is down.
    pub(crate) stale: Duration,
    /// How long a provider may take where an older document would do.
    pub(crate) patience: Duration,
    /// After a failure the provider is not asked for so long.
    pub(crate) back_off: Duration,
    /// The same where an older document does in the meantime.
    pub(crate) long_back_off: Duration,
    /// Least time between two readings of one document because something was not in it.
    pub(crate) floor: Duration,
    /// Most documents that are kept.
    pub(crate) documents: usize,
    /// Most bytes of them, as they came.
    pub(crate) bytes: usize,
}

impl Limits {
    /// Those of the service.
    pub(crate) const SERVICE: Self = Self {
        connect: Duration::from_secs(3),
        total: Duration::from_secs(10),
        longest: 1_048_576,
        at_once: 64,
        turn: Duration::from_secs(1),
        kept: Duration::from_secs(600),
        stale: Duration::from_secs(86_400),
        patience: Duration::from_secs(2),
        back_off: Duration::from_secs(5),
        long_back_off: Duration::from_secs(30),
        floor: Duration::from_secs(10),
        documents: 10_000,
        bytes: 67_108_864,
    };
}

/// The way out.
pub struct Outbound {
    http: reqwest::Client,
    addresses: Arc<Addresses>,
    turns: Turns,
    documents: Documents,
    files: Files,
    limits: Limits,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}

impl Outbound {
    /// A way out that leads where `policy` allows.
    pub fn new(policy: AddressPolicy) -> Result<Self, OutboundError> {
        Self::within(policy, Limits::SERVICE)
    }

    /// The same, with limits of its own.
    pub(crate) fn within(policy: AddressPolicy, limits: Limits) -> Result<Self, OutboundError> {
        // The client takes the process's TLS provider. `main` has set it by now; where nobody has, it is the same one.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let addresses = Arc::new(Addresses::new(policy));
        let http = reqwest::Client::builder()
            .user_agent("Gateledger")
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(limits.connect)
            .timeout(limits.total)
            .pool_max_idle_per_host(8)
            .dns_resolver(Arc::clone(&addresses))
            .build()
            .map_err(|error| OutboundError::Unreachable(error.to_string()))?;
        let (turns, documents) = (Turns::new(limits), Documents::new(limits));
        Ok(Self { http, addresses, turns, documents, files: Files::default(), limits })
    }

    /// The same, with files of the host that may be read.
    pub fn with_files(self, files: Files) -> Self {
        Self { files, ..self }
    }

    /// The path of the file `name` of the host, if it may be read.
    pub fn file(&self, name: &str) -> Result<PathBuf, OutboundError> {
        self.files.path(name)
    }

    /// The addresses of `host` that may be connected to, for protocols other than HTTP.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, OutboundError> {
        let found = timeout(self.limits.connect, self.addresses.allowed(host, port)).await;
        found.unwrap_or_else(|_| Err(OutboundError::Unreachable(format!("the name {host} was not found in time"))))
    }

    /// Sends one request and reads its whole answer, whatever its status. Redirects are answers like any other.
    pub async fn send(
        &self,
        request: http::Request<Vec<u8>>,
        schemes: Schemes,
    ) -> Result<http::Response<Vec<u8>>, OutboundError> {
        let request = reqwest::Request::try_from(request)
            .map_err(|_| OutboundError::Forbidden("this is no URL that can be asked".to_owned()))?;
        self.judge(request.url(), schemes)?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        let _turn = self.turns.at(&host, request.url().port_or_known_default()).await?;
        let failed = |error| failure(&host, &error);
        let too_long =
            || OutboundError::Unusable(format!("{host}: the answer is longer than {} bytes", self.limits.longest));
        let mut answer = self.http.execute(request).await.map_err(failed)?;
        if answer.content_length().is_some_and(|length| length > self.limits.longest as u64) {
            return Err(too_long());
        }
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > self.limits.longest {
                return Err(too_long());
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body).map_err(|error| OutboundError::Unusable(error.to_string()))
    }

    /// `GET` of a document that seldom changes, such as keys, read by `read` and kept for ten minutes. Many who want it
    /// at once ask once. A document of a provider that is down is answered from what was kept, for a day; where nothing
    /// was kept, the failure is told at once for some seconds before the provider is asked again.
    ///
    /// Documents are told apart by URL, schemes and `T`: one `T` is always read by the same `read`.
    pub async fn document<T: Send + Sync + 'static>(
        &self,
        url: &str,
        schemes: Schemes,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<Arc<T>, OutboundError> {
        self.documents.current(url, schemes, || self.fetch(url, schemes, read)).await
    }

    /// The document once more, because something in it was looked for in vain (an unknown `kid`); `than` itself if it
    /// was read a moment ago.
    pub async fn newer_document<T: Send + Sync + 'static>(
        &self,
        url: &str,
        schemes: Schemes,
        read: fn(&[u8]) -> Result<T, String>,
        than: &Arc<T>,
    ) -> Result<Arc<T>, OutboundError> {
        self.documents.newer(url, schemes, than, || self.fetch(url, schemes, read)).await
    }

    /// The document and its length as it came.
    async fn fetch<T>(
        &self,
        url: &str,
        schemes: Schemes,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<(Arc<T>, usize), OutboundError> {
        let named = url.split(['?', '#']).next().unwrap_or_default();
        let unusable = |error: String| OutboundError::Unusable(format!("{named}: {error}"));
        let request = http::Request::get(url).body(Vec::new()).map_err(|error| unusable(error.to_string()))?;
        let answer = self.send(request, schemes).await?;
        if answer.status() != http::StatusCode::OK {
            return Err(unusable(format!("answered with status {}", answer.status().as_u16())));
        }
        let length = answer.body().len();
        read(answer.body()).map(|document| (Arc::new(document), length)).map_err(unusable)
    }

    fn judge(&self, url: &url::Url, schemes: Schemes) -> Result<(), OutboundError> {
        match (url.scheme(), schemes) {
            ("https", _) | ("http", Schemes::HttpToo) => {}
            (scheme, _) => return Err(OutboundError::Forbidden(format!("{scheme} URLs are not asked here"))),
        }
        match url.host() {
            Some(url::Host::Ipv4(ip)) => self.addresses.judge(ip.into()),
            Some(url::Host::Ipv6(ip)) => self.addresses.judge(ip.into()),
            Some(url::Host::Domain(_)) => Ok(()),
            None => Err(OutboundError::Forbidden("the URL names no host".to_owned())),
        }
    }
}

/// Why a request failed: the innermost cause, without the URL, whose query may hold a secret.
fn failure(host: &str, error: &reqwest::Error) -> OutboundError {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    // The judgement on a name's addresses comes out of the connection's making.
    if let Some(judgement) = cause.downcast_ref::<OutboundError>() {
        return judgement.clone();
    }
    let told = if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() };
    OutboundError::Unreachable(format!("{host}: {told}"))
}
