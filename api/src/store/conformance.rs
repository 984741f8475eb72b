//! What every event log must keep to, whichever database it is: one suite, run against each.

mod appending;
mod ground;
mod history;
mod reading;
mod silence;
mod tampering;

use super::{Appended, Ledger, StoreError};
use domain::{Actor, ActorType, Event, HelpdeskId, Metadata, Timestamp, Via};
use ground::Ground;

/// Runs each of a file's tests on each database, and clears up whether it passed or not.
macro_rules! on_every_log {
    ($($name:ident)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let ground = crate::store::conformance::Ground::sqlite();
                ground.clone().stand(super::$name(ground)).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let ground = crate::store::conformance::Ground::postgres().await;
                ground.clone().stand(super::$name(ground)).await;
            })*
        }
    };
}
use on_every_log;

fn desk() -> HelpdeskId {
    HelpdeskId::from("default")
}

fn meta(command: &str) -> Metadata {
    Metadata {
        command: command.to_owned(),
        index: 0,
        first: 0,
        last: 0,
        at: Timestamp::from_millis(1_700_000_000_123),
        actor: Actor {
            id: "acc_1".into(),
            kind: ActorType::Person,
            role: Some("owner".into()),
            personal: None,
            acting_for: None,
        },
        via: Via::Console,
        request: None,
        reason: Some("ünïcödé \u{0} \"quoted\"".into()),
        idempotency: None,
        prev: String::new(),
        hash: String::new(),
    }
}

/// Any event will do: the log does not judge.
fn said(reason: &str) -> Event {
    Event::LockoutAccepted { reason: reason.to_owned() }
}

fn created() -> Event {
    Event::HelpdeskCreated { name: "Acme".into(), url: None }
}

/// Appends upon what the ledger has in mind.
async fn append(ledger: &Ledger, helpdesk: &HelpdeskId, events: Vec<Event>) -> Result<Appended, StoreError> {
    let base = ledger.load(helpdesk).await?;
    let command = format!("c{}", base.state.version + 1);
    ledger.append(helpdesk, &base, events, meta(&command)).await
}

/// A stream of `length` events.
async fn grow(ledger: &Ledger, helpdesk: &HelpdeskId, length: usize) {
    append(ledger, helpdesk, vec![created()]).await.unwrap();
    for number in 1..length {
        append(ledger, helpdesk, vec![said(&number.to_string())]).await.unwrap();
    }
}
