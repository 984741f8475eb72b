//! Nobody locks themselves out: a way in for admins at every version, once there has been one (R40, R41).
//!
//! The guard judges the *result* of a request, whatever the request was, and only what is in the stream: so the
//! append that fails on a rival's version is also the one that keeps two harmless halves from making a lockout.

use crate::config::AuthConfig;
use crate::event::Event;
use crate::rejection::Rejection;
use crate::values::{AccountId, Audience, SsoMode, Standing, Usersource, UsersourceId};

/// Whether some admin could sign in: through an enabled and reachable agents' usersource that is `deskpro`, with an
/// active admin who has a password, or that an active admin has proven as it is configured now.
pub(crate) fn has_way_in(state: &AuthConfig) -> bool {
    state.of(Audience::Agents).any(|usersource| is_reachable(state, usersource) && is_way_in(state, usersource))
}

fn is_reachable(state: &AuthConfig, usersource: &Usersource) -> bool {
    let elsewhere =
        state.of(usersource.audience).any(|u| u.enabled && u.sso == SsoMode::Automatic && u.id != usersource.id);
    usersource.is_offered() && !elsewhere
}

fn is_way_in(state: &AuthConfig, usersource: &Usersource) -> bool {
    let active_admin = |account: &AccountId| state.standings.get(account).is_some_and(|s| s.admin && s.active);
    if usersource.capabilities.built_in {
        return state.standings.values().any(|s| s.admin && s.active && s.has_password);
    }
    let digest = usersource.sign_in_digest();
    state.proofs.iter().any(|p| p.usersource == usersource.id && p.digest == digest && active_admin(&p.account))
}

/// Refuses what takes the last way in, unless that was accepted; the acceptance is an event of its own (R41).
pub(crate) fn judge(
    before: &AuthConfig,
    after: &AuthConfig,
    accepted: Option<&str>,
) -> Result<Option<Event>, Rejection> {
    if !before.has_way_in() || after.has_way_in() {
        return Ok(None);
    }
    match accepted {
        Some(reason) => Ok(Some(Event::LockoutAccepted { reason: reason.to_owned() })),
        None => Err(Rejection::WouldLockOutAdmins),
    }
}

/// Says what an account means to the guard.
pub(crate) fn set_standing(state: &AuthConfig, account: &AccountId, after: Standing) -> Result<Vec<Event>, Rejection> {
    let before = state.standings.get(account).copied().unwrap_or_default();
    if before == after {
        return Err(Rejection::NothingToChange);
    }
    Ok(vec![Event::StandingChanged { account: account.clone(), before, after }])
}

/// Records a real sign-in, if it was by an active admin and the usersource is still as it was then.
pub(crate) fn record_proof(
    state: &AuthConfig,
    id: &UsersourceId,
    digest: &str,
    account: &AccountId,
) -> Result<Vec<Event>, Rejection> {
    let usersource = state.usersource(id)?;
    let active_admin = state.standings.get(account).is_some_and(|s| s.admin && s.active);
    if !active_admin || usersource.sign_in_digest() != digest {
        return Err(Rejection::ProvesNothing);
    }
    let known = state.proofs.iter().any(|p| p.usersource == *id && p.digest == digest && p.account == *account);
    if known {
        return Err(Rejection::NothingToChange);
    }
    Ok(vec![Event::ProofRecorded {
        usersource: usersource.reference(),
        digest: digest.to_owned(),
        account: account.clone(),
    }])
}

