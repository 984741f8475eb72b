//! What a verified token says, read strictly: a claim of the wrong type is a fault, never a claim that is not there.
//!
//! Spec: RFC 7519 §4.1; RFC 8725 §3.9 (audience).
//! Stops: an end that is a text and so never comes; a token made for somebody else.

use super::{Algorithm, TokenFault};
use domain::Timestamp;
use serde_json::{Map, Number, Value};

/// The clocks of two machines may differ by so many seconds.
pub const SKEW: i64 = 60;

/// The claims of a token whose signature holds.
pub struct Claims {
    claims: Map<String, Value>,
    algorithm: Algorithm,
}

impl Claims {
    pub(super) fn new(claims: Map<String, Value>, algorithm: Algorithm) -> Self {
        Self { claims, algorithm }
    }

    /// The algorithm of the signature.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The text of a claim; `None` if it is not there or null.
    pub fn text(&self, name: &'static str) -> Result<Option<&str>, TokenFault> {
        match self.claims.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(TokenFault::Claim("a claim that must be a text is none")),
        }
    }

    /// A NumericDate; `None` if it is not there or null. What is finer than a millisecond is cut off.
    pub fn moment(&self, name: &'static str) -> Result<Option<Timestamp>, TokenFault> {
        let moment = match self.claims.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => millis(number).map(Timestamp::from_millis),
            Some(_) => None,
        };
        moment.map(Some).ok_or(TokenFault::Claim("a claim that must be a time is none"))
    }

    /// Whether `aud` is `audience` or a list with it in it. A list with anything but texts in it is nobody's.
    pub fn is_for(&self, audience: &str) -> bool {
        self.audiences().is_some_and(|audiences| audiences.contains(&audience))
    }

    /// Whom the token is for; `None` if `aud` is not there or not as it must be.
    pub fn audiences(&self) -> Option<Vec<&str>> {
        match self.claims.get("aud")? {
            Value::String(one) => Some(vec![one]),
            Value::Array(several) => several.iter().map(Value::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    }

    /// Judges `exp`, which must be there, `nbf` and `iat`; gives the end and the time of issue.
    pub fn check_times(&self, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>), TokenFault> {
        let latest_begin = now.plus_seconds(SKEW);
        let end = self.moment("exp")?.ok_or(TokenFault::Claim("the claim exp is missing"))?;
        if end.plus_seconds(SKEW) <= now {
            return Err(TokenFault::Claim("the token has expired"));
        }
        if self.moment("nbf")?.is_some_and(|begin| begin > latest_begin) {
            return Err(TokenFault::Claim("the token is not valid yet"));
        }
        let issued = self.moment("iat")?;
        if issued.is_some_and(|issued| issued > latest_begin) {
            return Err(TokenFault::Claim("the token was issued in the future"));
        }
        Ok((end, issued))
    }

    /// All of them.
    pub fn into_map(self) -> Map<String, Value> {
        self.claims
    }

    /// All of them but some, to be shown.
    pub fn told(&self, without: &[&str]) -> Value {
        let shown = self.claims.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        Value::Object(shown.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// A claim as it is.
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.claims.get(name)
    }
}

/// Seconds, perhaps with a fraction, as milliseconds; none for what no clock will ever show.
fn millis(seconds: &Number) -> Option<i64> {
    if let Some(whole) = seconds.as_i64() {
        return whole.checked_mul(1000);
    }
    let millis = seconds.as_f64()? * 1000.0;
    // Up to 2^53 every whole number has its own float.
    #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
    (millis.abs() < 9_007_199_254_740_992.0).then_some(millis as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_790_000_000;

    fn times(claims: Value) -> Result<(Timestamp, Option<Timestamp>), TokenFault> {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        Claims::new(claims, Algorithm::ES256).check_times(Timestamp::from_millis(NOW * 1000))
    }

    #[test]
    fn a_token_ends_and_begins_with_a_minute_of_grace() {
        assert!(times(json!({"exp": NOW - 59})).is_ok());
        assert!(times(json!({"exp": NOW - 60})).is_err());
        assert!(times(json!({"exp": NOW + 300, "nbf": NOW + 60, "iat": NOW + 60})).is_ok());
        assert!(times(json!({"exp": NOW + 300, "nbf": NOW + 61})).is_err());
        assert!(times(json!({"exp": NOW + 300, "iat": NOW + 61})).is_err());
        let (end, issued) = times(json!({"exp": NOW as f64 + 0.5, "iat": NOW})).unwrap();
        assert_eq!((end.millis(), issued.unwrap().millis()), (NOW * 1000 + 500, NOW * 1000));
    }

    #[test]
    fn a_time_that_is_none_is_a_fault_and_not_an_absence() {
        assert!(times(json!({})).is_err());
        for wrong in [json!("2126-01-01"), json!(true), json!([NOW]), json!(u64::MAX), json!(1e300), json!(null)] {
            assert!(times(json!({"exp": wrong})).is_err(), "{wrong}");
        }
        for claim in ["nbf", "iat"] {
            assert!(times(json!({"exp": NOW + 9, claim: NOW.to_string()})).is_err());
        }
    }

    #[test]
    fn an_audience_is_a_text_or_a_list_of_texts() {
        let of = |claims: Map<String, Value>| Claims::new(claims, Algorithm::ES256).is_for("us");
        let is_for = |aud: Value| of(Map::from_iter([("aud".to_owned(), aud)]));
        assert!(is_for(json!("us")) && is_for(json!(["them", "us"])));
        for other in
            [json!("US"), json!("us "), json!(["them"]), json!([]), json!(["us", 7]), json!({"us": 1}), json!(null)]
        {
            assert!(!is_for(other.clone()), "{other}");
        }
        assert!(!of(Map::new()));
    }
}
