//! The aggregate: a helpdesk's whole sign-in configuration.
//!
//! `decide` is pure: state, wish and catalogue in, facts or a refusal out. `evolve` is total: every fact that was
//! ever stored changes the state in the same way, whatever today's rules would say of it.

use crate::catalogue::Catalogue;
use crate::command::{Command, Request};
use crate::event::Event;
use crate::offer::Entry;
use crate::rejection::Rejection;
use crate::rules;
use crate::values::{
    AccountId, Audience, Field, Plain, Policy, Proof, Setting, SsoMode, Standing, Timestamp, Usersource, UsersourceId,
};
use cqrs_es::Aggregate;
use cqrs_es::event_sink::EventSink;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The state that the rules judge.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthConfig {
    /// How many events made it: the helpdesk's version.
    pub version: u64,
    /// What the helpdesk is called.
    pub name: String,
    /// Its own URL, if it has one (R0).
    pub url: Option<String>,
    /// Its usersources by audience, in the admins' order.
    pub usersources: Vec<Usersource>,
    /// What the lockout guard knows of accounts; those that mean nothing to it are not kept.
    pub standings: BTreeMap<AccountId, Standing>,
    /// Real sign-ins by admins (R40).
    pub proofs: BTreeSet<Proof>,
    /// The users' and the agents' policies.
    pub policies: BTreeMap<Audience, Policy>,
    /// The versions at which usersources' sessions were ended. A session that was made at an earlier version is over,
    /// whatever the clocks said when it was made (R28).
    pub sessions_ended: BTreeMap<UsersourceId, u64>,
}

impl AuthConfig {
    /// What cqrs-es calls this kind of stream.
    pub const STREAM_TYPE: &'static str = "auth_config";

    /// The usersource with this id.
    pub fn usersource(&self, id: &UsersourceId) -> Result<&Usersource, Rejection> {
        self.usersources.iter().find(|u| u.id == *id).ok_or_else(|| Rejection::UnknownUsersource(id.clone()))
    }

    /// One audience's usersources, in order.
    pub fn of(&self, audience: Audience) -> impl Iterator<Item = &Usersource> {
        self.usersources.iter().filter(move |u| u.audience == audience)
    }

    /// The audience's holder of single sign-on, if there is one (R10).
    pub fn sso_holder(&self, audience: Audience) -> Option<&Usersource> {
        self.of(audience).find(|u| u.sso != SsoMode::Off)
    }

    /// The audience's policy.
    pub fn policy(&self, audience: Audience) -> Policy {
        self.policies.get(&audience).copied().unwrap_or_default()
    }

    /// What the login pages depend on.
    pub fn entries(&self) -> Vec<Entry> {
        self.usersources
            .iter()
            .map(|u| Entry {
                id: u.id.clone(),
                kind: u.kind.clone(),
                audience: u.audience,
                display: u.capabilities.display,
                built_in: u.capabilities.built_in,
                title: u.title().to_owned(),
                button_text: u.fields.text(Field::BUTTON_TEXT).map(str::to_owned),
                enabled: u.enabled,
                sso: u.sso,
                silent: u.can_be_silent(),
            })
            .collect()
    }

    /// Whether some admin could sign in as things stand (R40).
    pub fn has_way_in(&self) -> bool {
        rules::lockout::has_way_in(self)
    }

    /// What `request` would make happen, or why not. Commands are judged one upon the other; the lockout guard judges
    /// the end alone.
    pub fn decide(&self, request: &Request, kinds: &dyn Catalogue) -> Result<Vec<Event>, Rejection> {
        let mut state = self.clone();
        let mut events = Vec::new();
        for command in &request.commands {
            for event in state.decide_one(command, request.at, kinds)? {
                state.evolve(&event);
                events.push(event);
            }
        }
        if events.is_empty() {
            return Err(Rejection::NothingToChange);
        }
        events.extend(rules::lockout::judge(self, &state, request.accept_lockout.as_deref())?);
        Ok(events)
    }

