//! One table: what went wrong inside, and the code, status and sentence that the caller gets. Accidents are logged
//! here, once, and told as little as a stranger may know.

use super::entries;
use super::problem::Problem;
use crate::accounts::AccountsError;
use crate::commands::CommandError;
use crate::people::PeopleError;
use crate::store::StoreError;
use actix_web::http::StatusCode;
use domain::Rejection;
use projections::ProjectionError;

/// After how many seconds a store is worth asking again.
const RETRY: u32 = 2;

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let status = match &rejection {
            Rejection::UnknownUsersource(_) | Rejection::Helpdesk { exists: false } => StatusCode::NOT_FOUND,
            Rejection::WouldLockOutAdmins | Rejection::Helpdesk { exists: true } | Rejection::IdTaken(_) => {
                StatusCode::CONFLICT
            }
            Rejection::UnknownKind(_)
            | Rejection::SettingsIncomplete(_)
            | Rejection::InvalidSetting(_)
            | Rejection::SsoNotSupported(_)
            | Rejection::UsersourceDisabled(_)
            | Rejection::AlreadyEnabled(_)
            | Rejection::AlreadyDisabled(_)
            | Rejection::NothingToChange
            | Rejection::DeskproIsBuiltIn
            | Rejection::NotAnOrder
            | Rejection::OpenSourceAdmitsAnyone(_)
            | Rejection::ProvesNothing => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self::new(status, rejection.code(), sentence(&rejection)).with_errors(rejection.faults().to_vec())
    }
}

/// What the caller typed may be in a refusal; it is cut to a length that helps.
fn sentence(rejection: &Rejection) -> String {
    rejection.to_string().chars().take(400).collect()
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        match error {
            CommandError::Rejected(rejection) => rejection.into(),
            CommandError::VersionMismatch { seen, version, since: events } => {
                let detail = format!(
                    "version {seen} was seen, and this helpdesk is at {version}; read what changed, then try again"
                );
                Self::new(StatusCode::PRECONDITION_FAILED, "version_mismatch", detail)
                    .with("version", version)
                    .with("since", entries::since(&events))
            }
            CommandError::IdempotencyMismatch => {
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_mismatch", error.to_string())
            }
            CommandError::Conflict => Self::new(StatusCode::CONFLICT, "conflict", error.to_string()).retry_after(1),
            CommandError::Store(error) => error.into(),
            CommandError::Accident(error) => {
                tracing::error!(error = error.as_ref() as &(dyn std::error::Error + 'static), "a fault of ours");
                Self::internal()
            }
            CommandError::Projection(error) => error.into(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => CommandError::Conflict.into(),
            StoreError::Unavailable(_) => lost(&error),
            other @ (StoreError::Unreadable(_) | StoreError::Missing { .. } | StoreError::NotCanonical(_)) => {
                Self::accident(other)
            }
        }
    }
}

impl From<ProjectionError> for Problem {
    fn from(error: ProjectionError) -> Self {
        lost(&error)
    }
}

impl From<AccountsError> for Problem {
    fn from(error: AccountsError) -> Self {
        let refused = |status, code| Self::new(status, code, error.to_string());
        match &error {
            AccountsError::EmailTaken => refused(StatusCode::CONFLICT, "email_taken"),
            AccountsError::Busy => refused(StatusCode::CONFLICT, "conflict"),
            AccountsError::InvalidEmail => refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_email"),
            AccountsError::InvalidName => refused(StatusCode::UNPROCESSABLE_ENTITY, "invalid_name"),
            AccountsError::RoleTooHigh => refused(StatusCode::UNPROCESSABLE_ENTITY, "role_too_high"),
            AccountsError::LinkUsed | AccountsError::Unknown => Self::not_found(),
            AccountsError::Unavailable(_) => lost(&error),
            AccountsError::Unreadable(_) => Self::accident(error),
        }
    }
}

impl From<PeopleError> for Problem {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Accounts(error) => error.into(),
            PeopleError::Command(error) => error.into(),
            PeopleError::Vault(error) => Self::accident(error),
        }
    }
}

/// A store does not answer: nothing is lost, and asking again soon is right.
fn lost(error: &(dyn std::error::Error + 'static)) -> Problem {
    tracing::error!(error, "a store does not answer");
    Problem::unavailable("unavailable", "the store does not answer at the moment; try again shortly", RETRY)
}

impl Problem {
    /// A fault of ours: logged here in its own words, told in none of them.
    pub fn accident(error: impl std::error::Error + 'static) -> Self {
        tracing::error!(error = &error as &(dyn std::error::Error + 'static), "a fault of ours");
        Self::internal()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::ResponseError as _;

    #[test]
    fn a_lost_store_is_503_and_says_nothing_of_itself() {
        let problem: Problem = StoreError::Unavailable("postgres://user:planted@host".to_owned()).into();
        assert_eq!(problem.status_code(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(problem.error_response().headers().get("retry-after").unwrap(), "2");
        assert!(!problem.to_string().contains("planted"));
    }

    #[test]
    fn r40_a_lockout_is_a_conflict_and_an_unknown_usersource_is_not_found() {
        let status = |rejection: Rejection| Problem::from(rejection).status_code();
        assert_eq!(status(Rejection::WouldLockOutAdmins), StatusCode::CONFLICT);
        assert_eq!(status(Rejection::UnknownUsersource("x".into())), StatusCode::NOT_FOUND);
        assert_eq!(status(Rejection::NothingToChange), StatusCode::UNPROCESSABLE_ENTITY);
    }
}
