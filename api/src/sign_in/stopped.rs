//! Why somebody did not get in: the true word for the log, and the coarse one that the visitor may know.

use super::Reason;
use crate::accounts::AccountsError;
use crate::people::PeopleError;
use crate::store::StoreError;
use crate::vault::VaultError;

/// A sign-in that ended without a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// The source let nobody in.
    Denied(Reason),
    /// The attempt is older than it may be.
    Expired,
    /// The attempt was used before.
    Used,
    /// This browser did not begin the attempt.
    OtherBrowser,
    /// The usersource is not there or not enabled, at this moment (R28).
    UsersourceDisabled,
    /// The usersource was configured anew since the attempt began (R28).
    UsersourceChanged,
    /// Everybody of this audience signs in elsewhere (R22).
    Automatic,
    /// The filter says no, or fails (R32).
    Filtered,
    /// The source does not say for good whom it means (R30).
    Unidentified,
    /// There is no account, and none is made here (R31).
    NoAccount,
    /// The account is disabled (R33).
    AccountDisabled,
    /// The account's role does not enter this audience (R20).
    WrongRole,
    /// The identity belongs to somebody else.
    LinkedElsewhere,
    /// Whoever began is not signed in any more, or not freshly enough.
    NotSignedIn,
    /// A store does not answer.
    Unavailable,
}

impl Stopped {
    /// The word in the sign-in log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Denied(reason) => reason.as_str(),
            Self::Expired => "attempt_expired",
            Self::Used => "attempt_used",
            Self::OtherBrowser => "other_browser",
            Self::UsersourceDisabled => "usersource_disabled",
            Self::UsersourceChanged => "usersource_changed",
            Self::Automatic => "automatic",
            Self::Filtered => "filtered",
            Self::Unidentified => "unidentified",
            Self::NoAccount => "no_account",
            Self::AccountDisabled => "disabled",
            Self::WrongRole => "role",
            Self::LinkedElsewhere => "linked_elsewhere",
            Self::NotSignedIn => "not_signed_in",
            Self::Unavailable => "unavailable",
        }
    }

    /// What the visitor is told.
    pub fn told(self) -> Tried {
        match self {
            Self::Denied(Reason::Cancelled) => Tried::Cancelled,
            Self::Denied(Reason::NotSilent) => Tried::Silently,
            Self::Denied(Reason::Unreachable) => Tried::Unreachable,
            Self::Denied(Reason::Misconfigured) => Tried::Misconfigured,
            Self::Denied(Reason::NotAdmitted) | Self::Filtered | Self::WrongRole => Tried::NotAdmitted,
            Self::Denied(Reason::Invalid | Reason::Replayed | Reason::Ambiguous) | Self::Unidentified => Tried::Failed,
            Self::Expired | Self::Used | Self::OtherBrowser | Self::NotSignedIn => Tried::Expired,
            Self::UsersourceDisabled | Self::Automatic => Tried::SwitchedOff,
            Self::UsersourceChanged => Tried::Changed,
            Self::NoAccount => Tried::NoAccount,
            Self::AccountDisabled => Tried::Disabled,
            Self::LinkedElsewhere => Tried::LinkedElsewhere,
            Self::Unavailable => Tried::Unavailable,
        }
    }

    /// Whether anything was proved before it stopped.
    pub fn proved_something(self) -> bool {
        match self {
            Self::Denied(_) | Self::Expired | Self::Used | Self::OtherBrowser | Self::Unavailable => false,
            Self::UsersourceDisabled
            | Self::UsersourceChanged
            | Self::Automatic
            | Self::Filtered
            | Self::Unidentified
            | Self::NoAccount
            | Self::AccountDisabled
            | Self::WrongRole
            | Self::LinkedElsewhere
            | Self::NotSignedIn => true,
        }
    }
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        accident(&error)
    }
}

impl From<AccountsError> for Stopped {
    fn from(error: AccountsError) -> Self {
        accident(&error)
    }
}

impl From<VaultError> for Stopped {
    fn from(error: VaultError) -> Self {
        accident(&error)
    }
}

impl From<PeopleError> for Stopped {
    fn from(error: PeopleError) -> Self {
        accident(&error)
    }
}

fn accident(error: &(dyn std::error::Error + 'static)) -> Stopped {
    tracing::error!(error, "a sign-in failed for a reason of ours");
    Stopped::Unavailable
}

/// How the last attempt ended, as a login page tells its visitor (R22). It travels in the address and in a cookie, so
/// it says nothing that a stranger may not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum Tried {
    /// An attempt was begun, and nothing came back yet.
    Began,
    /// A silent attempt; nobody needs to hear of it.
    Silently,
    /// Somebody signed out.
    SignedOut,
    /// The person did not finish at the provider.
    Cancelled,
    /// The provider does not answer.
    Unreachable,
    /// The settings do not fit; an admin must act.
    Misconfigured,
    /// The provider's answer does not hold.
    Failed,
    /// Too old, used before, or begun in another browser.
    Expired,
    /// Not possible here any more.
    SwitchedOff,
    /// Configured anew meanwhile.
    Changed,
    /// Known to the provider, and not admitted here.
    NotAdmitted,
    /// No account here.
    NoAccount,
    /// The account is disabled.
    Disabled,
    /// The identity belongs to another account.
    LinkedElsewhere,
    /// A fault of ours.
    Unavailable,
}

impl Tried {
    /// The word in the address and the cookie.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}