    fn decide_one(&self, command: &Command, at: Timestamp, kinds: &dyn Catalogue) -> Result<Vec<Event>, Rejection> {
        if let Command::CreateHelpdesk { name, url, users_deskpro, agents_deskpro } = command {
            return rules::helpdesk::create(self, kinds, name, url.as_deref(), users_deskpro, agents_deskpro);
        }
        if self.version == 0 {
            return Err(Rejection::Helpdesk { exists: false });
        }
        match command {
            Command::CreateHelpdesk { .. } => Err(Rejection::Helpdesk { exists: true }),
            Command::ChangeHelpdesk { fields } => rules::helpdesk::change(self, fields),
            Command::InstallUsersource { id, kind, audience, fields } => {
                rules::usersources::install(self, kinds, id, kind, *audience, fields)
            }
            Command::ChangeUsersource { id, fields } => rules::settings::change(self, kinds, id, fields),
            Command::EnableUsersource { id } => rules::usersources::enable(self, kinds, id),
            Command::DisableUsersource { id, end_sessions } => rules::usersources::disable(self, id, *end_sessions, at),
            Command::SetSso { id, mode } => rules::sso::set(self, id, *mode),
            Command::SetOrder { audience, usersources } => rules::order::set(self, *audience, usersources),
            Command::UninstallUsersource { id } => rules::usersources::uninstall(self, id),
            Command::SetStanding { account, standing } => rules::lockout::set_standing(self, account, *standing),
            Command::RecordProof { usersource, digest, account } => {
                rules::lockout::record_proof(self, usersource, digest, account)
            }
            Command::WithdrawProofs { usersource, account } => {
                rules::lockout::withdraw_proofs(self, usersource, account)
            }
            Command::ChangePolicy { audience, values } => rules::policies::change(self, *audience, values),
        }
    }

    /// Takes one fact in.
    pub fn evolve(&mut self, event: &Event) {
        self.version += 1;
        let version = self.version;
        match event {
            Event::HelpdeskCreated { name, url } => {
                self.name.clone_from(name);
                self.url.clone_from(url);
            }
            Event::HelpdeskChanged { changes } => {
                for change in changes {
                    match (change.field.as_str(), &change.after) {
                        ("name", Some(Setting::Plain(Plain::Text(name)))) => self.name.clone_from(name),
                        ("url", Some(Setting::Plain(Plain::Text(url)))) => self.url = Some(url.clone()),
                        ("url", None) => self.url = None,
                        _ => {}
                    }
                }
            }
            Event::UsersourceInstalled { usersource, capabilities, fields } => self.usersources.push(Usersource {
                id: usersource.id.clone(),
                kind: usersource.kind.clone(),
                audience: usersource.audience,
                capabilities: capabilities.clone(),
                fields: fields.clone(),
                enabled: false,
                sso: SsoMode::Off,
                sessions_valid_from: None,
                revision: version,
            }),
            Event::UsersourceChanged { usersource, changes } => self.touch(&usersource.id, |u| {
                for change in changes {
                    u.fields.set(change.field.clone(), change.after.clone());
                }
            }),
            Event::UsersourceEnabled { usersource } => self.touch(&usersource.id, |u| u.enabled = true),
            Event::UsersourceDisabled { usersource } => self.touch(&usersource.id, |u| u.enabled = false),
            Event::UsersourceUninstalled { usersource, .. } => {
                self.usersources.retain(|u| u.id != usersource.id);
                self.sessions_ended.remove(&usersource.id);
            }
            Event::SsoChanged { usersource, after, .. } => self.touch(&usersource.id, |u| u.sso = *after),
            Event::OrderChanged { after, .. } => {
                let place = |id: &UsersourceId| after.iter().position(|other| other == id);
                self.usersources.sort_by_key(|u| place(&u.id));
            }
            Event::SessionsEnded { usersource, after, .. } => {
                self.touch(&usersource.id, |u| u.sessions_valid_from = Some(*after));
                self.sessions_ended.insert(usersource.id.clone(), version);
            }
            Event::StandingChanged { account, after, .. } => {
                if *after == Standing::default() {
                    self.standings.remove(account);
                } else {
                    self.standings.insert(account.clone(), *after);
                }
            }
            Event::ProofRecorded { usersource, digest, account } => {
                self.proofs.insert(Proof {
                    usersource: usersource.id.clone(),
                    digest: digest.clone(),
                    account: account.clone(),
                });
            }
            Event::ProofsWithdrawn { usersource, account } => {
                self.proofs.retain(|proof| proof.usersource != usersource.id || proof.account != *account);
            }
            Event::PolicyChanged { audience, changes } => {
                let policy = self.policies.entry(*audience).or_default();
                changes.iter().for_each(|change| policy.apply(change));
            }
            Event::LockoutAccepted { .. } => {}
        }
    }

    fn touch(&mut self, id: &UsersourceId, change: impl FnOnce(&mut Usersource)) {
        let version = self.version;
        if let Some(usersource) = self.usersources.iter_mut().find(|u| u.id == *id) {
            change(usersource);
            usersource.revision = version;
        }
    }
}

/// cqrs-es's view of the same: it applies as it emits.
impl Aggregate for AuthConfig {
    const TYPE: &'static str = Self::STREAM_TYPE;
    type Command = Request;
    type Event = Event;
    type Error = Rejection;
    type Services = Arc<dyn Catalogue>;

    async fn handle(
        &mut self,
        command: Request,
        kinds: &Self::Services,
        sink: &EventSink<Self>,
    ) -> Result<(), Rejection> {
        for event in self.decide(&command, kinds.as_ref())? {
            sink.write(event, self).await;
        }
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        self.evolve(&event);
    }
}
