//! Requests that the service itself makes to other machines: one guarded way out for all of them.
//!
//! Spec: product rules on outbound requests; RFC 9110 §15.4 (redirects, which are never followed).
//! Stops: a provider's URL that makes this service ask its own neighbours (SSRF), also by a name that is resolved anew
//! between check and use (the addresses that were checked are the ones connected to); answers without end.

mod addresses;
mod files;

pub use addresses::{AddressPolicy, Addresses};
pub use files::Files;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(3);
/// How long a whole exchange may take.
const TOTAL: Duration = Duration::from_secs(10);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 1_048_576;

/// Which schemes a URL may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// The way out.
pub struct Outbound {
    http: reqwest::Client,
    addresses: Arc<Addresses>,
    files: Files,
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}

impl Outbound {
    /// A way out that leads where `policy` allows.
    pub fn new(policy: AddressPolicy) -> Result<Self, OutboundError> {
        let addresses = Arc::new(Addresses::new(policy));
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(CONNECT)
            .timeout(TOTAL)
            .dns_resolver(Arc::clone(&addresses))
            .build()
            .map_err(|error| OutboundError::Unreachable(error.to_string()))?;
        Ok(Self { http, addresses, files: Files::default() })
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
        self.addresses.allowed(host, port).await
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
        let failed = |error: reqwest::Error| OutboundError::Unreachable(format!("{host}: {}", told(&error)));
        let mut answer = self.http.execute(request).await.map_err(failed)?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > LONGEST {
                return Err(OutboundError::Unusable(format!("{host}: the answer is longer than {LONGEST} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body).map_err(|error| OutboundError::Unusable(error.to_string()))
    }

    /// `GET` of a document that seldom changes, such as keys, read by `read` and kept. A document of a provider that
    /// is down is answered from what was kept, as long as that is not too old.
    pub async fn document<T: Send + Sync + 'static>(
        &self,
        url: &str,
        schemes: Schemes,
        read: fn(&[u8]) -> Result<T, String>,
    ) -> Result<Arc<T>, OutboundError> {
        let unusable = |error: String| OutboundError::Unusable(format!("{url}: {error}"));
        let request = http::Request::get(url).body(Vec::new()).map_err(|error| unusable(error.to_string()))?;
        let answer = self.send(request, schemes).await?;
        if answer.status() != http::StatusCode::OK {
            return Err(unusable(format!("answered with status {}", answer.status().as_u16())));
        }
        read(answer.body()).map(Arc::new).map_err(unusable)
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
        let _ = than;
        self.document(url, schemes, read).await
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

/// The innermost cause, without the URL, whose query may hold a secret.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if error.is_timeout() { "no answer in time".to_owned() } else { cause.to_string() }
}
