//! Everything that has ever happened to a helpdesk's configuration.
//!
//! Events carry before and after, and enough names to be understood alone. A published event is never reshaped: it
//! gets a new version and an upcaster, and its old golden file must still be read.

use crate::catalogue::Capabilities;
use crate::values::{
    AccountId, Audience, FieldChange, Fields, SsoMode, Standing, Timestamp, UsersourceId, UsersourceRef,
};
use cqrs_es::DomainEvent;
use serde::{Deserialize, Serialize};

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, strum::IntoStaticStr, strum::VariantNames)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[strum(serialize_all = "snake_case")]
pub enum Event {
    /// A helpdesk began.
    HelpdeskCreated {
        /// What it is called.
        name: String,
        /// Its own URL.
        url: Option<String>,
    },
    /// Its name or URL changed.
    HelpdeskChanged {
        /// Field by field.
        changes: Vec<FieldChange>,
    },
    /// A usersource was installed, disabled.
    UsersourceInstalled {
        /// Which.
        usersource: UsersourceRef,
        /// What its kind could do then.
        capabilities: Capabilities,
        /// What was set.
        fields: Fields,
    },
    /// Its fields changed.
    UsersourceChanged {
        /// Which.
        usersource: UsersourceRef,
        /// Field by field.
        changes: Vec<FieldChange>,
    },
    /// Visitors may sign in through it.
    UsersourceEnabled {
        /// Which.
        usersource: UsersourceRef,
    },
    /// Visitors may no longer sign in through it.
    UsersourceDisabled {
        /// Which.
        usersource: UsersourceRef,
    },
    /// It is gone. Its last fields are kept, secrets sealed, so that this can be undone.
    UsersourceUninstalled {
        /// Which.
        usersource: UsersourceRef,
        /// What its kind could do.
        capabilities: Capabilities,
        /// What was set.
        fields: Fields,
    },
    /// Single sign-on was switched.
    SsoChanged {
        /// On which usersource.
        usersource: UsersourceRef,
        /// What it was.
        before: SsoMode,
        /// What it is.
        after: SsoMode,
        /// Who took its place (R11), if somebody did.
        displaced_by: Option<UsersourceRef>,
    },
    /// An audience's usersources were put in another order.
    OrderChanged {
        /// Whose.
        audience: Audience,
        /// As it was.
        before: Vec<UsersourceId>,
        /// As it is.
        after: Vec<UsersourceId>,
    },
    /// The sessions made through a usersource before `after` are over.
    SessionsEnded {
        /// Which.
        usersource: UsersourceRef,
        /// The mark before.
        before: Option<Timestamp>,
        /// The mark now.
        after: Timestamp,
    },
    /// An account's role, activity or password changed as far as the lockout guard cares.
    StandingChanged {
        /// Whose.
        account: AccountId,
        /// What it was.
        before: Standing,
        /// What it is.
        after: Standing,
    },
    /// An active admin really signed in through a usersource as it is configured.
    ProofRecorded {
        /// Through which.
        usersource: UsersourceRef,
        /// The sign-in digest it had.
        digest: String,
        /// Whose identity it was.
        account: AccountId,
    },
    /// An admin's identity at a usersource is gone: what they proved through it proves nothing more.
    ProofsWithdrawn {
        /// Through which.
        usersource: UsersourceRef,
        /// Whose identity it was.
        account: AccountId,
    },
    /// An audience's policy changed.
    PolicyChanged {
        /// Whose.
        audience: Audience,
        /// Value by value.
        changes: Vec<FieldChange>,
    },
    /// Somebody who may took the risk that no admin can sign in (R41).
    LockoutAccepted {
        /// Why.
        reason: String,
    },
}

impl Event {
    /// The name under which the event is stored, and the audit trail's `action`: the variant in snake case.
    pub fn name(&self) -> &'static str {
        self.into()
    }
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        self.name().to_owned()
    }

    fn event_version(&self) -> String {
        "1".to_owned()
    }
}
