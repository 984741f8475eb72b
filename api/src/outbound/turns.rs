//! So many requests to one host at once, and no more: one provider that hangs holds up nobody but itself.
//!
//! Stops: a provider that never answers and so gathers connections without end.

use super::{Limits, OutboundError};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// From so many hosts on, those that nobody asks now are forgotten.
const MANY: usize = 1024;

/// A host, and the port there.
type Place = (String, Option<u16>);

/// The turns at every host.
pub(super) struct Turns {
    limits: Limits,
    hosts: Mutex<HashMap<Place, Arc<Semaphore>>>,
}

impl Turns {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, hosts: Mutex::default() }
    }

    /// Waits for a turn at this host, which lasts as long as what is returned.
    pub(super) async fn at(&self, host: &str, port: Option<u16>) -> Result<OwnedSemaphorePermit, OutboundError> {
        let turns = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            if hosts.len() >= MANY {
                hosts.retain(|_, turns| Arc::strong_count(turns) > 1);
            }
            let fresh = || Arc::new(Semaphore::new(self.limits.at_once));
            Arc::clone(hosts.entry((host.to_owned(), port)).or_insert_with(fresh))
        };
        match timeout(self.limits.turn, turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(OutboundError::Unreachable(format!("{host}: too many requests wait for it"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn a_host_whose_turns_are_taken_holds_up_no_other() {
        let limits = Limits { at_once: 2, turn: Duration::from_millis(20), ..Limits::SERVICE };
        let turns = Turns::new(limits);
        let first = turns.at("a.example", Some(443)).await.unwrap();
        let _second = turns.at("a.example", Some(443)).await.unwrap();
        assert!(matches!(turns.at("a.example", Some(443)).await, Err(OutboundError::Unreachable(_))));
        assert!(turns.at("b.example", Some(443)).await.is_ok());
        assert!(turns.at("a.example", Some(8443)).await.is_ok());
        drop(first);
        assert!(turns.at("a.example", Some(443)).await.is_ok());
    }

    #[tokio::test]
    async fn hosts_that_nobody_asks_are_forgotten_and_turns_that_are_taken_are_not() {
        let turns = Turns::new(Limits { at_once: 1, turn: Duration::from_millis(20), ..Limits::SERVICE });
        let _taken = turns.at("taken.example", None).await.unwrap();
        for number in 0..2 * MANY {
            drop(turns.at(&format!("{number}.example"), None).await.unwrap());
        }
        assert!(turns.hosts.lock().unwrap().len() <= MANY);
        assert!(turns.at("taken.example", None).await.is_err());
    }
}
