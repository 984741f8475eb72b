//! The headers that every changing call takes: the reason for the ledger, and the acceptance of a lockout (R41).

use super::problem::Problem;
use crate::app::App;
use crate::caller::Caller;
use crate::people::Hand;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use domain::HelpdeskId;
use domain::values::unseen;

/// The most characters that a reason may have.
const LONGEST_REASON: usize = 1_000;

/// Who changes something, and why.
#[derive(Debug)]
pub struct Headers {
    /// Who.
    pub caller: Caller,
    reason: Option<String>,
    accept_lockout: bool,
}

impl Headers {
    /// Reads who asks and why; refuses whoever may not change things.
    pub async fn read(app: &App, request: &HttpRequest, helpdesk: &str) -> Result<Self, Problem> {
        let caller = Caller::of(app, request, &HelpdeskId::new(helpdesk)).await?;
        caller.must_be_admin()?;
        let accept_lockout = match text(request, "gateledger-accept-lockout")?.as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(malformed("Gateledger-Accept-Lockout takes true or false")),
        };
        let reason = text(request, "gateledger-reason")?.map(checked_reason).transpose()?;
        if accept_lockout && reason.is_none() {
            let detail = "accepting a lockout takes a reason in Gateledger-Reason";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "reason_required", detail));
        }
        if accept_lockout && !caller.is_fresh(app.now()) {
            let detail = "accepting a lockout takes a session whose sign-in was less than 5 minutes ago, never a token";
            return Err(Problem::new(StatusCode::FORBIDDEN, "fresh_sign_in_required", detail));
        }
        Ok(Self { caller, reason, accept_lockout })
    }

    /// The same for a call that has no dry run. A query is refused: whoever sends `dry_run=true` here must not find it
    /// done for real.
    pub async fn read_without_query(app: &App, request: &HttpRequest, helpdesk: &str) -> Result<Self, Problem> {
        let headers = Self::read(app, request, helpdesk).await?;
        if request.query_string().is_empty() {
            return Ok(headers);
        }
        let detail = "this call takes no parameters and has no dry run; nothing was done";
        Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_query", detail))
    }

    /// How the ledger names all this.
    pub fn hand(&self, app: &App) -> Result<Hand, Problem> {
        Ok(Hand {
            actor: self.caller.actor(app)?,
            via: self.caller.via(),
            request: Some(self.caller.request.clone()),
            reason: self.reason.clone(),
            accept_lockout: self.accept_lockout,
        })
    }
}

/// A header's text; twice the same header, or one that is no text, is a mistake worth saying.
pub fn text(request: &HttpRequest, name: &str) -> Result<Option<String>, Problem> {
    let mut values = request.headers().get_all(name);
    let Some(first) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(first.as_bytes()).ok().filter(|_| values.next().is_none());
    let text = text.ok_or_else(|| malformed(&format!("the header {name} must be there once, as text")))?;
    Ok(Some(text.trim().to_owned()))
}

/// A reason is words: in one line, no control characters, and not a book.
fn checked_reason(reason: String) -> Result<String, Problem> {
    if reason.is_empty() || reason.chars().count() > LONGEST_REASON || unseen(&reason).is_some() {
        return Err(malformed(&format!(
            "Gateledger-Reason takes 1 to {LONGEST_REASON} characters in UTF-8, all of which can be seen"
        )));
    }
    Ok(reason)
}

fn malformed(detail: &str) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed_header", detail.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_header_is_there_once_and_is_text() {
        let twice = TestRequest::get().append_header(("x", "a")).append_header(("x", "b")).to_http_request();
        assert!(text(&twice, "x").is_err());
        assert_eq!(text(&twice, "y").unwrap(), None);
        let once = TestRequest::get().append_header(("x", " a ")).to_http_request();
        assert_eq!(text(&once, "x").unwrap().as_deref(), Some("a"));
    }

    #[test]
    fn a_reason_is_one_line_of_words() {
        for wrong in ["", "a\u{7}b", &"x".repeat(1001)] {
            assert!(checked_reason(wrong.to_owned()).is_err());
        }
        assert!(checked_reason("moving to the new provider – ticket 7".to_owned()).is_ok());
    }
}
