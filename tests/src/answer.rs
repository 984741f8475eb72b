//! An answer of the service, read whole; and what stories expect of answers.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// Status, headers and body of one answer, and what was asked.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Method and path, for the words of a failure.
    pub asked: String,
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    pub(crate) async fn read(asked: String, answer: Result<reqwest::Response, reqwest::Error>) -> Self {
        Self::try_read(asked.clone(), answer).await.unwrap_or_else(|e| panic!("{asked} was not answered: {e:?}"))
    }

    pub(crate) async fn try_read(
        asked: String,
        answer: Result<reqwest::Response, reqwest::Error>,
    ) -> Result<Self, reqwest::Error> {
        let answer = answer?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Ok(Self { asked, status, headers, body: answer.bytes().await?.to_vec() })
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self}"))
    }

    /// A header's text, or "".
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Itself, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// The JSON of an answer with 200 or 201.
    #[track_caller]
    pub fn done(&self) -> Value {
        assert!(matches!(self.status, 200 | 201), "{self}");
        self.json()
    }

    /// The version that an applied command made.
    #[track_caller]
    pub fn version(&self) -> u64 {
        self.done()["version"].as_u64().unwrap_or_else(|| panic!("no version: {self}"))
    }

    /// The actions of an applied command, in order.
    #[track_caller]
    pub fn actions(&self) -> Vec<String> {
        let done = self.done();
        let changes = done["changes"].as_array().unwrap_or_else(|| panic!("no changes: {self}"));
        changes.iter().map(|change| change["action"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// The problem document of a refusal with this status and code (RFC 9457).
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let problem = self.problem();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{self}");
        problem
    }

    /// The problem document of any refusal: typed, with a code, a title and a detail.
    #[track_caller]
    pub fn problem(&self) -> Value {
        assert!((400..600).contains(&self.status), "not refused: {self}");
        assert!(self.header("content-type").starts_with("application/problem+json"), "no problem document: {self}");
        let problem = self.json();
        for member in ["code", "title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "no {member}: {self}");
        }
        problem
    }

    /// Where a redirect goes.
    #[track_caller]
    pub fn location(&self) -> &str {
        assert!(matches!(self.status, 302 | 303 | 307), "no redirect: {self}");
        self.header("location")
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} → {} {:?}\n{}", self.asked, self.status, self.headers, self.text())
    }
}
