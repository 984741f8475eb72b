//! One installed usersource, and what R40 must know of admins and proofs.

use super::{AccountId, Audience, Field, Fields, SsoMode, Timestamp, UsersourceId};
use crate::catalogue::{Capabilities, Display, Silent};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Names a usersource in an event so that the event can be understood alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsersourceRef {
    /// Its id.
    pub id: UsersourceId,
    /// Its kind's slug.
    pub kind: String,
    /// Whom it serves.
    pub audience: Audience,
    /// Its title when the event happened.
    pub title: String,
}

/// One installed usersource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usersource {
    /// Its id, kind and audience never change.
    pub id: UsersourceId,
    /// Its kind's slug.
    pub kind: String,
    /// Whom it serves.
    pub audience: Audience,
    /// What its kind could do when it was installed: a replay never asks today's code.
    pub capabilities: Capabilities,
    /// Everything that can be set on it.
    pub fields: Fields,
    /// Whether visitors may sign in through it.
    pub enabled: bool,
    /// Its single sign-on mode.
    pub sso: SsoMode,
    /// Sessions made through it before this moment are over (R28).
    pub sessions_valid_from: Option<Timestamp>,
    /// The version at which it last changed.
    pub revision: u64,
}

impl Usersource {
    /// What it is called.
    pub fn title(&self) -> &str {
        self.fields.text(Field::TITLE).unwrap_or(&self.kind)
    }

    /// How an event names it.
    pub fn reference(&self) -> UsersourceRef {
        UsersourceRef {
            id: self.id.clone(),
            kind: self.kind.clone(),
            audience: self.audience,
            title: self.title().to_owned(),
        }
    }

    /// A hash over what decides whether a sign-in works: settings (secrets by fingerprint), filter, provisioning.
    /// Never title, button text or order, and a re-sealed secret leaves it as it was.
    pub fn sign_in_digest(&self) -> String {
        let deciding: BTreeMap<&str, serde_json::Value> = self
            .fields
            .iter()
            .filter(|(field, _)| field.decides_sign_in())
            .map(|(field, setting)| (field.as_str(), setting.shown()))
            .collect();
        let text = serde_json::json!({"kind": self.kind, "fields": deciding}).to_string();
        crate::chain::hex(&Sha256::digest(text))
    }

    /// Whether a visitor of its audience could reach it, given that nobody else is `automatic` there.
    pub fn is_offered(&self) -> bool {
        self.enabled
            && match self.capabilities.display {
                Display::Form | Display::Icon => true,
                Display::Button => self.sso != SsoMode::Off || self.fields.text(Field::BUTTON_TEXT).is_some(),
            }
    }

    /// Whether its protocol can try a sign-in without showing anything (R25).
    pub fn can_be_silent(&self) -> bool {
        match &self.capabilities.silent {
            Silent::Never => false,
            Silent::Always => true,
            Silent::IfSet(setting) => self.fields.flag(setting.as_str()),
        }
    }
}

/// What the lockout guard must know of an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// Its role is admin.
    pub admin: bool,
    /// It is not disabled.
    pub active: bool,
    /// It has a password of its own.
    pub has_password: bool,
}

/// A real sign-in through a usersource as it was configured then (R40, R42).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Through which usersource.
    pub usersource: UsersourceId,
    /// The sign-in digest it had.
    pub digest: String,
    /// Whose identity it was.
    pub account: AccountId,
}
