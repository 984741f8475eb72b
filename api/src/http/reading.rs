//! What every authenticated read has in common: who, and an answer that is never older than the caller has seen (R61).

use super::problem::Problem;
use crate::app::App;
use crate::caller::Caller;
use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use domain::{HelpdeskId, Timestamp};
use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;

/// How long a read waits for a version that it was told of.
const DEADLINE: Duration = Duration::from_secs(5);

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// A caller who may read, and the version that the read models have reached for them.
#[derive(Debug)]
pub struct Reader {
    /// Who.
    pub caller: Caller,
    /// The version that the answer is at, or later.
    pub version: u64,
}

impl Reader {
    /// Proves the caller and brings the read models up to the ledger, and to `Gateledger-At-Least` if that is given.
    pub async fn read(app: &App, request: &HttpRequest, helpdesk: &str) -> Result<Self, Problem> {
        let helpdesk = HelpdeskId::new(helpdesk);
        let caller = Caller::of(app, request, &helpdesk).await?;
        let wanted = at_least(request)?;
        let deadline = Instant::now() + DEADLINE;
        loop {
            let version = app.projector.catch_up(app.ledger.as_ref(), &helpdesk).await?;
            if version >= wanted {
                return Ok(Self { caller, version });
            }
            if Instant::now() + PAUSE > deadline {
                let detail = format!("version {wanted} has not been reached here; this helpdesk is at {version}");
                return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "lagging", detail).retry_after(1));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The query's parameters.
    pub fn query(&self, request: &HttpRequest) -> Result<Query, Problem> {
        Query::parse(request.query_string())
    }
}

fn at_least(request: &HttpRequest) -> Result<u64, Problem> {
    let Some(value) = request.headers().get("gateledger-at-least") else { return Ok(0) };
    let wrong = || Problem::new(StatusCode::BAD_REQUEST, "malformed_header", "Gateledger-At-Least takes a version");
    value.to_str().ok().and_then(|v| v.trim().trim_matches('"').parse().ok()).ok_or_else(wrong)
}

/// Query parameters, each once; what nobody asked for is a mistake worth saying.
#[derive(Debug)]
pub struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads `application/x-www-form-urlencoded` pairs.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let mut parameters = BTreeMap::new();
        for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
            if value.contains('\0') {
                return Err(malformed(&name, "holds a NUL, which nothing here does"));
            }
            if parameters.insert(name.to_string(), value.into_owned()).is_some() {
                return Err(malformed(&name, "is there twice"));
            }
        }
        Ok(Self(parameters))
    }

    /// A parameter's text, if it is there and not empty.
    pub fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name).filter(|value| !value.is_empty())
    }

    /// A parameter of a type that reads itself.
    pub fn parsed<T: FromStr>(&mut self, name: &str, wanted: &str) -> Result<Option<T>, Problem> {
        let value = self.take(name).map(|value| value.parse()).transpose();
        value.map_err(|_| malformed(name, &format!("takes {wanted}")))
    }

    /// A moment.
    pub fn time(&mut self, name: &str) -> Result<Option<Timestamp>, Problem> {
        let wrong = || malformed(name, "takes an RFC 3339 time, such as 2026-11-23T06:00:00Z");
        self.take(name).map(|value| Timestamp::parse(&value).ok_or_else(wrong)).transpose()
    }

    /// Everything was read.
    pub fn finish(self) -> Result<(), Problem> {
        match self.0.keys().next() {
            None => Ok(()),
            Some(name) => Err(malformed(name, "is not known here")),
        }
    }
}

fn malformed(name: &str, what: &str) -> Problem {
    let name: String = name.chars().take(64).collect();
    Problem::new(StatusCode::BAD_REQUEST, "malformed_query", format!("the parameter {name:?} {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_once_and_none_unknown() {
        let mut query = Query::parse("since=2026-11-23T06%3A00%3A00Z&limit=7&q=").unwrap();
        assert_eq!(query.time("since").unwrap().unwrap().to_string(), "2026-11-23T06:00:00.000Z");
        assert_eq!(query.parsed::<u32>("limit", "a number").unwrap(), Some(7));
        assert_eq!(query.take("q"), None);
        assert!(query.finish().is_ok());
        assert!(Query::parse("a=1&a=2").is_err());
        assert!(Query::parse("actor=a%00b").is_err());
        assert!(Query::parse("limit=x").unwrap().parsed::<u32>("limit", "a number").is_err());
        assert!(Query::parse("until=yesterday").unwrap().time("until").is_err());
        assert!(Query::parse("unknown=1").unwrap().finish().is_err());
    }
}
