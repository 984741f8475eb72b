//! Everything that can be asked of a helpdesk's configuration.

use crate::change::Subject;
use crate::config::AuthConfig;
use crate::values::{AccountId, Audience, Field, Fields, Setting, SsoMode, Standing, Timestamp, UsersourceId};
use std::collections::{BTreeMap, BTreeSet};

/// One wish. Ids of new things come with it, since deciding knows no chance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Begins a helpdesk, with `deskpro` enabled for both audiences (R1).
    CreateHelpdesk {
        /// What it is called.
        name: String,
        /// Its own URL: scheme, host and port (R0).
        url: Option<String>,
        /// The id that `deskpro` gets for users.
        users_deskpro: UsersourceId,
        /// The id that `deskpro` gets for agents.
        agents_deskpro: UsersourceId,
    },
    /// Changes the helpdesk's name or URL; `None` clears the URL.
    ChangeHelpdesk {
        /// `name` and `url`, as far as they are to change.
        fields: BTreeMap<Field, Option<Setting>>,
    },
    /// Installs a usersource, disabled (R3).
    InstallUsersource {
        /// The id that it gets.
        id: UsersourceId,
        /// Its kind's slug.
        kind: String,
        /// Whom it serves, for good.
        audience: Audience,
        /// Title, button text and settings, as far as they are known.
        fields: Fields,
    },
    /// Sets fields, or clears them with `None`.
    ChangeUsersource {
        /// Which.
        id: UsersourceId,
        /// What is to change.
        fields: BTreeMap<Field, Option<Setting>>,
    },
    /// Lets visitors sign in through it (R4).
    EnableUsersource {
        /// Which.
        id: UsersourceId,
    },
    /// Lets nobody sign in through it any more (R13).
    DisableUsersource {
        /// Which.
        id: UsersourceId,
        /// Whether the sessions made through it end too (R28).
        end_sessions: bool,
    },
    /// Switches single sign-on (R10–R13).
    SetSso {
        /// Which.
        id: UsersourceId,
        /// To what.
        mode: SsoMode,
    },
    /// Puts an audience's usersources in this order.
    SetOrder {
        /// Whose.
        audience: Audience,
        /// Every one of them, once.
        usersources: Vec<UsersourceId>,
    },
    /// Removes it; the event keeps its last fields (R5).
    UninstallUsersource {
        /// Which.
        id: UsersourceId,
    },
    /// Says what an account means to the lockout guard (R40).
    SetStanding {
        /// Whose.
        account: AccountId,
        /// What it is now.
        standing: Standing,
    },
    /// Records a real sign-in by an active admin (R40, R42).
    RecordProof {
        /// Through which usersource.
        usersource: UsersourceId,
        /// The sign-in digest that it had when the sign-in began.
        digest: String,
        /// Whose identity signed in.
        account: AccountId,
    },
    /// Takes back what an account proved through a usersource: its identity there is gone (R40).
    WithdrawProofs {
        /// Through which usersource.
        usersource: UsersourceId,
        /// Whose identity it was.
        account: AccountId,
    },
    /// Changes an audience's policy (R64).
    ChangePolicy {
        /// Whose.
        audience: Audience,
        /// Values by name.
        values: BTreeMap<String, i64>,
    },
}

/// What the aggregate is asked: commands that stand or fall as one, and the circumstances that decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Judged one upon the other, appended as one.
    pub commands: Vec<Command>,
    /// When.
    pub at: Timestamp,
    /// An explicit override of R40 by somebody who may (R41), with the reason.
    pub accept_lockout: Option<String>,
}

/// What the commands would change, as subjects: a usersource, an audience's single sign-on or order (R60).
pub fn subjects(commands: &[Command], state: &AuthConfig) -> BTreeSet<Subject> {
    let mut subjects = BTreeSet::new();
    for command in commands {
        match command {
            Command::CreateHelpdesk { .. } | Command::ChangeHelpdesk { .. } => {
                subjects.insert(Subject::Helpdesk);
            }
            Command::InstallUsersource { id, .. } => {
                subjects.insert(Subject::Usersource(id.clone()));
            }
            Command::ChangeUsersource { id, .. }
            | Command::EnableUsersource { id }
            | Command::DisableUsersource { id, .. }
            | Command::UninstallUsersource { id }
            | Command::RecordProof { usersource: id, .. }
            | Command::WithdrawProofs { usersource: id, .. } => {
                subjects.insert(Subject::Usersource(id.clone()));
            }
            Command::SetSso { id, .. } => {
                subjects.insert(Subject::Usersource(id.clone()));
                let installed = commands.iter().find_map(|command| {
                    let Command::InstallUsersource { id: new, audience, .. } = command else { return None };
                    (new == id).then_some(*audience)
                });
                let audience = installed.or_else(|| state.usersource(id).ok().map(|u| u.audience));
                subjects.extend(audience.map(Subject::Sso));
            }
            Command::SetOrder { audience, .. } => {
                subjects.insert(Subject::Order(*audience));
            }
            Command::SetStanding { account, .. } => {
                subjects.insert(Subject::Account(account.clone()));
            }
            Command::ChangePolicy { audience, .. } => {
                subjects.insert(Subject::Policy(*audience));
            }
        }
    }
    subjects
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r62_switching_on_what_the_same_batch_installs_touches_the_audiences_single_sign_on() {
        let install = Command::InstallUsersource {
            id: "us_new".into(),
            kind: "saml".into(),
            audience: Audience::Agents,
            fields: Fields::default(),
        };
        let sso = Command::SetSso { id: "us_new".into(), mode: SsoMode::Automatic };
        let touched = subjects(&[install, sso], &AuthConfig::default());
        assert!(touched.contains(&Subject::Sso(Audience::Agents)));
    }
}
