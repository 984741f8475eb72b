//! Why a source lets nobody in: a stable reason for the sign-in log, and the true cause for ours.

use std::fmt;

/// A sign-in that did not come about at the source. The visitor reads a sentence that belongs to the reason, never the
/// cause.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {cause}")]
pub struct Denied {
    /// What kind of refusal it is.
    pub reason: Reason,
    /// What really happened, for the log and for an admin's test. It holds no secret and nothing that was typed.
    pub cause: String,
}

impl Denied {
    /// A refusal with its true cause.
    pub fn new(reason: Reason, cause: impl Into<String>) -> Self {
        Self { reason, cause: cause.into() }
    }
}

/// What kind of refusal it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The person did not finish at the provider, or the provider let them go.
    Cancelled,
    /// The provider could not answer a silent attempt without showing something (R25).
    NotSilent,
    /// The source does not answer, or too slowly. Trying again may help.
    Unreachable,
    /// The source and the settings do not fit together: an admin must act.
    Misconfigured,
    /// The answer does not hold: signature, issuer, audience, time, state, form.
    Invalid,
    /// The answer was used before.
    Replayed,
    /// The login names more than one person at the source.
    Ambiguous,
    /// The source knows the person, and the settings do not admit them: another domain, another tenant.
    NotAdmitted,
}

impl Reason {
    /// The name in the sign-in log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::NotSilent => "not_silent",
            Self::Unreachable => "source_unreachable",
            Self::Misconfigured => "source_misconfigured",
            Self::Invalid => "answer_invalid",
            Self::Replayed => "answer_replayed",
            Self::Ambiguous => "ambiguous",
            Self::NotAdmitted => "not_admitted",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