/// Takes back what an account proved through a usersource, since it cannot sign in there any more.
pub(crate) fn withdraw_proofs(
    state: &AuthConfig,
    id: &UsersourceId,
    account: &AccountId,
) -> Result<Vec<Event>, Rejection> {
    let usersource = state.usersource(id)?;
    if !state.proofs.iter().any(|proof| proof.usersource == *id && proof.account == *account) {
        return Err(Rejection::NothingToChange);
    }
    Ok(vec![Event::ProofsWithdrawn { usersource: usersource.reference(), account: account.clone() }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;
    use crate::rules::given::{ADMIN, Given, change_to, names};
    use crate::values::Setting;

    const LOCKED: Result<Vec<Event>, Rejection> = Err(Rejection::WouldLockOutAdmins);

    fn disable(id: &str) -> Command {
        Command::DisableUsersource { id: id.into(), end_sessions: false }
    }

    fn standing(admin: bool, active: bool, has_password: bool) -> Command {
        Command::SetStanding { account: "acc_1".into(), standing: Standing { admin, active, has_password } }
    }

    /// An admin with a password, and `us_1`, an enabled SAML usersource for agents with a button.
    fn given() -> Given {
        let mut given = Given::with_enabled("us_1", "saml", Audience::Agents);
        given.done(change_to("us_1", "button_text", Some(Setting::text("Staff"))));
        given.done(ADMIN.clone());
        given
    }

    fn prove(given: &mut Given) {
        let digest = given.usersource("us_1").sign_in_digest();
        given.done(Command::RecordProof { usersource: "us_1".into(), digest, account: "acc_1".into() });
    }

    #[test]
    fn r40_whatever_takes_the_last_way_in_is_refused() {
        let given = given();
        assert_eq!(given.when(disable("dp_agents")), LOCKED, "disabling deskpro");
        assert_eq!(given.when(standing(false, true, true)), LOCKED, "the last admin's role");
        assert_eq!(given.when(standing(true, false, true)), LOCKED, "the last admin's account");
        assert_eq!(given.when(standing(true, true, false)), LOCKED, "the last admin's password");
        let automatic = Command::SetSso { id: "us_1".into(), mode: SsoMode::Automatic };
        assert_eq!(given.when(automatic), LOCKED, "an unproven automatic hides deskpro");
        assert!(given.when(disable("dp_users")).is_ok(), "users' sign-in is not a way in for admins");
    }

    #[test]
    fn r40_before_the_first_admin_there_is_nothing_to_keep() {
        assert!(Given::helpdesk().when(disable("dp_agents")).is_ok());
    }

    #[test]
    fn r40_a_proof_of_the_present_digest_is_a_way_in_as_long_as_it_is_reachable_and_unchanged() {
        let mut given = given();
        prove(&mut given);
        given.done(disable("dp_agents"));
        assert_eq!(given.when(disable("us_1")), LOCKED);
        assert_eq!(given.when(change_to("us_1", "button_text", None)), LOCKED, "without a button nobody reaches it");
        let other = change_to("us_1", "settings.sso_url", Some(Setting::text("https://other.example/sso")));
        assert_eq!(given.when(other.clone()), LOCKED, "another digest is not proven");
        assert_eq!(given.when(standing(true, false, true)), LOCKED, "nor by one who is disabled");
        assert!(given.when(change_to("us_1", "title", Some(Setting::text("Renamed")))).is_ok());

        given.done(Command::EnableUsersource { id: "dp_agents".into() });
        given.done(other);
        assert_eq!(given.when(disable("dp_agents")), LOCKED);
        given.done(change_to("us_1", "settings.sso_url", Some(Setting::text("https://idp.example/sso"))));
        assert!(given.when(disable("dp_agents")).is_ok(), "a digest once proven stays proven when it comes back");
    }

    #[test]
    fn r40_a_proof_goes_with_its_identity_unless_it_is_the_last_way_in() {
        let mut given = given();
        prove(&mut given);
        let withdraw = || Command::WithdrawProofs { usersource: "us_1".into(), account: "acc_1".into() };
        let other = Command::WithdrawProofs { usersource: "us_1".into(), account: "acc_2".into() };
        assert_eq!(given.when(other), Err(Rejection::NothingToChange));
        let mut alone = given.clone();
        alone.done(disable("dp_agents"));
        assert_eq!(alone.when(withdraw()), LOCKED);
        given.done(withdraw());
        assert_eq!(given.when(disable("dp_agents")), LOCKED, "it proves nothing more");
        assert_eq!(given.when(withdraw()), Err(Rejection::NothingToChange));
    }

    #[test]
    fn r40_a_batch_is_judged_by_its_end() {
        let given = given();
        let swap = [disable("dp_agents"), Command::EnableUsersource { id: "dp_agents".into() }];
        assert!(given.when_all(&swap, None).is_ok());
        let hidden = [change_to("us_1", "title", Some(Setting::text("x"))), disable("dp_agents")];
        assert_eq!(given.when_all(&hidden, None), LOCKED);
    }

    #[test]
    fn r41_an_accepted_lockout_is_an_event_of_its_own_and_only_where_there_is_one() {
        let given = given();
        let events = given.when_all(&[disable("dp_agents")], Some("moving house")).unwrap();
        assert_eq!(names(&events), ["usersource_disabled", "lockout_accepted"]);
        let events = given.when_all(&[disable("dp_users")], Some("moving house")).unwrap();
        assert_eq!(names(&events), ["usersource_disabled"]);
    }

    #[test]
    fn r40_only_an_active_admin_on_the_present_configuration_proves_anything() {
        let given = given();
        let digest = given.usersource("us_1").sign_in_digest();
        let proof = |digest: &str, account: &str| Command::RecordProof {
            usersource: "us_1".into(),
            digest: digest.into(),
            account: account.into(),
        };
        assert_eq!(given.when(proof("stale", "acc_1")), Err(Rejection::ProvesNothing));
        assert_eq!(given.when(proof(&digest, "acc_2")), Err(Rejection::ProvesNothing));
        assert!(given.when(proof(&digest, "acc_1")).is_ok());
    }
}
