//! What a directory is asked in one sign-in: the service account binds, the person is searched for, the person binds.
//!
//! Spec: RFC 4511, 4.2 (bind), 4.5 (search), Appendix A (result codes); RFC 4513, 5.1 (a bind without a name or without a
//! password is nobody's). Referrals are not followed (4.1.10): they lead where no admin sent us.
//! Stops: an empty password or an empty name, which many servers take as "anonymous" and answer with success; a sign-in
//! on the absence of an error (only result 0 of the person's own bind lets them in).

use super::pipe::Pipe;
use super::wire::Asked;
use super::{login, person};
use crate::sign_in::{Denied, Reason, Source, Trace};
use ldap3::{DerefAliases, LdapError, LdapResult, Scope, SearchEntry, SearchOptions};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Result codes that mean something here.
mod code {
    pub(super) const SUCCESS: u32 = 0;
    pub(super) const TIME_LIMIT: u32 = 3;
    pub(super) const SIZE_LIMIT: u32 = 4;
    pub(super) const REFERRAL: u32 = 10;
    pub(super) const CONSTRAINT: u32 = 19;
    pub(super) const NO_SUCH_OBJECT: u32 = 32;
    pub(super) const INVALID_DN: u32 = 34;
    pub(super) const INAPPROPRIATE: u32 = 48;
    pub(super) const INVALID_CREDENTIALS: u32 = 49;
    pub(super) const BUSY: u32 = 51;
    pub(super) const UNAVAILABLE: u32 = 52;
    pub(super) const UNWILLING: u32 = 53;
}

/// How long the server may search, in seconds.
const SEARCH_SECONDS: i32 = 5;

/// What the search found.
pub(super) enum Found {
    /// One entry.
    One(Box<SearchEntry>),
    /// None that is written as it was typed.
    Nobody,
}

/// The service account binds.
pub(super) async fn bind_service(source: &Source<'_>, pipe: &mut Pipe, trace: &mut Trace) -> Result<(), Denied> {
    let account = source.needed("bind_dn")?;
    let password = source.secret("bind_password")?.filter(|password| !password.is_empty());
    let password =
        password.ok_or_else(|| Denied::new(Reason::Misconfigured, "the setting bind_password is missing"))?;
    let bound = pipe.ask(Asked::Bind).simple_bind(account, &password).await;
    let result = bound.map_err(|error| broken(pipe, &error))?;
    match result.rc {
        code::SUCCESS => {
            trace.note("The service account is bound", || json!({"bind_dn": account}));
            Ok(())
        }
        _ => {
            trace.failed("The service account is not let in", || told(&result));
            Err(refusal("the service account is not let in", &result))
        }
    }
}

/// Searches for the one person whom `typed` names.
pub(super) async fn search(
    source: &Source<'_>,
    pipe: &mut Pipe,
    typed: &str,
    trace: &mut Trace,
) -> Result<Found, Denied> {
    let base = source.needed("base_dn")?;
    let name = login::name(typed, base);
    let filter = login::filter(source.text("login_filter").unwrap_or(login::USUAL_FILTER), name);
    let (entries, result) = entries(source, pipe, base, &filter).await.map_err(|error| broken(pipe, &error))?;
    trace.note("Searched", || json!({"base": base, "filter": filter, "found": entries.len(), "answer": told(&result)}));
    if entries.len() > 1 || result.rc == code::SIZE_LIMIT {
        return Err(Denied::new(Reason::Ambiguous, "the login filter finds more than one entry"));
    }
    if result.rc != code::SUCCESS {
        return Err(refusal("the search fails", &result));
    }
    let Some(entry) = entries.into_iter().next() else { return Ok(Found::Nobody) };
    if entry.dn.is_empty() {
        return Err(Denied::new(Reason::Misconfigured, "the login filter finds an entry without a name"));
    }
    if !login::is_spelled_so(&entry, name) {
        trace.failed("The entry found is spelled otherwise", || json!({"dn": entry.dn}));
        return Ok(Found::Nobody);
    }
    Ok(Found::One(Box::new(entry)))
}

/// At most two entries, and how the search ended.
async fn entries(
    source: &Source<'_>,
    pipe: &mut Pipe,
    base: &str,
    filter: &str,
) -> Result<(Vec<SearchEntry>, LdapResult), LdapError> {
    let options = SearchOptions::new().sizelimit(2).timelimit(SEARCH_SECONDS).deref(DerefAliases::Never);
    let ldap = pipe.ask(Asked::Search).with_search_options(options);
    let mut stream = ldap.streaming_search(base, Scope::Subtree, filter, person::attributes(source)).await?;
    let mut found = Vec::new();
    while found.len() < 2
        && let Some(entry) = stream.next().await?
    {
        if !entry.is_ref() {
            found.push(SearchEntry::construct(entry));
        }
    }
    let result = stream.finish().await;
    Ok((found, result))
}

