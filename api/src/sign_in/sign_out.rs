//! Signing out at the provider too, begun here or there (R27).
//!
//! Spec: SAML Profiles 4.4 (single log-out); OpenID Connect RP-Initiated Logout 1.0.
//! Stops: a log-out that leaves the provider's session open, so that the next visit is signed in again without a word; a
//! stranger's message that ends people's sessions (what comes from there is verified like a sign-in).

use super::redirecting::redirect_kind;
use super::{Answer, LogOut, ProviderSession, Stopped};
use crate::accounts::{IdentityKey, Session};
use crate::app::App;
use domain::{HelpdeskId, UsersourceId};
use url::Url;

impl App {
    /// Where the browser goes to sign out at the provider of this session, if it can. What hinders that hinders nobody
    /// from being signed out here.
    pub async fn provider_sign_out(&self, session: &Session) -> Option<Url> {
        let helpdesk = &session.account.helpdesk;
        let at_provider = session.at_provider.as_ref()?;
        let provider: ProviderSession = match &at_provider.sealed {
            None => ProviderSession { index: at_provider.index.clone(), name_id: None, id_token: None },
            Some(sealed) => {
                let purpose = format!("provider session {}", helpdesk.as_str());
                serde_json::from_slice(&self.vault.open_bytes(&purpose, sealed).ok()?).ok()?
            }
        };
        let head = self.ledger.load(helpdesk).await.ok()?;
        let usersource = head.state.usersource(session.usersource.as_ref()?).ok()?;
        let kind = redirect_kind(&usersource.kind)?;
        let base_url = self.base_url(helpdesk);
        match kind.sign_out(&self.source(helpdesk, usersource, &base_url), &provider).await {
            Ok(onward) => onward,
            Err(denied) => {
                tracing::warn!(usersource = %usersource.id, %denied, "signing out at the provider is not possible");
                None
            }
        }
    }

    /// What a provider's log-out message asks for is done; the answer is where the browser takes the news.
    pub async fn provider_logs_out(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &UsersourceId,
        answer: &Answer,
    ) -> Result<Option<Url>, Stopped> {
        let head = self.ledger.refresh(helpdesk).await?;
        let usersource = head.state.usersource(usersource).map_err(|_| Stopped::UsersourceDisabled)?;
        let kind = redirect_kind(&usersource.kind).ok_or(Stopped::UsersourceDisabled)?;
        let base_url = self.base_url(helpdesk);
        let heard = kind.log_out(&self.source(helpdesk, usersource, &base_url), answer).await;
        let heard = heard.map_err(|denied| {
            tracing::warn!(usersource = %usersource.id, %denied, "a provider's log-out message was refused");
            Stopped::Denied(denied.reason)
        })?;
        match heard {
            LogOut::Done => Ok(None),
            LogOut::Asked { issuer, subject, indexes, back, once: (id, until) } => {
                let name = format!("log-out {id}");
                if !self.accounts.use_once(helpdesk, &usersource.id, &name, until).await? {
                    return Err(Stopped::Used);
                }
                let key = IdentityKey { usersource: usersource.id.clone(), issuer, subject };
                let ended = self.accounts.end_provider_sessions(helpdesk, &key, &indexes).await?;
                tracing::info!(usersource = %usersource.id, ended, "the provider ended sessions");
                Ok(Some(back))
            }
        }
    }
}
