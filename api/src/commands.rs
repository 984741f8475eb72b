//! The one door through which a helpdesk's configuration changes.
//!
//! It hands the rules the kinds' catalogue, stamps who, when and why, and appends what they decide. A rival's append
//! in between costs a new look at the state, never a lost or a doubled change; a refusal is given only by a state that
//! was the newest when it was judged.

use crate::authenticators::Kinds;
use crate::idempotency::Ask;
use crate::store::{Ledger, Loaded, StoreError};
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate as _, AggregateError};
use domain::metadata::{Idempotency, Unreadable};
use domain::{
    Actor, AuthConfig, Catalogue, Command, Event, HelpdeskId, Metadata, Recorded, Rejection, Request, Timestamp, Via,
    subjects,
};
use projections::{Facts as _, FactsError, ProjectionError, Projector, audit_trail};
use std::sync::Arc;

/// So many rivals in a row, each appending in the moment between our look and our append, are an accident to report.
const RIVALS: usize = 64;

/// An idempotency key is remembered for so long, in seconds.
const KEY_LIFE: i64 = 86_400;

/// What somebody wants of a helpdesk, with all that decides whether it may be.
#[derive(Debug, Clone)]
pub struct Wish {
    /// Of which helpdesk.
    pub helpdesk: HelpdeskId,
    /// What, as one change.
    pub commands: Vec<Command>,
    /// Who.
    pub actor: Actor,
    /// How it came in.
    pub via: Via,
    /// The request's id.
    pub request: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The version that the caller has seen (R60, R62).
    pub if_match: Option<u64>,
    /// What makes a repeat recognisable (R60).
    pub ask: Option<Ask>,
    /// Whether the caller takes the risk that no admin can sign in, and may (R41).
    pub accept_lockout: bool,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Done {
    /// The helpdesk's version at the end of the change.
    pub version: u64,
    /// The change's events.
    pub events: Vec<Recorded>,
    /// The state that they made, or a newer one; absent where the answer was rebuilt from the ledger.
    pub newest: Option<Arc<Loaded>>,
}

/// What would come of it.
#[derive(Debug, Clone)]
pub struct Rehearsal {
    /// The helpdesk as it is.
    pub before: AuthConfig,
    /// As it would be.
    pub after: AuthConfig,
    /// By which events.
    pub events: Vec<Event>,
}

/// Why a wish did not come true. Nothing was appended, unless the store failed in the very moment of the append.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The rules say no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The caller has not seen what happened since (R60).
    #[error("version {seen} is not what this helpdesk is at any more; read what changed, then try again")]
    VersionMismatch {
        /// The version that the caller named.
        seen: u64,
        /// The version that there is.
        version: u64,
        /// What happened since, on the same subjects.
        since: Vec<Recorded>,
    },
    /// The key was used before, for something else (R60).
    #[error("this idempotency key was used for another request; use a new key for a new request")]
    IdempotencyMismatch,
    /// Others were faster, again and again.
    #[error("others changed this helpdesk at the same moment, again and again; try again")]
    Conflict,
    /// The store does not answer, or answers nonsense. Its words are for the log.
    #[error("the store does not answer; try again soon")]
    Store(#[source] StoreError),
    /// What was stored or is to be stored makes no sense. Its words are for the log.
    #[error("the store holds what this program cannot read")]
    Accident(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The read models do not answer. Their words are for the log.
    #[error("the read models do not answer; try again soon")]
    Projection(#[from] ProjectionError),
}

impl From<Unreadable> for CommandError {
    fn from(error: Unreadable) -> Self {
        Self::Accident(Box::new(error))
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FactsError> for CommandError {
    fn from(error: FactsError) -> Self {
        Self::Projection(error.into())
    }
}

/// The door.
#[derive(Clone)]
pub struct Commands {
    ledger: Arc<Ledger>,
    projector: Arc<Projector>,
    kinds: Arc<dyn Catalogue>,
}

impl Commands {
    /// A door to `ledger`, which asks `projector` only what was done under an idempotency key.
    pub fn new(ledger: Arc<Ledger>, projector: Arc<Projector>) -> Self {
        Self { ledger, projector, kinds: Arc::new(Kinds) }
    }

    /// Makes the wish come true, once.
    pub async fn execute(&self, wish: &Wish, now: Timestamp) -> Result<Done, CommandError> {
        let command_id = uuid::Uuid::now_v7().to_string();
        let mut base = self.ledger.load(&wish.helpdesk).await?;
        for _ in 0..RIVALS {
            if let Some(ask) = &wish.ask
                && let Some(done) = self.done_before(&wish.helpdesk, &wish.actor.id, ask, now).await?
            {
                return Ok(done);
            }
            match self.attempt(wish, &base, &command_id, now).await {
                Ok(done) => return Ok(done),
                Err(CommandError::Store(error @ (StoreError::Conflict | StoreError::Unavailable(_)))) => {
                    // A rival came first, or the answer was lost on its way. Only the log can say which.
                    let seen = base.state.version;
                    base = self.ledger.refresh(&wish.helpdesk).await?;
                    if let Some(events) = self.ledger.find_command(&wish.helpdesk, &command_id, seen).await? {
                        let version = events.last().map_or(seen, |event| event.version);
                        return Ok(Done { version, events, newest: Some(base) });
                    }
                    if matches!(error, StoreError::Unavailable(_)) {
                        return Err(error.into());
                    }
                }
                Err(refusal @ (CommandError::Rejected(_) | CommandError::VersionMismatch { .. })) => {
                    let newest = self.ledger.refresh(&wish.helpdesk).await?;
                    if newest.state.version == base.state.version {
                        return Err(refusal);
                    }
                    base = newest;
                }
                Err(accident) => return Err(accident),
            }
        }
        Err(CommandError::Conflict)
    }

    /// What `execute` would do now; nothing is appended.
    pub async fn rehearse(&self, wish: &Wish, now: Timestamp) -> Result<Rehearsal, CommandError> {
        let base = self.ledger.refresh(&wish.helpdesk).await?;
        self.check_version(wish, &base).await?;
        let events = base.state.decide(&request(wish, now), self.kinds.as_ref())?;
        let mut after = base.state.clone();
        events.iter().for_each(|event| after.evolve(event));
        Ok(Rehearsal { before: base.state.clone(), after, events })
    }

    async fn attempt(
        &self,
        wish: &Wish,
        base: &Arc<Loaded>,
        command_id: &str,
        now: Timestamp,
    ) -> Result<Done, CommandError> {
        self.check_version(wish, base).await?;
        let mut context = self.ledger.context(&wish.helpdesk, base);
        let sink = EventSink::default();
        cqrs_es::AggregateContext::aggregate(&mut context).handle(request(wish, now), &self.kinds, &sink).await?;
        let metadata = metadata(wish, command_id, now);
        let appended = self.ledger.commit_change(sink.collect().await, context, metadata).await?;
        let version = appended.loaded.state.version;
        Ok(Done { version, events: appended.recorded, newest: Some(appended.loaded) })
    }

    /// The answer to the same request of the same `actor` under the same key, rebuilt from the ledger (R60). A
    /// key is forgotten after a day.
    pub async fn done_before(
        &self,
        helpdesk: &HelpdeskId,
        actor: &str,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<Option<Done>, CommandError> {
        self.projector.catch_up(self.ledger.as_ref(), helpdesk).await?;
        let found = audit_trail::find_idempotent(&self.projector, helpdesk, actor, &ask.key).await?;
        let Some(found) = found.filter(|found| found.at.plus_seconds(KEY_LIFE) > now) else {
            return Ok(None);
        };
        if found.asked != ask.asked {
            return Err(CommandError::IdempotencyMismatch);
        }
        let count = u32::try_from(found.last - found.first + 1).unwrap_or(u32::MAX);
        let events = self.ledger.events_after(helpdesk, found.first - 1, count).await?;
        Ok(Some(Done { version: found.last, events, newest: None }))
    }

    /// R60, R62: what happened since the version that the caller has seen must not touch what it wants to change.
    async fn check_version(&self, wish: &Wish, base: &Loaded) -> Result<(), CommandError> {
        let Some(seen) = wish.if_match else { return Ok(()) };
        let version = base.state.version;
        if seen == version {
            return Ok(());
        }
        let mut since = Vec::new();
        let mut from = seen;
        while from < version {
            let page = self.ledger.events_after(&wish.helpdesk, from, 500).await?;
            let Some(last) = page.last() else { break };
            from = last.version;
            let touched = subjects(&wish.commands, &base.state);
            since.extend(page.into_iter().filter(|r| r.event.change().subjects.iter().any(|s| touched.contains(s))));
        }
        if since.is_empty() && seen < version {
            Ok(())
        } else {
            Err(CommandError::VersionMismatch { seen, version, since })
        }
    }
}

fn request(wish: &Wish, at: Timestamp) -> Request {
    let accepted = || wish.reason.clone().unwrap_or_default();
    Request { commands: wish.commands.clone(), at, accept_lockout: wish.accept_lockout.then(accepted) }
}

/// The store fills in what only it knows: the place in the stream and the chain.
fn metadata(wish: &Wish, command_id: &str, at: Timestamp) -> Metadata {
    Metadata {
        command: command_id.to_owned(),
        index: 0,
        first: 0,
        last: 0,
        at,
        actor: wish.actor.clone(),
        via: wish.via,
        request: wish.request.clone(),
        reason: wish.reason.clone(),
        idempotency: wish.ask.as_ref().map(|ask| Idempotency { key: ask.key.clone(), asked: ask.asked.clone() }),
        prev: String::new(),
        hash: String::new(),
    }
}

impl From<AggregateError<Rejection>> for CommandError {
    fn from(error: AggregateError<Rejection>) -> Self {
        match error {
            AggregateError::UserError(rejection) => Self::Rejected(rejection),
            AggregateError::AggregateConflict => Self::Store(StoreError::Conflict),
            AggregateError::DatabaseConnectionError(error) => Self::Store(StoreError::Unavailable(error.to_string())),
            AggregateError::DeserializationError(error) | AggregateError::UnexpectedError(error) => {
                Self::Accident(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{ActorType, Field, Setting};
    use projections::{Database, Durability};

    fn rename(name: &str, asked: &str) -> Wish {
        Wish {
            helpdesk: "h".into(),
            commands: vec![Command::ChangeHelpdesk {
                fields: [(Field::new("name"), Some(Setting::text(name)))].into(),
            }],
            actor: Actor { id: "acc_1".into(), kind: ActorType::Token, role: None, personal: None, acting_for: None },
            via: Via::Api,
            request: None,
            reason: None,
            if_match: None,
            ask: Some(Ask { key: "nightly".into(), asked: asked.into() }),
            accept_lockout: false,
        }
    }

    #[tokio::test]
    async fn r60_a_key_is_free_again_after_24_hours() {
        let folder = std::env::temp_dir().join(format!("gateledger-commands-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir_all(&folder).unwrap();
        let ledger = Arc::new(Ledger::open_sqlite(&folder.join("events.db")).await.unwrap());
        let database = Database::sqlite(&folder.join("read-models.db"), Durability::Disposable).await.unwrap();
        let commands = Commands::new(ledger, Arc::new(Projector::open(database).await.unwrap()));
        let create = Command::CreateHelpdesk {
            name: "Old".into(),
            url: None,
            users_deskpro: "us_1".into(),
            agents_deskpro: "us_2".into(),
        };
        let at = |seconds| Timestamp::from_millis(1_700_000_000_000).plus_seconds(seconds);
        commands.execute(&Wish { commands: vec![create], ask: None, ..rename("", "") }, at(0)).await.unwrap();

        let first = commands.execute(&rename("A", "a"), at(0)).await.unwrap();
        let within = commands.execute(&rename("A", "a"), at(KEY_LIFE - 1)).await.unwrap();
        assert_eq!((within.version, within.events.len()), (first.version, 1));
        let other = commands.execute(&rename("B", "b"), at(KEY_LIFE - 1)).await;
        assert!(matches!(other, Err(CommandError::IdempotencyMismatch)));
        let later = commands.execute(&rename("B", "b"), at(KEY_LIFE)).await.unwrap();
        assert_eq!(later.version, first.version + 1);
        let repeat = commands.execute(&rename("B", "b"), at(KEY_LIFE + 1)).await.unwrap();
        assert_eq!(repeat.version, later.version, "the newest under the key is what is repeated");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
