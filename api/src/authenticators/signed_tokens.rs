//! Signed tokens (JWS): one way to verify what a provider signed, for every kind that takes such tokens.
//!
//! What a token says of itself is believed only after its signature holds, under an algorithm that we allow and that
//! the key is made for.
//!
//! Spec: RFC 7515 (JWS), RFC 7517 (keys), RFC 8725 §3.1 and §3.2 (algorithms), RFC 7519 (claims).
//! Stops: `alg: none`, a public key used as an HMAC secret, keys that a token brings along (`jwk`, `jku`, `x5u`), critical
//! headers that nobody understood.

mod claims;
mod keys;
mod ours;

pub use claims::{Claims, SKEW};
pub use jsonwebtoken::Algorithm;
pub use keys::Keys;
pub use ours::OurKey;

use crate::outbound::{Outbound, Schemes};
use crate::sign_in::{Denied, Reason};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use keys::Key;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Every algorithm whose signatures only the provider can make. A secret that both sides know is none of them.
pub const ASYMMETRIC: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 65_536;

/// What is wrong with a token. No sentence holds anything of the token itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It has not the form of a signed token.
    #[error("it is not a signed token: {0}")]
    Malformed(&'static str),
    /// It is encrypted (RFC 7516), which the provider must be told not to do.
    #[error("the token is encrypted; let the provider sign it alone")]
    Encrypted,
    /// It names an algorithm that is not allowed here.
    #[error("the token is not signed with an algorithm that is allowed here")]
    Algorithm,
    /// None of these keys signed it; newer ones might have.
    #[error("none of the keys that are known signed the token")]
    UnknownKey,
    /// The key that it names did not sign it.
    #[error("the signature does not hold")]
    Signature,
    /// A claim is missing, of the wrong type, or of a value that is not accepted.
    #[error("{0}")]
    Claim(&'static str),
}

impl From<TokenFault> for Denied {
    fn from(fault: TokenFault) -> Self {
        let reason = if fault == TokenFault::Encrypted { Reason::Misconfigured } else { Reason::Invalid };
        Self::new(reason, fault.to_string())
    }
}

#[derive(Deserialize)]
struct Header<'a> {
    alg: &'a str,
    kid: Option<String>,
    crit: Option<IgnoredAny>,
}

/// What the token says, if one of `keys` signed it with one of the algorithms `allowed`. The claims themselves are yet
/// to be judged: times, issuer, audience.
pub fn verify(token: &str, keys: &Keys, allowed: &[Algorithm]) -> Result<Claims, TokenFault> {
    if token.len() > LONGEST {
        return Err(TokenFault::Malformed("it is too long"));
    }
    let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed("it has no parts"))?;
    let (header, payload) = message.split_once('.').ok_or(TokenFault::Malformed("it has two parts"))?;
    if payload.contains('.') {
        // Header, encrypted key, initialisation vector, ciphertext, tag.
        let encrypted = payload.matches('.').count() == 2;
        return Err(if encrypted { TokenFault::Encrypted } else { TokenFault::Malformed("it has too many parts") });
    }
    let header = decoded(header)?;
    let header: Header<'_> =
        serde_json::from_slice(&header).map_err(|_| TokenFault::Malformed("its header cannot be read"))?;
    let algorithm = keys::algorithm_called(header.alg).ok_or(TokenFault::Algorithm)?;
    if !allowed.contains(&algorithm) {
        return Err(TokenFault::Algorithm);
    }
    if header.crit.is_some() {
        return Err(TokenFault::Malformed("its header demands what is not understood here"));
    }
    let (named, candidates) = keys.candidates(header.kid.as_deref(), algorithm);
    let signed = |key: &&Key| jsonwebtoken::crypto::verify(signature, message.as_bytes(), key.key(), algorithm);
    if !candidates.iter().any(|key| signed(key).unwrap_or(false)) {
        return Err(if named { TokenFault::Signature } else { TokenFault::UnknownKey });
    }
    let claims = serde_json::from_slice(&decoded(payload)?);
    claims
        .map(|claims| Claims::new(claims, algorithm))
        .map_err(|_| TokenFault::Malformed("its claims are no JSON object"))
}

/// Like [`verify`], with the keys that are published at `url`. They are kept; for a key that is not among them they are
/// read once more, though not more often than the way out allows.
pub async fn verify_by_url(
    token: &str,
    outbound: &Outbound,
    url: &str,
    schemes: Schemes,
    allowed: &[Algorithm],
) -> Result<Claims, Denied> {
    let keys = outbound.document(url, schemes, Keys::read).await?;
    match verify(token, &keys, allowed) {
        Err(TokenFault::UnknownKey) => {
            let newer = outbound.newer_document(url, schemes, Keys::read, &keys).await?;
            Ok(verify(token, &newer, allowed)?)
        }
        verified => Ok(verified?),
    }
}

fn decoded(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenFault::Malformed("a part is no base64url"))
}

#[cfg(test)]
pub(crate) mod signing;
#[cfg(test)]
mod tests;