/// Whether the entry's own bind succeeds with `password`, which is not empty.
pub(super) async fn bind_person(
    pipe: &mut Pipe,
    dn: &str,
    password: &Zeroizing<String>,
    trace: &mut Trace,
) -> Result<bool, Denied> {
    if dn.is_empty() || password.is_empty() {
        return Ok(false);
    }
    let bound = pipe.ask(Asked::Bind).simple_bind(dn, password).await;
    let result = bound.map_err(|error| broken(pipe, &error))?;
    match result.rc {
        code::SUCCESS => {
            trace.note("The person is bound", || json!({"dn": dn}));
            Ok(true)
        }
        code::INVALID_CREDENTIALS
        | code::INAPPROPRIATE
        | code::NO_SUCH_OBJECT
        | code::INVALID_DN
        | code::CONSTRAINT
        | code::UNWILLING => {
            trace.failed("The person is not let in", || json!({"dn": dn, "answer": told(&result)}));
            Ok(false)
        }
        _ => Err(refusal("the person's bind fails", &result)),
    }
}

/// The work of a wrong password for a login that there is not. What comes of it does not matter.
pub(super) async fn bind_nobody(source: &Source<'_>, pipe: &mut Pipe, password: &Zeroizing<String>) {
    let nobody = format!("cn={},{}", Uuid::new_v4(), source.text("base_dn").unwrap_or_default());
    let _ = bind_person(pipe, &nobody, password, &mut Trace::off()).await;
}

/// The reason of a result that is neither success nor somebody's wrong password. The server's own words are left out:
/// they might repeat what was typed.
fn refusal(what: &str, result: &LdapResult) -> Denied {
    let reason = match result.rc {
        code::TIME_LIMIT | code::BUSY | code::UNAVAILABLE => Reason::Unreachable,
        _ => Reason::Misconfigured,
    };
    let hint = match result.rc {
        code::REFERRAL => ", a referral, which is not followed",
        code::NO_SUCH_OBJECT => ", no such object",
        code::INVALID_CREDENTIALS => ", wrong name or password",
        _ => "",
    };
    Denied::new(reason, format!("{what}: result {}{hint}{}", result.rc, account_state(result).unwrap_or_default()))
}

fn broken(pipe: &Pipe, error: &LdapError) -> Denied {
    if pipe.refused() {
        return Denied::new(Reason::Invalid, "the server's answer is no LDAP, or too long");
    }
    if matches!(error, LdapError::FilterParsing) {
        return Denied::new(Reason::Misconfigured, "the login filter cannot be read");
    }
    Denied::new(Reason::Unreachable, "the server ended the connection")
}

fn told(result: &LdapResult) -> Value {
    json!({"result": result.rc, "text": result.text, "account": account_state(result).map(|state| state.trim_start_matches(", "))})
}

/// What Active Directory says of an account in the text of result 49.
fn account_state(result: &LdapResult) -> Option<&'static str> {
    let (_, rest) = result.text.split_once(" data ")?;
    let data = rest.split(',').next()?.trim();
    Some(match (result.rc, data) {
        (code::INVALID_CREDENTIALS, "525") => ", 525: no such account",
        (code::INVALID_CREDENTIALS, "52e") => ", 52e: wrong password",
        (code::INVALID_CREDENTIALS, "530") => ", 530: not at this time",
        (code::INVALID_CREDENTIALS, "531") => ", 531: not from this computer",
        (code::INVALID_CREDENTIALS, "532") => ", 532: the password has expired",
        (code::INVALID_CREDENTIALS, "533") => ", 533: the account is disabled",
        (code::INVALID_CREDENTIALS, "701") => ", 701: the account has expired",
        (code::INVALID_CREDENTIALS, "773") => ", 773: the password must be changed",
        (code::INVALID_CREDENTIALS, "775") => ", 775: the account is locked",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(rc: u32, text: &str) -> LdapResult {
        LdapResult { rc, matched: String::new(), text: text.to_owned(), refs: Vec::new(), ctrls: Vec::new() }
    }

    #[test]
    fn what_active_directory_says_of_an_account_is_told_and_nothing_else_of_its_text() {
        let text = |data: &str| {
            format!("80090308: LdapErr: DSID-0C090447, comment: AcceptSecurityContext error, data {data}, v4563")
        };
        for (data, told) in
            [("775", "locked"), ("532", "expired"), ("533", "disabled"), ("701", "expired"), ("773", "changed")]
        {
            assert!(account_state(&result(49, &text(data))).unwrap().contains(told));
        }
        assert_eq!(account_state(&result(0, &text("775"))), None);
        let denied = refusal("the bind", &result(49, &text("planted")));
        assert_eq!(denied.cause, "the bind: result 49, wrong name or password");
    }

    #[test]
    fn a_server_that_is_busy_may_be_asked_again_anything_else_needs_an_admin() {
        for (code, reason) in [
            (51, Reason::Unreachable),
            (52, Reason::Unreachable),
            (3, Reason::Unreachable),
            (32, Reason::Misconfigured),
            (10, Reason::Misconfigured),
            (50, Reason::Misconfigured),
        ] {
            assert_eq!(refusal("x", &result(code, "")).reason, reason, "{code}");
        }
    }
}
