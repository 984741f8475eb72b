//! In which order a usersource's servers are asked: as the admin wrote them, those that were down a moment ago last.
//!
//! Stops: a dead first server that every sign-in waits for.

use crate::sign_in::Source;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long a server counts as down.
const DOWN: Duration = Duration::from_secs(30);
/// Beyond so many, those that count no longer are forgotten.
const REMEMBERED: usize = 1024;

static SEEN_DOWN: LazyLock<SeenDown> = LazyLock::new(SeenDown::default);

/// The servers of `source` in the order in which they are asked.
pub(super) fn servers<'a>(source: &'a Source<'_>) -> Vec<&'a str> {
    let is_down = |url: &&str| SEEN_DOWN.counts(&key(source, url));
    let (down, up): (Vec<_>, Vec<_>) = source.list("servers").iter().map(String::as_str).partition(is_down);
    up.into_iter().chain(down).collect()
}

/// Remembers that the server at `url` is down, for this usersource alone: nobody else's order depends on it.
pub(super) fn seen_down(source: &Source<'_>, url: &str) {
    SEEN_DOWN.remember(key(source, url));
}

/// Forgets it: it answered.
pub(super) fn seen_up(source: &Source<'_>, url: &str) {
    SEEN_DOWN.forget(&key(source, url));
}

/// Who was down, and since when.
#[derive(Default)]
struct SeenDown(Mutex<HashMap<String, Instant>>);

impl SeenDown {
    fn counts(&self, key: &str) -> bool {
        self.all().get(key).is_some_and(|since| since.elapsed() < DOWN)
    }

    fn remember(&self, key: String) {
        let mut all = self.all();
        if all.len() >= REMEMBERED {
            all.retain(|_, since| since.elapsed() < DOWN);
        }
        if all.len() < REMEMBERED {
            all.insert(key, Instant::now());
        }
    }

    fn forget(&self, key: &str) {
        self.all().remove(key);
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(source: &Source<'_>, url: &str) -> String {
    format!("{}/{}/{url}", source.helpdesk, source.usersource.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::fixture::Fixture;
    use domain::{Audience, HelpdeskId};
    use serde_json::json;

    #[test]
    fn what_was_down_a_moment_ago_is_asked_last_at_this_usersource_alone() {
        let fixture = || {
            Fixture::new(
                "ldap",
                Audience::Agents,
                json!({"servers": ["ldap://order1", "ldap://order2", "ldap://order3"]}),
            )
        };
        let (here, mut there) = (fixture(), fixture());
        there.helpdesk = HelpdeskId::new("another");
        seen_down(&here.source(), "ldap://order1");
        assert_eq!(servers(&here.source()), ["ldap://order2", "ldap://order3", "ldap://order1"]);
        assert_eq!(servers(&there.source()), ["ldap://order1", "ldap://order2", "ldap://order3"]);
        seen_up(&here.source(), "ldap://order1");
        assert_eq!(servers(&here.source()), ["ldap://order1", "ldap://order2", "ldap://order3"]);
    }

    #[test]
    fn the_memory_has_an_end() {
        let memory = SeenDown::default();
        for server in 0..2 * REMEMBERED {
            memory.remember(format!("ldap://many{server}"));
        }
        assert_eq!(memory.all().len(), REMEMBERED);
    }
}
