//! Sending a message in the query of a URL.
//!
//! Spec: SAML Bindings 3.4.4: raw DEFLATE, base64, URL encoding; the signature is over the query's own bytes in the
//! order message, RelayState, SigAlg.

use super::signing_keys::SigningKey;
use crate::sign_in::{Denied, Reason};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::Write as _;
use url::Url;
use url::form_urlencoded::byte_serialize;

/// What a message is, by the name of its member in the query.
#[derive(Debug, Clone, Copy)]
pub(super) enum Message {
    /// Asks.
    Request,
    /// Answers.
    Response,
}

impl Message {
    fn member(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The URL that takes `xml` to `to`, signed if there is a key.
pub(super) fn url(
    to: &str,
    message: Message,
    xml: &str,
    relay_state: Option<&str>,
    key: Option<&SigningKey>,
) -> Result<Url, Denied> {
    let mut to = Url::parse(to).map_err(|_| Denied::new(Reason::Misconfigured, "the provider's URL is none"))?;
    let mut query = format!("{}={}", message.member(), encoded(&STANDARD.encode(deflated(xml)?)));
    if let Some(relay_state) = relay_state {
        query.push_str(&format!("&RelayState={}", encoded(relay_state)));
    }
    if let Some(key) = key {
        query.push_str(&format!("&SigAlg={}", encoded(SigningKey::ALGORITHM)));
        let signature = key.sign(query.as_bytes())?;
        query.push_str(&format!("&Signature={}", encoded(&STANDARD.encode(signature))));
    }
    // What the provider's URL has in its query already stays, and stays out of the signature.
    let before = to.query().filter(|before| !before.is_empty());
    let whole = before.map_or_else(|| query.clone(), |before| format!("{before}&{query}"));
    to.set_query(Some(&whole));
    Ok(to)
}

fn encoded(value: &str) -> String {
    byte_serialize(value.as_bytes()).collect()
}

fn deflated(xml: &str) -> Result<Vec<u8>, Denied> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let done = encoder.write_all(xml.as_bytes()).and_then(|()| encoder.finish());
    done.map_err(|error| Denied::new(Reason::Misconfigured, error.to_string()))
}
