//! The ID token: whether it is ours to believe.
//!
//! Spec: OpenID Connect Core, 3.1.3.7 (ID token validation) and 3.1.3.8 (at_hash), 3.1.2.1 (max_age), 2 (claims).
//! Stops: a token of another issuer, for another client, of another sign-in, too old, or beside another access token.

use super::Provider;
use super::client::Tokens;
use super::discovery::Discovery;
use crate::authenticators::signed_tokens::{ASYMMETRIC, Algorithm, Claims, TokenFault, verify_by_url};
use crate::sign_in::{Denied, Trace};
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use serde_json::json;

/// The clocks of two machines may differ by so many milliseconds.
const SKEW: i64 = 60_000;
/// The longest subject, in bytes (Core, 2).
const LONGEST_SUBJECT: usize = 255;

impl Provider<'_> {
    /// The claims of the ID token, after everything about it was judged. HMAC is not believed: its key would be the
    /// client secret, which the provider's other software and ours know too.
    pub(super) async fn verify(
        &self,
        discovery: &Discovery,
        tokens: &Tokens,
        nonce: &str,
        trace: &mut Trace,
    ) -> Result<Claims, Denied> {
        let (outbound, schemes) = (self.source.outbound, self.source.schemes());
        let keys = discovery.jwks_uri.as_str();
        let claims = verify_by_url(tokens.id_token(), outbound, keys, schemes, ASYMMETRIC).await?;
        trace.note(
            "the ID token is signed by the provider",
            || json!({"algorithm": claims.algorithm(), "claims": claims.told(&["nonce", "at_hash"])}),
        );
        judge(&claims, self, nonce)?;
        check_access_token(&claims, tokens.access_token())?;
        Ok(claims)
    }
}

fn judge(claims: &Claims, provider: &Provider<'_>, nonce: &str) -> Result<(), Denied> {
    let client_id = provider.source.needed("client_id")?;
    let told = |right: bool, cause: &'static str| if right { Ok(()) } else { Err(TokenFault::Claim(cause)) };
    told(claims.text("iss")? == Some(provider.issuer), "the ID token is of another issuer")?;
    let audiences = claims.audiences().unwrap_or_default();
    told(audiences.contains(&client_id), "the ID token is for another client")?;
    let party = claims.text("azp")?;
    told(party.is_none_or(|party| party == client_id), "the ID token was given to another client")?;
    told(party.is_some() || audiences.len() == 1, "the ID token is for several and does not say to whom it was given")?;
    let (_, issued) = claims.check_times(provider.source.now)?;
    told(issued.is_some(), "the claim iat is missing")?;
    told(claims.text("nonce")? == Some(nonce), "the ID token is of another sign-in: its nonce is another")?;
    let subject = claims.text("sub")?.unwrap_or_default();
    told((1..=LONGEST_SUBJECT).contains(&subject.len()), "the ID token names nobody")?;
    Ok(())
}

/// Beside an access token, `at_hash` is the first half of its hash, by the hash of the signature.
fn check_access_token(claims: &Claims, access_token: &str) -> Result<(), TokenFault> {
    let Some(told) = claims.text("at_hash")? else { return Ok(()) };
    let algorithm = claims.algorithm();
    let hash = if [Algorithm::RS384, Algorithm::PS384, Algorithm::ES384].contains(&algorithm) {
        &digest::SHA384
    } else if [Algorithm::RS512, Algorithm::PS512, Algorithm::EdDSA].contains(&algorithm) {
        &digest::SHA512
    } else {
        &digest::SHA256
    };
    let hash = digest::digest(hash, access_token.as_bytes());
    let half = hash.as_ref().get(..hash.as_ref().len() / 2).unwrap_or_default();
    if URL_SAFE_NO_PAD.encode(half) == told {
        return Ok(());
    }
    Err(TokenFault::Claim("the ID token came beside another access token"))
}

/// When the person really signed in, if that was after the provider was told to ask again.
pub(super) fn asked_again_at(claims: &Claims, asked: i64) -> Result<Option<Timestamp>, TokenFault> {
    let proven = claims.moment("auth_time")?;
    Ok(proven.filter(|proven| proven.millis() >= asked.saturating_sub(SKEW)))
}
