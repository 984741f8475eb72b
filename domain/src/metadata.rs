//! Who did it, when, how and why: what every event carries beside its payload (R50).
//!
//! Stored as a flat map of texts, as the event-sourcing library asks. What is personal in it arrives sealed under
//! that account's own key, so that erasing the account leaves the chain whole and the person unreadable.

use crate::values::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What kind of thing acted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// Somebody who signed in.
    Person,
    /// An API token, on its owner's behalf.
    Token,
    /// The command line on the host, under an operating-system user.
    CommandLine,
    /// The service itself.
    Service,
}

/// The way a command came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// A page of ours.
    Console,
    /// The HTTP API.
    Api,
    /// The command line.
    Cli,
    /// No request at all.
    Service,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The account's id; `cli:USER` for the command line, `service` for the service itself.
    pub id: String,
    /// What it is.
    pub kind: ActorType,
    /// Its role then, if it has one.
    pub role: Option<String>,
    /// Name, e-mail and address, sealed under the account's own key; plain only where there is no person behind it.
    pub personal: Option<String>,
    /// The account on whose behalf it acted, if another.
    pub acting_for: Option<String>,
}

/// Everything an event carries beside its payload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// The id of the command that made it.
    pub command: String,
    /// The event's place in its change, from 0.
    pub index: u64,
    /// The change's first version.
    pub first: u64,
    /// The change's last version.
    pub last: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: Actor,
    /// How.
    pub via: Via,
    /// The request's id, as in the logs.
    pub request: Option<String>,
    /// Why, in the actor's words.
    pub reason: Option<String>,
    /// The caller's idempotency key and a hash of what was asked with it (R60).
    pub idempotency: Option<Idempotency>,
    /// The hash of the event before; empty for the first.
    pub prev: String,
    /// This event's own hash; empty until it is linked.
    pub hash: String,
}

/// What makes a repeat recognisable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// The caller's key.
    pub key: String,
    /// A hash of caller, method, path and body.
    pub asked: String,
}

/// Metadata that was stored by a program which did not know how.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the event's metadata has no readable `{0}`")]
pub struct Unreadable(&'static str);

impl Metadata {
    /// As it is stored: only what is there has a key.
    pub fn to_map(&self) -> HashMap<String, String> {
        let mut map = HashMap::new();
        self.tell(|key, value| drop(map.insert(key.to_owned(), value)));
        map
    }

    /// The same as JSON, without the hash, which covers all this.
    pub fn to_covered(&self) -> Map<String, Value> {
        let mut map = Map::new();
        self.tell(|key, value| drop(map.insert(key.to_owned(), Value::String(value))));
        map.remove(Self::HASH);
        map
    }

    /// The key of the hash.
    pub const HASH: &str = "hash";

    fn tell(&self, mut put: impl FnMut(&'static str, String)) {
        let mut maybe = |key: &'static str, value: Option<String>| {
            if let Some(value) = value {
                put(key, value);
            }
        };
        maybe("command", Some(self.command.clone()));
        maybe("index", Some(self.index.to_string()));
        maybe("first", Some(self.first.to_string()));
        maybe("last", Some(self.last.to_string()));
        maybe("at", Some(self.at.to_string()));
        maybe("actor", Some(self.actor.id.clone()));
        maybe("actor_type", word(&self.actor.kind));
        maybe("actor_role", self.actor.role.clone());
        maybe("personal", self.actor.personal.clone());
        maybe("acting_for", self.actor.acting_for.clone());
        maybe("via", word(&self.via));
        maybe("request", self.request.clone());
        maybe("reason", self.reason.clone());
        maybe("idempotency_key", self.idempotency.as_ref().map(|i| i.key.clone()));
        maybe("idempotency_asked", self.idempotency.as_ref().map(|i| i.asked.clone()));
        maybe("prev", Some(self.prev.clone()));
        maybe(Self::HASH, Some(self.hash.clone()));
    }

    /// Reads what `to_map` wrote; keys that it does not know are left to those who do.
    pub fn from_map(map: &HashMap<String, String>) -> Result<Self, Unreadable> {
        let text = |key: &str| map.get(key).cloned();
        let must = |key: &'static str| text(key).ok_or(Unreadable(key));
        let number = |key: &'static str| must(key)?.parse().map_err(|_| Unreadable(key));
        Ok(Self {
            command: must("command")?,
            index: number("index")?,
            first: number("first")?,
            last: number("last")?,
            at: Timestamp::parse(&must("at")?).ok_or(Unreadable("at"))?,
            actor: Actor {
                id: must("actor")?,
                kind: unword(&must("actor_type")?).ok_or(Unreadable("actor_type"))?,
                role: text("actor_role"),
                personal: text("personal"),
                acting_for: text("acting_for"),
            },
            via: unword(&must("via")?).ok_or(Unreadable("via"))?,
            request: text("request"),
            reason: text("reason"),
            idempotency: text("idempotency_key")
                .zip(text("idempotency_asked"))
                .map(|(key, asked)| Idempotency { key, asked }),
            prev: must("prev")?,
            hash: must("hash")?,
        })
    }
}

/// The word that serde has for a variant without fields.
fn word<T: Serialize>(variant: &T) -> Option<String> {
    serde_json::to_value(variant).ok()?.as_str().map(str::to_owned)
}

fn unword<T: for<'de> Deserialize<'de>>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn sample() -> Metadata {
        Metadata {
            command: "c1".into(),
            index: 0,
            first: 4,
            last: 5,
            at: Timestamp::from_millis(1_700_000_000_123),
            actor: Actor {
                id: "acc_1".into(),
                kind: ActorType::Token,
                role: Some("admin".into()),
                personal: Some("sealed".into()),
                acting_for: None,
            },
            via: Via::Api,
            request: Some("r1".into()),
            reason: Some("because".into()),
            idempotency: Some(Idempotency { key: "k".into(), asked: "h".into() }),
            prev: String::new(),
            hash: "00".into(),
        }
    }

    #[test]
    fn r50_what_is_stored_is_read_back_whole() {
        let full = sample();
        assert_eq!(Metadata::from_map(&full.to_map()), Ok(full.clone()));
        let mut bare = full;
        bare.actor.role = None;
        bare.actor.personal = None;
        bare.request = None;
        bare.reason = None;
        bare.idempotency = None;
        assert_eq!(Metadata::from_map(&bare.to_map()), Ok(bare));
    }

    #[test]
    fn metadata_without_a_time_is_refused_by_name() {
        let mut map = sample().to_map();
        map.remove("at");
        assert_eq!(Metadata::from_map(&map), Err(Unreadable("at")));
    }
}
