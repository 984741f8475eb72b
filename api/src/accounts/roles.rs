//! What a person may do (R63), and which audience's pages they may enter (R20).

use domain::Audience;
use std::{fmt, str::FromStr};

/// The role of an account or of an API token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Admin,
    /// Reads all, changes nothing.
    Auditor,
    /// Staff without a part in the configuration.
    Agent,
    /// A customer.
    User,
}

impl Role {
    /// All roles, in the order in which they are shown.
    pub const ALL: [Self; 4] = [Self::Admin, Self::Auditor, Self::Agent, Self::User];

    /// The name used in JSON, SQL and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Auditor => "auditor",
            Self::Agent => "agent",
            Self::User => "user",
        }
    }

    /// Whether somebody of this role may have a session of `audience`. Customers never have an agents' session.
    pub fn may_enter(self, audience: Audience) -> bool {
        match audience {
            Audience::Users => true,
            Audience::Agents => matches!(self, Self::Admin | Self::Auditor | Self::Agent),
        }
    }

    /// Whether an owner of this role may hold a token of role `token`.
    pub fn may_hold_token(self, token: Self) -> bool {
        match token {
            Self::Admin => self == Self::Admin,
            Self::Auditor => matches!(self, Self::Admin | Self::Auditor),
            Self::Agent | Self::User => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = UnknownRole;
    fn from_str(word: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == word).ok_or(UnknownRole)
    }
}

/// A word that is no role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role is admin, auditor, agent or user")]
pub struct UnknownRole;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r20_customers_stay_out_of_the_agents_pages_and_r63_tokens_carry_two_roles() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert!(role.may_enter(Audience::Users));
            assert_eq!(role.may_enter(Audience::Agents), role != Role::User);
            assert_eq!(role.may_hold_token(Role::Admin), role == Role::Admin);
            assert!(!role.may_hold_token(Role::Agent) && !role.may_hold_token(Role::User));
        }
        assert!(Role::Auditor.may_hold_token(Role::Auditor) && !Role::Agent.may_hold_token(Role::Auditor));
        assert!("root".parse::<Role>().is_err());
    }
}
