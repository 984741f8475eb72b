//! A log in memory, filled by the real rules, and random wishes to fill it with.

use crate::facts::{Facts, FactsError};
use domain::metadata::Idempotency;
use domain::{
    Actor, ActorType, Audience, AuthConfig, Capabilities, Catalogue, Command, Display, Fault, Field, Fields,
    HelpdeskId, Metadata, Recorded, Rejection, Request, Sealed, Setting, Silent, SsoMode, Standing, Timestamp, Via,
};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

struct Kinds;

impl Catalogue for Kinds {
    fn capabilities(&self, kind: &str) -> Option<Capabilities> {
        let (display, sso, silent) = match kind {
            "deskpro" | "ldap" => (Display::Form, false, Silent::Never),
            "saml" => (Display::Button, true, Silent::IfSet(Field::setting("passive"))),
            "oidc" => (Display::Button, true, Silent::Always),
            "google" => (Display::Icon, false, Silent::Never),
            _ => return None,
        };
        Some(Capabilities { display, sso, silent, built_in: kind == "deskpro" })
    }

    fn invalid(&self, _: &str, _: Audience, _: &Fields) -> Vec<Fault> {
        Vec::new()
    }

    fn incomplete(&self, _: &str, _: Audience, _: &Fields) -> Vec<Fault> {
        Vec::new()
    }

    fn admits_anyone(&self, _: &str, _: &Fields) -> bool {
        false
    }
}

/// The helpdesk of tests that need but one.
pub(crate) fn helpdesk() -> HelpdeskId {
    HelpdeskId::new("default")
}

/// Streams of events, and the aggregates that made them.
#[derive(Default)]
pub(crate) struct Log(Mutex<BTreeMap<HelpdeskId, (AuthConfig, Vec<Recorded>)>>);

impl Log {
    /// A log with one helpdesk, its two `deskpro`, an admin, and `us_1` (saml) and `us_2` (oidc) for users.
    pub(crate) fn begun() -> Self {
        let log = Self::default();
        log.begin(&helpdesk());
        log
    }

    pub(crate) fn begin(&self, helpdesk: &HelpdeskId) {
        let install = |id: &str, kind: &str| Command::InstallUsersource {
            id: id.into(),
            kind: kind.into(),
            audience: Audience::Users,
            fields: [(Field::new(Field::TITLE), Setting::text(format!("Staff {kind}")))].into_iter().collect(),
        };
        let standing = Standing { admin: true, active: true, has_password: true };
        for command in [
            Command::CreateHelpdesk {
                name: format!("Help {helpdesk}"),
                url: None,
                users_deskpro: "dp_users".into(),
                agents_deskpro: "dp_agents".into(),
            },
            Command::SetStanding { account: "acc_0".into(), standing },
            install("us_1", "saml"),
            install("us_2", "oidc"),
        ] {
            self.done(helpdesk, command);
        }
    }

    /// The command succeeds; its events are in the log.
    pub(crate) fn done(&self, helpdesk: &HelpdeskId, command: Command) -> Vec<Recorded> {
        self.asked(helpdesk, command.clone()).unwrap_or_else(|refused| panic!("{command:?}: {refused:?}"))
    }

    /// The command is judged; its events, if any, are in the log.
    pub(crate) fn asked(&self, helpdesk: &HelpdeskId, command: Command) -> Result<Vec<Recorded>, Rejection> {
        let mut streams = self.0.lock().unwrap();
        let (state, stream) = streams.entry(helpdesk.clone()).or_default();
        let at = Timestamp::from_millis(1_800_000_000_000 + stream.len() as i64 * 1_000);
        let request = Request { commands: vec![command], at, accept_lockout: Some("a test".into()) };
        let events = state.decide(&request, &Kinds)?;
        let (first, last) = (state.version + 1, state.version + events.len() as u64);
        let recorded: Vec<_> = events
            .into_iter()
            .zip(0..)
            .map(|(event, index)| {
                state.evolve(&event);
                let metadata = metadata(first, last, index, at);
                Recorded { helpdesk: helpdesk.clone(), version: state.version, event, metadata }
            })
            .collect();
        stream.extend(recorded.clone());
        Ok(recorded)
    }

    pub(crate) fn state(&self, helpdesk: &HelpdeskId) -> AuthConfig {
        self.0.lock().unwrap().get(helpdesk).unwrap().0.clone()
    }

    pub(crate) fn events(&self, helpdesk: &HelpdeskId) -> Vec<Recorded> {
        self.0.lock().unwrap().get(helpdesk).map(|(_, events)| events.clone()).unwrap_or_default()
    }
}

fn metadata(first: u64, last: u64, index: u64, at: Timestamp) -> Metadata {
    Metadata {
        command: format!("c{first}"),
        index,
        first,
        last,
        at,
        actor: Actor {
            id: format!("acc_{}", first % 3),
            kind: ActorType::Person,
            role: Some("admin".into()),
            personal: Some("sealed personal words".into()),
            acting_for: None,
        },
        via: Via::Console,
        request: Some(format!("r{first}")),
        reason: first.is_multiple_of(2).then(|| format!("ticket{first}")),
        idempotency: Some(Idempotency { key: format!("k{}", first % 5), asked: format!("asked{first}") }),
        prev: String::new(),
        hash: format!("hash{first}.{index}"),
    }
}

