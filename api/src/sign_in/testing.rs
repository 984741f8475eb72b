//! Testing a usersource (R42): a real sign-in, seen step by step, that makes no account, no link and no session. What
//! an active admin proves by it, the ledger keeps (R40).

use super::gate::passes_filter;
use super::provision::role_of_the_unknown;
use super::{Denied, Person, Step, Stopped, Trace};
use crate::accounts::lockout::{self, Standing};
use crate::accounts::{Account, Match};
use crate::app::App;
use crate::authenticators::{self, Authenticator, SignIn};
use crate::people::Hand;
use domain::HelpdeskId;
use domain::values::Usersource;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::net::IpAddr;
use zeroize::Zeroizing;

/// What an admin typed to test a form, and from where.
pub struct Typed<'a> {
    /// The login.
    pub login: &'a str,
    /// The password.
    pub password: &'a Zeroizing<String>,
    /// The admin's address.
    pub ip: IpAddr,
}

/// What came of a test.
#[derive(Debug, Clone, Serialize)]
pub struct Tested {
    /// Whether this person would have got in now, were the usersource enabled.
    pub admitted: bool,
    /// Why not, as a stable word.
    pub reason: Option<&'static str>,
    /// What happened, in order. No secret is in it.
    pub steps: Vec<Step>,
    /// Everything that the source said of the person.
    pub claims: Map<String, Value>,
    /// Whom the person would be here.
    pub account: WouldBe,
    /// Whether the usersource, as it is configured now, counts as proven from here on.
    pub proven: bool,
}

/// Whom a person would be here.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum WouldBe {
    /// This account, whose identity it is.
    Linked {
        /// Its id.
        id: String,
        /// Its role.
        role: &'static str,
    },
    /// This account, whose verified address it is; it would be linked.
    ByEmail {
        /// Its id.
        id: String,
        /// Its role.
        role: &'static str,
    },
    /// A new account.
    New {
        /// Its role.
        role: &'static str,
    },
    /// Nobody: there is no account, and none would be made.
    Nobody,
}

impl App {
    /// Tests a usersource of a form kind with this login and password. `None` for a kind that is tested otherwise. It is
    /// counted like a sign-in: whoever may test must not guess more often than others.
    pub async fn test_form(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &Usersource,
        typed: &Typed<'_>,
        hand: Hand,
    ) -> Result<Option<Tested>, Stopped> {
        let Some(SignIn::Form(kind)) = authenticators::kind(&usersource.kind).map(Authenticator::sign_in) else {
            return Ok(None);
        };
        let head = self.ledger.refresh(helpdesk).await?;
        let policy = head.state.policy(usersource.audience);
        let attempt = lockout::Attempt { helpdesk, login: typed.login, ip: typed.ip, browser: None };
        let counted = self.accounts.begin_attempt(&attempt, &policy, self.now()).await?;
        let mut trace = Trace::on();
        if let Standing::Locked(_) = counted.standing {
            return Ok(Some(nobody("locked", trace)));
        }
        let base_url = self.base_url(helpdesk);
        let source = self.source(helpdesk, usersource, &base_url);
        let empty = typed.password.is_empty();
        let asked = if empty { Ok(None) } else { kind.ask(&source, typed.login, typed.password, &mut trace).await };
        let tested = match asked {
            Ok(Some(person)) => self.conclude_test(helpdesk, usersource, Ok(person), trace, hand).await?,
            Ok(None) => nobody("mismatch", trace),
            Err(denied) => self.conclude_test(helpdesk, usersource, Err(denied), trace, hand).await?,
        };
        if tested.reason != Some("mismatch") {
            self.accounts.attempt_withdrawn(&attempt, &counted, &policy).await?;
        }
        Ok(Some(tested))
    }

    /// Judges what the source answered as the gate would, changes nothing, and records what an admin proved, in the name
    /// of whoever tests.
    pub async fn conclude_test(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &Usersource,
        arrived: Result<Person, Denied>,
        mut trace: Trace,
        hand: Hand,
    ) -> Result<Tested, Stopped> {
        let person = match arrived {
            Ok(person) => person,
            Err(denied) => {
                trace.failed("The source let nobody in", || json!({"cause": denied.cause}));
                return Ok(nobody(denied.reason.as_str(), trace));
            }
        };
        let filtered = passes_filter(usersource, &person).await.err();
        if usersource.fields.text(domain::Field::FILTER).is_some() {
            match filtered {
                None => trace.note("The filter admits this person", || Value::Null),
                Some(_) => trace.failed("The filter does not admit this person", || Value::Null),
            }
        }
        let matched = self.would_match(helpdesk, usersource, &person).await;
        let (stopped, account) = match (filtered, &matched) {
            (Some(stopped), _) => (Some(stopped), None),
            (None, Err(stopped)) => (Some(*stopped), None),
            (None, Ok(None)) if role_of_the_unknown(usersource).is_none() => (Some(Stopped::NoAccount), None),
            (None, Ok(None)) => (None, None),
            (None, Ok(Some(found))) => (keeps_out(found.account(), usersource), Some(found.account())),
        };
        let mut proven = false;
        if let (None, Some(account)) = (stopped, account) {
            proven = self.prove(helpdesk, usersource, account, hand).await?;
        }
        Ok(Tested {
            admitted: stopped.is_none(),
            reason: stopped.map(Stopped::as_str),
            steps: trace.into_steps(),
            claims: person.claims,
            account: would_be(usersource, matched.ok().flatten().as_ref()),
            proven,
        })
    }

    /// Records the proof if the account is an active admin's (R40); says whether the usersource is proven by them now.
    async fn prove(
        &self,
        helpdesk: &HelpdeskId,
        usersource: &Usersource,
        account: &Account,
        hand: Hand,
    ) -> Result<bool, Stopped> {
        let head = self.ledger.refresh(helpdesk).await?;
        let admin = head.state.standings.get(&account.id).is_some_and(|standing| standing.admin && standing.active);
        if !admin {
            return Ok(false);
        }
        let recorded = self.record_proof(usersource, &usersource.sign_in_digest(), account, hand).await;
        Ok(recorded.inspect_err(|error| tracing::warn!(%error, "a test could not be recorded as a proof")).is_ok())
    }
}

fn nobody(reason: &'static str, trace: Trace) -> Tested {
    Tested {
        admitted: false,
        reason: Some(reason),
        steps: trace.into_steps(),
        claims: Map::new(),
        account: WouldBe::Nobody,
        proven: false,
    }
}

fn keeps_out(account: &Account, usersource: &Usersource) -> Option<Stopped> {
    if !account.active {
        Some(Stopped::AccountDisabled)
    } else if !account.role.may_enter(usersource.audience) {
        Some(Stopped::WrongRole)
    } else {
        None
    }
}

fn would_be(usersource: &Usersource, matched: Option<&Match>) -> WouldBe {
    match matched {
        Some(Match::Linked(account)) => WouldBe::Linked { id: account.id.to_string(), role: account.role.as_str() },
        Some(Match::ByEmail(account)) => WouldBe::ByEmail { id: account.id.to_string(), role: account.role.as_str() },
        None => match role_of_the_unknown(usersource) {
            Some(role) => WouldBe::New { role: role.as_str() },
            None => WouldBe::Nobody,
        },
    }
}
