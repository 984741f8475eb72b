//! Signing out at the provider too (R27): what is kept for that, and where the browser goes.
//!
//! Spec: OpenID Connect RP-Initiated Logout 1.0, 2 and 3.

use super::Provider;
use super::discovery::Discovery;
use crate::authenticators::signed_tokens::Claims;
use crate::sign_in::{Denied, ProviderSession, Trace};
use url::Url;

/// The longest ID token that is kept as a hint, in bytes: it travels in a URL. Without it the provider may ask the
/// person whether they mean it.
const LONGEST_HINT: usize = 6_000;

/// What is kept of the provider's session; nothing if the provider has no page for signing out.
pub(super) fn session_of(claims: &Claims, id_token: &str, discovery: &Discovery) -> Option<ProviderSession> {
    discovery.end_session_endpoint.as_ref()?;
    let index = claims.text("sid").ok().flatten().map(str::to_owned);
    let id_token = (id_token.len() <= LONGEST_HINT).then(|| id_token.to_owned());
    Some(ProviderSession { index, name_id: None, id_token })
}

impl Provider<'_> {
    /// The provider's page for signing out, if it has one.
    pub(in crate::authenticators) async fn sign_out(&self, session: &ProviderSession) -> Result<Option<Url>, Denied> {
        let discovery = self.discover(&mut Trace::off()).await?;
        let Some(mut to) = discovery.end_session_endpoint.clone() else { return Ok(None) };
        let back = format!("{}/signed-out", self.source.base_url);
        to.query_pairs_mut()
            .append_pair("client_id", self.source.needed("client_id")?)
            .append_pair("post_logout_redirect_uri", &back);
        if let Some(hint) = &session.id_token {
            to.query_pairs_mut().append_pair("id_token_hint", hint);
        }
        Ok(Some(to))
    }
}