impl Facts for Log {
    async fn events_after(&self, helpdesk: &HelpdeskId, after: u64, limit: u32) -> Result<Vec<Recorded>, FactsError> {
        Ok(self.events(helpdesk).into_iter().filter(|e| e.version > after).take(limit as usize).collect())
    }

    async fn helpdesks(&self, after: Option<&HelpdeskId>, limit: u32) -> Result<Vec<HelpdeskId>, FactsError> {
        let streams = self.0.lock().unwrap();
        let later = |id: &&HelpdeskId| after.is_none_or(|after| *id > after);
        Ok(streams.keys().filter(later).take(limit as usize).cloned().collect())
    }
}

type Done = Pin<Box<dyn Future<Output = Result<(), FactsError>> + Send>>;

/// A log during whose readings other things happen: after the events were read, before the reader has them.
pub(crate) struct Meanwhile<F> {
    log: Arc<Log>,
    readings: AtomicU32,
    happens: F,
}

impl<F: Fn(u32) -> Done + Send + Sync> Meanwhile<F> {
    /// `happens` is told the number of the reading, from 1.
    pub(crate) fn new(log: &Arc<Log>, happens: F) -> Self {
        Self { log: log.clone(), readings: AtomicU32::new(0), happens }
    }

    pub(crate) fn readings(&self) -> u32 {
        self.readings.load(Ordering::SeqCst)
    }
}

impl<F: Fn(u32) -> Done + Send + Sync> Facts for Meanwhile<F> {
    async fn events_after(&self, helpdesk: &HelpdeskId, after: u64, limit: u32) -> Result<Vec<Recorded>, FactsError> {
        let events = self.log.events_after(helpdesk, after, limit).await?;
        (self.happens)(self.readings.fetch_add(1, Ordering::SeqCst) + 1).await?;
        Ok(events)
    }

    async fn helpdesks(&self, after: Option<&HelpdeskId>, limit: u32) -> Result<Vec<HelpdeskId>, FactsError> {
        self.log.helpdesks(after, limit).await
    }
}

/// Numbers that stand for a command.
pub(crate) type Wish = (u8, u8, u8);

/// Random commands, many of which the rules refuse.
pub(crate) fn wishes(most: usize) -> impl Strategy<Value = Vec<Wish>> {
    proptest::collection::vec((0..12u8, 0..6u8, any::<u8>()), 1..most)
}

impl Log {
    /// Asks for what `wish` stands for.
    pub(crate) fn wished(&self, helpdesk: &HelpdeskId, (what, which, how): Wish) {
        let id: domain::UsersourceId =
            (*["us_1", "us_2", "us_3", "us_4", "dp_users", "dp_agents"].get(usize::from(which)).unwrap()).into();
        let audience = if how % 2 == 0 { Audience::Users } else { Audience::Agents };
        let field = ["title", "button_text", "settings.passive", "settings.secret"];
        let field = Field::new(*field.get(usize::from(how % 4)).unwrap());
        let sealed = Sealed { key: "k".into(), ciphertext: format!("c{how}"), fingerprint: format!("f{}", how / 16) };
        let value = match (field.as_str(), how / 4 % 4) {
            (_, 0) => None,
            ("settings.passive", n) => Some(Setting::flag(n == 1)),
            ("settings.secret", _) => Some(Setting::Sealed(sealed)),
            (_, n) => Some(Setting::text(format!("Text {n}"))),
        };
        let command = match what {
            0 | 1 => {
                let kind = ["saml", "oidc", "google", "ldap"].get(usize::from(how / 2 % 4)).unwrap();
                let passive = (Field::setting("passive"), Setting::flag(how > 99));
                Command::InstallUsersource {
                    id,
                    kind: (*kind).into(),
                    audience,
                    fields: [passive].into_iter().collect(),
                }
            }
            2 | 3 => Command::EnableUsersource { id },
            4 => Command::DisableUsersource { id, end_sessions: how % 3 == 0 },
            5 => Command::UninstallUsersource { id },
            6 | 7 => {
                let mode = [SsoMode::Off, SsoMode::Background, SsoMode::Automatic];
                Command::SetSso { id, mode: *mode.get(usize::from(how % 3)).unwrap() }
            }
            8 => {
                let mut usersources: Vec<_> = self.state(helpdesk).of(audience).map(|u| u.id.clone()).collect();
                let by = usize::from(how / 2) % usersources.len().max(1);
                usersources.rotate_left(by);
                Command::SetOrder { audience, usersources }
            }
            9 => {
                Command::ChangePolicy { audience, values: [("lockout_failures".to_owned(), i64::from(how) + 3)].into() }
            }
            10 if how % 2 == 0 => Command::ChangeHelpdesk {
                fields: [(Field::new("url"), (how > 64).then(|| Setting::text(format!("https://h{how}.example"))))]
                    .into(),
            },
            _ => Command::ChangeUsersource { id, fields: [(field, value)].into() },
        };
        let _ = self.asked(helpdesk, command);
    }
}

#[test]
fn random_wishes_make_histories_of_every_kind_of_event() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let seen = Mutex::new(std::collections::BTreeSet::new());
    runner
        .run(&wishes(60), |wishes| {
            let log = Log::begun();
            wishes.into_iter().for_each(|wish| log.wished(&helpdesk(), wish));
            seen.lock().unwrap().extend(log.events(&helpdesk()).iter().map(|e| e.event.name()));
            Ok(())
        })
        .unwrap();
    assert!(seen.lock().unwrap().len() >= 11, "{:?}", seen.lock().unwrap());
}
