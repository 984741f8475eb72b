//! Reads a JSON body member by member: what is missing, of the wrong type or unknown is a fault with the member's
//! name, and never with its value, which may be a secret.

use super::problem::Problem;
use actix_web::http::StatusCode;
use serde_json::{Map, Value};
use std::str::FromStr;

/// The members of a JSON object that were not read yet, and the faults found so far.
#[derive(Debug)]
pub struct Members {
    rest: Map<String, Value>,
    faults: Vec<domain::Fault>,
}

impl Members {
    /// Parses a body that must be a JSON object. An empty body is an empty object.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::of(Map::new()));
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Object(map)) => Ok(Self::of(map)),
            Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
                Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_json", "the body must be a JSON object"))
            }
            // The parser's own words may quote the body; the place is enough.
            Err(error) => Err(Problem::new(
                StatusCode::BAD_REQUEST,
                "malformed_json",
                format!("the body is not JSON: look at line {}, column {}", error.line(), error.column()),
            )),
        }
    }

    /// The members of an object inside a body.
    pub fn of(map: Map<String, Value>) -> Self {
        Self { rest: map, faults: Vec::new() }
    }

    /// Takes a member out, whatever it is.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name)
    }

    /// Whether a member is there.
    pub fn has(&self, name: &str) -> bool {
        self.rest.contains_key(name)
    }

    /// A text that may be absent.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fault(name, "wrong_type", "this takes a text");
                None
            }
        }
    }

    /// A text that must be there.
    pub fn required_text(&mut self, name: &str) -> String {
        if !self.rest.contains_key(name) {
            self.fault(name, "required", "this is missing");
        }
        self.text(name).unwrap_or_default()
    }

    /// A yes or no that may be absent.
    pub fn flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            Value::Null | Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.fault(name, "wrong_type", "this takes true or false");
                None
            }
        }
    }

    /// A whole number that may be absent.
    pub fn number(&mut self, name: &str) -> Option<i64> {
        let value = self.take(name)?;
        let number = value.as_i64();
        if number.is_none() {
            self.fault(name, "wrong_type", "this takes a whole number");
        }
        number
    }

    /// A list of texts that must be there.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        let texts = match self.take(name) {
            Some(Value::Array(values)) => {
                values.into_iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
            }
            _ => None,
        };
        texts.unwrap_or_else(|| {
            self.fault(name, "wrong_type", "this takes a list of texts");
            Vec::new()
        })
    }

    /// An object that may be absent.
    pub fn object(&mut self, name: &str) -> Option<Self> {
        match self.take(name)? {
            Value::Object(map) => Some(Self::of(map)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                self.fault(name, "wrong_type", "this takes an object");
                None
            }
        }
    }

    /// One of a few words, which must be there.
    pub fn word<T: FromStr>(&mut self, name: &str, choices: &str) -> Option<T> {
        let text = self.required_text(name);
        let word = text.parse().ok();
        if word.is_none() && !self.faults.iter().any(|f| f.field.as_str() == name) {
            self.fault(name, "invalid", &format!("one of {choices}"));
        }
        word
    }

    /// What was not read: the rest, for a reader that knows more. Faults so far are given.
    pub fn rest(self) -> Result<Map<String, Value>, Problem> {
        if self.faults.is_empty() { Ok(self.rest) } else { Err(faulty(&self.faults)) }
    }

    /// Everything was read: what is left over is unknown.
    pub fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self.rest.keys().take(20).cloned().collect();
        for name in unknown {
            self.fault(&name.chars().take(64).collect::<String>(), "unknown_member", "there is no such member here");
        }
        if self.faults.is_empty() { Ok(()) } else { Err(faulty(&self.faults)) }
    }

    fn fault(&mut self, name: &str, code: &str, detail: &str) {
        self.faults.push(domain::Fault::new(&domain::Field::new(name), code, detail));
    }
}

/// The answer to a body with faults.
pub fn faulty(faults: &[domain::Fault]) -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_body",
        "some members of the body are at fault; mend those listed",
    )
    .with_errors(faults.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(problem: &Problem) -> String {
        serde_json::to_value(problem).unwrap()["code"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_fault_names_the_member_and_never_its_value() {
        let mut members = Members::parse(br#"{"title": {"planted": "s3cret"}, "kind": 7, "extra": "s3cret"}"#).unwrap();
        assert_eq!(members.text("title"), None);
        members.required_text("kind");
        members.required_text("audience");
        let problem = serde_json::to_string(&members.finish().unwrap_err()).unwrap();
        for name in ["title", "kind", "audience", "extra"] {
            assert!(problem.contains(name), "{name} is not named in {problem}");
        }
        assert!(!problem.contains("s3cret"), "{problem}");
    }

    #[test]
    fn what_is_no_object_is_malformed_and_not_quoted() {
        for body in ["[]", "null", "{", "\"s3cret\"", "{\"a\":s3cret}", "\u{0}"] {
            let problem = Members::parse(body.as_bytes()).unwrap_err();
            assert_eq!(code(&problem), "malformed_json");
            assert!(!serde_json::to_string(&problem).unwrap().contains("s3cret"));
        }
        assert!(Members::parse(b"").unwrap().finish().is_ok());
    }
}
