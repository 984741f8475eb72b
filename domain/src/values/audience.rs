//! For whom a page is, and what single sign-on does there.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Whom a usersource serves. A usersource belongs to exactly one audience, chosen when it is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Customers, on the portal.
    Users,
    /// Staff, on the agents' and the admins' pages.
    Agents,
}

impl Audience {
    /// Both audiences, in the order in which they are shown.
    pub const ALL: [Self; 2] = [Self::Users, Self::Agents];

    /// The name used in JSON, SQL and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Agents => "agents",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Audience {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|a| a.as_str() == word).ok_or(UnknownWord)
    }
}

/// Where a visitor stands. The URL decides the audience, never the person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    /// The customers' portal, `/`.
    Portal,
    /// The agents' interface, `/agent/`.
    Agent,
    /// The admins' interface, `/admin/`.
    Admin,
}

impl Surface {
    /// All surfaces, in the order in which they are shown.
    pub const ALL: [Self; 3] = [Self::Portal, Self::Agent, Self::Admin];

    /// The name used in JSON, SQL and URLs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Agent => "agent",
            Self::Admin => "admin",
        }
    }

    /// Whose usersources this surface offers.
    pub fn audience(self) -> Audience {
        match self {
            Self::Portal => Audience::Users,
            Self::Agent | Self::Admin => Audience::Agents,
        }
    }

    /// The path of this surface's login page and form.
    pub fn login_path(self) -> &'static str {
        match self {
            Self::Portal => "/login",
            Self::Agent => "/agent/login",
            Self::Admin => "/admin/login",
        }
    }

    /// The path that a visitor who signed in here is sent to.
    pub fn home_path(self) -> &'static str {
        match self {
            Self::Portal => "/",
            Self::Agent => "/agent/",
            Self::Admin => "/admin/",
        }
    }
}

impl fmt::Display for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Surface {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        Self::ALL.into_iter().find(|s| s.as_str() == word).ok_or(UnknownWord)
    }
}

/// What single sign-on does for an audience: held by at most one usersource there (R10).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SsoMode {
    /// The usersource is chosen by hand, if at all.
    #[default]
    Off,
    /// One silent attempt per browser session, then the page (R25).
    Background,
    /// Everybody is redirected at once (R21).
    Automatic,
}

impl SsoMode {
    /// The name used in JSON, SQL and sentences.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Background => "background",
            Self::Automatic => "automatic",
        }
    }
}

impl fmt::Display for SsoMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for SsoMode {
    type Err = UnknownWord;
    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        [Self::Off, Self::Background, Self::Automatic].into_iter().find(|m| m.as_str() == word).ok_or(UnknownWord)
    }
}

/// A word that names none of the choices. The caller knows which choices there are and says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of the words that are allowed here")]
pub struct UnknownWord;
