//! How people proved who they are, and which proof is fresh enough for the gravest commands (R41).
//!
//! Spec: OpenID Connect Core, 3.1.2.1 (`max_age`, `auth_time`): a provider that was not told to ask again proves
//! nothing about this moment.
//! Stops: a stolen or forgotten session that overrides the lockout guard.

use super::AccountsError;
use domain::Timestamp;

/// How somebody proved who they are. R41 asks for a fresh sign-in, and not every means is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// A password, typed here.
    Password,
    /// A provider, which may have remembered them.
    Provider,
    /// A provider that was told to ask again and says that it did.
    ProviderAskedAgain,
    /// A recovery link. It proves nothing (R40).
    RecoveryLink,
}

impl Means {
    const ALL: [Self; 4] = [Self::Password, Self::Provider, Self::ProviderAskedAgain, Self::RecoveryLink];

    /// The name used in SQL and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Provider => "provider",
            Self::ProviderAskedAgain => "provider_asked_again",
            Self::RecoveryLink => "recovery_link",
        }
    }

    /// Whether a sign-in at `authenticated_at` is recent and strong enough now. One in the future is neither.
    pub(super) fn is_fresh(self, authenticated_at: Timestamp, now: Timestamp) -> bool {
        let proven = match self {
            Self::Password | Self::ProviderAskedAgain => true,
            Self::Provider | Self::RecoveryLink => false,
        };
        let age = now.millis().saturating_sub(authenticated_at.millis());
        proven && (0..FRESH_MILLIS).contains(&age)
    }
}

impl std::str::FromStr for Means {
    type Err = AccountsError;
    fn from_str(word: &str) -> Result<Self, AccountsError> {
        Self::ALL.into_iter().find(|means| means.as_str() == word).ok_or(AccountsError::Unreadable("means"))
    }
}

/// A sign-in is fresh for so long (R41), in milliseconds.
const FRESH_MILLIS: i64 = 5 * 60 * 1000;

#[cfg(test)]
mod tests {
    use super::super::fixture::at;
    use super::*;

    #[test]
    fn r41_only_a_recent_sign_in_that_proves_something_is_fresh() {
        for means in Means::ALL {
            assert_eq!(means.as_str().parse::<Means>().unwrap(), means);
            let proves = matches!(means, Means::Password | Means::ProviderAskedAgain);
            assert_eq!(means.is_fresh(at(0), at(299)), proves, "{means:?}");
            assert!(!means.is_fresh(at(0), at(300)) && !means.is_fresh(at(1), at(0)));
        }
    }
}
