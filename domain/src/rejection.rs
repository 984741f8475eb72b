//! Why a command was refused: a stable code, and a sentence that says what to do instead.
//!
//! A refusal is no accident. Nothing was appended; the same command may succeed once the cause is mended.

use crate::catalogue::Fault;
use crate::values::UsersourceId;

/// Why not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is no such helpdesk yet, or it exists already.
    #[error("this helpdesk {}", if *.exists { "exists already" } else { "does not exist" })]
    Helpdesk {
        /// Whether it exists.
        exists: bool,
    },
    /// No usersource has this id.
    #[error("no usersource here has the id {0}; list them to see those that do")]
    UnknownUsersource(UsersourceId),
    /// The id that an install brought is taken.
    #[error("the id {0} is taken")]
    IdTaken(UsersourceId),
    /// No kind has this slug.
    #[error("there is no kind {0:?}; the catalogue of kinds lists those that there are")]
    UnknownKind(String),
    /// Enabling needs what is missing or wrong here (R4).
    #[error("the settings are not complete; set the fields listed and try again")]
    SettingsIncomplete(Vec<Fault>),
    /// These values can never be right.
    #[error("some fields cannot have these values; mend those listed")]
    InvalidSetting(Vec<Fault>),
    /// The kind has no single sign-on (R12).
    #[error("the kind {0} cannot do single sign-on; saml, onelogin, jwt and oidc can")]
    SsoNotSupported(String),
    /// Only an enabled usersource takes an SSO mode (R12).
    #[error("{0} is disabled; enable it first")]
    UsersourceDisabled(UsersourceId),
    /// It is enabled.
    #[error("{0} is enabled already")]
    AlreadyEnabled(UsersourceId),
    /// It is disabled.
    #[error("{0} is disabled already")]
    AlreadyDisabled(UsersourceId),
    /// Everything is as asked already.
    #[error("everything is as asked already")]
    NothingToChange,
    /// `deskpro` is there once per audience, for good (R2).
    #[error("deskpro is built in: it is enabled or disabled, never installed again nor uninstalled")]
    DeskproIsBuiltIn,
    /// An order must name each of the audience's usersources once.
    #[error("an order names each of the audience's usersources exactly once")]
    NotAnOrder,
    /// No admin could sign in after this (R40).
    #[error(
        "no admin could sign in after this; keep deskpro enabled for agents and reachable with an active admin who has a password, \
         or first prove another agents' usersource by a real sign-in of an admin"
    )]
    WouldLockOutAdmins,
    /// Auto agent on a source that lets anybody in (R31).
    #[error("{0} lets anybody in, so it must not make agents by itself; restrict its domains or turn auto agent off")]
    OpenSourceAdmitsAnyone(UsersourceId),
    /// A proof counts only for an active admin and the present configuration.
    #[error("this sign-in proves nothing: it was not by an active admin, or the usersource has changed since")]
    ProvesNothing,
}

impl Rejection {
    /// The stable code that programs compare.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Helpdesk { exists: true } => "helpdesk_exists",
            Self::Helpdesk { exists: false } => "unknown_helpdesk",
            Self::UnknownUsersource(_) => "unknown_usersource",
            Self::IdTaken(_) => "id_taken",
            Self::UnknownKind(_) => "unknown_kind",
            Self::SettingsIncomplete(_) => "settings_incomplete",
            Self::InvalidSetting(_) => "invalid_setting",
            Self::SsoNotSupported(_) => "sso_not_supported",
            Self::UsersourceDisabled(_) => "usersource_disabled",
            Self::AlreadyEnabled(_) => "already_enabled",
            Self::AlreadyDisabled(_) => "already_disabled",
            Self::NothingToChange => "nothing_to_change",
            Self::DeskproIsBuiltIn => "deskpro_is_built_in",
            Self::NotAnOrder => "not_an_order",
            Self::WouldLockOutAdmins => "would_lock_out_admins",
            Self::OpenSourceAdmitsAnyone(_) => "open_source_admits_anyone",
            Self::ProvesNothing => "proves_nothing",
        }
    }

    /// The fields at fault, if fields are.
    pub fn faults(&self) -> &[Fault] {
        match self {
            Self::SettingsIncomplete(faults) | Self::InvalidSetting(faults) => faults,
            Self::Helpdesk { .. }
            | Self::UnknownUsersource(_)
            | Self::IdTaken(_)
            | Self::UnknownKind(_)
            | Self::SsoNotSupported(_)
            | Self::UsersourceDisabled(_)
            | Self::AlreadyEnabled(_)
            | Self::AlreadyDisabled(_)
            | Self::NothingToChange
            | Self::DeskproIsBuiltIn
            | Self::NotAnOrder
            | Self::WouldLockOutAdmins
            | Self::OpenSourceAdmitsAnyone(_)
            | Self::ProvesNothing => &[],
        }
    }
}
