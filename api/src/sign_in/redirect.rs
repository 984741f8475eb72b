//! How a kind that sends people elsewhere begins and ends: what it is told, and what it answers.
//!
//! The kind makes and reads its protocol's messages. That an attempt belongs to this browser, is used once, and is not
//! too old is seen to before a kind is asked, in one place for all.

use super::Person;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Url, form_urlencoded};

/// What an attempt is to be.
#[derive(Debug, Clone)]
pub struct Begin {
    /// The attempt's name: 43 characters that nobody can guess. It travels as `state` or `RelayState`, and the answer
    /// must bring it back.
    pub attempt: String,
    /// The provider must not show anything (R25).
    pub silent: bool,
    /// The provider must ask again, whatever it remembers (R41): `max_age=0`, ForceAuthn.
    pub ask_again: bool,
}

/// Where the browser goes, and what must be remembered until it comes back.
pub struct Departure {
    /// The provider's page.
    pub to: Url,
    /// What is posted there by a form of ours (SAML's POST binding); empty for a plain redirect.
    pub post: Vec<(String, String)>,
    /// What the end needs of the beginning: a nonce, a PKCE verifier, a request id. It is sealed into the browser's
    /// cookie, so it is small.
    pub memory: Value,
}

/// What came to the callback.
#[derive(Default)]
pub struct Answer {
    /// The query's members.
    pub query: Vec<(String, String)>,
    /// The posted form's members.
    pub form: Vec<(String, String)>,
    /// The query as it came, without its question mark: some signatures are over these very bytes.
    pub raw_query: String,
}

impl Answer {
    /// Reads a query and the body of a form.
    pub fn read(query: &str, form: &[u8]) -> Self {
        let pairs = |text: &[u8]| form_urlencoded::parse(text).into_owned().collect();
        Self { query: pairs(query.as_bytes()), raw_query: query.to_owned(), form: pairs(form) }
    }

    /// The member of the query with this name; a name that comes twice has no value.
    pub fn query(&self, name: &str) -> Option<&str> {
        only(&self.query, name)
    }

    /// The member of the form with this name; a name that comes twice has no value.
    pub fn form(&self, name: &str) -> Option<&str> {
        only(&self.form, name)
    }
}

fn only<'a>(members: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = members.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
    found.next().filter(|_| found.next().is_none())
}

/// Who came back.
pub struct Arrival {
    /// Who it is.
    pub person: Person,
    /// When they really proved themselves, if the provider was told to ask again and says that it did (R41).
    pub asked_again_at: Option<Timestamp>,
    /// What may be used only once beside the attempt: an assertion's id, a token's `jti`, each with the time until
    /// which it would be accepted.
    pub once: Vec<(String, Timestamp)>,
    /// What signing out at the provider needs later (R27).
    pub session: Option<ProviderSession>,
}

/// What is kept of the provider's session to end it there too. It is sealed where it is stored.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSession {
    /// How the provider names the session (SAML SessionIndex, OIDC `sid`), if it does.
    pub index: Option<String>,
    /// How the provider names the person (SAML NameID), if that is needed.
    pub name_id: Option<Value>,
    /// The ID token, as a hint at the end (OIDC RP-Initiated Logout, 2).
    pub id_token: Option<String>,
}

/// What came to a usersource's log-out address (SAML single log-out).
pub enum LogOut {
    /// The provider says that what we began there is done.
    Done,
    /// The provider ends sessions: those of this person, or only the one named. The browser then goes to `back`.
    Asked {
        /// Who says so, as in [`Person::issuer`].
        issuer: String,
        /// Whose sessions, as in [`Person::subject`].
        subject: String,
        /// The provider's names of the sessions; all of the person's if there is none.
        indexes: Vec<String>,
        /// Where the browser tells the provider that it is done.
        back: Url,
        /// The request's id, which works once, and until when it would be accepted.
        once: (String, Timestamp),
    },
}
