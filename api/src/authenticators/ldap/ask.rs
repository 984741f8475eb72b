//! Whom a login and a password belong to in a directory.
//!
//! Spec: product rules R26 (an unknown login is like a wrong password, in work too) and R30.
//! Stops: a sign-in without a password; a slow or dead server that holds a visitor for longer than ten seconds.

use super::directory::{Found, bind_nobody, bind_person, bind_service, search};
use super::pipe::Pipe;
use super::reach::reach;
use super::servers::{seen_down, seen_up, servers};
use super::{Ldap, person};
use crate::authenticators::FormSignIn;
use crate::authenticators::turns::turn;
use crate::sign_in::{Denied, Person, Reason, Source, Trace};
use async_trait::async_trait;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// How long a sign-in may take, whatever the servers do.
const TOTAL: Duration = Duration::from_secs(9);
/// How long one server may take until the service account is bound.
const READY: Duration = Duration::from_secs(4);
/// So many sign-ins ask one usersource's directory at once.
const AT_ONCE: usize = 16;
/// The longest login that is asked for, in bytes.
const LONGEST_LOGIN: usize = 512;

#[async_trait]
impl FormSignIn for Ldap {
    async fn ask(
        &self,
        source: &Source<'_>,
        login: &str,
        password: &Zeroizing<String>,
        trace: &mut Trace,
    ) -> Result<Option<Person>, Denied> {
        if login.trim().is_empty() || login.len() > LONGEST_LOGIN || password.is_empty() {
            trace.failed("Nobody is asked without a login and a password", || json!(null));
            return Ok(None);
        }
        let asked = timeout(TOTAL, ask(source, login, password, trace)).await;
        asked.unwrap_or_else(|_| {
            trace.failed("No answer in time", || json!({"seconds": TOTAL.as_secs()}));
            Err(Denied::new(Reason::Unreachable, "the servers did not answer in time"))
        })
    }
}

async fn ask(
    source: &Source<'_>,
    login: &str,
    password: &Zeroizing<String>,
    trace: &mut Trace,
) -> Result<Option<Person>, Denied> {
    let _turn = turn(source, AT_ONCE).await?;
    let mut pipe = ready(source, trace).await?;
    let found = match search(source, &mut pipe, login, trace).await {
        Ok(Found::One(entry)) => entry,
        Ok(Found::Nobody) => {
            bind_nobody(source, &mut pipe, password).await;
            return Ok(None);
        }
        Err(denied) if denied.reason == Reason::Ambiguous => {
            bind_nobody(source, &mut pipe, password).await;
            return Err(denied);
        }
        Err(denied) => return Err(denied),
    };
    if !bind_person(&mut pipe, &found.dn, password, trace).await? {
        return Ok(None);
    }
    let person = person::person(source, &found)?;
    trace.note("The directory knows the person", || json!({"subject": person.subject, "claims": person.claims}));
    Ok(Some(person))
}

/// A server at which the service account is bound: the first that is up. One that does not let the account in ends it:
/// asking the others too would lock the account.
async fn ready(source: &Source<'_>, trace: &mut Trace) -> Result<Pipe, Denied> {
    let mut why: Option<Denied> = None;
    for url in servers(source) {
        let reached = timeout(READY, async {
            let mut pipe = reach(source, url, trace).await?;
            let bound = bind_service(source, &mut pipe, trace).await;
            Ok::<_, Denied>((pipe, bound))
        });
        let slow = || Denied::new(Reason::Unreachable, format!("{url}: it does not answer in time"));
        let denied = match reached.await.unwrap_or_else(|_| Err(slow())) {
            Ok((pipe, Ok(()))) => {
                seen_up(source, url);
                return Ok(pipe);
            }
            Ok((_, Err(denied))) if denied.reason == Reason::Misconfigured => return Err(denied),
            Ok((_, Err(denied))) | Err(denied) => denied,
        };
        trace.failed("A server cannot be used", || json!({"server": url, "why": denied.cause}));
        seen_down(source, url);
        // What an admin must mend is worth more than what may pass.
        if why.as_ref().is_none_or(|former| former.reason == Reason::Unreachable && denied.reason != former.reason) {
            why = Some(denied);
        }
    }
    Err(why.unwrap_or_else(|| Denied::new(Reason::Misconfigured, "the setting servers is missing")))
}
